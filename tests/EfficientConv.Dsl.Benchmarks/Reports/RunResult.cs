using System.Text.Json.Serialization;

namespace EfficientConv.Dsl.Benchmarks.Reports;

/// <summary>A run's figures, as the JSON file has them.</summary>
internal sealed class RunResult
{
    public string Suite { get; set; } = string.Empty;

    public string? Peer { get; set; }

    public string Processor { get; set; } = string.Empty;

    public string System { get; set; } = string.Empty;

    /// <summary>The runtime's name and version, and whether code was compiled ahead of time.</summary>
    public string Runtime { get; set; } = string.Empty;

    public int Threads { get; set; }

    /// <summary>Whether a second process kept the core's sibling busy.</summary>
    public bool BusySibling { get; set; }

    public string? Note { get; set; }

    public List<RowResult> Rows { get; set; } = [];
}

/// <summary>One row's figures. Times are milliseconds, medians unless they say minimum.</summary>
internal sealed class RowResult
{
    public string Name { get; set; } = string.Empty;

    public string Table { get; set; } = string.Empty;

    public long Macs { get; set; }

    public double? OursMs { get; set; }

    public double? OursMinMs { get; set; }

    public double? PeerMs { get; set; }

    public double? PeerMinMs { get; set; }

    /// <summary>Peer time / our time, medians.</summary>
    public double? Ratio { get; set; }

    /// <summary>The same of the minima.</summary>
    public double? MinRatio { get; set; }

    public double? Target { get; set; }

    public double? TargetWinograd { get; set; }

    /// <summary>Percent of the peak by the least time.</summary>
    public double? TargetPercent { get; set; }

    /// <summary>The same by medians; null where that of the minima is asked of both.</summary>
    public double? TargetMedianPercent { get; set; }

    /// <summary>Whether medians and minima both reach the target.</summary>
    public bool? Met { get; set; }

    public double? Gflops { get; set; }

    public double? PercentOfPeak { get; set; }

    /// <summary>By the least time and the best peak.</summary>
    public double? MinPercentOfPeak { get; set; }

    /// <summary>The cores' peak, measured between the rounds.</summary>
    public double? PeakGflops { get; set; }

    public string? Isa { get; set; }

    public int Threads { get; set; }

    public int Rounds { get; set; }

    /// <summary>Rounds that count although the system took a core away in them; many of them say that the machine was busy.</summary>
    public int Disturbed { get; set; }

    /// <summary>The median of the peaks between the rounds by the best of them: far below 1, something else ran on the core's other hardware thread, or its clock fell.</summary>
    public double PeakSteadiness { get; set; }

    /// <summary>Whether other programs slowed the row: most rounds are disturbed, or the peak fell below nine tenths of its best.</summary>
    public bool IsDisturbed => Disturbed > Rounds / 2 || PeakSteadiness < 0.9;

    public long? WorkspaceBytes { get; set; }

    public double? AllocatedBytes { get; set; }

    /// <summary>Largest difference between the outputs of the two sides, as a share of the largest value.</summary>
    public double Difference { get; set; }

    /// <summary>Why the row was not measured.</summary>
    public string? Error { get; set; }

    /// <summary>Our time in the NativeAOT build, measured right after this row.</summary>
    public double? AotMs { get; set; }

    /// <summary>NativeAOT's time / the JIT's, both in units of the peak measured around them, because the clock moves between two processes.</summary>
    public double? AotOverJit { get; set; }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RunResult))]
internal sealed partial class RunResultContext : JsonSerializerContext;
