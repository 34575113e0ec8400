using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using EfficientConv.Dsl;

namespace MobileNetSample;

/// <summary>An 8-bit picture: rows one behind the other, without gaps. A real program would let SkiaSharp or ImageSharp decode.</summary>
internal sealed record Picture(int Width, int Height, PixelFormat Format, byte[] Pixels)
{
    private const int MaxSide = 1 << 15;

    /// <summary>Bytes that Deflate makes of one at most: a header alone must not claim memory that the data cannot fill.</summary>
    private const long MaxInflation = 1032;

    public int BytesPerPixel => Format switch { PixelFormat.Gray => 1, PixelFormat.Rgb => 3, _ => 4 };

    public int Stride => Width * BytesPerPixel;

    /// <summary>Reads a binary PPM or PGM, or a PNG of 8 bits a sample that is not interlaced.</summary>
    public static Picture Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        ReadOnlySpan<byte> png = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];
        try
        {
            return file.AsSpan().StartsWith(png) ? ReadPng(file) : file is [(byte)'P', (byte)'5' or (byte)'6', ..] ? ReadPnm(file) : throw new InvalidDataException("it is neither PNG nor binary PPM or PGM");
        }
        // Data that end too soon, and what the decompressor does not take (a dictionary that is not there), are IOExceptions.
        catch (Exception e) when (e is InvalidDataException or ArgumentOutOfRangeException or IndexOutOfRangeException or IOException)
        {
            throw new InvalidDataException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Colours that run across the picture and some rings, the same every time.</summary>
    public static Picture Synthetic(int width, int height)
    {
        byte[] pixels = new byte[width * height * 3];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                int dx = (2 * x) - width, dy = (2 * y) - height, ring = ((dx * dx) + (dy * dy)) / 400 % 96;
                int at = ((y * width) + x) * 3;
                pixels[at] = (byte)(255 * x / width);
                pixels[at + 1] = (byte)(255 * y / height);
                pixels[at + 2] = (byte)(80 + ring);
            }
        }

        return new Picture(width, height, PixelFormat.Rgb, pixels);
    }

    /// <summary>P5 or P6, width, height and 255 as decimal texts, one white space, the samples. A # begins a comment.</summary>
    private static Picture ReadPnm(byte[] file)
    {
        int at = 2;
        int width = Number(), height = Number(), most = Number();
        at++;
        PixelFormat format = file[1] == '6' ? PixelFormat.Rgb : PixelFormat.Gray;
        if (most != 255)
            throw new InvalidDataException($"samples of 0 to {most} are not supported, only 0 to 255");
        CheckSize(width, height, format == PixelFormat.Rgb ? 3 : 1, file.Length - at);
        Picture picture = Empty(width, height, format);
        file.AsSpan(at, picture.Pixels.Length).CopyTo(picture.Pixels);
        return picture;

        int Number()
        {
            while (char.IsWhiteSpace((char)file[at]) || file[at] == '#')
            {
                if (file[at] == '#')
                {
                    while (file[at] != '\n')
                        at++;
                }

                at++;
            }

            int start = at;
            while (char.IsAsciiDigit((char)file[at]))
                at++;
            string text = Encoding.ASCII.GetString(file, start, at - start);
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new InvalidDataException("its header is damaged");
        }
    }

    /// <summary>Chunks of length, type, data and checksum (which is left to the decompressor's own); IHDR, PLTE and IDAT matter.</summary>
    private static Picture ReadPng(byte[] file)
    {
        using MemoryStream compressed = new();
        ReadOnlySpan<byte> palette = default, header = default;
        for (int at = 8; at + 12 <= file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            ReadOnlySpan<byte> type = file.AsSpan(at + 4, 4), data = file.AsSpan(at + 8, length);
            if (type.SequenceEqual("IHDR"u8))
                header = data;
            else if (type.SequenceEqual("PLTE"u8))
                palette = data;
            else if (type.SequenceEqual("IDAT"u8))
                compressed.Write(data);
            at += 12 + length;
        }

        int width = BinaryPrimitives.ReadInt32BigEndian(header), height = BinaryPrimitives.ReadInt32BigEndian(header[4..]), kind = header[9];
        if (header[8] != 8 || header[12] != 0)
            throw new InvalidDataException("only 8 bits a sample without interlacing are supported");
        int samples = kind switch { 0 or 3 => 1, 2 => 3, 4 => 2, 6 => 4, _ => throw new InvalidDataException($"there is no colour type {kind}") };
        CheckSize(width, height, samples, compressed.Length * MaxInflation);
        byte[] rows = Unfilter(compressed, height, width * samples, samples);
        Picture picture = Empty(width, height, kind switch { 0 or 4 => PixelFormat.Gray, 6 => PixelFormat.Rgba, _ => PixelFormat.Rgb });
        for (int i = 0; i < width * height; i++)
        {
            ReadOnlySpan<byte> pixel = kind == 3 ? palette.Slice(rows[i] * 3, 3) : rows.AsSpan(i * samples, picture.BytesPerPixel);
            pixel.CopyTo(picture.Pixels.AsSpan(i * picture.BytesPerPixel));
        }

        return picture;
    }

    /// <summary>Inflates, and undoes each row's prediction from the pixels at its left and above.</summary>
    private static byte[] Unfilter(MemoryStream compressed, int height, int rowLength, int samples)
    {
        compressed.Position = 0;
        using ZLibStream inflate = new(compressed, CompressionMode.Decompress);
        byte[] rows = new byte[height * rowLength];
        for (int y = 0; y < height; y++)
        {
            int filter = inflate.ReadByte();
            Span<byte> row = rows.AsSpan(y * rowLength, rowLength);
            ReadOnlySpan<byte> above = y > 0 ? rows.AsSpan((y - 1) * rowLength, rowLength) : default;
            inflate.ReadExactly(row);
            for (int i = 0; i < rowLength; i++)
            {
                int left = i >= samples ? row[i - samples] : 0, up = y > 0 ? above[i] : 0, corner = y > 0 && i >= samples ? above[i - samples] : 0;
                row[i] += (byte)(filter switch
                {
                    0 => 0,
                    1 => left,
                    2 => up,
                    3 => (left + up) / 2,
                    4 => Paeth(left, up, corner),
                    _ => throw new InvalidDataException($"there is no filter {filter}"),
                });
            }
        }

        return rows;
    }

    /// <summary>Whichever neighbour is nearest to left + up - corner.</summary>
    private static int Paeth(int left, int up, int corner)
    {
        int fromLeft = Math.Abs(up - corner), fromUp = Math.Abs(left - corner), fromCorner = Math.Abs(left + up - (2 * corner));
        return fromLeft <= fromUp && fromLeft <= fromCorner ? left : fromUp <= fromCorner ? up : corner;
    }

    private static void CheckSize(int width, int height, int samples, long available)
    {
        const int MostSamples = 4;
        if (width is < 1 or > MaxSide || height is < 1 or > MaxSide || (long)width * height * MostSamples > Array.MaxLength)
            throw new InvalidDataException($"{width} x {height} pixels are not supported");
        if ((long)width * height * samples > available)
            throw new InvalidDataException($"its data are too short for {width} x {height} pixels");
    }

    private static Picture Empty(int width, int height, PixelFormat format)
    {
        Picture picture = new(width, height, format, []);
        return picture with { Pixels = new byte[picture.Stride * height] };
    }
}
