using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>An 8-bit image that a network reads: pinned bytes and what each of them becomes. Valid during one call.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly unsafe struct ImageRows
{
    private readonly byte* _first;
    private readonly nint _stride;
    private readonly nint _pixelBytes;
    private readonly int _red;
    private readonly int _green;
    private readonly int _blue;
    private readonly float* _values;

    internal ImageRows(byte* first, PixelFormat format, int stride, ImageNormalization normalization)
    {
        _first = first;
        _stride = stride;
        _pixelBytes = PixelRows.BytesPerPixel(format);
        _red = PixelRows.Offset(format, 0);
        _green = PixelRows.Offset(format, 1);
        _blue = PixelRows.Offset(format, 2);
        _values = normalization.First;
    }

    /// <summary>A row's pixels, all channels of each together.</summary>
    /// <param name="row">The row.</param>
    /// <param name="destination">The first pixel.</param>
    /// <param name="pixelStride">Floats from a pixel to the next.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="pixels">Pixels of the row.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public void LoadRow(int row, ref float destination, nint pixelStride, int channels, int pixels)
    {
        byte* source = _first + (row * _stride);
        float* values = _values;
        nint step = _pixelBytes;
        if (channels == 1)
        {
            for (int p = 0; p < pixels; p++)
                Unsafe.Add(ref destination, p * pixelStride) = values[source[p * step]];
            return;
        }

        byte* red = source + _red, green = source + _green, blue = source + _blue;
        for (int p = 0; p < pixels; p++)
        {
            Unsafe.Add(ref destination, 0) = values[*red];
            Unsafe.Add(ref destination, 1) = values[ImageNormalization.Levels + *green];
            Unsafe.Add(ref destination, 2) = values[(2 * ImageNormalization.Levels) + *blue];
            destination = ref Unsafe.Add(ref destination, pixelStride);
            red += step;
            green += step;
            blue += step;
        }
    }

    /// <summary>Rows into planes, one a channel.</summary>
    /// <param name="firstRow">The first row.</param>
    /// <param name="endRow">The row after the last.</param>
    /// <param name="destination">The first value of the first plane.</param>
    /// <param name="planeStride">Floats from a plane to the next.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="width">Pixels of a row.</param>
    public void ToPlanes(int firstRow, int endRow, ref float destination, nint planeStride, int channels, int width)
    {
        for (int row = firstRow; row < endRow; row++)
            LoadPlanes(row, ref Unsafe.Add(ref destination, (nint)row * width), planeStride, channels, width);
    }

    /// <summary>A row's pixels, one channel after the other.</summary>
    /// <param name="row">The row.</param>
    /// <param name="destination">The first channel's first value.</param>
    /// <param name="channelStride">Floats from a channel to the next.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="pixels">Pixels of the row.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public void LoadPlanes(int row, ref float destination, nint channelStride, int channels, int pixels)
    {
        nint step = _pixelBytes;
        for (int c = 0; c < channels; c++)
        {
            byte* source = _first + (row * _stride) + (c == 0 ? _red : c == 1 ? _green : _blue);
            float* values = _values + (c * ImageNormalization.Levels);
            ref float to = ref Unsafe.Add(ref destination, c * channelStride);
            for (int p = 0; p < pixels; p++)
                Unsafe.Add(ref to, p) = values[source[p * step]];
        }
    }
}
