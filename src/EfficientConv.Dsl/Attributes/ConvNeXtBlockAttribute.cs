using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// ConvNeXt's block (Liu et al. 2022), in PyTorch <c>timm.models.convnext.ConvNeXtBlock</c>: k x k depthwise, layer norm over the channels,
/// 1 x 1 to T = I * expansion channels, GELU, 1 x 1 back, a learned factor for each channel, sum with the input; the convolutions have
/// biases. Shape kept. Weights k * k * I + 2 * I * T, biases 2 * I + T, layer norm 2 * I, factors I; MACs (k * k * I + 2 * I * T) * H * W.
/// Keys conv_dw, norm, mlp.fc1, mlp.fc2, gamma.
/// </summary>
/// <param name="expansion">Ratio of the inner to the input channels.</param>
/// <param name="kernelSize">Rows and columns of the depthwise window.</param>
/// <param name="activation">The activation.</param>
/// <param name="layerScale">Whether there is a factor for each channel (gamma).</param>
/// <param name="hiddenChannels">Inner channels, instead of the ratio.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ConvNeXtBlockAttribute(
    double expansion = 4, int kernelSize = 7, Activation activation = Activation.GELU, bool layerScale = true,
    int hiddenChannels = Channels.Unset)
    : LayerAttribute
{
    /// <summary>Ratio of the inner to the input channels.</summary>
    public double Expansion { get; } = expansion;

    /// <summary>Rows and columns of the depthwise window.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>Whether there is a factor for each channel (gamma).</summary>
    public bool LayerScale { get; } = layerScale;

    /// <summary>Inner channels, instead of the ratio.</summary>
    public int HiddenChannels { get; } = hiddenChannels;

    /// <summary>The inner channels are made divisible by this where it is set (make_divisible); else the product must be an integer.</summary>
    public int ChannelDivisor { get; set; } = Channels.Unset;

    /// <summary>The eps of the layer norm.</summary>
    public double Eps { get; set; } = 1e-6;
}
