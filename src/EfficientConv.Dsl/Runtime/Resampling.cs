using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// Maps of other sizes, a row at a time, over pixels whose channels lie side by side. Positions are computed in single precision as PyTorch computes
/// them; sums run over rows, then columns, one chain per channel.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Resampling
{
    /// <summary>One row of <c>nearest</c> interpolation: output x is input min(floor(x * step), width - 1); a step of 1/2 is PyTorch's x &gt;&gt; 1.</summary>
    /// <param name="source">The map's first pixel.</param>
    /// <param name="sourceStride">From one pixel to the next.</param>
    /// <param name="height">Rows of the map.</param>
    /// <param name="width">Columns of the map.</param>
    /// <param name="row">The output row's first pixel.</param>
    /// <param name="rowStride">From one output pixel to the next.</param>
    /// <param name="outWidth">Columns of the output.</param>
    /// <param name="y">The output row.</param>
    /// <param name="rowStep">Input rows from one output row to the next.</param>
    /// <param name="columnStep">Input columns from one output column to the next.</param>
    /// <param name="channels">Channels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void NearestRow(
        ref float source, nint sourceStride, int height, int width, ref float row, nint rowStride, int outWidth, int y, float rowStep, float columnStep,
        int channels)
    {
        ref float from = ref Unsafe.Add(ref source, (nint)Nearest(y, rowStep, height) * width * sourceStride);
        for (int x = 0; x < outWidth; x++)
        {
            MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref from, Nearest(x, columnStep, width) * sourceStride), channels)
                .CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.Add(ref row, x * rowStride), channels));
        }
    }

    /// <summary>One row of <c>bilinear</c> interpolation.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="source">The map's first pixel; whole vectors are read.</param>
    /// <param name="sourceStride">From one pixel to the next.</param>
    /// <param name="height">Rows of the map.</param>
    /// <param name="width">Columns of the map.</param>
    /// <param name="row">The output row's first pixel; whole vectors are written.</param>
    /// <param name="rowStride">From one output pixel to the next.</param>
    /// <param name="outWidth">Columns of the output.</param>
    /// <param name="y">The output row.</param>
    /// <param name="rowStep">Input rows from one output row to the next.</param>
    /// <param name="columnStep">Input columns from one output column to the next.</param>
    /// <param name="alignCorners">Whether the corner pixels' centres fall onto each other; else the corners of the maps do.</param>
    /// <param name="channels">Channels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void BilinearRow<V>(
        ref float source, nint sourceStride, int height, int width, ref float row, nint rowStride, int outWidth, int y, float rowStep, float columnStep,
        bool alignCorners, int channels)
        where V : struct, ISimd<V>
    {
        (int top, int bottom, float low) = Between(y, rowStep, height, alignCorners);
        ref float upper = ref Unsafe.Add(ref source, (nint)top * width * sourceStride);
        ref float lower = ref Unsafe.Add(ref source, (nint)bottom * width * sourceStride);
        V belowFactor = V.Create(low), aboveFactor = V.Create(1f - low);
        for (int x = 0; x < outWidth; x++)
        {
            (int left, int right, float behind) = Between(x, columnStep, width, alignCorners);
            V rightFactor = V.Create(behind), leftFactor = V.Create(1f - behind);
            ref float to = ref Unsafe.Add(ref row, x * rowStride);
            for (int c = 0; c < channels; c += V.Lanes)
            {
                V above = V.FusedMultiplyAdd(rightFactor, V.Load(ref upper, (right * sourceStride) + c), V.Multiply(leftFactor, V.Load(ref upper, (left * sourceStride) + c)));
                V below = V.FusedMultiplyAdd(rightFactor, V.Load(ref lower, (right * sourceStride) + c), V.Multiply(leftFactor, V.Load(ref lower, (left * sourceStride) + c)));
                V.Store(V.FusedMultiplyAdd(belowFactor, below, V.Multiply(aboveFactor, above)), ref to, c);
            }
        }
    }

    /// <summary>One output row of a pixel shuffle: output (y * factor + i, x * factor + j), channel c, is channel c * factor^2 + i * factor + j of (y, x).</summary>
    /// <typeparam name="V">The vector; it decides the size of the in-register transposes.</typeparam>
    /// <param name="source">The map's first pixel.</param>
    /// <param name="sourceStride">From one pixel to the next.</param>
    /// <param name="width">Columns of the map.</param>
    /// <param name="row">The output row's first pixel.</param>
    /// <param name="rowStride">From one output pixel to the next.</param>
    /// <param name="y">The output row.</param>
    /// <param name="factor">Rows and columns out for each one in.</param>
    /// <param name="channels">Output channels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void PixelShuffleRow<V>(ref float source, nint sourceStride, int width, ref float row, nint rowStride, int y, int factor, int channels)
        where V : struct, ISimd<V>
    {
        // Each input pixel's channels of this row are a channels x factor matrix, to be transposed.
        ref float from = ref Unsafe.Add(ref source, ((nint)(y / factor) * width * sourceStride) + (y % factor * factor));
        for (int x = 0; x < width; x++)
            PixelLayout.Transpose<V>(ref Unsafe.Add(ref from, x * sourceStride), factor * factor, ref Unsafe.Add(ref row, x * factor * rowStride), rowStride, channels, factor);
    }

    /// <summary>
    /// One output row of a transposed convolution whose phases are planes: output (y * strideHeight + i, x * strideWidth + j), channel c, is value (y, x) of plane
    /// (i * strideWidth + j) * channels + c.
    /// </summary>
    /// <param name="planes">The first plane.</param>
    /// <param name="planeStep">From a plane to the next.</param>
    /// <param name="width">Columns of a plane.</param>
    /// <param name="row">The output row's first value.</param>
    /// <param name="channelStep">From a channel of the output to the next.</param>
    /// <param name="pixelStep">From an output pixel to the next.</param>
    /// <param name="y">The output row.</param>
    /// <param name="strideHeight">Output rows for each row of a plane.</param>
    /// <param name="strideWidth">Output columns for each column of a plane.</param>
    /// <param name="channels">Output channels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void PhaseRow(
        ref float planes, nint planeStep, int width, ref float row, nint channelStep, nint pixelStep, int y, int strideHeight, int strideWidth, int channels)
    {
        ref float first = ref Unsafe.Add(ref planes, ((nint)(y % strideHeight) * strideWidth * channels * planeStep) + ((nint)(y / strideHeight) * width));
        for (int c = 0; c < channels; c++)
        {
            ref float from = ref Unsafe.Add(ref first, c * planeStep);
            ref float to = ref Unsafe.Add(ref row, c * channelStep);
            if (strideWidth == 2 && pixelStep == 1)
            {
                TransposeTiles.Interleave(ref from, ref Unsafe.Add(ref from, channels * planeStep), ref to, width);
                continue;
            }

            for (int j = 0; j < strideWidth; j++)
            {
                for (int x = 0; x < width; x++)
                    Unsafe.Add(ref to, ((x * strideWidth) + j) * pixelStep) = Unsafe.Add(ref from, x);
                from = ref Unsafe.Add(ref from, channels * planeStep);
            }
        }
    }

    /// <summary>One row of adaptive average pooling.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="source">The map's first pixel; whole vectors are read.</param>
    /// <param name="sourceStride">From one pixel to the next.</param>
    /// <param name="height">Rows of the map.</param>
    /// <param name="width">Columns of the map.</param>
    /// <param name="row">The output row's first pixel; whole vectors are written.</param>
    /// <param name="rowStride">From one output pixel to the next.</param>
    /// <param name="outHeight">Rows of the output.</param>
    /// <param name="outWidth">Columns of the output.</param>
    /// <param name="y">The output row.</param>
    /// <param name="channels">Channels.</param>
    public static void AdaptiveAverageRow<V>(
        ref float source, nint sourceStride, int height, int width, ref float row, nint rowStride, int outHeight, int outWidth, int y, int channels)
        where V : struct, ISimd<V> =>
        AdaptiveRow<V>(ref source, sourceStride, height, width, ref row, rowStride, outHeight, outWidth, y, channels, isMaximum: false);

    /// <summary>One row of adaptive maximum pooling; NaN wins.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="source">The map's first pixel; whole vectors are read.</param>
    /// <param name="sourceStride">From one pixel to the next.</param>
    /// <param name="height">Rows of the map.</param>
    /// <param name="width">Columns of the map.</param>
    /// <param name="row">The output row's first pixel; whole vectors are written.</param>
    /// <param name="rowStride">From one output pixel to the next.</param>
    /// <param name="outHeight">Rows of the output.</param>
    /// <param name="outWidth">Columns of the output.</param>
    /// <param name="y">The output row.</param>
    /// <param name="channels">Channels.</param>
    public static void AdaptiveMaximumRow<V>(
        ref float source, nint sourceStride, int height, int width, ref float row, nint rowStride, int outHeight, int outWidth, int y, int channels)
        where V : struct, ISimd<V> =>
        AdaptiveRow<V>(ref source, sourceStride, height, width, ref row, rowStride, outHeight, outWidth, y, channels, isMaximum: true);

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void AdaptiveRow<V>(
        ref float source, nint sourceStride, int height, int width, ref float row, nint rowStride, int outHeight, int outWidth, int y, int channels,
        bool isMaximum)
        where V : struct, ISimd<V>
    {
        (int top, int bottom) = Window(y, height, outHeight);
        for (int x = 0; x < outWidth; x++)
        {
            (int left, int right) = Window(x, width, outWidth);
            ref float to = ref Unsafe.Add(ref row, x * rowStride);
            V divisor = V.Create((bottom - top) * (right - left));
            for (int c = 0; c < channels; c += V.Lanes)
            {
                V result = isMaximum ? V.Create(float.NegativeInfinity) : V.Zero;
                for (int inY = top; inY < bottom; inY++)
                {
                    for (int inX = left; inX < right; inX++)
                    {
                        V value = V.Load(ref source, ((((nint)inY * width) + inX) * sourceStride) + c);
                        result = isMaximum ? V.Maximum(result, value) : V.Add(result, value);
                    }
                }
                V.Store(isMaximum ? result : V.Divide(result, divisor), ref to, c);
            }
        }
    }

    private static (int From, int To) Window(int index, int input, int output) =>
        ((int)((long)index * input / output), (int)((((long)(index + 1) * input) + output - 1) / output));

    private static int Nearest(int index, float step, int length) => Math.Min((int)MathF.Floor(index * step), length - 1);

    // The two neighbours and how much of the second one there is. An axis that keeps its size has no second one.
    private static (int First, int Second, float Factor) Between(int index, float step, int length, bool alignCorners)
    {
        if (step == 1f)
            return (index, index, 0f);
        float position = alignCorners ? step * index : MathF.Max((step * (index + 0.5f)) - 0.5f, 0f);
        int first = Math.Min((int)position, length - 1);
        return (first, Math.Min(first + 1, length - 1), Math.Clamp(position - first, 0f, 1f));
    }
}
