using EfficientConv.Dsl.Measuring;

namespace EfficientConv.Dsl.Benchmarks.Measuring;

/// <summary>
/// The peak around each sample of our side: half a round's probe before it and half after, because the core's clock moves by several percent
/// within a run.
/// </summary>
internal sealed class PeakSamples(InstructionSet instructionSet, int cores)
{
    private readonly List<double> _flopsPerSecond = [];
    private double _before;

    /// <summary>All cores' operations a second, round by round.</summary>
    public IReadOnlyList<double> FlopsPerSecond => _flopsPerSecond;

    /// <summary>To be called before our side's sample.</summary>
    public void Before() => _before = FmaPeak.Measure(instructionSet);

    /// <summary>To be called after it.</summary>
    public void After() => _flopsPerSecond.Add((_before + FmaPeak.Measure(instructionSet)) / 2 * cores);

    /// <summary>Forgets the last round.</summary>
    public void Drop() => _flopsPerSecond.RemoveAt(_flopsPerSecond.Count - 1);
}
