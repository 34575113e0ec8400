namespace EfficientConv.Dsl;

/// <summary>Where the bytes of a format's pixels are, and whether a span holds an image.</summary>
internal static class PixelRows
{
    /// <summary>Bytes of a pixel.</summary>
    internal static int BytesPerPixel(PixelFormat format) => format switch
    {
        PixelFormat.Rgb or PixelFormat.Bgr => 3,
        PixelFormat.Rgba or PixelFormat.Bgra => 4,
        PixelFormat.Gray => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "It is none of the pixel formats."),
    };

    /// <summary>Offset in a pixel of red, green or blue (0, 1, 2).</summary>
    internal static int Offset(PixelFormat format, int channel) => format switch
    {
        PixelFormat.Bgr or PixelFormat.Bgra => 2 - channel,
        PixelFormat.Gray => 0,
        _ => channel,
    };

    /// <summary>
    /// Throws unless <paramref name="length"/> bytes are an image. The bytes after the last row's pixels may be missing: cropped views of larger images end there.
    /// Without a <paramref name="network"/> it is the image to resize. Texts are made only where they are needed.
    /// </summary>
    internal static void Check(string? network, int length, PixelFormat format, int stride, int width, int height, string lengthName)
    {
        long row = (long)width * BytesPerPixel(format);
        if (stride < row)
            throw new ArgumentException($"The stride of {Subject(network)} must be at least {row} bytes ({width} pixels {format}), found {stride}.", nameof(stride));
        long least = ((height - 1L) * stride) + row, most = (long)height * stride;
        if (length < least || length > most)
        {
            string expected = least == most ? $"{most}" : $"{least} to {most}";
            throw new ArgumentException($"The pixels of {Subject(network)} must be {expected} bytes ({height} rows of {width} pixels {format}, {stride} bytes from row to row), found {length}.", lengthName);
        }
    }

    private static string Subject(string? network) => network is null ? "the image to resize" : $"the image for {network}";
}
