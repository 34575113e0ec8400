using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// Batch normalisation with the stored statistics, <c>torch.nn.BatchNorm2d</c> in eval mode: y = (x - running_mean) /
/// sqrt(running_var + eps) * weight + bias per channel, folded into the convolution before it where there is one. Shape kept;
/// parameters 2 * C, or none; no MACs counted. Keys: weight, bias, running_mean, running_var, each [C].
/// </summary>
/// <param name="eps">Added to the variance: 1e-5 in PyTorch, 1e-3 in torchvision's mobilenet_v3 and timm's tf_ models.</param>
/// <param name="affine">Whether there are weight and bias; else they are 1 and 0.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class BatchNormAttribute(double eps = 1e-5, bool affine = true) : LayerAttribute
{
    /// <summary>Added to the variance: 1e-5 in PyTorch, 1e-3 in torchvision's mobilenet_v3 and timm's tf_ models.</summary>
    public double Eps { get; } = eps;

    /// <summary>Whether there are weight and bias; else they are 1 and 0.</summary>
    public bool Affine { get; } = affine;
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
/// Instance norm (Ulyanov et al. 2016), <c>torch.nn.InstanceNorm2d</c>: y = (x - mean) / sqrt(variance + eps) * weight + bias with the mean and the variance of each channel's
/// pixels. Shape kept; parameters none, or 2 * C; no MACs. With running statistics inference is a batch norm, folded into the convolution before it where there is one. Maps of
/// one pixel are an error without them (ECD0004). Keys: weight [C] and bias [C] with <paramref name="affine"/>, running_mean [C] and running_var [C] with
/// <paramref name="trackRunningStats"/>.
/// </summary>
/// <param name="eps">Added to the variance.</param>
/// <param name="affine">Whether there are weight and bias.</param>
/// <param name="trackRunningStats">Whether training keeps running statistics, which inference uses in place of the image's.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class InstanceNorm2dAttribute(double eps = 1e-5, bool affine = false, bool trackRunningStats = false) : LayerAttribute
{
    /// <summary>Added to the variance.</summary>
    public double Eps { get; } = eps;

    /// <summary>Whether there are weight and bias.</summary>
    public bool Affine { get; } = affine;

    /// <summary>Whether training keeps running statistics, which inference uses in place of the image's.</summary>
    public bool TrackRunningStats { get; } = trackRunningStats;
}

/// <summary>
/// Group norm (Wu and He 2018), <c>torch.nn.GroupNorm</c>: y = (x - mean) / sqrt(variance + eps) * weight + bias with the mean and the variance of all pixels of a group of
/// C / numGroups channels, and weight and bias by channel. Shape kept; parameters 2 * C, or none; no MACs. Groups that do not divide the channels are an error (ECD0101). Keys:
/// weight [C], bias [C].
/// </summary>
/// <param name="numGroups">Groups; divides the channels.</param>
/// <param name="eps">Added to the variance.</param>
/// <param name="affine">Whether there are weight and bias.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class GroupNormAttribute(int numGroups, double eps = 1e-5, bool affine = true) : LayerAttribute
{
    /// <summary>Groups; divides the channels.</summary>
    public int NumGroups { get; } = numGroups;

    /// <summary>Added to the variance.</summary>
    public double Eps { get; } = eps;

    /// <summary>Whether there are weight and bias.</summary>
    public bool Affine { get; } = affine;
}

/// <summary>
/// A learned factor by channel (Touvron et al. 2021), in PyTorch timm's <c>LayerScale2d</c>: y = x * gamma[c]. Shape kept; parameters C, no MACs. After a
/// convolution it is folded into its weights. Key: gamma [C].
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class LayerScaleAttribute : LayerAttribute;

/// <summary>
/// exp(x - max) / sum of exp(x - max) over the channels of each pixel, <c>torch.nn.Softmax(dim=1)</c>; after <see
/// cref="LinearAttribute"/> over all features. Shape kept, no parameters, no MACs.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class SoftmaxAttribute : LayerAttribute;
