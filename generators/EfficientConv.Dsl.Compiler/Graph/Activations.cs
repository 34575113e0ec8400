using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Activation functions, numbered as the attribute enumeration of the runtime library; <see cref="Activations"/> says all of each.</summary>
public enum ActivationKind
{
    /// <summary>Identity.</summary>
    None,

    /// <summary>max(x, 0).</summary>
    ReLU,

    /// <summary>min(max(x, 0), 6).</summary>
    ReLU6,

    /// <summary>x * relu6(x + 3) / 6.</summary>
    HardSwish,

    /// <summary>x * sigmoid(x).</summary>
    SiLU,

    /// <summary>1 / (1 + exp(-x)).</summary>
    Sigmoid,

    /// <summary>relu6(x + 3) / 6.</summary>
    HardSigmoid,

    /// <summary>x * Phi(x) by erf.</summary>
    GELU,

    /// <summary>x above 0, slope * x below.</summary>
    LeakyReLU,

    /// <summary>x above 0, a learned slope * x below.</summary>
    PReLU,

    /// <summary>Hyperbolic tangent.</summary>
    Tanh,

    /// <summary>x * Phi(x), the tanh approximation.</summary>
    GELUTanh,

    /// <summary>x above 0, exp(x) - 1 below.</summary>
    ELU,

    /// <summary>x * tanh(softplus(x)).</summary>
    Mish,

    /// <summary>min(max(x, minVal), maxVal).</summary>
    Hardtanh,

    /// <summary>x where beta * x is above a threshold, ln(1 + exp(beta * x)) / beta below.</summary>
    Softplus,

    /// <summary>x above 0, a slope learned for each channel * x below: PReLU with as many parameters as channels.</summary>
    PReLUPerChannel,
}

/// <summary>
/// The table of activation functions. A new one is a row here, its arithmetic in the runtime's <c>Elementwise.Activations.cs</c> under the name of its kind (and there the trait of
/// kernels that have it as an epilogue), and a member of the attribute enumeration in <c>ActivationAttributes.cs</c>.
/// </summary>
public static class Activations
{
    private static OnnxForm Learned => OnnxForm.None("its slopes are learned, so that it is an operator of its own");

    private const string Six = nameof(Six), One = nameof(One), Half = nameof(Half), Sixth = nameof(Sixth);

    /// <summary>One row for each kind, in the order of their numbers.</summary>
    public static IReadOnlyList<ActivationRow> All { get; } =
    [
        new(ActivationKind.None, "Identity", SavedForBackward.Nothing, Operations: 0, float.NegativeInfinity, float.PositiveInfinity, _ => OnnxForm.Of("Identity", 1))
        {
            HasShorthand = false,
            Epilogue = new ActivationEpilogue((_, x) => x),
        },
        new(ActivationKind.ReLU, "ReLU", SavedForBackward.Output, Operations: 1, 0, float.PositiveInfinity, _ => OnnxForm.Of("Relu", 1))
        {
            Epilogue = new ActivationEpilogue((vector, x) => vector.Maximum(vector.Zero, x)) { KeepsConstants = true },
        },
        new(ActivationKind.ReLU6, "ReLU6", SavedForBackward.Inputs, Operations: 2, 0, 6,
            _ => OnnxForm.Of(OnnxNode.Of("Clip", [OnnxInput.First, OnnxInput.Scalar("low", 0), OnnxInput.Scalar("high", 6)])))
        {
            Epilogue = new ActivationEpilogue((vector, x) => vector.Minimum(vector.Constant(Six), vector.Maximum(vector.Zero, x)), Six) { KeepsConstants = true },
        },
        new(ActivationKind.HardSwish, "Hardswish", SavedForBackward.Inputs, Operations: 4, float.NaN, float.PositiveInfinity, _ => OnnxForm.Of("HardSwish", 1))
        {
            Epilogue = new ActivationEpilogue((vector, x) => vector.Multiply(x, HardSigmoid(vector, x)), One, Half, Sixth),
        },
        new(ActivationKind.SiLU, "SiLU", SavedForBackward.Inputs, Operations: 37, float.NaN, float.PositiveInfinity,
            _ => OnnxForm.Of(OnnxNode.Of("Sigmoid", [OnnxInput.First]).As("gate"), OnnxNode.Of("Mul", [OnnxInput.First, OnnxInput.Result("gate")]))),
        new(ActivationKind.Sigmoid, "Sigmoid", SavedForBackward.Output, Operations: 37, 0, 1, _ => OnnxForm.Of("Sigmoid", 1)),
        new(ActivationKind.HardSigmoid, "Hardsigmoid", SavedForBackward.Inputs, Operations: 3, 0, 1,
            _ => OnnxForm.Of("HardSigmoid", 1, OnnxAttribute.Of("alpha", 1 / 6f), OnnxAttribute.Of("beta", 0.5f)))
        {
            Epilogue = new ActivationEpilogue(HardSigmoid, One, Half, Sixth),
        },
        new(ActivationKind.GELU, "GELU", SavedForBackward.Inputs, Operations: 57, float.NaN, float.PositiveInfinity, _ => OnnxForm.Of("Gelu", 1)),
        new(ActivationKind.LeakyReLU, "LeakyReLU", SavedForBackward.Output, Operations: 2, float.NegativeInfinity, float.PositiveInfinity,
            function => OnnxForm.Of("LeakyRelu", 1, OnnxAttribute.Of("alpha", function.Arguments[0])))
        {
            Parameters = EquatableArray.Of(new ActivationParameter("slope", 0.01)),
            Epilogue = new ActivationEpilogue((vector, x) => Rectify(vector, x, vector.Argument("slope"))),
        },
        new(ActivationKind.PReLU, "PReLU", SavedForBackward.Inputs, Operations: 2, float.NegativeInfinity, float.PositiveInfinity, _ => Learned)
        {
            IsLearned = true,
            Epilogue = new ActivationEpilogue((vector, x) => Rectify(vector, x, vector.Slope)),
        },
        new(ActivationKind.Tanh, "Tanh", SavedForBackward.Output, Operations: 35, -1, 1, _ => OnnxForm.Of("Tanh", 1)),
        new(ActivationKind.GELUTanh, "GELU", SavedForBackward.Inputs, Operations: 45, float.NaN, float.PositiveInfinity, _ => OnnxForm.Of("Gelu", 1, OnnxAttribute.Of("approximate", "tanh"))) { HasShorthand = false },
        new(ActivationKind.ELU, "ELU", SavedForBackward.Output, Operations: 35, -1, float.PositiveInfinity, _ => OnnxForm.Of("Elu", 1)) { HasShorthand = false },
        new(ActivationKind.Mish, "Mish", SavedForBackward.Inputs, Operations: 65, float.NaN, float.PositiveInfinity, _ => OnnxForm.Of("Mish", 1)) { HasShorthand = false },
        new(ActivationKind.Hardtanh, "Hardtanh", SavedForBackward.Inputs, Operations: 2, -1, 1,
            function => OnnxForm.Of(OnnxNode.Of("Clip", [OnnxInput.First, OnnxInput.Scalar("low", function.Arguments[0]), OnnxInput.Scalar("high", function.Arguments[1])])))
        {
            Parameters = EquatableArray.Of(new ActivationParameter("minVal", -1), new ActivationParameter("maxVal", 1)),
            Check = function => function.Arguments[0] < function.Arguments[1] ? null : (1, FormattableString.Invariant($"greater than minVal {function.Arguments[0]:R}")),
            Epilogue = new ActivationEpilogue((vector, x) => vector.Minimum(vector.Argument("maxVal"), vector.Maximum(vector.Argument("minVal"), x))),
        },
        new(ActivationKind.Softplus, "Softplus", SavedForBackward.Inputs, Operations: 41, 0, float.PositiveInfinity,
            function => Softplus(function.Arguments[0], function.Arguments[1]))
        {
            Parameters = EquatableArray.Of(new ActivationParameter("beta", 1), new ActivationParameter("threshold", 20)),
            Check = function => float.IsInfinity(1 / function.Arguments[0]) ? (0, "a number whose reciprocal is finite") : null,
        },
        new(ActivationKind.PReLUPerChannel, "PReLU", SavedForBackward.Inputs, Operations: 2, float.NegativeInfinity, float.PositiveInfinity, _ => Learned)
        {
            HasShorthand = false,
            IsLearned = true,
        },
    ];

    /// <summary>The row of <paramref name="kind"/>.</summary>
    public static ActivationRow Of(ActivationKind kind) => (int)kind >= 0 && (int)kind < All.Count ? All[(int)kind] : throw new ArgumentOutOfRangeException(nameof(kind), kind, "The kind has no row.");

    /// <summary>ONNX's Softplus has neither beta nor threshold. From 20 on ln(1 + exp(x)) is x in single precision anyway.</summary>
    private static OnnxForm Softplus(float beta, float threshold)
    {
        const float Unseen = 20;
        bool scales = beta != 1, switches = threshold < Unseen;
        OnnxInput scaled = scales ? OnnxInput.Result("scaled") : OnnxInput.First, soft = OnnxInput.Result(scales ? "soft" : "logarithm");
        List<OnnxNode> nodes = [];
        if (scales)
            nodes.Add(OnnxNode.Of("Mul", [OnnxInput.First, OnnxInput.Scalar("beta", beta)]).As("scaled"));
        nodes.Add(OnnxNode.Of("Softplus", [scaled]).As("logarithm"));
        if (scales)
            nodes.Add(OnnxNode.Of("Div", [OnnxInput.Result("logarithm"), OnnxInput.Scalar("divisor", beta)]).As("soft"));
        if (switches)
        {
            nodes.Add(OnnxNode.Of("Greater", [scaled, OnnxInput.Scalar("threshold", threshold)]).As("above"));
            nodes.Add(OnnxNode.Of("Where", [OnnxInput.Result("above"), OnnxInput.First, soft]));
        }

        nodes[nodes.Count - 1] = nodes[nodes.Count - 1].As(string.Empty);
        return OnnxForm.Of([.. nodes]);
    }

    private static string Rectify(IActivationSyntax vector, string x, string slope) => vector.MultiplyAdd(vector.Minimum(vector.Zero, x), slope, vector.Maximum(vector.Zero, x));

    private static string HardSigmoid(IActivationSyntax vector, string x) =>
        vector.Minimum(vector.Constant(One), vector.Maximum(vector.Zero, vector.MultiplyAdd(x, vector.Constant(Sixth), vector.Constant(Half))));
}

/// <summary>What is known of an activation function.</summary>
/// <param name="Kind">Its kind; the runtime's function over finished rows, <c>Elementwise</c>, and the shorthand attribute have the kind's name.</param>
/// <param name="Torch">Its name in <c>torch.nn</c>.</param>
/// <param name="Saves">What training keeps of it: what its derivative is written in, its output or its input.</param>
/// <param name="Operations">Vector operations for each vector of values, by counting those of the epilogue or of the runtime's function; for predicted times.</param>
/// <param name="AtMinusInfinity">What PyTorch makes of minus infinity. NaN gives NaN everywhere.</param>
/// <param name="AtInfinity">What PyTorch makes of infinity.</param>
/// <param name="Onnx">How it is written in ONNX.</param>
public sealed record ActivationRow(
    ActivationKind Kind, string Torch, SavedForBackward Saves, int Operations, float AtMinusInfinity, float AtInfinity, Func<ActivationFunction, OnnxForm> Onnx)
{
    /// <summary>Its constants, in the order in which the runtime's function takes them; none unless said.</summary>
    public EquatableArray<ActivationParameter> Parameters { get; init; }

    /// <summary>How a kernel's epilogue computes it; null where it takes more than a few instructions, so that it is a pass over rows in the first-level cache.</summary>
    public ActivationEpilogue? Epilogue { get; init; }

    /// <summary>The number of a constant that is wrong beside the others, and what it must be; null where all are right. Those that are not finite are refused before.</summary>
    public Func<ActivationFunction, (int Parameter, string Expected)?> Check { get; init; } = _ => null;

    /// <summary>Whether an attribute of its own, named as the kind, stands for <c>Activation(kind)</c>.</summary>
    public bool HasShorthand { get; init; } = true;

    /// <summary>Whether it has learned parameters, so that an operator of its own stands for it.</summary>
    public bool IsLearned { get; init; }

    /// <summary>The function with its constants as an attribute gives them, under the parameters' names or, among others, as properties.</summary>
    internal ActivationFunction Read(AttributeDeclaration attribute) =>
        new(Kind, Parameters.Select(p => (float)attribute.Double(p.Name, attribute.Double(p.Property, p.Default))).ToEquatableArray());

    /// <summary>The attribute that is read as <paramref name="function"/>.</summary>
    internal AttributeDeclaration Write(ActivationFunction function)
    {
        WrittenAttribute attribute = HasShorthand ? new(Kind.ToString()) : new WrittenAttribute("Activation").With("kind", Kind);
        foreach ((ActivationParameter parameter, float value) in Parameters.Zip(function.Arguments, (parameter, value) => (parameter, value)))
            attribute.With(HasShorthand ? parameter.Name : parameter.Property, WrittenAttribute.Shortest(value), parameter.Default);
        return attribute.Done();
    }

    /// <summary>The function with its default constants.</summary>
    internal ActivationFunction Default => new(Kind, Parameters.Select(p => (float)p.Default).ToEquatableArray());
}

/// <summary>A constant of an activation function.</summary>
/// <param name="Name">Name of the argument of its own attribute, and of the local that holds it in a kernel.</param>
/// <param name="Default">Its value where none is given.</param>
public sealed record ActivationParameter(string Name, double Default)
{
    /// <summary>Name as a property, and in names of methods.</summary>
    public string Property => char.ToUpperInvariant(Name[0]) + Name.Substring(1);
}

/// <summary>An activation in a kernel's epilogue.</summary>
/// <param name="Text">The function of a local.</param>
/// <param name="Constants">Which of the runtime's <c>ActivationConstants</c> it reads.</param>
public sealed record ActivationEpilogue(Func<IActivationSyntax, string, string> Text, params string[] Constants)
{
    /// <summary>Whether its constants are so few that they are registers after the sums of a matrix product: there is room for two, not for more.</summary>
    public bool KeepsConstants { get; init; }
}

/// <summary>How the operations of an epilogue are written for an instruction set.</summary>
public interface IActivationSyntax
{
    /// <summary>0 in all lanes.</summary>
    string Zero { get; }

    /// <summary>One of the runtime's <c>ActivationConstants</c>.</summary>
    string Constant(string name);

    /// <summary>One of the function's own constants.</summary>
    string Argument(string name);

    /// <summary>What is learned for the channels of the sums.</summary>
    string Slope { get; }

    /// <summary>The larger; native instructions return their second operand when either is NaN, so the value stands there.</summary>
    string Maximum(string a, string b);

    /// <summary>The smaller, in the same order.</summary>
    string Minimum(string a, string b);

    /// <summary>a * b + c, rounded once.</summary>
    string MultiplyAdd(string a, string b, string c);

    /// <summary>a * b.</summary>
    string Multiply(string a, string b);
}

/// <summary>An activation function with its constants, if it has some.</summary>
/// <param name="Kind">Which function.</param>
/// <param name="Arguments">Its constants, one for each of its parameters.</param>
public readonly record struct ActivationFunction(ActivationKind Kind, EquatableArray<float> Arguments = default)
{
    /// <summary>Identity.</summary>
    public static ActivationFunction None => default;

    /// <summary>Whether there is nothing to compute.</summary>
    public bool IsNone => Kind == ActivationKind.None;

    /// <summary>Its row.</summary>
    public ActivationRow Row => Activations.Of(Kind);

    /// <summary>Whether a few instructions in the kernel's epilogue do it; the others are a pass over rows in the first-level cache.</summary>
    public bool IsInline => Row.Epilogue is not null;

    /// <summary>How a kernel's epilogue computes it.</summary>
    public ActivationEpilogue Epilogue => Row.Epilogue ?? throw new InvalidOperationException($"{Kind} is not an epilogue.");

    /// <summary>The names of its constants with their values as C# text.</summary>
    public IEnumerable<(string Name, string Value)> Constants => Row.Parameters.Zip(Arguments, (parameter, value) => (parameter.Name, FormattableString.Invariant($"{value:R}f")));

    /// <summary>Its constants, which are part of a kernel's text, as part of a name: "Slope0_01".</summary>
    public string NameOfArguments => string.Concat(Row.Parameters.Zip(
        Arguments, (parameter, value) => parameter.Property + FormattableString.Invariant($"{value:R}").Replace('.', '_').Replace('-', 'm').Replace('+', 'p')));

    /// <inheritdoc/>
    public override string ToString() => Kind.ToString();
}
