using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>Maps with rows and columns around them. Only copies: nothing but the named channels and pixels is read or written.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class MapPadding
{
    /// <summary>Over pixels whose channels lie side by side.</summary>
    /// <typeparam name="TEdge">What stands in the added rows and columns.</typeparam>
    /// <param name="source">The map's first pixel.</param>
    /// <param name="sourceStride">From one pixel to the next.</param>
    /// <param name="destination">The result's first pixel.</param>
    /// <param name="destinationStride">From one pixel of the result to the next.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="height">Rows of the map.</param>
    /// <param name="width">Columns of the map.</param>
    /// <param name="top">Rows above.</param>
    /// <param name="bottom">Rows below.</param>
    /// <param name="left">Columns to the left.</param>
    /// <param name="right">Columns to the right.</param>
    /// <param name="value">The constant, for <see cref="ConstantEdge"/>.</param>
    /// <param name="part">The thread's part of the rows.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Pixels<TEdge>(
        ref float source, nint sourceStride, ref float destination, nint destinationStride, int channels, int height, int width, int top, int bottom, int left, int right, float value,
        Part part)
        where TEdge : struct, IEdge
    {
        int outHeight = top + height + bottom, outWidth = left + width + right;
        for (int y = part.First(outHeight); y < part.End(outHeight); y++)
        {
            ref float row = ref Unsafe.Add(ref destination, y * outWidth * destinationStride);
            int fromRow = TEdge.Source(y - top, height);
            if (fromRow < 0)
            {
                FillPixels(ref row, destinationStride, channels, outWidth, value);
                continue;
            }

            ref float from = ref Unsafe.Add(ref source, fromRow * width * sourceStride);
            Columns<TEdge>(ref from, sourceStride, ref row, destinationStride, channels, width, 0, left, left, value);
            PixelLayout.CopyPixels(ref from, sourceStride, ref Unsafe.Add(ref row, left * destinationStride), destinationStride, channels, width);
            Columns<TEdge>(ref from, sourceStride, ref row, destinationStride, channels, width, left + width, outWidth, left, value);
        }
    }

    /// <summary>Over planes.</summary>
    /// <typeparam name="TEdge">What stands in the added rows and columns.</typeparam>
    /// <param name="source">The first plane.</param>
    /// <param name="destination">The result's first plane.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="height">Rows of the map.</param>
    /// <param name="width">Columns of the map.</param>
    /// <param name="top">Rows above.</param>
    /// <param name="bottom">Rows below.</param>
    /// <param name="left">Columns to the left.</param>
    /// <param name="right">Columns to the right.</param>
    /// <param name="value">The constant, for <see cref="ConstantEdge"/>.</param>
    /// <param name="part">The thread's part of the rows of all planes.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Planes<TEdge>(
        ref float source, ref float destination, int channels, int height, int width, int top, int bottom, int left, int right, float value, Part part)
        where TEdge : struct, IEdge
    {
        int outHeight = top + height + bottom, outWidth = left + width + right, rows = channels * outHeight;
        for (int unit = part.First(rows); unit < part.End(rows); unit++)
        {
            int channel = unit / outHeight, fromRow = TEdge.Source(unit - (channel * outHeight) - top, height);
            Span<float> row = MemoryMarshal.CreateSpan(ref Unsafe.Add(ref destination, (nint)unit * outWidth), outWidth);
            if (fromRow < 0)
            {
                row.Fill(value);
                continue;
            }

            ReadOnlySpan<float> from = MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref source, ((nint)(channel * height) + fromRow) * width), width);
            for (int x = 0; x < left; x++)
                row[x] = TEdge.Source(x - left, width) is >= 0 and var column ? from[column] : value;
            from.CopyTo(row[left..]);
            for (int x = left + width; x < outWidth; x++)
                row[x] = TEdge.Source(x - left, width) is >= 0 and var column ? from[column] : value;
        }
    }

    /// <summary>Columns <paramref name="first"/> to <paramref name="end"/> of a row of the result, which lie outside the map.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Columns<TEdge>(
        ref float from, nint sourceStride, ref float row, nint destinationStride, int channels, int width, int first, int end, int left, float value)
        where TEdge : struct, IEdge
    {
        for (int x = first; x < end; x++)
        {
            Span<float> pixel = MemoryMarshal.CreateSpan(ref Unsafe.Add(ref row, x * destinationStride), channels);
            if (TEdge.Source(x - left, width) is >= 0 and var column)
                MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref from, column * sourceStride), channels).CopyTo(pixel);
            else
                pixel.Fill(value);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FillPixels(ref float row, nint stride, int channels, int pixels, float value)
    {
        if (stride == channels)
        {
            MemoryMarshal.CreateSpan(ref row, channels * pixels).Fill(value);
            return;
        }

        for (int x = 0; x < pixels; x++)
            MemoryMarshal.CreateSpan(ref Unsafe.Add(ref row, x * stride), channels).Fill(value);
    }
}

/// <summary>Where the value of a row or column outside a map comes from.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IEdge
{
    /// <summary>The row or column whose value row or column <paramref name="index"/> has, inside the map its own; -1 for the constant.</summary>
    /// <param name="index">From minus the padding in front to the length plus the padding after.</param>
    /// <param name="length">Rows or columns of the map.</param>
    static abstract int Source(int index, int length);
}

/// <summary>One value stands outside.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct ConstantEdge : IEdge
{
    /// <inheritdoc/>
    public static int Source(int index, int length) => (uint)index < (uint)length ? index : -1;
}

/// <summary>The map is mirrored at its edge pixels, which are not repeated.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct ReflectEdge : IEdge
{
    /// <inheritdoc/>
    public static int Source(int index, int length) => index < 0 ? -index : index < length ? index : (2 * (length - 1)) - index;
}

/// <summary>The edge pixels stand outside.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct ReplicateEdge : IEdge
{
    /// <inheritdoc/>
    public static int Source(int index, int length) => Math.Clamp(index, 0, length - 1);
}
