using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>Comparisons of outputs.</summary>
internal static class Numbers
{
    /// <summary>The largest finite magnitude.</summary>
    public static double Scale(IEnumerable<double> values) => values.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();

    /// <summary>Every element within <paramref name="tolerance"/> times the largest expected magnitude; NaN and infinity where they are expected and nowhere else.</summary>
    public static void AssertClose(IReadOnlyList<double> expected, IReadOnlyList<float> actual, double tolerance, Func<string> context)
    {
        Assert.Equal(expected.Count, actual.Count);
        double scale = Scale(expected);
        int worst = -1;
        double worstError = 0;
        for (int i = 0; i < expected.Count; i++)
        {
            double error = double.IsFinite(expected[i]) ? Math.Abs(expected[i] - actual[i]) : expected[i].Equals(actual[i]) ? 0 : double.PositiveInfinity;
            if (!(error <= tolerance * scale) && !(error <= worstError))
                (worst, worstError) = (i, double.IsNaN(error) ? double.PositiveInfinity : error);
        }

        if (worst >= 0)
            Assert.Fail(FormattableString.Invariant($"element {worst} of {expected.Count} is {actual[worst]:R}, expected {expected[worst]:R}: off by {worstError / scale:0.0e+0} of the largest, {scale:R}\n{context()}"));
    }

    /// <summary>The same bits everywhere. A NaN is a NaN: its payload is not part of the contract.</summary>
    public static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, Func<string> context)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]) && !(float.IsNaN(expected[i]) && float.IsNaN(actual[i])))
                Assert.Fail(FormattableString.Invariant($"element {i} of {expected.Length} is {actual[i]:R}, expected the bits of {expected[i]:R}\n{context()}"));
        }
    }

    /// <summary>
    /// The instruction sets of this machine that give the same bits, widest first: all of them, but without fused multiply-add 128-bit vectors alone. Those multiply, then add, while
    /// scalar code still rounds once.
    /// </summary>
    public static IReadOnlyList<InstructionSet> Sets { get; } = HasFma
        ? [.. new[] { InstructionSet.Avx512, InstructionSet.Avx2, InstructionSet.Vector128, InstructionSet.Scalar }.Where(InstructionSets.IsSupported)]
        : [InstructionSet.Vector128];

    /// <summary>Whether vectors have a fused multiply-add in this process.</summary>
    public static bool HasFma => Fma.IsSupported || AdvSimd.IsSupported;
}
