using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Runtime;

// Functions with one constant per channel, over pixels whose channels lie side by side. They work on whole vectors: where
// the channels are no multiple of the lanes, up to 15 values after them are read and written, which every buffer has.
public static partial class Elementwise
{
    /// <summary>x if x &gt; 0, else slopes[c] * x, in place.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">Pixel p's channel c is at p * pixelStride + c.</param>
    /// <param name="slopes">One per channel, padded to 16.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixels">Pixels.</param>
    /// <param name="pixelStride">From one pixel to the next.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void PReLU<V>(ref float data, ref float slopes, int channels, int pixels, int pixelStride)
        where V : struct, ISimd<V>
    {
        for (int p = 0; p < pixels; p++)
        {
            ref float pixel = ref Unsafe.Add(ref data, (nint)p * pixelStride);
            for (int c = 0; c < channels; c += V.Lanes)
                V.Store(LeakyReLU(V.Load(ref pixel, c), V.Load(ref slopes, c)), ref pixel, c);
        }
    }

    /// <summary>destination = fma(data, scale[c], shift[c]): a batch norm on its own. Source and destination may be the same.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">Pixel p's channel c is at p * pixelStride + c.</param>
    /// <param name="destination">In the same layout.</param>
    /// <param name="scale">One per channel, padded to 16.</param>
    /// <param name="shift">One per channel, padded to 16.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixels">Pixels.</param>
    /// <param name="pixelStride">From one pixel to the next.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void ScaleShift<V>(
        ref float data, ref float destination, ref float scale, ref float shift, int channels, int pixels, int pixelStride)
        where V : struct, ISimd<V>
    {
        for (int p = 0; p < pixels; p++)
        {
            ref float source = ref Unsafe.Add(ref data, (nint)p * pixelStride);
            ref float target = ref Unsafe.Add(ref destination, (nint)p * pixelStride);
            for (int c = 0; c < channels; c += V.Lanes)
                V.Store(V.FusedMultiplyAdd(V.Load(ref source, c), V.Load(ref scale, c), V.Load(ref shift, c)), ref target, c);
        }
    }

    /// <summary>data * gate[c], in place.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">Pixel p's channel c is at p * pixelStride + c.</param>
    /// <param name="gate">One per channel, padded to 16.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixels">Pixels.</param>
    /// <param name="pixelStride">From one pixel to the next.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void ScaleChannels<V>(ref float data, ref float gate, int channels, int pixels, int pixelStride)
        where V : struct, ISimd<V>
    {
        for (int p = 0; p < pixels; p++)
        {
            ref float pixel = ref Unsafe.Add(ref data, (nint)p * pixelStride);
            for (int c = 0; c < channels; c += V.Lanes)
                V.Store(V.Multiply(V.Load(ref pixel, c), V.Load(ref gate, c)), ref pixel, c);
        }
    }

    /// <summary>destination = weights with row k of every panel times gate[k]: a gate of the input channels of a matrix product.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="weights">Panel after panel of <paramref name="rows"/> rows.</param>
    /// <param name="gate">One a row.</param>
    /// <param name="destination">In the same layout.</param>
    /// <param name="panels">Panels.</param>
    /// <param name="rows">Rows of a panel.</param>
    /// <param name="width">Floats of a row, a multiple of the lanes.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void ScaleRows<V>(ref float weights, ref float gate, ref float destination, int panels, int rows, int width)
        where V : struct, ISimd<V>
    {
        nint i = 0;
        for (int panel = 0; panel < panels; panel++)
        {
            for (int k = 0; k < rows; k++)
            {
                V factor = V.Create(Unsafe.Add(ref gate, k));
                for (nint end = i + width; i < end; i += V.Lanes)
                    V.Store(V.Multiply(V.Load(ref weights, i), factor), ref destination, i);
            }
        }
    }

    /// <summary>sums[c] += data[p][c] for p ascending, one chain of additions per channel.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">Pixel p's channel c is at p * pixelStride + c.</param>
    /// <param name="sums">One per channel, padded to 16.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixels">Pixels.</param>
    /// <param name="pixelStride">From one pixel to the next.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void AccumulateChannels<V>(ref float data, ref float sums, int channels, int pixels, int pixelStride)
        where V : struct, ISimd<V>
    {
        int c = 0;
        // Four chains at a time hide the latency of the additions.
        for (; c + (3 * V.Lanes) < channels; c += 4 * V.Lanes)
        {
            V sum0 = V.Load(ref sums, c);
            V sum1 = V.Load(ref sums, c + V.Lanes);
            V sum2 = V.Load(ref sums, c + (2 * V.Lanes));
            V sum3 = V.Load(ref sums, c + (3 * V.Lanes));
            for (int p = 0; p < pixels; p++)
            {
                ref float pixel = ref Unsafe.Add(ref data, ((nint)p * pixelStride) + c);
                sum0 = V.Add(sum0, V.Load(ref pixel, 0));
                sum1 = V.Add(sum1, V.Load(ref pixel, V.Lanes));
                sum2 = V.Add(sum2, V.Load(ref pixel, 2 * V.Lanes));
                sum3 = V.Add(sum3, V.Load(ref pixel, 3 * V.Lanes));
            }
            V.Store(sum0, ref sums, c);
            V.Store(sum1, ref sums, c + V.Lanes);
            V.Store(sum2, ref sums, c + (2 * V.Lanes));
            V.Store(sum3, ref sums, c + (3 * V.Lanes));
        }
        for (; c < channels; c += V.Lanes)
        {
            V sum = V.Load(ref sums, c);
            for (int p = 0; p < pixels; p++)
                sum = V.Add(sum, V.Load(ref data, ((nint)p * pixelStride) + c));
            V.Store(sum, ref sums, c);
        }
    }

    /// <summary>sums[c] = 0 plus every pixel's value for p ascending, one chain of additions per channel, over maps whose vectors of channels follow each other.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">Lane l of vector v of pixel p is at ((v * pixels) + p) * lanes + l.</param>
    /// <param name="sums">One per channel.</param>
    /// <param name="vectors">Vectors of channels.</param>
    /// <param name="pixels">Pixels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void SumChannels<V>(ref float data, ref float sums, int vectors, int pixels)
        where V : struct, ISimd<V>
    {
        nint map = (nint)pixels * V.Lanes;
        int v = 0;

        // Four chains at a time hide the latency of the additions; of what is left, two.
        for (; v + 4 <= vectors; v += 4)
        {
            V sum0 = V.Zero, sum1 = V.Zero, sum2 = V.Zero, sum3 = V.Zero;
            for (nint p = 0; p < map; p += V.Lanes)
            {
                sum0 = V.Add(sum0, V.Load(ref data, p));
                sum1 = V.Add(sum1, V.Load(ref data, p + map));
                sum2 = V.Add(sum2, V.Load(ref data, p + (2 * map)));
                sum3 = V.Add(sum3, V.Load(ref data, p + (3 * map)));
            }

            V.Store(sum0, ref sums, v * V.Lanes);
            V.Store(sum1, ref sums, (v + 1) * V.Lanes);
            V.Store(sum2, ref sums, (v + 2) * V.Lanes);
            V.Store(sum3, ref sums, (v + 3) * V.Lanes);
            data = ref Unsafe.Add(ref data, 4 * map);
        }

        for (; v + 2 <= vectors; v += 2)
        {
            V sum0 = V.Zero, sum1 = V.Zero;
            for (nint p = 0; p < map; p += V.Lanes)
            {
                sum0 = V.Add(sum0, V.Load(ref data, p));
                sum1 = V.Add(sum1, V.Load(ref data, p + map));
            }

            V.Store(sum0, ref sums, v * V.Lanes);
            V.Store(sum1, ref sums, (v + 1) * V.Lanes);
            data = ref Unsafe.Add(ref data, 2 * map);
        }

        if (v < vectors)
        {
            V sum = V.Zero;
            for (nint p = 0; p < map; p += V.Lanes)
                sum = V.Add(sum, V.Load(ref data, p));
            V.Store(sum, ref sums, v * V.Lanes);
        }
    }

    /// <summary>data * gate[c], in place, over maps whose vectors of channels follow each other.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">Lane l of vector v of pixel p is at ((v * pixels) + p) * lanes + l.</param>
    /// <param name="gate">One per channel.</param>
    /// <param name="vectors">Vectors of channels.</param>
    /// <param name="pixels">Pixels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void ScaleVectors<V>(ref float data, ref float gate, int vectors, int pixels)
        where V : struct, ISimd<V>
    {
        nint i = 0;
        for (int v = 0; v < vectors; v++)
        {
            V factor = V.Load(ref gate, v * V.Lanes);
            for (nint end = i + ((nint)pixels * V.Lanes); i < end; i += V.Lanes)
                V.Store(V.Multiply(V.Load(ref data, i), factor), ref data, i);
        }
    }

    /// <summary>sums[c] / pixelsTotal, in place.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="sums">One per channel, padded to 16.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixelsTotal">The divisor.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Mean<V>(ref float sums, int channels, int pixelsTotal)
        where V : struct, ISimd<V>
    {
        V divisor = V.Create(pixelsTotal);
        for (int c = 0; c < channels; c += V.Lanes)
            V.Store(V.Divide(V.Load(ref sums, c), divisor), ref sums, c);
    }

    /// <summary>data * other, into data; exactly <paramref name="count"/> values.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value, and where the product goes.</param>
    /// <param name="other">The first of the other values.</param>
    /// <param name="count">Values.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<V>(ref float data, ref float other, int count)
        where V : struct, ISimd<V>
    {
        int i = 0;
        for (; i <= count - V.Lanes; i += V.Lanes)
            V.Store(V.Multiply(V.Load(ref data, i), V.Load(ref other, i)), ref data, i);
        for (; i < count; i++)
            Unsafe.Add(ref data, i) *= Unsafe.Add(ref other, i);
    }

    /// <summary>data + other, into data; exactly <paramref name="count"/> values.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">The first value, and where the sum goes.</param>
    /// <param name="other">The first of the other values.</param>
    /// <param name="count">Values.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Add<V>(ref float data, ref float other, int count)
        where V : struct, ISimd<V>
    {
        int i = 0;
        for (; i <= count - V.Lanes; i += V.Lanes)
            V.Store(V.Add(V.Load(ref data, i), V.Load(ref other, i)), ref data, i);
        for (; i < count; i++)
            Unsafe.Add(ref data, i) += Unsafe.Add(ref other, i);
    }

    /// <summary>data[c] + other[c] into data, for the first channels of every pixel; data may have more.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="data">Pixel p's channel c is at p * pixelStride + c.</param>
    /// <param name="pixelStride">From one pixel to the next.</param>
    /// <param name="other">What is added.</param>
    /// <param name="otherStride">From one of its pixels to the next.</param>
    /// <param name="channels">Channels of the other.</param>
    /// <param name="pixels">Pixels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void AddChannels<V>(ref float data, int pixelStride, ref float other, int otherStride, int channels, int pixels)
        where V : struct, ISimd<V>
    {
        for (int p = 0; p < pixels; p++)
            Add<V>(ref Unsafe.Add(ref data, (nint)p * pixelStride), ref Unsafe.Add(ref other, (nint)p * otherStride), channels);
    }
}
