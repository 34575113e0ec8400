namespace EfficientConv.Dsl.Benchmarks;

/// <summary>The other side.</summary>
internal enum PeerKind
{
    /// <summary>Nobody.</summary>
    None,

    /// <summary>ONNX Runtime.</summary>
    Ort,

    /// <summary>Ourselves with one thread: the ratio is what more threads give.</summary>
    Self,
}

/// <summary>What was asked for on the command line.</summary>
internal sealed record BenchmarkOptions
{
    /// <summary>The rows' suite.</summary>
    public string Suite { get; init; } = "blocks";

    /// <summary>Rows whose id contains one of these words, separated by commas; all where empty.</summary>
    public string Filter { get; init; } = string.Empty;

    /// <summary>The id of the only row to measure; null for all that the filter lets through.</summary>
    public string? Row { get; init; }

    /// <summary>Whom we are measured beside.</summary>
    public PeerKind Peer { get; init; } = PeerKind.Ort;

    /// <summary>Threads on both sides.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Counted samples a side.</summary>
    public int Rounds { get; init; } = 60;

    /// <summary>Our kernels.</summary>
    public InstructionSet InstructionSet { get; init; }

    /// <summary>The first core to bind to.</summary>
    public int Core { get; init; }

    /// <summary>Whether a second process keeps the core's sibling busy.</summary>
    public bool BusySibling { get; init; }

    /// <summary>Where the figures go.</summary>
    public FileInfo? Json { get; init; }

    /// <summary>Where the chart goes.</summary>
    public FileInfo? Svg { get; init; }

    /// <summary>Folder of ONNX files: written under the JIT, read by the NativeAOT build, which has no reflection to make them.</summary>
    public DirectoryInfo? Models { get; init; }

    /// <summary>Whether every row is also measured in a NativeAOT build.</summary>
    public bool Aot { get; init; }
}
