namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>How serious a finding is.</summary>
public enum RuleSeverity
{
    /// <summary>The network cannot be compiled.</summary>
    Error,

    /// <summary>It compiles, but hardly as meant.</summary>
    Warning,

    /// <summary>Worth knowing.</summary>
    Info,
}

/// <summary>A rule: its id, its title and how serious it is.</summary>
public sealed record Rule(string Id, string Title, RuleSeverity Severity);

/// <summary>Every rule there is.</summary>
public static class RuleCatalog
{
    /// <summary>The class is not partial.</summary>
    public static readonly Rule NotPartial = new("ECD0001", "A network class must be partial", RuleSeverity.Error);

    /// <summary>The class cannot carry a network.</summary>
    public static readonly Rule UnsuitableClass = new("ECD0002", "The type cannot carry a network", RuleSeverity.Error);

    /// <summary>A size or count that is not positive, or a product that overflows.</summary>
    public static readonly Rule InvalidValue = new("ECD0004", "A size or count is out of range", RuleSeverity.Error);

    /// <summary>Attributes on several partial declarations.</summary>
    public static readonly Rule SpreadAttributes = new("ECD0005", "Network attributes are spread over several partial declarations", RuleSeverity.Error);

    /// <summary>Groups against input channels.</summary>
    public static readonly Rule GroupsInput = new("ECD0101", "Groups do not divide the input channels", RuleSeverity.Error);

    /// <summary>Groups against output channels.</summary>
    public static readonly Rule GroupsOutput = new("ECD0102", "Groups do not divide the output channels", RuleSeverity.Error);

    /// <summary>Shuffle groups against channels.</summary>
    public static readonly Rule ShuffleGroups = new("ECD0103", "Shuffle groups do not divide the channels", RuleSeverity.Error);

    /// <summary>Squeeze-and-excitation without a hidden channel.</summary>
    public static readonly Rule SqueezeEmpty = new("ECD0104", "Squeeze-and-excitation leaves no hidden channel", RuleSeverity.Error);

    /// <summary>A ratio that gives a fraction of a channel.</summary>
    public static readonly Rule FractionalChannels = new("ECD0105", "A ratio gives a channel count that is not an integer", RuleSeverity.Error);

    /// <summary>No output pixel.</summary>
    public static readonly Rule EmptyOutput = new("ECD0201", "The output is empty", RuleSeverity.Error);

    /// <summary>Pooling padding beyond half the kernel.</summary>
    public static readonly Rule PoolPadding = new("ECD0204", "The padding is too large for the kernel", RuleSeverity.Error);

    /// <summary>A shortcut that cannot add.</summary>
    public static readonly Rule ImpossibleShortcut = new("ECD0301", "A shortcut cannot be added", RuleSeverity.Error);

    /// <summary>Tensors of different heights or widths joined.</summary>
    public static readonly Rule ImpossibleConcat = new("ECD0302", "Tensors cannot be joined along the channels", RuleSeverity.Error);

    /// <summary>A name that no attribute above has.</summary>
    public static readonly Rule UnknownName = new("ECD0303", "No tensor has this name", RuleSeverity.Error);

    /// <summary>One name for two tensors.</summary>
    public static readonly Rule DuplicateName = new("ECD0304", "Two tensors have one name", RuleSeverity.Error);

    /// <summary>A template that contains itself or nothing.</summary>
    public static readonly Rule UnusableTemplate = new("ECD0305", "A class cannot be used as a template", RuleSeverity.Error);

    /// <summary>All rules, in the order of their ids.</summary>
    public static IReadOnlyList<Rule> All { get; } =
    [
        NotPartial, UnsuitableClass, InvalidValue, SpreadAttributes, GroupsInput, GroupsOutput, ShuffleGroups, SqueezeEmpty,
        FractionalChannels, EmptyOutput, PoolPadding, ImpossibleShortcut, ImpossibleConcat, UnknownName, DuplicateName, UnusableTemplate,
    ];
}
