using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>An elementwise activation function, computed as PyTorch's module of the same name.</summary>
public enum Activation
{
    /// <summary>x</summary>
    None,

    /// <summary>max(x, 0)</summary>
    ReLU,

    /// <summary>min(max(x, 0), 6)</summary>
    ReLU6,

    /// <summary>x * relu6(x + 3) / 6</summary>
    HardSwish,

    /// <summary>x / (1 + exp(-x))</summary>
    SiLU,

    /// <summary>1 / (1 + exp(-x))</summary>
    Sigmoid,

    /// <summary>relu6(x + 3) / 6</summary>
    HardSigmoid,

    /// <summary>x / 2 * (1 + erf(x / sqrt(2)))</summary>
    GELU,

    /// <summary>x if x > 0, else slope * x</summary>
    LeakyReLU,

    /// <summary>x if x > 0, else slope * x with one learned slope</summary>
    PReLU,

    /// <summary>tanh(x)</summary>
    Tanh,

    /// <summary>x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))</summary>
    GELUTanh,

    /// <summary>x if x > 0, else exp(x) - 1</summary>
    ELU,

    /// <summary>x * tanh(ln(1 + exp(x)))</summary>
    Mish,

    /// <summary>min(max(x, minVal), maxVal)</summary>
    Hardtanh,

    /// <summary>x if beta * x > threshold, else ln(1 + exp(beta * x)) / beta</summary>
    Softplus,

    /// <summary>x if x > 0, else slope[c] * x with a learned slope for each channel: <see cref="PReLU"/> with as many parameters as channels</summary>
    PReLUPerChannel,
}

/// <summary>
/// An elementwise activation of the given kind. PyTorch's module of the same name. Shape kept; no MACs; no parameters except <see
/// cref="Activation.PReLU"/>, which has one slope as <see cref="PReLUAttribute"/> has by default (key weight [1]), and <see cref="Activation.PReLUPerChannel"/> (weight [C]).
/// </summary>
/// <param name="kind">The activation.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ActivationAttribute(Activation kind) : LayerAttribute
{
    /// <summary>The activation.</summary>
    public Activation Kind { get; } = kind;

    /// <summary>Factor of the negative side for <see cref="Activation.LeakyReLU"/>; other kinds ignore it.</summary>
    public double Slope { get; set; } = 0.01;

    /// <summary>Lower bound of <see cref="Activation.Hardtanh"/>; other kinds ignore it.</summary>
    public double MinVal { get; set; } = -1;

    /// <summary>Upper bound of <see cref="Activation.Hardtanh"/>; other kinds ignore it.</summary>
    public double MaxVal { get; set; } = 1;

    /// <summary>Factor of x in <see cref="Activation.Softplus"/>; other kinds ignore it.</summary>
    public double Beta { get; set; } = 1;

    /// <summary>Values of beta * x from which on <see cref="Activation.Softplus"/> is x; other kinds ignore it.</summary>
    public double Threshold { get; set; } = 20;
}

/// <summary>
/// Elementwise max(x, 0), <c>torch.nn.ReLU</c>. Shape kept, no parameters, no MACs.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ReLUAttribute : LayerAttribute;

/// <summary>
/// Elementwise min(max(x, 0), 6), <c>torch.nn.ReLU6</c>. Shape kept, no parameters, no MACs.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ReLU6Attribute : LayerAttribute;

/// <summary>
/// Elementwise x * relu6(x + 3) / 6, <c>torch.nn.Hardswish</c>. Shape kept, no parameters, no MACs.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class HardSwishAttribute : LayerAttribute;

/// <summary>
/// Elementwise x / (1 + exp(-x)), also called Swish, <c>torch.nn.SiLU</c>. Shape kept, no parameters, no MACs.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class SiLUAttribute : LayerAttribute;

/// <summary>
/// Elementwise 1 / (1 + exp(-x)), <c>torch.nn.Sigmoid</c>. Shape kept, no parameters, no MACs.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class SigmoidAttribute : LayerAttribute;

/// <summary>
/// Elementwise relu6(x + 3) / 6, <c>torch.nn.Hardsigmoid</c>. Shape kept, no parameters, no MACs.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class HardSigmoidAttribute : LayerAttribute;

/// <summary>
/// Elementwise x / 2 * (1 + erf(x / sqrt(2))), <c>torch.nn.GELU</c>. Shape kept, no parameters, no MACs.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class GELUAttribute : LayerAttribute;

/// <summary>
/// Elementwise tanh(x), <c>torch.nn.Tanh</c>. Shape kept, no parameters, no MACs.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class TanhAttribute : LayerAttribute;

/// <summary>
/// Elementwise x if x > 0, else slope * x, <c>torch.nn.LeakyReLU</c>. Shape kept, no parameters, no MACs.
/// </summary>
/// <param name="slope">Factor of the negative side.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class LeakyReLUAttribute(double slope = 0.01) : LayerAttribute
{
    /// <summary>Factor of the negative side.</summary>
    public double Slope { get; } = slope;
}

/// <summary>
/// Elementwise ln(1 + exp(beta * x)) / beta, and x where beta * x is above the threshold, <c>torch.nn.Softplus</c>. Shape kept, no parameters, no MACs. A beta of 0, and
/// numbers that are not finite, are an error (ECD0004).
/// </summary>
/// <param name="beta">Factor of x; not 0.</param>
/// <param name="threshold">Values of beta * x above which the result is x.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class SoftplusAttribute(double beta = 1, double threshold = 20) : LayerAttribute
{
    /// <summary>Factor of x; not 0.</summary>
    public double Beta { get; } = beta;

    /// <summary>Values of beta * x above which the result is x.</summary>
    public double Threshold { get; } = threshold;
}

/// <summary>
/// Elementwise min(max(x, minVal), maxVal), <c>torch.nn.Hardtanh</c>: a clamp. Shape kept, no parameters, no MACs. Bounds that are not finite, or not in this order, are an
/// error (ECD0004).
/// </summary>
/// <param name="minVal">Lower bound.</param>
/// <param name="maxVal">Upper bound, greater than the lower one.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class HardtanhAttribute(double minVal = -1, double maxVal = 1) : LayerAttribute
{
    /// <summary>Lower bound.</summary>
    public double MinVal { get; } = minVal;

    /// <summary>Upper bound, greater than the lower one.</summary>
    public double MaxVal { get; } = maxVal;
}

/// <summary>
/// x if x > 0, else slope[c] * x with learned slopes, <c>torch.nn.PReLU</c>. Shape kept; no MACs; parameters <paramref
/// name="numParameters"/>. Key: weight [numParameters].
/// </summary>
/// <param name="numParameters">1 (one slope for all) or the channel count.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class PReLUAttribute(int numParameters = 1) : LayerAttribute
{
    /// <summary>1 (one slope for all) or the channel count.</summary>
    public int NumParameters { get; } = numParameters;
}
