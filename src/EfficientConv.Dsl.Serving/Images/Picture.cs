using System.Buffers;

namespace EfficientConv.Dsl.Serving;

/// <summary>A decoded picture: rows of pixels without a gap, in memory of the pool.</summary>
internal sealed class Picture : IDisposable
{
    private byte[]? _pixels;

    public Picture(int width, int height, PixelFormat format)
    {
        Width = width;
        Height = height;
        Format = format;
        _pixels = ArrayPool<byte>.Shared.Rent(checked(height * Stride));
    }

    public int Width { get; }

    public int Height { get; }

    public PixelFormat Format { get; }

    public int BytesPerPixel => Format switch { PixelFormat.Gray => 1, PixelFormat.Rgb => 3, _ => 4 };

    public int Stride => Width * BytesPerPixel;

    public Span<byte> Pixels => _pixels.AsSpan(0, Height * Stride);

    /// <summary>Decodes JPEG or PNG, whichever the first bytes say.</summary>
    /// <exception cref="InferenceException">It is neither, damaged, of a kind that is not supported, or larger than <paramref name="maxPixels"/>.</exception>
    public static Picture Decode(byte[] file, int maxPixels)
    {
        try
        {
            return PngReader.IsPng(file) ? PngReader.Read(file, maxPixels)
                : JpegReader.IsJpeg(file) ? JpegReader.Read(file, maxPixels)
                : throw new InferenceException(
                    InferenceError.InvalidArgument,
                    $"the picture is neither JPEG nor PNG ({file.Length} bytes, the first are {Convert.ToHexStringLower(file.AsSpan(0, Math.Min(8, file.Length)))})");
        }
        catch (Exception exception) when (exception is not (InferenceException or OutOfMemoryException))
        {
            // A decoder's exceptions for damaged files are of any type, null references among them.
            throw new InferenceException(InferenceError.InvalidArgument, $"the picture cannot be decoded: {exception.Message}", exception);
        }
    }

    /// <summary>Checks a size before any memory is claimed for it.</summary>
    public static void CheckSize(int width, int height, int maxPixels)
    {
        if (width < 1 || height < 1)
            throw new InvalidDataException($"it has {width} x {height} pixels");
        if ((long)width * height > maxPixels)
            throw new InferenceException(InferenceError.TooLarge, $"the picture has {width} x {height} pixels; at most {maxPixels} are taken");
    }

    public void Dispose()
    {
        if (_pixels is not null)
            ArrayPool<byte>.Shared.Return(_pixels);
        _pixels = null;
    }
}
