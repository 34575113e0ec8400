using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace EfficientConv.Dsl.Measuring;

/// <summary>
/// The core's rate of fused multiply-adds in registers: what no kernel can exceed. Twelve independent chains (ten of 256 bits, which has
/// sixteen registers) hide the latency of four cycles on two units.
/// </summary>
internal static class FmaPeak
{
    private const int Steps = 20000;
    private static float s_sink;

    /// <summary>Measures the peak for the vectors of <paramref name="instructionSet"/> once.</summary>
    /// <returns>Floating-point operations a second, two for each multiply-add.</returns>
    public static double Measure(InstructionSet instructionSet)
    {
        long start = Stopwatch.GetTimestamp();
        (float sum, double operations) = instructionSet switch
        {
            InstructionSet.Avx512 => (Chains512(Steps), 12.0 * 16),
            InstructionSet.Avx2 => (Chains256(Steps), 10.0 * 8),
            _ => (Chains128(Steps), 10.0 * 4),
        };
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        s_sink += sum;
        return 2 * operations * Steps / seconds;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Chains512(int steps)
    {
        Vector512<float> x = Vector512.Create(.999f), y = Vector512.Create(.001f), a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;
        for (int n = 0; n < steps; n++)
        {
            a = Vector512.FusedMultiplyAdd(a, x, y);
            b = Vector512.FusedMultiplyAdd(b, x, y);
            c = Vector512.FusedMultiplyAdd(c, x, y);
            d = Vector512.FusedMultiplyAdd(d, x, y);
            e = Vector512.FusedMultiplyAdd(e, x, y);
            f = Vector512.FusedMultiplyAdd(f, x, y);
            g = Vector512.FusedMultiplyAdd(g, x, y);
            h = Vector512.FusedMultiplyAdd(h, x, y);
            i = Vector512.FusedMultiplyAdd(i, x, y);
            j = Vector512.FusedMultiplyAdd(j, x, y);
            k = Vector512.FusedMultiplyAdd(k, x, y);
            l = Vector512.FusedMultiplyAdd(l, x, y);
        }

        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Chains256(int steps)
    {
        Vector256<float> x = Vector256.Create(.999f), y = Vector256.Create(.001f), a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y;
        for (int n = 0; n < steps; n++)
        {
            a = Vector256.FusedMultiplyAdd(a, x, y);
            b = Vector256.FusedMultiplyAdd(b, x, y);
            c = Vector256.FusedMultiplyAdd(c, x, y);
            d = Vector256.FusedMultiplyAdd(d, x, y);
            e = Vector256.FusedMultiplyAdd(e, x, y);
            f = Vector256.FusedMultiplyAdd(f, x, y);
            g = Vector256.FusedMultiplyAdd(g, x, y);
            h = Vector256.FusedMultiplyAdd(h, x, y);
            i = Vector256.FusedMultiplyAdd(i, x, y);
            j = Vector256.FusedMultiplyAdd(j, x, y);
        }

        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Chains128(int steps)
    {
        Vector128<float> x = Vector128.Create(.999f), y = Vector128.Create(.001f), a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y;
        for (int n = 0; n < steps; n++)
        {
            a = Vector128.FusedMultiplyAdd(a, x, y);
            b = Vector128.FusedMultiplyAdd(b, x, y);
            c = Vector128.FusedMultiplyAdd(c, x, y);
            d = Vector128.FusedMultiplyAdd(d, x, y);
            e = Vector128.FusedMultiplyAdd(e, x, y);
            f = Vector128.FusedMultiplyAdd(f, x, y);
            g = Vector128.FusedMultiplyAdd(g, x, y);
            h = Vector128.FusedMultiplyAdd(h, x, y);
            i = Vector128.FusedMultiplyAdd(i, x, y);
            j = Vector128.FusedMultiplyAdd(j, x, y);
        }

        return Vector128.Sum(a + b + c + d + e + f + g + h + i + j);
    }
}
