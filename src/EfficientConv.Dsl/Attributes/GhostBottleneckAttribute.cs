using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// GhostNet's bottleneck (Han et al. 2020), in PyTorch <c>timm.models.ghostnet.GhostBottleneck</c>: ghost module to T channels
/// (activation), k x k depthwise (bn) where there is a stride, optional squeeze-excitation, ghost module to O channels, shortcut (k x k
/// depthwise, bn, 1 x 1, bn where the shapes differ). A ghost module makes half of its channels with a 1 x 1 convolution and the other half
/// with a depthwise one of the first, bn after each. [I, H, W] to [O, H', W']. Convolution weights I * T / 2 + d * d * T / 2 + T * O / 2 +
/// d * d * O / 2, with a stride k * k * T, and for the shortcut k * k * I + I * O. MACs each of the weights times the pixels that it makes.
/// Keys ghost1.primary_conv, ghost1.cheap_operation, conv_dw, bn_dw, se, ghost2, shortcut.
/// </summary>
/// <param name="hiddenChannels">Channels between the two ghost modules.</param>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="kernelSize">Rows and columns of the depthwise windows of a stride and of the shortcut.</param>
/// <param name="stride">Stride of the block.</param>
/// <param name="squeezeReduction">Squeeze channels are the hidden channels divided by this; turns squeeze-excitation on.</param>
/// <param name="cheapKernelSize">Rows and columns of the depthwise windows in the ghost modules.</param>
/// <param name="activation">The activation of the first ghost module.</param>
/// <param name="gate">The function that makes the squeeze-excitation factors.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class GhostBottleneckAttribute(
    int hiddenChannels, int outChannels = Channels.FromInput, int kernelSize = 3, int stride = 1,
    int squeezeReduction = Channels.Unset, int cheapKernelSize = 3, Activation activation = Activation.ReLU,
    Activation gate = Activation.HardSigmoid)
    : LayerAttribute
{
    /// <summary>Channels between the two ghost modules.</summary>
    public int HiddenChannels { get; } = hiddenChannels;

    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Rows and columns of the depthwise windows of a stride and of the shortcut.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>Stride of the block.</summary>
    public int Stride { get; } = stride;

    /// <summary>Squeeze channels are the hidden channels divided by this; turns squeeze-excitation on.</summary>
    public int SqueezeReduction { get; } = squeezeReduction;

    /// <summary>Rows and columns of the depthwise windows in the ghost modules.</summary>
    public int CheapKernelSize { get; } = cheapKernelSize;

    /// <summary>The activation of the first ghost module.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>The function that makes the squeeze-excitation factors.</summary>
    public Activation Gate { get; } = gate;

    /// <summary>The squeeze channels are made divisible by this (make_divisible).</summary>
    public int SqueezeDivisor { get; set; } = 4;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}
