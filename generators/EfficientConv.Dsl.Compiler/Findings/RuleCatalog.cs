namespace EfficientConv.Dsl.Compiler.Findings;

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

    /// <summary>Layers that nobody uses.</summary>
    public static readonly Rule NoInputShape = new("ECD0003", "Layer attributes without an input shape", RuleSeverity.Info);

    /// <summary>Attributes on several partial declarations.</summary>
    public static readonly Rule SpreadAttributes = new("ECD0005", "Network attributes are spread over several partial declarations", RuleSeverity.Error);

    /// <summary>A name or a member that leaves no room for a generated one.</summary>
    public static readonly Rule MemberClash = new("ECD0006", "The class leaves no room for a generated member", RuleSeverity.Error);

    /// <summary>Groups against input channels.</summary>
    public static readonly Rule GroupsInput = new("ECD0101", "Groups do not divide the input channels", RuleSeverity.Error);

    /// <summary>Groups against output channels.</summary>
    public static readonly Rule GroupsOutput = new("ECD0102", "Groups do not divide the output channels", RuleSeverity.Error);

    /// <summary>Shuffle groups against channels.</summary>
    public static readonly Rule ShuffleGroups = new("ECD0103", "Shuffle groups do not divide the channels", RuleSeverity.Error);

    /// <summary>Squeeze-and-excitation without a hidden channel; a warning where the reduction does not divide.</summary>
    public static readonly Rule SqueezeReduction = new("ECD0104", "The reduction of a squeeze-and-excitation does not fit its channels", RuleSeverity.Error);

    /// <summary>A ratio that gives a fraction of a channel.</summary>
    public static readonly Rule FractionalChannels = new("ECD0105", "A ratio gives a channel count that is not an integer", RuleSeverity.Error);

    /// <summary>No output pixel.</summary>
    public static readonly Rule EmptyOutput = new("ECD0201", "The output is empty", RuleSeverity.Error);

    /// <summary>Stride 1 and another size.</summary>
    public static readonly Rule SizeChanges = new("ECD0202", "The padding changes the size at stride 1", RuleSeverity.Warning);

    /// <summary>Dilation with the padding of dilation 1.</summary>
    public static readonly Rule UndilatedPadding = new("ECD0203", "The padding does not follow the dilation", RuleSeverity.Warning);

    /// <summary>Padding as large as the effective kernel; an error for pooling beyond half the kernel.</summary>
    public static readonly Rule LargePadding = new("ECD0204", "The padding is too large for the kernel", RuleSeverity.Warning);

    /// <summary>Rows or columns that no window reads.</summary>
    public static readonly Rule UnreadPixels = new("ECD0205", "Rows or columns at the edge are never read", RuleSeverity.Info);

    /// <summary>Stride beyond the effective kernel.</summary>
    public static readonly Rule SkippedPixels = new("ECD0206", "The stride skips pixels", RuleSeverity.Info);

    /// <summary>'same' with an even kernel.</summary>
    public static readonly Rule AsymmetricPadding = new("ECD0207", "'same' padding of an even kernel is asymmetric", RuleSeverity.Info);

    /// <summary>Padding across a one-dimensional kernel.</summary>
    public static readonly Rule WrongAxis = new("ECD0208", "The padding of a one-dimensional kernel is on the wrong axis", RuleSeverity.Warning);

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

    /// <summary>Grouped convolutions that never exchange channels.</summary>
    public static readonly Rule GroupsNeverMix = new("ECD0401", "The groups of grouped convolutions never mix", RuleSeverity.Warning);

    /// <summary>Vector lanes that compute nothing.</summary>
    public static readonly Rule WastedLanes = new("ECD0402", "A channel count wastes vector lanes", RuleSeverity.Info);

    /// <summary>A form meant to be cheap that is not.</summary>
    public static readonly Rule CostlyForm = new("ECD0403", "The form costs more than the convolution that it stands for", RuleSeverity.Info);

    /// <summary>A bias that batch norm takes away.</summary>
    public static readonly Rule BiasBeforeNorm = new("ECD0404", "A bias straight before batch norm does nothing", RuleSeverity.Info);

    /// <summary>An activation too many.</summary>
    public static readonly Rule RedundantActivation = new("ECD0405", "An activation too many", RuleSeverity.Info);

    /// <summary>A budget exceeded.</summary>
    public static readonly Rule BudgetExceeded = new("ECD0501", "The network exceeds its budget", RuleSeverity.Error);

    /// <summary>A measured schedule that cannot be.</summary>
    public static readonly Rule UnfitSchedule = new("ECD0601", "A measured schedule does not fit", RuleSeverity.Info);

    /// <summary>A file of schedules that is none.</summary>
    public static readonly Rule UnreadableSchedules = new("ECD0602", "The file of measured schedules cannot be read", RuleSeverity.Warning);

    /// <summary>All rules, in the order of their ids.</summary>
    public static IReadOnlyList<Rule> All { get; } =
    [
        NotPartial, UnsuitableClass, NoInputShape, InvalidValue, SpreadAttributes, MemberClash, GroupsInput, GroupsOutput, ShuffleGroups, SqueezeReduction,
        FractionalChannels, EmptyOutput, SizeChanges, UndilatedPadding, LargePadding, UnreadPixels, SkippedPixels, AsymmetricPadding, WrongAxis,
        ImpossibleShortcut, ImpossibleConcat, UnknownName, DuplicateName, UnusableTemplate, GroupsNeverMix, WastedLanes, CostlyForm, BiasBeforeNorm, RedundantActivation, BudgetExceeded, UnfitSchedule, UnreadableSchedules,
    ];
}
