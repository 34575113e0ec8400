using System.Buffers.Binary;
using System.IO.Compression;

namespace EfficientConv.Dsl.Serving;

/// <summary>
/// PNG of every colour type and depth, also interlaced. Rows are inflated one at a time, so that no more memory is used than the header's size needs, whatever the data would
/// inflate to. Libraries that read all data first cannot promise that.
/// </summary>
internal static class PngReader
{
    private const int HeaderLength = 13;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    /// <summary>Where each of Adam7's passes begins, and its steps.</summary>
    private static ReadOnlySpan<(int X, int Y, int StepX, int StepY)> Passes => s_passes;

    private static readonly (int X, int Y, int StepX, int StepY)[] s_passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    public static bool IsPng(ReadOnlySpan<byte> file) => file.StartsWith(Signature);

    public static Picture Read(byte[] file, int maxPixels)
    {
        ReadOnlySpan<byte> header = default, palette = default;
        List<ArraySegment<byte>> data = [];
        for (int at = Signature.Length; at + 12 <= file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            if (length < 0 || length > file.Length - at - 12)
                throw new InvalidDataException($"a chunk says that it has {(uint)length} bytes, and {file.Length - at - 12} are left");
            ReadOnlySpan<byte> type = file.AsSpan(at + 4, 4);
            if (type.SequenceEqual("IHDR"u8))
                header = file.AsSpan(at + 8, length);
            else if (type.SequenceEqual("PLTE"u8))
                palette = file.AsSpan(at + 8, length);
            else if (type.SequenceEqual("IDAT"u8))
                data.Add(new ArraySegment<byte>(file, at + 8, length));
            else if (type.SequenceEqual("IEND"u8))
                break;
            at += 12 + length;
        }

        if (header.Length != HeaderLength)
            throw new InvalidDataException("it has no header");
        int width = BinaryPrimitives.ReadInt32BigEndian(header), height = BinaryPrimitives.ReadInt32BigEndian(header[4..]), depth = header[8], kind = header[9];
        bool isValid = (kind, depth) switch
        {
            (0, 1 or 2 or 4 or 8 or 16) or (3, 1 or 2 or 4 or 8) or (2 or 4 or 6, 8 or 16) => header[10] == 0 && header[11] == 0 && header[12] <= 1,
            _ => false,
        };
        if (!isValid)
            throw new InvalidDataException($"there is no PNG of colour type {kind} with {depth} bits, compression {header[10]}, filter {header[11]} and interlacing {header[12]}");
        Picture.CheckSize(width, height, maxPixels);
        Layout layout = new(kind, depth, palette);
        if (kind == 3 && palette.Length is 0 or > 768)
            throw new InvalidDataException("it has no palette");

        Picture picture = new(width, height, kind switch { 0 or 4 => PixelFormat.Gray, 6 => PixelFormat.Rgba, _ => PixelFormat.Rgb });
        try
        {
            using ZLibStream inflate = new(new SegmentStream(data), CompressionMode.Decompress);
            if (header[12] == 0)
            {
                ReadPass(inflate, picture, layout, (0, 0, 1, 1));
            }
            else
            {
                foreach ((int, int, int, int) pass in Passes)
                    ReadPass(inflate, picture, layout, pass);
            }

            return picture;
        }
        catch (EndOfStreamException exception)
        {
            picture.Dispose();
            throw new InvalidDataException($"its data end before its {width} x {height} pixels", exception);
        }
        catch
        {
            picture.Dispose();
            throw;
        }
    }

    private static void ReadPass(Stream inflate, Picture picture, Layout layout, (int X, int Y, int StepX, int StepY) pass)
    {
        int width = (picture.Width - pass.X + pass.StepX - 1) / pass.StepX, height = (picture.Height - pass.Y + pass.StepY - 1) / pass.StepY;
        if (width <= 0 || height <= 0)
            return;
        int length = (int)((((long)width * layout.BitsPerPixel) + 7) / 8);
        byte[] row = new byte[1 + length], above = new byte[1 + length];
        for (int y = 0; y < height; y++)
        {
            inflate.ReadExactly(row);
            Unfilter(row[0], row.AsSpan(1), above.AsSpan(1), Math.Max(1, layout.BitsPerPixel / 8));
            Span<byte> destination = picture.Pixels.Slice((pass.Y + (y * pass.StepY)) * picture.Stride, picture.Stride);
            layout.Unpack(row.AsSpan(1), destination[(pass.X * picture.BytesPerPixel)..], width, pass.StepX * picture.BytesPerPixel, picture.BytesPerPixel);
            (row, above) = (above, row);
        }
    }

    /// <summary>Undoes a row's prediction from the pixels at its left and above.</summary>
    private static void Unfilter(byte filter, Span<byte> row, ReadOnlySpan<byte> above, int step)
    {
        switch (filter)
        {
            case 0:
                break;
            case 1:
                for (int i = step; i < row.Length; i++)
                    row[i] += row[i - step];
                break;
            case 2:
                for (int i = 0; i < row.Length; i++)
                    row[i] += above[i];
                break;
            case 3:
                for (int i = 0; i < row.Length; i++)
                    row[i] += (byte)(((i >= step ? row[i - step] : 0) + above[i]) / 2);
                break;
            case 4:
                for (int i = 0; i < row.Length; i++)
                    row[i] += (byte)(i >= step ? Paeth(row[i - step], above[i], above[i - step]) : above[i]);
                break;
            default:
                throw new InvalidDataException($"there is no filter {filter}");
        }
    }

    /// <summary>Whichever neighbour is nearest to left + up - corner.</summary>
    private static int Paeth(int left, int up, int corner)
    {
        int fromLeft = Math.Abs(up - corner), fromUp = Math.Abs(left - corner), fromCorner = Math.Abs(left + up - (2 * corner));
        return fromLeft <= fromUp && fromLeft <= fromCorner ? left : fromUp <= fromCorner ? up : corner;
    }

    /// <summary>How the samples of a row lie in its bytes.</summary>
    private sealed class Layout(int kind, int depth, ReadOnlySpan<byte> palette)
    {
        private readonly byte[] _palette = palette.ToArray();

        private int Samples { get; } = kind switch { 0 or 3 => 1, 2 => 3, 4 => 2, _ => 4 };

        public int BitsPerPixel => Samples * depth;

        /// <summary>Writes a row's pixels; of 16 bits the upper 8, as Pillow takes them.</summary>
        public void Unpack(ReadOnlySpan<byte> row, Span<byte> destination, int width, int step, int bytesPerPixel)
        {
            int sampleBytes = depth / 8;
            for (int x = 0; x < width; x++)
            {
                Span<byte> pixel = destination.Slice(x * step, bytesPerPixel);
                if (depth >= 8 && kind != 3)
                {
                    for (int i = 0; i < pixel.Length; i++)
                        pixel[i] = row[((x * Samples) + i) * sampleBytes];
                    continue;
                }

                int bit = x * depth, value = (row[bit / 8] >> (8 - depth - (bit % 8))) & ((1 << depth) - 1);
                if (kind == 0)
                    pixel[0] = (byte)(value * 255 / ((1 << depth) - 1));
                else if ((value * 3) + 3 <= _palette.Length)
                    _palette.AsSpan(value * 3, 3).CopyTo(pixel);
                else
                    throw new InvalidDataException($"a pixel has colour {value} of a palette of {_palette.Length / 3}");
            }
        }
    }

    /// <summary>The data of several chunks, one after the other.</summary>
    private sealed class SegmentStream(List<ArraySegment<byte>> segments) : Stream
    {
        private int _segment;
        private int _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            while (_segment < segments.Count)
            {
                ReadOnlySpan<byte> left = segments[_segment].AsSpan(_position);
                if (left.IsEmpty)
                {
                    _segment++;
                    _position = 0;
                    continue;
                }

                int count = Math.Min(left.Length, buffer.Length);
                left[..count].CopyTo(buffer);
                _position += count;
                return count;
            }

            return 0;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
