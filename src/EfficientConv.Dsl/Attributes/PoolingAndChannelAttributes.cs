using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// Maximum over a window, <c>torch.nn.MaxPool2d</c>: [C, H, W] to [C, H', W']; padding counts as minus infinity, NaN wins. No
/// parameters, no MACs.
/// </summary>
/// <param name="kernelSize">Rows and columns of the window.</param>
/// <param name="stride">Rows and columns from one window to the next; the kernel size where left out.</param>
/// <param name="padding">Added on each side; at most half the kernel.</param>
/// <param name="dilation">Rows and columns from one tap of the window to the next.</param>
/// <param name="ceilMode">Whether the output size is rounded up, so that a last window may reach over the edge.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class MaxPool2dAttribute(
    int kernelSize = 2, int stride = Channels.Unset, int padding = 0, int dilation = 1, bool ceilMode = false)
    : SpatialLayerAttribute
{
    /// <summary>Rows and columns of the window.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>Rows and columns from one window to the next; the kernel size where left out.</summary>
    public int Stride { get; } = stride;

    /// <summary>Added on each side; at most half the kernel.</summary>
    public int Padding { get; } = padding;

    /// <summary>Rows and columns from one tap of the window to the next.</summary>
    public int Dilation { get; } = dilation;

    /// <summary>Whether the output size is rounded up, so that a last window may reach over the edge.</summary>
    public bool CeilMode { get; } = ceilMode;
}

/// <summary>
/// Mean over a window, <c>torch.nn.AvgPool2d</c>: [C, H, W] to [C, H', W']. No parameters, no MACs.
/// </summary>
/// <param name="kernelSize">Rows and columns of the window.</param>
/// <param name="stride">Rows and columns from one window to the next; the kernel size where left out.</param>
/// <param name="padding">Zeros added on each side.</param>
/// <param name="ceilMode">Whether the output size is rounded up, so that a last window may reach over the edge.</param>
/// <param name="countIncludePad">Whether the padding counts in the divisor.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class AvgPool2dAttribute(
    int kernelSize = 2, int stride = Channels.Unset, int padding = 0, bool ceilMode = false, bool countIncludePad = true)
    : SpatialLayerAttribute
{
    /// <summary>Rows and columns of the window.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>Rows and columns from one window to the next; the kernel size where left out.</summary>
    public int Stride { get; } = stride;

    /// <summary>Zeros added on each side.</summary>
    public int Padding { get; } = padding;

    /// <summary>Whether the output size is rounded up, so that a last window may reach over the edge.</summary>
    public bool CeilMode { get; } = ceilMode;

    /// <summary>Whether the padding counts in the divisor.</summary>
    public bool CountIncludePad { get; } = countIncludePad;
}

/// <summary>
/// Mean over the whole image, <c>torch.nn.AdaptiveAvgPool2d(1)</c>: [C, H, W] to [C, 1, 1]. No parameters, no MACs.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class GlobalAvgPoolAttribute : LayerAttribute;

/// <summary>
/// <c>torch.nn.Flatten</c>: [C, H, W] to [C * H * W, 1, 1] in NCHW order. No parameters, no MACs: it computes nothing and exists so
/// that the indices in a state dict of <c>torch.nn.Sequential</c> line up.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class FlattenAttribute : LayerAttribute;

/// <summary>
/// <c>torch.nn.ChannelShuffle</c>: output channel j * groups + i is input channel i * (C / groups) + j. Shape kept, no parameters, no
/// MACs.
/// </summary>
/// <param name="groups">Groups; divides the channels.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ChannelShuffleAttribute(int groups) : LayerAttribute
{
    /// <summary>Groups; divides the channels.</summary>
    public int Groups { get; } = groups;
}

/// <summary>
/// Squeeze and excitation (Hu et al. 2018), in PyTorch <c>torchvision.ops.SqueezeExcitation</c>: y = x * gate(W2 * act(W1 * mean(x) +
/// b1) + b2). Shape kept; with S = C / reduction, parameters 2 * C * S + S + C, MACs 2 * C * S. Keys: gate.1.weight [S, C],
/// gate.1.bias [S], gate.3.weight [C, S], gate.3.bias [C]; the weights may have two trailing dimensions of 1.
/// </summary>
/// <param name="reduction">Squeeze channels are C / reduction, at least 1.</param>
/// <param name="activation">The activation between the two layers.</param>
/// <param name="gate">The function that makes the factors.</param>
/// <param name="squeezeChannels">Squeeze channels, instead of the ratio.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class SqueezeExcitationAttribute(
    int reduction = 4, Activation activation = Activation.ReLU, Activation gate = Activation.Sigmoid,
    int squeezeChannels = Channels.Unset)
    : LayerAttribute
{
    /// <summary>Squeeze channels are C / reduction, at least 1.</summary>
    public int Reduction { get; } = reduction;

    /// <summary>The activation between the two layers.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>The function that makes the factors.</summary>
    public Activation Gate { get; } = gate;

    /// <summary>Squeeze channels, instead of the ratio.</summary>
    public int SqueezeChannels { get; } = squeezeChannels;
}
