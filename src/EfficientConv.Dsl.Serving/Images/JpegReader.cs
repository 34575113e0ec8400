using System.Buffers.Binary;
using JpegLibrary;

namespace EfficientConv.Dsl.Serving;

/// <summary>
/// JPEG with JpegLibrary: managed code without a native library, under the MIT licence, baseline and progressive. It trusts some of a file's numbers, so these are checked here
/// before it sees them: one frame, of a size that is taken, sampling factors that its arithmetic knows, passes over coefficients that a block has, and not so many of them that a
/// small file keeps a core busy for minutes.
/// </summary>
internal static class JpegReader
{
    /// <summary>More passes than any encoder makes; each goes over all pixels.</summary>
    private const int MaxScans = 64;

    public static bool IsJpeg(ReadOnlySpan<byte> file) => file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);

    public static Picture Read(byte[] file, int maxPixels)
    {
        (byte[] stripped, bool isRgb) = Strip(file, maxPixels);
        JpegDecoder decoder = new();
        decoder.SetInput(stripped);
        decoder.Identify();
        Picture picture = new(decoder.Width, decoder.Height, decoder.NumberOfComponents == 1 ? PixelFormat.Gray : PixelFormat.Rgb);
        try
        {
            // What a damaged file leaves out stays grey, and nothing of an earlier picture is in it.
            picture.Pixels.Fill(128);
            decoder.SetOutputWriter(new PixelWriter(picture));
            decoder.Decode();
            if (!isRgb && picture.Format == PixelFormat.Rgb)
                ToRgb(picture.Pixels);
            return picture;
        }
        catch
        {
            picture.Dispose();
            throw;
        }
    }

    /// <summary>The file without its comments and application data, where no decoder has anything to look for, once its structure is known to be sound.</summary>
    private static (byte[] File, bool IsRgb) Strip(byte[] file, int maxPixels)
    {
        MemoryStream kept = new(file.Length);
        kept.Write(file, 0, 2);
        bool hasFrame = false, isRgb = false;
        int at = 2;
        while (true)
        {
            if (at + 4 > file.Length || file[at] != 0xFF)
                throw new InvalidDataException($"expected a marker at byte {at}");
            byte marker = file[at + 1];
            if (marker == 0xFF)
            {
                at++;
                continue;
            }

            int length = BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(at + 2));
            if (length < 2 || length > file.Length - at - 2)
                throw new InvalidDataException($"the segment at byte {at} says that it has {length} bytes, and {file.Length - at - 2} are left");
            ReadOnlySpan<byte> segment = file.AsSpan(at + 4, length - 2);
            if (IsFrame(marker))
            {
                hasFrame = true;
                isRgb |= CheckFrame(marker, segment, maxPixels);
            }
            else if (marker == 0xEE && segment.Length >= 12 && segment.StartsWith("Adobe"u8))
            {
                isRgb |= segment[11] == 0;
            }

            if (marker == 0xDA)
                break;
            if (marker is not (>= 0xE0 and <= 0xEF or 0xFE))
                kept.Write(file, at, length + 2);
            at += length + 2;
        }

        if (!hasFrame)
            throw new InvalidDataException("it has no frame header");
        kept.Write(file, at, file.Length - at);
        byte[] stripped = kept.ToArray();
        int frames = 0, scans = 0;
        ReadOnlySpan<byte> rest = stripped;
        for (int i; (i = rest.IndexOf((byte)0xFF)) >= 0 && i + 1 < rest.Length; rest = rest[(i + 1)..])
        {
            frames += IsFrame(rest[i + 1]) ? 1 : 0;
            if (rest[i + 1] == 0xDA)
            {
                scans++;
                CheckScan(rest[(i + 2)..]);
            }
        }

        if (frames != 1)
            throw new InvalidDataException($"it has {frames} frames, expected one");
        if (scans > MaxScans)
            throw new InvalidDataException($"it has {scans} passes over its pixels, expected at most {MaxScans}");
        return (stripped, isRgb);
    }

    /// <summary>
    /// Checks a scan header: a block has coefficients 0 to 63, and the decoder writes those that a pass names without looking. In data that mark could only be read by accident:
    /// a byte of 255 is followed by 0 there.
    /// </summary>
    private static void CheckScan(ReadOnlySpan<byte> segment)
    {
        const int MostBits = 13;
        int length = segment.Length < 3 ? 0 : BinaryPrimitives.ReadUInt16BigEndian(segment);
        if (length > segment.Length || length < 6 || length != 6 + (2 * segment[2]))
            throw new InvalidDataException("a scan header is damaged");
        int first = segment[length - 3], last = segment[length - 2], high = segment[length - 1] >> 4, low = segment[length - 1] & 15;
        if (first > last || last > 63 || high > MostBits || low > MostBits)
            throw new InvalidDataException($"a pass has coefficients {first} to {last}, bits {high} to {low}; expected some of 0 to 63, and at most {MostBits} bits");
    }

    private static bool IsFrame(byte marker) => marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);

    /// <summary>Checks a frame header.</summary>
    /// <returns>Whether its components are red, green and blue by name.</returns>
    private static bool CheckFrame(byte marker, ReadOnlySpan<byte> frame, int maxPixels)
    {
        if (marker is not (0xC0 or 0xC1 or 0xC2))
            throw new InvalidDataException($"it is lossless, hierarchical or coded arithmetically (frame type {marker - 0xC0}), which is not supported");
        if (frame.Length < 6 || frame.Length != 6 + (3 * frame[5]))
            throw new InvalidDataException("its frame header is damaged");
        int components = frame[5];
        if (frame[0] != 8 || components is not (1 or 3))
            throw new InvalidDataException($"it has {components} components of {frame[0]} bits; expected 1 or 3 of 8 bits");
        Picture.CheckSize(BinaryPrimitives.ReadUInt16BigEndian(frame[3..]), BinaryPrimitives.ReadUInt16BigEndian(frame[1..]), maxPixels);
        for (int i = 0; i < components; i++)
        {
            int sampling = frame[7 + (3 * i)];
            if ((sampling >> 4) is not (1 or 2 or 4) || (sampling & 15) is not (1 or 2 or 4))
                throw new InvalidDataException($"its component {i} has the sampling factors {sampling >> 4} x {sampling & 15}; expected 1, 2 or 4");
        }

        return components == 3 && frame[6] == 'R' && frame[9] == 'G' && frame[12] == 'B';
    }

    /// <summary>JFIF's colours, in fixed point with 16 bits.</summary>
    private static void ToRgb(Span<byte> pixels)
    {
        const int Half = 1 << 15;
        for (int i = 0; i + 2 < pixels.Length; i += 3)
        {
            int y = (pixels[i] << 16) + Half, cb = pixels[i + 1] - 128, cr = pixels[i + 2] - 128;
            pixels[i] = Clamp(y + (91881 * cr));
            pixels[i + 1] = Clamp(y - (22554 * cb) - (46802 * cr));
            pixels[i + 2] = Clamp(y + (116130 * cb));
        }

        static byte Clamp(int value) => (byte)Math.Clamp(value >> 16, 0, 255);
    }

    /// <summary>Takes blocks of 8 x 8 samples of one component.</summary>
    private sealed class PixelWriter(Picture picture) : JpegBlockOutputWriter
    {
        public override void WriteBlock(ref short blockRef, int componentIndex, int x, int y)
        {
            ReadOnlySpan<short> block = System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpan(ref blockRef, 64);
            int step = picture.BytesPerPixel, columns = Math.Min(8, picture.Width - x), rows = Math.Min(8, picture.Height - y);
            if (componentIndex >= step)
                return;
            for (int row = 0; row < rows; row++)
            {
                if (columns <= 0)
                    return;
                Span<byte> destination = picture.Pixels[(((y + row) * picture.Stride) + (x * step) + componentIndex)..];
                for (int column = 0; column < columns; column++)
                    destination[column * step] = (byte)Math.Clamp((int)block[(row * 8) + column], 0, 255);
            }
        }
    }
}
