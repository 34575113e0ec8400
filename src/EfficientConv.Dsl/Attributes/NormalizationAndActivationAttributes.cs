using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// Batch normalisation with the stored statistics, <c>torch.nn.BatchNorm2d</c> in eval mode: y = (x - running_mean) /
/// sqrt(running_var + eps) * weight + bias per channel, folded into the convolution before it where there is one. Shape kept;
/// parameters 2 * C, no MACs counted. Keys: weight, bias, running_mean, running_var, each [C].
/// </summary>
/// <param name="eps">Added to the variance: 1e-5 in PyTorch, 1e-3 in torchvision's mobilenet_v3 and timm's tf_ models.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class BatchNormAttribute(double eps = 1e-5) : LayerAttribute
{
    /// <summary>Added to the variance: 1e-5 in PyTorch, 1e-3 in torchvision's mobilenet_v3 and timm's tf_ models.</summary>
    public double Eps { get; } = eps;
}

/// <summary>
/// Layer norm over the channels of each pixel, in PyTorch torchvision's and timm's <c>LayerNorm2d</c>: y = (x - mean) / sqrt(variance + eps) * weight + bias
/// with the mean and the variance of the pixel's C values. Shape kept; parameters 2 * C, no MACs. Keys: weight [C], bias [C].
/// </summary>
/// <param name="eps">Added to the variance.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class LayerNorm2dAttribute(double eps = 1e-6) : LayerAttribute
{
    /// <summary>Added to the variance.</summary>
    public double Eps { get; } = eps;
}

/// <summary>
/// A learned factor by channel (Touvron et al. 2021), in PyTorch timm's <c>LayerScale2d</c>: y = x * gamma[c]. Shape kept; parameters C, no MACs. Behind a
/// convolution it is folded into its weights. Key: gamma [C].
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class LayerScaleAttribute : LayerAttribute;

/// <summary>
/// An elementwise activation of the given kind. PyTorch's module of the same name. Shape kept; no MACs; no parameters except <see
/// cref="Activation.PReLU"/>, which has one slope as <see cref="PReLUAttribute"/> has by default (key weight [1]).
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

/// <summary>
/// exp(x - max) / sum of exp(x - max) over the channels of each pixel, <c>torch.nn.Softmax(dim=1)</c>; after <see
/// cref="LinearAttribute"/> over all features. Shape kept, no parameters, no MACs.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class SoftmaxAttribute : LayerAttribute;
