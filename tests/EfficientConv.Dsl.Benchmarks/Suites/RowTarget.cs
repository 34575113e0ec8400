using EfficientConv.Dsl.Benchmarks.Reports;

namespace EfficientConv.Dsl.Benchmarks.Suites;

/// <summary>What a row should reach; null where nothing is asked. A ratio is asked of the medians and of the minima.</summary>
/// <param name="Ratio">Peer time / our time with direct convolutions, AVX-512, one thread.</param>
/// <param name="WinogradRatio">The same with Winograd convolutions.</param>
/// <param name="Percent">Percent of the core's AVX-512 peak, by medians and by minima.</param>
/// <param name="Avx2Ratio">Peer time / our time where AVX2 is the best that both sides have.</param>
/// <param name="Avx2Percent">Percent of the core's AVX2 peak by the least time when AVX2 kernels run.</param>
/// <param name="Avx2MedianPercent">The same by medians, whatever the core's sibling does meanwhile.</param>
internal readonly record struct RowTarget(
    double? Ratio = null, double? WinogradRatio = null, double? Percent = null, double? Avx2Ratio = null, double? Avx2Percent = null, double? Avx2MedianPercent = null)
{
    /// <summary>Targets hold for one thread, and ratios where both sides have the same instructions. Medians and minima have to reach them.</summary>
    /// <param name="instructionSet">Our kernels.</param>
    /// <param name="hasAvx512">Whether the processor has AVX-512, which the peer uses then.</param>
    /// <param name="result">The row's figures; gets the targets and whether they are met.</param>
    public void Judge(InstructionSet instructionSet, bool hasAvx512, RowResult result)
    {
        if (result.Threads != 1)
            return;
        if (instructionSet == InstructionSet.Avx512)
        {
            result.Target = Ratio;
            result.TargetWinograd = WinogradRatio;
            result.TargetPercent = Percent;
        }
        else if (instructionSet == InstructionSet.Avx2)
        {
            result.Target = hasAvx512 ? null : Avx2Ratio;
            result.TargetPercent = Avx2Percent;
            result.TargetMedianPercent = Avx2MedianPercent;
        }

        if (result.Target is { } ratio && result is { Ratio: { } median, MinRatio: { } least })
            result.Met = median >= ratio && least >= ratio;
        else if (result.TargetPercent is { } percent)
            result.Met = result.MinPercentOfPeak >= percent && result.PercentOfPeak >= (result.TargetMedianPercent ?? percent);
    }
}
