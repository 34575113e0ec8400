namespace EfficientConv.Dsl;

/// <summary>How a network is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>
    /// Only tensors whose names begin with this are read, and it is taken off: <c>backbone</c> or <c>backbone.</c> for
    /// <c>backbone.0.weight</c>. The rest of the file is not looked at.
    /// </summary>
    public string Prefix { get; init; } = "";

    /// <summary>The instruction set of this instance; wins over the process's.</summary>
    public InstructionSet InstructionSet { get; init; }
}
