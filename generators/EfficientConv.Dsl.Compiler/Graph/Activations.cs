namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Activation functions, numbered as the attribute enumeration of the runtime library.</summary>
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
}

/// <summary>An activation function with its constant, if it has one.</summary>
/// <param name="Kind">Which function.</param>
/// <param name="Slope">LeakyReLU's slope; 0 for the others.</param>
public readonly record struct ActivationFunction(ActivationKind Kind, float Slope = 0)
{
    /// <summary>Identity.</summary>
    public static ActivationFunction None => default;

    /// <summary>Whether there is nothing to compute.</summary>
    public bool IsNone => Kind == ActivationKind.None;

    /// <summary>Whether a few instructions in the kernel's epilogue do it; the others are a pass over rows in the first-level cache.</summary>
    public bool IsInline => Kind is ActivationKind.None or ActivationKind.ReLU or ActivationKind.ReLU6 or ActivationKind.HardSwish or ActivationKind.HardSigmoid or ActivationKind.LeakyReLU;

    /// <summary>Vector operations for each vector of values, by counting those of the epilogue or of the runtime's function.</summary>
    public int Operations => Kind switch
    {
        ActivationKind.None => 0,
        ActivationKind.ReLU => 1,
        ActivationKind.ReLU6 or ActivationKind.LeakyReLU => 2,
        ActivationKind.HardSigmoid => 3,
        ActivationKind.HardSwish => 4,
        ActivationKind.Tanh or ActivationKind.ELU => 35,
        ActivationKind.SiLU or ActivationKind.Sigmoid => 37,
        ActivationKind.GELUTanh => 45,
        ActivationKind.GELU => 57,
        ActivationKind.Mish => 65,
        _ => throw new InvalidOperationException($"{Kind} is no function of the value alone."),
    };

    /// <summary>What training keeps of it: what its derivative is written in, its output or its input.</summary>
    public SavedForBackward Saves => Kind switch
    {
        ActivationKind.None => SavedForBackward.Nothing,
        ActivationKind.ReLU or ActivationKind.LeakyReLU or ActivationKind.ELU or ActivationKind.Sigmoid or ActivationKind.Tanh => SavedForBackward.Output,
        _ => SavedForBackward.Inputs,
    };

    /// <summary>How it is written in ONNX.</summary>
    public OnnxForm Onnx => Kind switch
    {
        ActivationKind.None => OnnxForm.Of("Identity", 1),
        ActivationKind.ReLU => OnnxForm.Of("Relu", 1),
        ActivationKind.ReLU6 => OnnxForm.Of(OnnxNode.Of("Clip", [OnnxInput.First, OnnxInput.Scalar("low", 0), OnnxInput.Scalar("high", 6)])),
        ActivationKind.SiLU => OnnxForm.Of(OnnxNode.Of("Sigmoid", [OnnxInput.First]).As("gate"), OnnxNode.Of("Mul", [OnnxInput.First, OnnxInput.Result("gate")])),
        ActivationKind.HardSigmoid => OnnxForm.Of("HardSigmoid", 1, OnnxAttribute.Of("alpha", 1 / 6f), OnnxAttribute.Of("beta", 0.5f)),
        ActivationKind.LeakyReLU => OnnxForm.Of("LeakyRelu", 1, OnnxAttribute.Of("alpha", Slope)),
        ActivationKind.GELU => OnnxForm.Of("Gelu", 1),
        ActivationKind.GELUTanh => OnnxForm.Of("Gelu", 1, OnnxAttribute.Of("approximate", "tanh")),
        ActivationKind.ELU => OnnxForm.Of("Elu", 1),
        ActivationKind.HardSwish or ActivationKind.Sigmoid or ActivationKind.Tanh or ActivationKind.Mish => OnnxForm.Of(Kind.ToString(), 1),
        _ => throw new InvalidOperationException($"{Kind} has no ONNX form."),
    };

    /// <inheritdoc/>
    public override string ToString() => Kind.ToString();
}
