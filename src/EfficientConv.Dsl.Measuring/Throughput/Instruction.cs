namespace EfficientConv.Dsl.Measuring.Throughput;

/// <summary>What an instruction is there for.</summary>
internal enum InstructionKind
{
    /// <summary>A vector of multiply-adds.</summary>
    MultiplyAdd,

    /// <summary>Another operation on vectors: a move, a permutation, a bound, a load, a store.</summary>
    Vector,

    /// <summary>Integers: where something lies.</summary>
    Address,

    /// <summary>Comparisons, counters and branches.</summary>
    Control,

    /// <summary>Asks for a cache line.</summary>
    Prefetch,

    /// <summary>Calls another method, or returns.</summary>
    Call,
}

/// <summary>An instruction as a model of a core is given it.</summary>
/// <param name="Text">The text for an assembler, branches to a label that stands for all.</param>
/// <param name="Kind">What it is there for.</param>
internal sealed record Instruction(string Text, InstructionKind Kind)
{
    /// <summary>Where a branch goes: an index in its method; -1 for what is no branch, or leaves the method.</summary>
    public int Target { get; set; } = -1;

    /// <summary>The place that a branch names.</summary>
    public string? TargetName { get; init; }

    /// <summary>Floats that it multiplies and adds.</summary>
    public int Lanes { get; init; }

    public bool IsLoad { get; init; }

    public bool IsStore { get; init; }

    /// <summary>Whether it loads from the stack or stores there.</summary>
    public bool IsSpill { get; init; }

    /// <summary>Whether it only moves a vector from a register to another.</summary>
    public bool IsMove { get; init; }

    /// <summary>Vector registers that it reads, by number.</summary>
    public IReadOnlyList<int> Reads { get; init; } = [];

    /// <summary>Vector registers that it writes.</summary>
    public IReadOnlyList<int> Writes { get; init; } = [];
}

/// <summary>A method's machine code.</summary>
/// <param name="Class">The class, as the listing names it.</param>
/// <param name="Name">The method.</param>
/// <param name="Shape">The structure with the sizes, where it is generic.</param>
/// <param name="Instructions">Instructions in the order of memory.</param>
internal sealed record MachineMethod(string Class, string Name, string? Shape, IReadOnlyList<Instruction> Instructions);
