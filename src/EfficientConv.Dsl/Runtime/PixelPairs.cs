using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace EfficientConv.Dsl.Runtime;

/// <summary>Channel sums and gates of maps that hold two neighbouring pixels' values of a channel side by side; where AVX-512F is supported.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PixelPairs
{
    /// <summary>sums[c] += the pixels' values in ascending order, one chain of additions a channel.</summary>
    /// <param name="data">Pair q's channel c is at q * pairStride + 2 * c, the second pixel's after it.</param>
    /// <param name="sums">One a channel.</param>
    /// <param name="channels">Channels to add up, a multiple of 16.</param>
    /// <param name="pairStride">Floats from a pair to the next.</param>
    /// <param name="pairs">Pairs of pixels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void AccumulateChannels(ref float data, ref float sums, int channels, int pairStride, int pairs)
    {
        Vector512<int> first = Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        Vector512<int> second = first + Vector512<int>.One;
        int c = 0;

        // Two chains at a time hide half of the additions' latency.
        for (; c + 16 < channels; c += 32)
        {
            Vector512<float> sum0 = Vector512.LoadUnsafe(ref sums, (nuint)c), sum1 = Vector512.LoadUnsafe(ref sums, (nuint)c + 16);
            ref float pair = ref Unsafe.Add(ref data, 2 * c);
            for (int q = 0; q < pairs; q++)
            {
                Vector512<float> low0 = Vector512.LoadUnsafe(ref pair), high0 = Vector512.LoadUnsafe(ref pair, 16);
                Vector512<float> low1 = Vector512.LoadUnsafe(ref pair, 32), high1 = Vector512.LoadUnsafe(ref pair, 48);
                sum0 += Avx512F.PermuteVar16x32x2(low0, first, high0);
                sum1 += Avx512F.PermuteVar16x32x2(low1, first, high1);
                sum0 += Avx512F.PermuteVar16x32x2(low0, second, high0);
                sum1 += Avx512F.PermuteVar16x32x2(low1, second, high1);
                pair = ref Unsafe.Add(ref pair, pairStride);
            }

            sum0.StoreUnsafe(ref sums, (nuint)c);
            sum1.StoreUnsafe(ref sums, (nuint)c + 16);
        }

        for (; c < channels; c += 16)
        {
            Vector512<float> sum = Vector512.LoadUnsafe(ref sums, (nuint)c);
            ref float pair = ref Unsafe.Add(ref data, 2 * c);
            for (int q = 0; q < pairs; q++)
            {
                Vector512<float> low = Vector512.LoadUnsafe(ref pair), high = Vector512.LoadUnsafe(ref pair, 16);
                sum += Avx512F.PermuteVar16x32x2(low, first, high);
                sum += Avx512F.PermuteVar16x32x2(low, second, high);
                pair = ref Unsafe.Add(ref pair, pairStride);
            }

            sum.StoreUnsafe(ref sums, (nuint)c);
        }
    }

    /// <summary>Every value times its channel's gate.</summary>
    /// <param name="data">Pair q's channel c is at (q * channels + c) * 2, the second pixel's after it.</param>
    /// <param name="gate">One a channel.</param>
    /// <param name="channels">Channels, a multiple of 16.</param>
    /// <param name="pairs">Pairs of pixels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void ScaleChannels(ref float data, ref float gate, int channels, int pairs)
    {
        Vector512<int> low = Vector512.Create(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
        Vector512<int> high = low + Vector512.Create(8);
        for (int c = 0; c < channels; c += 16)
        {
            Vector512<float> factors = Vector512.LoadUnsafe(ref gate, (nuint)c);
            Vector512<float> firstHalf = Avx512F.PermuteVar16x32(factors, low), secondHalf = Avx512F.PermuteVar16x32(factors, high);
            ref float pair = ref Unsafe.Add(ref data, 2 * c);
            for (int q = 0; q < pairs; q++)
            {
                (Vector512.LoadUnsafe(ref pair) * firstHalf).StoreUnsafe(ref pair);
                (Vector512.LoadUnsafe(ref pair, 16) * secondHalf).StoreUnsafe(ref pair, 16);
                pair = ref Unsafe.Add(ref pair, 2 * channels);
            }
        }
    }
}
