namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary>What <c>bench</c> measured of a network; also its JSON. Times are seconds of one call, which runs the whole batch.</summary>
internal sealed record BenchResult
{
    public required string Name { get; init; }

    public required string InstructionSet { get; init; }

    public required int Threads { get; init; }

    public required int Batch { get; init; }

    public required long MultiplyAdds { get; init; }

    public required LatencyResult Ours { get; init; }

    public LatencyResult? Peer { get; init; }

    public string? PeerName { get; init; }

    /// <summary>The peer's median by ours.</summary>
    public double? Ratio => Peer?.P50 / Ours.P50;

    /// <summary>The peer's least time by ours.</summary>
    public double? MinimumRatio => Peer?.Minimum / Ours.Minimum;

    /// <summary>Largest difference to the peer's output, as a share of its largest value.</summary>
    public double? PeerDifference { get; init; }

    /// <summary>From making the instance, weights packed.</summary>
    public required double LoadSeconds { get; init; }

    public required double FirstCallSeconds { get; init; }

    public double? PredictedSeconds { get; init; }

    /// <summary>Median of the processor time of a call on one thread, which leaves out what the system gave to others; null with more threads.</summary>
    public double? ProcessorSeconds { get; init; }

    /// <summary>Multiply-adds a second by the median.</summary>
    public required double MacsPerSecond { get; init; }

    /// <summary>The core's multiply-adds a second in registers, measured between the samples, times the threads.</summary>
    public required double PeakMacsPerSecond { get; init; }

    /// <summary>The median of those measurements by the best one: far below 1, something else ran on the core, or its clock fell.</summary>
    public double? PeakSteadiness { get; init; }

    /// <summary>Counted calls of ours in which the system took a core away; null in figures from before they were counted.</summary>
    public int? Disturbed { get; init; }

    /// <summary>How busy the core's other hardware threads were, from 0 to 1; null where the core has none.</summary>
    public double? SiblingLoad { get; init; }

    /// <summary>Of the core's time, what a virtual machine's host gave to others, from 0 to 1; null where the system does not count it.</summary>
    public double? Stolen { get; init; }

    /// <summary>Whether the sibling was kept busy on purpose (<c>--sibling busy</c>).</summary>
    public bool BusySibling { get; init; }

    /// <summary>Whether other programs slowed the measurement: its medians then say less than its minima.</summary>
    public bool IsDisturbed => Disturbed > Ours.Calls / 10 || PeakSteadiness < 0.9 || (SiblingLoad > 0.1 && !BusySibling) || Stolen > 0.02;

    public double PercentOfPeak => 100 * MacsPerSecond / PeakMacsPerSecond;

    /// <summary>The same by the least time and the best peak.</summary>
    public double MinimumPercentOfPeak => 100 * MultiplyAdds / Ours.Minimum / (PeakMacsPerSecond / (PeakSteadiness ?? 1));

    public required double AllocatedBytesPerCall { get; init; }

    public required long WorkspaceBytes { get; init; }

    public required long PackedWeightBytes { get; init; }

    /// <summary>Peak resident bytes of a process that only runs the network; null where there are no sources to build one.</summary>
    public long? PeakResidentBytes { get; init; }

    /// <summary>Of those, what the runtime had before the network was loaded.</summary>
    public long? RuntimeResidentBytes { get; init; }

    public IReadOnlyList<StepTime>? Steps { get; init; }
}

/// <summary>Order statistics of the calls, in seconds.</summary>
internal sealed record LatencyResult(int Calls, double Minimum, double Maximum, double Average, double P50, double P90, double P95, double P99, double P999)
{
    public static LatencyResult Of(Running.LatencySamples s) =>
        new(s.Count, s.Minimum, s.Maximum, s.Mean, s.Percentile(50), s.Percentile(90), s.Percentile(95), s.Percentile(99), s.Percentile(99.9));
}

/// <summary>A step's measured and predicted time.</summary>
internal sealed record StepTime(string Name, string Form, long MultiplyAdds, double Seconds, double PredictedSeconds, double PercentOfPeak);
