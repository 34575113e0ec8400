using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// Normalisation over groups of channels and all pixels, y = (x - mean) / sqrt(variance + eps) * weight + bias with the variance's divisor the count, as
/// <c>torch.nn.functional.group_norm</c>: the mean first, then the squared differences from it, then the result. Sums have one order whatever the vector and the threads.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class GroupNormalization
{
    // Sums over planes run in 64 chains, value i of a block in chain i % 64, and meet in one fixed tree; blocks keep them short.
    private const int Chains = 64;
    private const int Block = 64 * Chains;

    private const int MaxLanes = 16;

    /// <summary>
    /// Over pixels whose channels lie side by side. A row's sums are one chain for each channel, shared among threads row by row; every thread adds the rows, then the group's
    /// channels in double precision, for itself.
    /// </summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="source">The first pixel; whole vectors are read.</param>
    /// <param name="sourceStride">From one pixel to the next.</param>
    /// <param name="destination">The first pixel's result; whole vectors are written.</param>
    /// <param name="destinationStride">From one result to the next.</param>
    /// <param name="weight">One per channel, padded to 16; not read without <paramref name="affine"/>.</param>
    /// <param name="bias">One per channel, padded to 16; not read without <paramref name="affine"/>.</param>
    /// <param name="own">Memory of the thread for three values per channel, padded to 16.</param>
    /// <param name="rows">Memory of all threads for two values per row and channel, padded to 16.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="groups">Groups.</param>
    /// <param name="affine">Whether there are weight and bias.</param>
    /// <param name="part">The thread's part.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Pixels<V>(
        ref float source, nint sourceStride, ref float destination, nint destinationStride, ref float weight, ref float bias, ref float own, ref float rows, float eps,
        int channels, int height, int width, int groups, bool affine, Part part)
        where V : struct, ISimd<V>
    {
        int padded = (channels + MaxLanes - 1) / MaxLanes * MaxLanes, first = part.First(height), end = part.End(height);
        ref float means = ref own, scales = ref Unsafe.Add(ref own, padded), shifts = ref Unsafe.Add(ref own, 2 * padded);
        ref float squares = ref Unsafe.Add(ref rows, (nint)height * padded);
        for (int y = first; y < end; y++)
            SumRow<V>(ref Unsafe.Add(ref source, y * width * sourceStride), sourceStride, ref Unsafe.Add(ref rows, (nint)y * padded), channels, width);
        part.Barrier();
        SumRows<V>(ref rows, ref means, padded, height);
        GroupMeans(ref means, channels, padded, groups, (double)channels / groups * height * width);

        for (int y = first; y < end; y++)
            SumSquares<V>(ref Unsafe.Add(ref source, y * width * sourceStride), sourceStride, ref means, ref Unsafe.Add(ref squares, (nint)y * padded), channels, width);
        part.Barrier();
        SumRows<V>(ref squares, ref scales, padded, height);
        GroupMeans(ref scales, channels, padded, groups, (double)channels / groups * height * width);
        for (int c = 0; c < padded; c++)
        {
            float scale = (float)(1 / Math.Sqrt((double)Unsafe.Add(ref scales, c) + eps));
            Unsafe.Add(ref scales, c) = affine ? scale * Unsafe.Add(ref weight, c) : scale;
            Unsafe.Add(ref shifts, c) = affine ? Unsafe.Add(ref bias, c) : 0;
        }

        for (int p = first * width; p < end * width; p++)
        {
            ref float pixel = ref Unsafe.Add(ref source, p * sourceStride);
            ref float result = ref Unsafe.Add(ref destination, p * destinationStride);
            for (int c = 0; c < channels; c += V.Lanes)
                V.Store(V.FusedMultiplyAdd(V.Subtract(V.Load(ref pixel, c), V.Load(ref means, c)), V.Load(ref scales, c), V.Load(ref shifts, c)), ref result, c);
        }
    }

    /// <summary>Over planes: a group's planes follow each other. Threads share the groups.</summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="source">The first plane.</param>
    /// <param name="destination">The first plane's result; not the source.</param>
    /// <param name="weight">One per channel; not read without <paramref name="affine"/>.</param>
    /// <param name="bias">One per channel; not read without <paramref name="affine"/>.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixels">Pixels of a plane.</param>
    /// <param name="groups">Groups.</param>
    /// <param name="affine">Whether there are weight and bias.</param>
    /// <param name="part">The thread's part.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Planes<V>(
        ref float source, ref float destination, ref float weight, ref float bias, float eps, int channels, int pixels, int groups, bool affine, Part part)
        where V : struct, ISimd<V>
    {
        int each = channels / groups, count = each * pixels;
        for (int g = part.First(groups); g < part.End(groups); g++)
        {
            ref float group = ref Unsafe.Add(ref source, (nint)g * count);
            float mean = (float)(SumPlane<V>(ref group, count) / count);
            float scale = (float)(1 / Math.Sqrt((SumPlaneSquares<V>(ref group, count, mean) / count) + eps));
            for (int c = g * each; c < (g + 1) * each; c++)
            {
                Scale<V>(
                    ref Unsafe.Add(ref source, (nint)c * pixels), ref Unsafe.Add(ref destination, (nint)c * pixels), pixels, mean,
                    affine ? scale * Unsafe.Add(ref weight, c) : scale, affine ? Unsafe.Add(ref bias, c) : 0);
            }
        }
    }

    /// <summary>sums[c] = the row's values of channel c, one chain for each.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void SumRow<V>(ref float row, nint stride, ref float sums, int channels, int width)
        where V : struct, ISimd<V>
    {
        MemoryMarshal.CreateSpan(ref sums, (channels + MaxLanes - 1) / MaxLanes * MaxLanes).Clear();
        Elementwise.AccumulateChannels<V>(ref row, ref sums, channels, width, (int)stride);
    }

    /// <summary>squares[c] = the squared differences of the row's values of channel c from means[c], one chain for each.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void SumSquares<V>(ref float row, nint stride, ref float means, ref float squares, int channels, int width)
        where V : struct, ISimd<V>
    {
        int c = 0;

        // Four chains at a time hide the latency of the multiply-adds.
        for (; c + (3 * V.Lanes) < channels; c += 4 * V.Lanes)
        {
            V mean0 = V.Load(ref means, c), mean1 = V.Load(ref means, c + V.Lanes), mean2 = V.Load(ref means, c + (2 * V.Lanes)), mean3 = V.Load(ref means, c + (3 * V.Lanes));
            V sum0 = V.Zero, sum1 = V.Zero, sum2 = V.Zero, sum3 = V.Zero;
            for (int x = 0; x < width; x++)
            {
                ref float pixel = ref Unsafe.Add(ref row, (x * stride) + c);
                V d0 = V.Subtract(V.Load(ref pixel, 0), mean0), d1 = V.Subtract(V.Load(ref pixel, V.Lanes), mean1);
                V d2 = V.Subtract(V.Load(ref pixel, 2 * V.Lanes), mean2), d3 = V.Subtract(V.Load(ref pixel, 3 * V.Lanes), mean3);
                sum0 = V.FusedMultiplyAdd(d0, d0, sum0);
                sum1 = V.FusedMultiplyAdd(d1, d1, sum1);
                sum2 = V.FusedMultiplyAdd(d2, d2, sum2);
                sum3 = V.FusedMultiplyAdd(d3, d3, sum3);
            }

            V.Store(sum0, ref squares, c);
            V.Store(sum1, ref squares, c + V.Lanes);
            V.Store(sum2, ref squares, c + (2 * V.Lanes));
            V.Store(sum3, ref squares, c + (3 * V.Lanes));
        }

        for (; c < channels; c += V.Lanes)
        {
            V mean = V.Load(ref means, c), sum = V.Zero;
            for (int x = 0; x < width; x++)
            {
                V difference = V.Subtract(V.Load(ref row, (x * stride) + c), mean);
                sum = V.FusedMultiplyAdd(difference, difference, sum);
            }

            V.Store(sum, ref squares, c);
        }
    }

    /// <summary>totals[c] = the rows' sums of channel c, from the top down.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void SumRows<V>(ref float rows, ref float totals, int padded, int height)
        where V : struct, ISimd<V>
    {
        for (int c = 0; c < padded; c += V.Lanes)
        {
            V total = V.Load(ref rows, c);
            for (int y = 1; y < height; y++)
                total = V.Add(total, V.Load(ref rows, ((nint)y * padded) + c));
            V.Store(total, ref totals, c);
        }
    }

    /// <summary>Sums of channels to the mean of each one's group, in place; lanes after the last channel become 0.</summary>
    private static void GroupMeans(ref float sums, int channels, int padded, int groups, double count)
    {
        int each = channels / groups;
        for (int first = 0; first < channels; first += each)
        {
            Span<float> group = MemoryMarshal.CreateSpan(ref Unsafe.Add(ref sums, first), each);
            double total = 0;
            foreach (float sum in group)
                total += sum;
            group.Fill((float)(total / count));
        }

        MemoryMarshal.CreateSpan(ref Unsafe.Add(ref sums, channels), padded - channels).Clear();
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static double SumPlane<V>(ref float data, int count)
        where V : struct, ISimd<V>
    {
        Span<float> chains = stackalloc float[Chains];
        ref float firstChain = ref MemoryMarshal.GetReference(chains);
        double total = 0;
        for (int start = 0; start < count; start += Block)
        {
            ref float block = ref Unsafe.Add(ref data, start);
            int length = Math.Min(Block, count - start), whole = length - (length % Chains);
            chains.Clear();
            MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref block, whole), length - whole).CopyTo(chains);
            for (int j = 0; j < MaxLanes; j += V.Lanes)
            {
                V sum0 = V.Load(ref firstChain, j), sum1 = V.Load(ref firstChain, j + 16), sum2 = V.Load(ref firstChain, j + 32), sum3 = V.Load(ref firstChain, j + 48);
                for (int i = j; i < whole; i += Chains)
                {
                    sum0 = V.Add(sum0, V.Load(ref block, i));
                    sum1 = V.Add(sum1, V.Load(ref block, i + 16));
                    sum2 = V.Add(sum2, V.Load(ref block, i + 32));
                    sum3 = V.Add(sum3, V.Load(ref block, i + 48));
                }

                V.Store(sum0, ref firstChain, j);
                V.Store(sum1, ref firstChain, j + 16);
                V.Store(sum2, ref firstChain, j + 32);
                V.Store(sum3, ref firstChain, j + 48);
            }

            total += Total(ref firstChain);
        }

        return total;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static double SumPlaneSquares<V>(ref float data, int count, float mean)
        where V : struct, ISimd<V>
    {
        Span<float> chains = stackalloc float[Chains];
        ref float firstChain = ref MemoryMarshal.GetReference(chains);
        V means = V.Create(mean);
        double total = 0;
        for (int start = 0; start < count; start += Block)
        {
            ref float block = ref Unsafe.Add(ref data, start);
            int length = Math.Min(Block, count - start), whole = length - (length % Chains);

            // Where the block ends the mean stands, whose difference is 0.
            chains.Fill(mean);
            MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref block, whole), length - whole).CopyTo(chains);
            for (int j = 0; j < MaxLanes; j += V.Lanes)
            {
                V d0 = V.Subtract(V.Load(ref firstChain, j), means), d1 = V.Subtract(V.Load(ref firstChain, j + 16), means);
                V d2 = V.Subtract(V.Load(ref firstChain, j + 32), means), d3 = V.Subtract(V.Load(ref firstChain, j + 48), means);
                V sum0 = V.Multiply(d0, d0), sum1 = V.Multiply(d1, d1), sum2 = V.Multiply(d2, d2), sum3 = V.Multiply(d3, d3);
                for (int i = j; i < whole; i += Chains)
                {
                    d0 = V.Subtract(V.Load(ref block, i), means);
                    d1 = V.Subtract(V.Load(ref block, i + 16), means);
                    d2 = V.Subtract(V.Load(ref block, i + 32), means);
                    d3 = V.Subtract(V.Load(ref block, i + 48), means);
                    sum0 = V.FusedMultiplyAdd(d0, d0, sum0);
                    sum1 = V.FusedMultiplyAdd(d1, d1, sum1);
                    sum2 = V.FusedMultiplyAdd(d2, d2, sum2);
                    sum3 = V.FusedMultiplyAdd(d3, d3, sum3);
                }

                V.Store(sum0, ref firstChain, j);
                V.Store(sum1, ref firstChain, j + 16);
                V.Store(sum2, ref firstChain, j + 32);
                V.Store(sum3, ref firstChain, j + 48);
            }

            total += Total(ref firstChain);
        }

        return total;
    }

    /// <summary>destination = fma(source - mean, scale, shift), exactly <paramref name="count"/> values; the last ones through a full vector, by the same operations.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Scale<V>(ref float source, ref float destination, int count, float mean, float scale, float shift)
        where V : struct, ISimd<V>
    {
        V means = V.Create(mean), scales = V.Create(scale), shifts = V.Create(shift);
        int i = 0;
        for (; i <= count - V.Lanes; i += V.Lanes)
            V.Store(V.FusedMultiplyAdd(V.Subtract(V.Load(ref source, i), means), scales, shifts), ref destination, i);
        if (i == count)
            return;
        Span<float> lanes = stackalloc float[MaxLanes];
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref source, i), count - i).CopyTo(lanes);
        ref float last = ref MemoryMarshal.GetReference(lanes);
        V.Store(V.FusedMultiplyAdd(V.Subtract(V.Load(ref last, 0), means), scales, shifts), ref last, 0);
        lanes[..(count - i)].CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.Add(ref destination, i), count - i));
    }

    private static float Total(ref float chains)
    {
        for (int half = Chains / 2; half > 0; half /= 2)
        {
            for (int i = 0; i < half; i++)
                Unsafe.Add(ref chains, i) += Unsafe.Add(ref chains, i + half);
        }

        return chains;
    }
}
