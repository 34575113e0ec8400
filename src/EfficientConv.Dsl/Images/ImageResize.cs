using System.Buffers;

namespace EfficientConv.Dsl;

/// <summary>
/// <c>Resize(shorterSide)</c> and <c>CenterCrop((cropHeight, cropWidth))</c> of torchvision on 8-bit images of one size, with the bits that torchvision gives for PIL
/// images: Pillow's bilinear filter, whose support grows with the reduction (antialiasing), in 22-bit fixed point, rounded to bytes after the horizontal pass
/// and again after the vertical one. (torchvision's path for tensors rounds once and differs by 1 in some bytes.) Only what lies in the crop is computed. An instance is
/// immutable and may be used by many threads at once; <see cref="Run"/> allocates nothing once warm.
/// </summary>
public sealed class ImageResize
{
    // Pillow's PRECISION_BITS: 32 bits without those of a byte and two in reserve.
    private const int Precision = 32 - 8 - 2;

    // More pixels in a row or column are surely a mistake; up to here no product of two sizes and taps overflows.
    private const int MaxSide = 1 << 20;

    private readonly Filter _horizontal;
    private readonly Filter _vertical;

    /// <summary>Prepares the filters.</summary>
    /// <param name="width">Columns of the images that come in.</param>
    /// <param name="height">Their rows.</param>
    /// <param name="shorterSide">The shorter side after the resize; the longer one becomes shorterSide * longer / shorter, rounded down.</param>
    /// <param name="cropWidth">Columns of the result, at most those of the resized image.</param>
    /// <param name="cropHeight">Rows of the result, at most those of the resized image.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A size is not positive or above 2^20, the longer side of the resized image is, the crop is larger than the resized image, or what is computed is larger than an array.
    /// </exception>
    public ImageResize(int width, int height, int shorterSide, int cropWidth, int cropHeight)
    {
        CheckSide(width, nameof(width));
        CheckSide(height, nameof(height));
        CheckSide(shorterSide, nameof(shorterSide));
        CheckSide(cropWidth, nameof(cropWidth));
        CheckSide(cropHeight, nameof(cropHeight));
        double longest = (double)((long)shorterSide * Math.Max(width, height)) / Math.Min(width, height);
        if (longest >= MaxSide + 1)
        {
            throw new ArgumentOutOfRangeException(
                nameof(shorterSide), shorterSide, $"The longer side of {width} x {height} pixels would become {longest:F0}; at most {MaxSide} is possible.");
        }

        int longer = (int)longest;
        (int resizedWidth, int resizedHeight) = width <= height ? (shorterSide, longer) : (longer, shorterSide);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cropWidth, resizedWidth);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cropHeight, resizedHeight);
        (SourceWidth, SourceHeight, Width, Height) = (width, height, cropWidth, cropHeight);
        _horizontal = new Filter(width, resizedWidth, Centre(resizedWidth, cropWidth), cropWidth);
        _vertical = new Filter(height, resizedHeight, Centre(resizedHeight, cropHeight), cropHeight);
        long between = (long)Math.Max(cropHeight, _vertical.EndInput - _vertical.FirstInput) * cropWidth * 3;
        if (between > Array.MaxLength)
        {
            throw new ArgumentOutOfRangeException(
                nameof(cropWidth), cropWidth,
                $"Resizing {width} x {height} pixels to {cropWidth} x {cropHeight} needs {between} bytes at once; at most {Array.MaxLength} are possible.");
        }

        static void CheckSide(int side, string name)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(side, 1, name);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(side, MaxSide, name);
        }

        // Python's round: halves go to the even neighbour.
        static int Centre(int size, int crop) => (int)Math.Round((size - crop) / 2.0, MidpointRounding.ToEven);
    }

    /// <summary>Columns of the images that come in.</summary>
    public int SourceWidth { get; }

    /// <summary>Rows of the images that come in.</summary>
    public int SourceHeight { get; }

    /// <summary>Columns of the result.</summary>
    public int Width { get; }

    /// <summary>Rows of the result.</summary>
    public int Height { get; }

    /// <summary>
    /// Resizes and crops one image. The result has no stride: <see cref="PixelFormat.Rgb"/> of <see cref="Width"/> * <see cref="Height"/> * 3 bytes, or
    /// <see cref="PixelFormat.Gray"/> of a third of that where the image is gray. A fourth byte is left out, as by PIL's <c>convert("RGB")</c>.
    /// </summary>
    /// <param name="pixels">The image.</param>
    /// <param name="format">Its format.</param>
    /// <param name="stride">Bytes from one of its rows to the next.</param>
    /// <param name="result">The bytes of the result; must not overlap the image.</param>
    /// <exception cref="ArgumentException">A length or the stride is wrong, or the spans overlap; nothing was written.</exception>
    public void Run(ReadOnlySpan<byte> pixels, PixelFormat format, int stride, Span<byte> result)
    {
        PixelRows.Check(null, pixels.Length, format, stride, SourceWidth, SourceHeight, nameof(pixels));
        int channels = format == PixelFormat.Gray ? 1 : 3, rowLength = Width * channels;
        if (result.Length != Height * rowLength)
            throw new ArgumentException($"The resized image must have {Height * rowLength} bytes ({Height} rows of {Width} pixels of {channels}), found {result.Length}.", nameof(result));
        if (pixels.Overlaps(result))
            throw new ArgumentException("The resized image must not overlap the image.", nameof(result));

        int first = _vertical.FirstInput, rows = _vertical.EndInput - first;
        byte[] between = ArrayPool<byte>.Shared.Rent(rows * rowLength);
        for (int y = 0; y < rows; y++)
            ResizeRow(pixels[((first + y) * stride)..], format, channels, between.AsSpan(y * rowLength, rowLength));
        for (int y = 0; y < Height; y++)
            ResizeColumns(between, first, y, rowLength, result.Slice(y * rowLength, rowLength));
        ArrayPool<byte>.Shared.Return(between);
    }

    private void ResizeRow(ReadOnlySpan<byte> source, PixelFormat format, int channels, Span<byte> row)
    {
        int step = PixelRows.BytesPerPixel(format);
        if (_horizontal.IsIdentity)
        {
            for (int x = 0; x < Width; x++)
            {
                for (int c = 0; c < channels; c++)
                    row[(x * channels) + c] = source[((_horizontal.Offset + x) * step) + PixelRows.Offset(format, c)];
            }

            return;
        }

        int red = PixelRows.Offset(format, 0), green = PixelRows.Offset(format, 1), blue = PixelRows.Offset(format, 2);
        for (int x = 0; x < Width; x++)
        {
            ReadOnlySpan<int> taps = _horizontal.Taps(x);
            ReadOnlySpan<byte> window = source[(_horizontal.First(x) * step)..];
            int sum0 = 1 << (Precision - 1), sum1 = sum0, sum2 = sum0;
            for (int k = 0; k < taps.Length; k++)
            {
                int pixel = k * step, tap = taps[k];
                sum0 += window[pixel + red] * tap;
                if (channels == 1)
                    continue;
                sum1 += window[pixel + green] * tap;
                sum2 += window[pixel + blue] * tap;
            }

            row[x * channels] = Round(sum0);
            if (channels == 1)
                continue;
            row[(x * channels) + 1] = Round(sum1);
            row[(x * channels) + 2] = Round(sum2);
        }
    }

    private void ResizeColumns(ReadOnlySpan<byte> rows, int firstRow, int y, int rowLength, Span<byte> result)
    {
        if (_vertical.IsIdentity)
        {
            rows.Slice(y * rowLength, rowLength).CopyTo(result);
            return;
        }

        ReadOnlySpan<int> taps = _vertical.Taps(y);
        ReadOnlySpan<byte> window = rows[((_vertical.First(y) - firstRow) * rowLength)..];
        for (int i = 0; i < rowLength; i++)
        {
            int sum = 1 << (Precision - 1);
            for (int k = 0; k < taps.Length; k++)
                sum += window[(k * rowLength) + i] * taps[k];
            result[i] = Round(sum);
        }
    }

    private static byte Round(int sum) => (byte)Math.Clamp(sum >> Precision, 0, 255);

    /// <summary>The taps of every output of one axis: Pillow's precompute_coeffs and normalize_coeffs_8bpc for the triangle.</summary>
    private sealed class Filter
    {
        private readonly int[] _first;
        private readonly int[] _count;
        private readonly int[] _taps;
        private readonly int _length;

        internal Filter(int input, int output, int offset, int count)
        {
            Offset = offset;
            IsIdentity = input == output;
            double scale = (double)input / output, support = Math.Max(scale, 1.0);
            _length = ((int)Math.Ceiling(support) * 2) + 1;
            _first = new int[count];
            _count = new int[count];
            _taps = new int[count * _length];
            Span<double> weights = new double[_length];
            for (int i = 0; i < count; i++)
            {
                double centre = (offset + i + 0.5) * scale, sum = 0;
                int first = Math.Max(0, (int)(centre - support + 0.5)), taps = Math.Min(input, (int)(centre + support + 0.5)) - first;
                for (int k = 0; k < taps; k++)
                {
                    weights[k] = Math.Max(0, 1 - Math.Abs((k + first - centre + 0.5) * (1.0 / support)));
                    sum += weights[k];
                }

                for (int k = 0; k < taps; k++)
                    _taps[(i * _length) + k] = (int)(0.5 + (weights[k] / sum * (1 << Precision)));
                (_first[i], _count[i]) = (first, taps);
            }

            // Pillow leaves out a pass that keeps the size.
            (FirstInput, EndInput) = IsIdentity ? (offset, offset + count) : (_first[0], _first[^1] + _count[^1]);
        }

        /// <summary>The first output's number.</summary>
        internal int Offset { get; }

        internal bool IsIdentity { get; }

        /// <summary>The first input that an output needs.</summary>
        internal int FirstInput { get; }

        /// <summary>The input after the last that an output needs.</summary>
        internal int EndInput { get; }

        internal int First(int output) => _first[output];

        internal ReadOnlySpan<int> Taps(int output) => _taps.AsSpan(output * _length, _count[output]);
    }
}
