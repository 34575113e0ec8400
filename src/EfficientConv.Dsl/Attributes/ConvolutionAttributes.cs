using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// Two-dimensional convolution, <c>torch.nn.Conv2d</c>: [I, H, W] to [O, H', W']. Parameters O * I / groups * kh * kw (+ O with
/// bias), MACs O * I / groups * kh * kw * H' * W'. Keys: weight [O, I / groups, kh, kw], bias [O].
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="kernelSize">Rows and columns of the window.</param>
/// <param name="stride">Rows and columns from one window to the next.</param>
/// <param name="padding">Zeros added on each side.</param>
/// <param name="dilation">Rows and columns from one tap of the window to the next.</param>
/// <param name="groups">Groups of channels that do not see each other; divides the channels in and out.</param>
/// <param name="bias">Whether a bias is added to each output channel.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class Conv2dAttribute(
    int outChannels = Channels.FromInput, int kernelSize = 3, int stride = 1, int padding = 0, int dilation = 1, int groups = 1,
    bool bias = true)
    : SpatialLayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Rows and columns of the window.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>Rows and columns from one window to the next.</summary>
    public int Stride { get; } = stride;

    /// <summary>Zeros added on each side.</summary>
    public int Padding { get; } = padding;

    /// <summary>Rows and columns from one tap of the window to the next.</summary>
    public int Dilation { get; } = dilation;

    /// <summary>Groups of channels that do not see each other; divides the channels in and out.</summary>
    public int Groups { get; } = groups;

    /// <summary>Whether a bias is added to each output channel.</summary>
    public bool Bias { get; } = bias;

    /// <summary>How it is computed; Winograd needs a 3 x 3 kernel, stride 1 or 2, dilation 1 and one group.</summary>
    public ConvAlgorithm Algorithm { get; set; }
}

/// <summary>
/// 1 x 1 convolution, <c>torch.nn.Conv2d(I, O, 1)</c>: [I, H, W] to [O, ceil(H / stride), ceil(W / stride)]. Parameters O * I /
/// groups (+ O with bias), MACs O * I / groups * H' * W'. Keys: weight [O, I / groups, 1, 1], bias [O].
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="stride">Rows and columns from one window to the next.</param>
/// <param name="groups">Groups of channels that do not see each other; divides the channels in and out.</param>
/// <param name="bias">Whether a bias is added to each output channel.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class PointwiseConv2dAttribute(
    int outChannels = Channels.FromInput, int stride = 1, int groups = 1, bool bias = true)
    : LayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Rows and columns from one window to the next.</summary>
    public int Stride { get; } = stride;

    /// <summary>Groups of channels that do not see each other; divides the channels in and out.</summary>
    public int Groups { get; } = groups;

    /// <summary>Whether a bias is added to each output channel.</summary>
    public bool Bias { get; } = bias;
}

/// <summary>
/// Depthwise convolution, <c>torch.nn.Conv2d(C, C * multiplier, k, groups=C)</c>: [C, H, W] to [C * multiplier, H', W']; output
/// channel o reads input channel o / multiplier. Parameters C * multiplier * kh * kw (+ C * multiplier with bias), MACs C *
/// multiplier * kh * kw * H' * W'. Keys: weight [C * multiplier, 1, kh, kw], bias [C * multiplier].
/// </summary>
/// <param name="kernelSize">Rows and columns of the window.</param>
/// <param name="stride">Rows and columns from one window to the next.</param>
/// <param name="padding">Zeros added on each side.</param>
/// <param name="dilation">Rows and columns from one tap of the window to the next.</param>
/// <param name="multiplier">Output channels per input channel.</param>
/// <param name="bias">Whether a bias is added to each output channel.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class DepthwiseConv2dAttribute(
    int kernelSize = 3, int stride = 1, int padding = 0, int dilation = 1, int multiplier = 1, bool bias = true)
    : SpatialLayerAttribute
{
    /// <summary>Rows and columns of the window.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>Rows and columns from one window to the next.</summary>
    public int Stride { get; } = stride;

    /// <summary>Zeros added on each side.</summary>
    public int Padding { get; } = padding;

    /// <summary>Rows and columns from one tap of the window to the next.</summary>
    public int Dilation { get; } = dilation;

    /// <summary>Output channels per input channel.</summary>
    public int Multiplier { get; } = multiplier;

    /// <summary>Whether a bias is added to each output channel.</summary>
    public bool Bias { get; } = bias;
}

/// <summary>
/// Fully connected layer, <c>torch.nn.Linear</c>: [I, H, W] taken as one vector in NCHW order, to [O, 1, 1]. Parameters O * I
/// (+ O with bias), MACs O * I, where I = C * H * W. Keys: weight [O, I], bias [O].
/// </summary>
/// <param name="outFeatures">Output features.</param>
/// <param name="bias">Whether a bias is added to each output channel.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class LinearAttribute(int outFeatures, bool bias = true) : LayerAttribute
{
    /// <summary>Output features.</summary>
    public int OutFeatures { get; } = outFeatures;

    /// <summary>Whether a bias is added to each output channel.</summary>
    public bool Bias { get; } = bias;
}
