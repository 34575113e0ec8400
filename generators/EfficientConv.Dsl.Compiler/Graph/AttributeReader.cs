using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph.Blocks;
using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>How padding is found, numbered as the runtime's enumeration.</summary>
internal enum AutoPadMode
{
    /// <summary>As written.</summary>
    Explicit,

    /// <summary>PyTorch's 'same'.</summary>
    Same,

    /// <summary>TensorFlow's 'SAME'.</summary>
    SameUpper,
}

/// <summary>Layout of the user's spans, numbered as the runtime's enumeration.</summary>
internal enum SpanLayout
{
    /// <summary>Channels, rows, columns.</summary>
    NCHW,

    /// <summary>Rows, columns, channels.</summary>
    NHWC,
}

/// <summary>Reads the arguments of one attribute and reports those that are out of range.</summary>
internal sealed class AttributeReader(GraphBuilder builder, AttributeDeclaration attribute, int index, string name, TemplatePart? inside = null)
{
    /// <summary>Values beyond this are surely a mistake, and their products would overflow.</summary>
    public const int MaxValue = 1 << 20;

    /// <summary>The arguments that say a stride.</summary>
    public static readonly IReadOnlyList<string> StrideArguments = ["StrideHeight", "StrideWidth", "stride"];

    public AttributeDeclaration Attribute => attribute;

    public int Index => index;

    public string Name => name;

    public string Kind => attribute.Kind;

    /// <summary>Eps of batch norms where none is given.</summary>
    public double Epsilon => builder.Keys.Epsilon;

    public LayerOrigin Origin(string role) => new(index, role, inside);

    public bool IsSet(string argument) => attribute.Int(argument) != AttributeDeclaration.Unset;

    public bool Bool(string argument, bool fallback) => attribute.Bool(argument, fallback);

    /// <summary>An integer argument of a block, in the range and with the default of its row; <paramref name="fallback"/> where the row has no number, or the block no such argument.</summary>
    public int Int(string argument, int fallback = AttributeDeclaration.Unset) => Row(argument) is { } row
        ? InRange(argument, row.Default is int usual && usual != AttributeDeclaration.Unset ? usual : fallback == AttributeDeclaration.Unset ? row.Least : fallback, row.Least, row.Most)
        : fallback;

    /// <summary>A positive number that is a block's argument.</summary>
    public double Number(string argument) => PositiveNumber(argument, Row(argument)?.Default is double usual ? usual : throw new InvalidOperationException($"{Kind} has no number {argument}."));

    /// <summary>A truth value of a block; false where it has no such argument.</summary>
    public bool Flag(string argument) => attribute.Bool(argument, Row(argument)?.Default is true);

    /// <summary>A choice of a block; the first where it has no such argument.</summary>
    public TEnum Choice<TEnum>(string argument)
        where TEnum : struct, Enum => Enumeration(argument, Row(argument)?.Default is TEnum usual ? usual : default);

    /// <summary>An integer of at least 1; <paramref name="fallback"/> when not given.</summary>
    public int Positive(string argument, int fallback) => AtLeast(1, argument, fallback);

    /// <summary>An integer of at least 0; <paramref name="fallback"/> when not given.</summary>
    public int NotNegative(string argument, int fallback) => AtLeast(0, argument, fallback);

    public double PositiveNumber(string argument, double fallback)
    {
        double value = attribute.Double(argument, fallback);
        if (value > 0 && value <= MaxValue)
            return value;
        Invalid(argument, FormattableString.Invariant($"{value}"), "a positive number");
        return fallback;
    }

    public TEnum Enumeration<TEnum>(string argument, TEnum fallback)
        where TEnum : struct, Enum
    {
        int value = attribute.Int(argument, Convert.ToInt32(fallback, System.Globalization.CultureInfo.InvariantCulture));
        if (Enum.IsDefined(typeof(TEnum), value))
            return (TEnum)Enum.ToObject(typeof(TEnum), value);
        Invalid(argument, FormattableString.Invariant($"{value}"), $"one of {string.Join(", ", Enum.GetNames(typeof(TEnum)))}");
        return fallback;
    }

    /// <summary><c>outChannels</c>, or as many as come in.</summary>
    public int OutChannels(Shape input) => Positive("outChannels", input.Channels);

    /// <summary>How <paramref name="convolution"/> is to be computed.</summary>
    public ConvolutionAlgorithm Algorithm(ConvolutionOperator convolution)
    {
        ConvolutionAlgorithm algorithm = Enumeration("Algorithm", ConvolutionAlgorithm.Auto);
        if (algorithm == ConvolutionAlgorithm.Winograd && !convolution.IsDense3x3)
            Invalid("Algorithm", nameof(ConvolutionAlgorithm.Winograd), "Auto or Direct where the kernel is not 3 x 3 with stride 1 or 2, dilation 1 and one group");
        return algorithm;
    }

    /// <summary>An activation that a block puts after its convolutions.</summary>
    public ActivationFunction BlockActivation(string argument) => Activations.Of(Choice<ActivationKind>(argument)).Default;

    /// <summary>An activation of a squeeze-and-excitation, whose functions have no tensors.</summary>
    public ActivationFunction SqueezeActivation(string argument)
    {
        ActivationFunction function = BlockActivation(argument);
        if (function.Row.IsLearned)
            Invalid(argument, $"{function.Kind}", "an activation without learned parameters");
        return function;
    }

    /// <summary>Kernel size from a block's <c>kernelSize</c>.</summary>
    public Extent Kernel() => Extent.Square(Int("kernelSize"));

    /// <summary>Kernel size from <c>kernelSize</c>, <c>KernelHeight</c> and <c>KernelWidth</c>.</summary>
    public Extent Kernel(int fallback)
    {
        int size = Positive("kernelSize", fallback);
        return new Extent(Positive("KernelHeight", size), Positive("KernelWidth", size));
    }

    /// <summary>Stride from <c>stride</c>, <c>StrideHeight</c> and <c>StrideWidth</c>; the fallbacks are pooling's kernel.</summary>
    public Extent Stride(Extent fallback)
    {
        Extent given = IsSet("stride") ? Extent.Square(Positive("stride", 1)) : fallback;
        return new Extent(Positive("StrideHeight", given.Height), Positive("StrideWidth", given.Width));
    }

    /// <summary>Dilation from <c>dilation</c>, <c>DilationHeight</c> and <c>DilationWidth</c>.</summary>
    public Extent Dilation()
    {
        int dilation = Positive("dilation", 1);
        return new Extent(Positive("DilationHeight", dilation), Positive("DilationWidth", dilation));
    }

    /// <summary>Padding from <c>padding</c>, its rectangular and four-sided properties, or <c>AutoPad</c>.</summary>
    public Padding Padding(Extent kernel, Extent stride, Extent dilation, Shape input, Padding fallback)
    {
        switch (Enumeration("AutoPad", AutoPadMode.Explicit))
        {
            case AutoPadMode.Same:
                if (stride != Extent.Square(1))
                    Invalid("AutoPad", "Same", "stride 1 (PyTorch's padding='same' has no strided form; SameUpper has)");
                (int top, int bottom) = ShapeInference.SamePadding(kernel.Height, dilation.Height);
                (int left, int right) = ShapeInference.SamePadding(kernel.Width, dilation.Width);
                return new Padding(top, bottom, left, right);
            case AutoPadMode.SameUpper:
                return Window.SameUpper(input, kernel, stride, dilation);
        }

        string all = attribute.Find("Padding") is null ? "padding" : "Padding";
        Padding given = IsSet(all) ? Graph.Padding.Symmetric(NotNegative(all, 0), NotNegative(all, 0)) : fallback;
        given = new Padding(NotNegative("PaddingHeight", given.Top), NotNegative("PaddingHeight", given.Bottom), NotNegative("PaddingWidth", given.Left), NotNegative("PaddingWidth", given.Right));
        return new Padding(
            NotNegative("PaddingTop", given.Top), NotNegative("PaddingBottom", given.Bottom),
            NotNegative("PaddingLeft", given.Left), NotNegative("PaddingRight", given.Right));
    }

    public void Invalid(string argument, string found, string expected) =>
        builder.Report(RuleCatalog.InvalidValue, index, argument, $"{Kind} \"{name}\" has {argument} {found} (it must be {expected})");

    /// <summary>Reports a value that is wrong as a whole.</summary>
    public void Report(string message) => builder.Report(RuleCatalog.InvalidValue, index, null, message);

    private BlockArgument? Row(string argument) => BlockCatalog.Of(Kind).Argument(argument)
        ?? (BlockCatalog.Knows(argument) ? null : throw new InvalidOperationException($"No block has an argument {argument}."));

    private int AtLeast(int least, string argument, int fallback) => InRange(argument, fallback, least, MaxValue);

    private int InRange(string argument, int fallback, int least, int most)
    {
        int value = attribute.Int(argument);
        if (value == AttributeDeclaration.Unset)
            return fallback;
        if (value >= least && value <= most)
            return value;
        Invalid(argument, FormattableString.Invariant($"{value}"), FormattableString.Invariant($"from {least} to {most}"));
        return Math.Max(fallback, 1);
    }
}
