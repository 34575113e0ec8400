namespace EfficientConv.Dsl;

/// <summary>How a network is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>
    /// Only tensors whose names begin with this are read, and it is taken off: <c>backbone</c> or <c>backbone.</c> for
    /// <c>backbone.0.weight</c>. The rest of the file is not looked at. What wrappers put before every key (<c>module.</c>, <c>_orig_mod.</c>) needs no prefix.
    /// </summary>
    public string Prefix { get; init; } = "";

    /// <summary>
    /// Whether tensors that the network has no use for are an error, as PyTorch's <c>load_state_dict</c> has it. False ignores them; missing ones are an error always,
    /// because there is nothing to put in their place.
    /// </summary>
    public bool Strict { get; init; } = true;

    /// <summary>
    /// Gets the names of the tensors that were ignored because <see cref="Strict"/> is false, in the order of the file; null where nobody asks. PyTorch's <c>unexpected_keys</c>.
    /// </summary>
    public ICollection<string>? UnexpectedKeys { get; init; }

    /// <summary>The instruction set of this instance; wins over the process's.</summary>
    public InstructionSet InstructionSet { get; init; }
}
