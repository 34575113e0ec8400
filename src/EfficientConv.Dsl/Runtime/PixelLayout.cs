using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// Moves values between layouts: planar (all pixels of a channel together, NCHW) and by pixel (all channels of a pixel
/// together, NHWC, with a stride that may leave room for padding). Nothing outside the named channels and pixels is read or
/// written.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PixelLayout
{
    /// <summary>destination[p * pixelStride + c] = source[c * planeStride + p].</summary>
    /// <typeparam name="V">The vector; it decides the size of the in-register transposes.</typeparam>
    /// <param name="source">The first plane.</param>
    /// <param name="planeStride">From one channel's plane to the next.</param>
    /// <param name="destination">The first pixel.</param>
    /// <param name="pixelStride">From one pixel to the next.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixels">Pixels.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FromPlanar<V>(
        ref float source, nint planeStride, ref float destination, nint pixelStride, int channels, int pixels)
        where V : struct, ISimd<V> => Transpose<V>(ref source, planeStride, ref destination, pixelStride, channels, pixels);

    /// <summary>destination[c * planeStride + p] = source[p * pixelStride + c].</summary>
    /// <typeparam name="V">The vector; it decides the size of the in-register transposes.</typeparam>
    /// <param name="source">The first pixel.</param>
    /// <param name="pixelStride">From one pixel to the next.</param>
    /// <param name="destination">The first plane.</param>
    /// <param name="planeStride">From one channel's plane to the next.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixels">Pixels.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ToPlanar<V>(
        ref float source, nint pixelStride, ref float destination, nint planeStride, int channels, int pixels)
        where V : struct, ISimd<V> => Transpose<V>(ref source, pixelStride, ref destination, planeStride, pixels, channels);

    /// <summary>Copies the channels of each pixel from one stride to another.</summary>
    /// <param name="source">The first pixel.</param>
    /// <param name="sourceStride">From one pixel to the next.</param>
    /// <param name="destination">The first pixel's copy.</param>
    /// <param name="destinationStride">From one copy to the next.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixels">Pixels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void CopyPixels(
        ref float source, nint sourceStride, ref float destination, nint destinationStride, int channels, int pixels)
    {
        if (sourceStride == channels && destinationStride == channels)
        {
            Copy(ref source, ref destination, channels * pixels);
            return;
        }
        for (int p = 0; p < pixels; p++)
            Copy(ref Unsafe.Add(ref source, p * sourceStride), ref Unsafe.Add(ref destination, p * destinationStride), channels);
    }

    /// <summary>Zeros in some channels of each pixel.</summary>
    /// <param name="destination">The first pixel's first such channel.</param>
    /// <param name="pixelStride">From one pixel to the next.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixels">Pixels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void ClearChannels(ref float destination, nint pixelStride, int channels, int pixels)
    {
        for (int p = 0; p < pixels; p++)
            MemoryMarshal.CreateSpan(ref Unsafe.Add(ref destination, p * pixelStride), channels).Clear();
    }

    /// <summary>
    /// Repeats every input channel for the output channels of its group, so that a grouped convolution reads one vector per
    /// input channel: destination[p][c][o] = source[p * sourceStride + o / outPerGroup * inPerGroup + c], 0 in pad lanes.
    /// </summary>
    /// <param name="source">The first pixel.</param>
    /// <param name="sourceStride">From one pixel to the next.</param>
    /// <param name="destination">pixels * inPerGroup * outPadded values.</param>
    /// <param name="groups">Groups.</param>
    /// <param name="inPerGroup">Input channels per group.</param>
    /// <param name="outPerGroup">Output channels per group.</param>
    /// <param name="outPadded">From one input channel's lanes to the next; at least groups * outPerGroup.</param>
    /// <param name="pixels">Pixels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void ReplicateLanes(
        ref float source, nint sourceStride, ref float destination, int groups, int inPerGroup, int outPerGroup, int outPadded, int pixels)
    {
        ref float target = ref destination;
        for (int p = 0; p < pixels; p++)
        {
            ref float pixel = ref Unsafe.Add(ref source, p * sourceStride);
            for (int c = 0; c < inPerGroup; c++)
            {
                int o = 0;
                for (int g = 0; g < groups; g++)
                {
                    float value = Unsafe.Add(ref pixel, (g * inPerGroup) + c);
                    for (int end = o + outPerGroup; o < end; o++)
                        Unsafe.Add(ref target, o) = value;
                }
                for (; o < outPadded; o++)
                    Unsafe.Add(ref target, o) = 0f;
                target = ref Unsafe.Add(ref target, outPadded);
            }
        }
    }

    /// <summary>Output channel j * groups + i is input channel i * (channels / groups) + j.</summary>
    /// <param name="source">The first pixel.</param>
    /// <param name="destination">The first pixel's result; not the source.</param>
    /// <param name="pixelStride">From one pixel to the next, in both.</param>
    /// <param name="channels">Channels, a multiple of the groups.</param>
    /// <param name="groups">Groups.</param>
    /// <param name="pixels">Pixels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void ShuffleChannels(ref float source, ref float destination, nint pixelStride, int channels, int groups, int pixels)
    {
        int perGroup = channels / groups;
        // Each pixel is a groups x perGroup matrix, to be transposed.
        for (int p = 0; p < pixels; p++)
        {
            ref float from = ref Unsafe.Add(ref source, p * pixelStride);
            ref float to = ref Unsafe.Add(ref destination, p * pixelStride);
            if (groups == 2)
                TransposeTiles.Interleave(ref from, ref Unsafe.Add(ref from, perGroup), ref to, perGroup);
            else
                Transpose<Simd128>(ref from, perGroup, ref to, groups, groups, perGroup);
        }
    }

    /// <summary>destination[p][2 * c] = first[p][c] and destination[p][2 * c + 1] = second[p][c].</summary>
    /// <typeparam name="V">The vector; it decides how many channels are interleaved at a time.</typeparam>
    /// <param name="first">The first pixel of one tensor.</param>
    /// <param name="firstStride">From one pixel to the next.</param>
    /// <param name="second">The first pixel of the other.</param>
    /// <param name="secondStride">From one pixel to the next.</param>
    /// <param name="destination">The first pixel's result; neither source.</param>
    /// <param name="destinationStride">From one pixel to the next.</param>
    /// <param name="channels">Channels of each source.</param>
    /// <param name="pixels">Pixels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void InterleaveChannels<V>(
        ref float first, nint firstStride, ref float second, nint secondStride, ref float destination, nint destinationStride, int channels, int pixels)
        where V : struct, ISimd<V>
    {
        for (int p = 0; p < pixels; p++)
        {
            ref float a = ref Unsafe.Add(ref first, p * firstStride);
            ref float b = ref Unsafe.Add(ref second, p * secondStride);
            ref float to = ref Unsafe.Add(ref destination, p * destinationStride);
            int done = typeof(V) == typeof(Simd512) ? TransposeTiles.Interleave16(ref a, ref b, ref to, channels) : 0;
            TransposeTiles.Interleave(ref Unsafe.Add(ref a, done), ref Unsafe.Add(ref b, done), ref Unsafe.Add(ref to, 2 * done), channels - done);
        }
    }

    // destination[column * destinationStride + row] = source[row * sourceStride + column]: whole tiles of the vector's size,
    // then the edges at the right and at the bottom with the next smaller one.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    internal static void Transpose<V>(
        ref float source, nint sourceStride, ref float destination, nint destinationStride, int rows, int columns)
        where V : struct, ISimd<V>
    {
        if (typeof(V) == typeof(Scalar4) || (typeof(V) == typeof(Simd128) && !TransposeTiles.Has4x4))
        {
            TransposeScalar(ref source, sourceStride, ref destination, destinationStride, rows, columns);
            return;
        }
        int wholeRows = rows - (rows % V.Lanes);
        int wholeColumns = columns - (columns % V.Lanes);
        TransposeWhole<V>(ref source, sourceStride, ref destination, destinationStride, wholeRows, wholeColumns);
        TransposeEdge<V>(
            ref Unsafe.Add(ref source, wholeColumns), sourceStride,
            ref Unsafe.Add(ref destination, wholeColumns * destinationStride), destinationStride,
            wholeRows, columns - wholeColumns);
        TransposeEdge<V>(
            ref Unsafe.Add(ref source, wholeRows * sourceStride), sourceStride,
            ref Unsafe.Add(ref destination, wholeRows), destinationStride,
            rows - wholeRows, columns);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void TransposeEdge<V>(
        ref float source, nint sourceStride, ref float destination, nint destinationStride, int rows, int columns)
        where V : struct, ISimd<V>
    {
        if (rows == 0 || columns == 0)
            return;
        if (typeof(V) == typeof(Simd512))
            Transpose<Simd256>(ref source, sourceStride, ref destination, destinationStride, rows, columns);
        else if (typeof(V) == typeof(Simd256))
            Transpose<Simd128>(ref source, sourceStride, ref destination, destinationStride, rows, columns);
        else
            TransposeScalar(ref source, sourceStride, ref destination, destinationStride, rows, columns);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void TransposeWhole<V>(
        ref float source, nint sourceStride, ref float destination, nint destinationStride, int rows, int columns)
        where V : struct, ISimd<V>
    {
        // Whole columns first where the destination's lines lie far apart: few streams are written at a time.
        if (destinationStride > sourceStride)
        {
            for (int column = 0; column < columns; column += V.Lanes)
            {
                for (int row = 0; row < rows; row += V.Lanes)
                    TransposeTile<V>(ref Unsafe.Add(ref source, (row * sourceStride) + column), sourceStride, ref Unsafe.Add(ref destination, (column * destinationStride) + row), destinationStride);
            }
            return;
        }
        for (int row = 0; row < rows; row += V.Lanes)
        {
            for (int column = 0; column < columns; column += V.Lanes)
                TransposeTile<V>(ref Unsafe.Add(ref source, (row * sourceStride) + column), sourceStride, ref Unsafe.Add(ref destination, (column * destinationStride) + row), destinationStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeTile<V>(ref float from, nint sourceStride, ref float to, nint destinationStride)
        where V : struct, ISimd<V>
    {
        if (typeof(V) == typeof(Simd512))
            TransposeTiles.Transpose16x16(ref from, sourceStride, ref to, destinationStride);
        else if (typeof(V) == typeof(Simd256))
            TransposeTiles.Transpose8x8(ref from, sourceStride, ref to, destinationStride);
        else
            TransposeTiles.Transpose4x4(ref from, sourceStride, ref to, destinationStride);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void TransposeScalar(
        ref float source, nint sourceStride, ref float destination, nint destinationStride, int rows, int columns)
    {
        for (int row = 0; row < rows; row++)
        {
            ref float from = ref Unsafe.Add(ref source, row * sourceStride);
            ref float to = ref Unsafe.Add(ref destination, row);
            for (int column = 0; column < columns; column++)
                Unsafe.Add(ref to, column * destinationStride) = Unsafe.Add(ref from, column);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(ref float source, ref float destination, int count) =>
        MemoryMarshal.CreateReadOnlySpan(ref source, count).CopyTo(MemoryMarshal.CreateSpan(ref destination, count));
}
