using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// <c>torch.nn.Upsample</c>: [C, H, W] to [C, floor(H * scale), floor(W * scale)], or to the size given. No parameters, no MACs.
/// </summary>
/// <param name="scale">Rows and columns out for each one in; not used on an axis whose size is given.</param>
/// <param name="mode">How values between pixels are made.</param>
/// <param name="alignCorners">Bilinear only: whether the corner pixels' centres fall onto each other.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class UpsampleAttribute(double scale = 2, Interpolation mode = Interpolation.Nearest, bool alignCorners = false) : LayerAttribute
{
    /// <summary>Rows and columns out for each one in.</summary>
    public double Scale { get; } = scale;

    /// <summary>How values between pixels are made.</summary>
    public Interpolation Mode { get; } = mode;

    /// <summary>Bilinear only: whether the corner pixels' centres fall onto each other.</summary>
    public bool AlignCorners { get; } = alignCorners;

    /// <summary>Rows out, instead of the scale.</summary>
    public int Height { get; set; } = Channels.Unset;

    /// <summary>Columns out, instead of the scale.</summary>
    public int Width { get; set; } = Channels.Unset;
}

/// <summary>
/// <c>torch.nn.PixelShuffle</c>: [C * factor * factor, H, W] to [C, H * factor, W * factor]; channel c * factor * factor + i * factor + j becomes row i
/// and column j of each pixel's square. No parameters, no MACs.
/// </summary>
/// <param name="factor">Rows and columns out for each one in; its square divides the channels.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class PixelShuffleAttribute(int factor) : LayerAttribute
{
    /// <summary>Rows and columns out for each one in.</summary>
    public int Factor { get; } = factor;
}

/// <summary>
/// <c>torch.nn.AdaptiveAvgPool2d</c>: [C, H, W] to [C, height, width]; output row i is the mean of rows floor(i * H / height) to ceil((i + 1) * H /
/// height), and columns likewise. No parameters, no MACs.
/// </summary>
/// <param name="height">Rows out.</param>
/// <param name="width">Columns out; as many as rows where left out.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class AdaptiveAvgPool2dAttribute(int height, int width = Channels.Unset) : LayerAttribute
{
    /// <summary>Rows out.</summary>
    public int Height { get; } = height;

    /// <summary>Columns out; as many as rows where left out.</summary>
    public int Width { get; } = width;
}

/// <summary>
/// <c>torch.nn.AdaptiveMaxPool2d</c>: as <see cref="AdaptiveAvgPool2dAttribute"/>, with the maximum; NaN wins. [C, H, W] to
/// [C, <paramref name="height"/>, <paramref name="width"/>]. No parameters, no MACs.
/// </summary>
/// <param name="height">Rows out.</param>
/// <param name="width">Columns out; as many as rows where left out.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class AdaptiveMaxPool2dAttribute(int height, int width = Channels.Unset) : LayerAttribute
{
    /// <summary>Rows out.</summary>
    public int Height { get; } = height;

    /// <summary>Columns out; as many as rows where left out.</summary>
    public int Width { get; } = width;
}

/// <summary>
/// Transposed convolution, <c>torch.nn.ConvTranspose2d</c>: [I, H, W] to [O, H', W'] with H' = (H - 1) * stride - 2 * padding + dilation * (k - 1) +
/// outputPadding + 1. Parameters I * O / groups * kh * kw (+ O with bias), MACs I * O / groups * kh * kw * H * W. Keys: weight
/// [I, O / groups, kh, kw], bias [O].
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="kernelSize">Rows and columns of the window.</param>
/// <param name="stride">Rows and columns of the output from one input pixel to the next.</param>
/// <param name="padding">Rows and columns taken away on each side.</param>
/// <param name="outputPadding">Rows and columns added at the bottom and at the right; less than stride or dilation.</param>
/// <param name="groups">Groups of channels that do not see each other; divides the channels in and out.</param>
/// <param name="bias">Whether a bias is added to each output channel.</param>
/// <param name="dilation">Rows and columns from one tap of the window to the next.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ConvTranspose2dAttribute(
    int outChannels = Channels.FromInput, int kernelSize = 3, int stride = 1, int padding = 0, int outputPadding = 0, int groups = 1,
    bool bias = true, int dilation = 1)
    : SpatialLayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Rows and columns of the window.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>Rows and columns of the output from one input pixel to the next.</summary>
    public int Stride { get; } = stride;

    /// <summary>Rows and columns taken away on each side.</summary>
    public int Padding { get; } = padding;

    /// <summary>Rows and columns added at the bottom and at the right.</summary>
    public int OutputPadding { get; } = outputPadding;

    /// <summary>Groups of channels that do not see each other; divides the channels in and out.</summary>
    public int Groups { get; } = groups;

    /// <summary>Whether a bias is added to each output channel.</summary>
    public bool Bias { get; } = bias;

    /// <summary>Rows and columns from one tap of the window to the next.</summary>
    public int Dilation { get; } = dilation;
}
