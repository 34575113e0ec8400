using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// ShuffleNet V1's unit (Zhang et al. 2018), <c>ShuffleV1Block</c> of its PyTorch implementation: grouped 1 x 1 to M = O / 4 channels (bn,
/// activation), 3 x 3 depthwise (bn), channel shuffle, grouped 1 x 1 (bn), sum with the input, activation; no biases. With a stride, the
/// last convolution makes O - I channels, and the input's 3 x 3 means stand before them instead of the sum. [I, H, W] to [O, H', W'].
/// With B channels of the last convolution: convolution weights I * M / groups + 9 * M + M * B / groups, batch norms 2 * (2 * M + B). MACs
/// each of the weights times the pixels that it makes. Keys branch_main_1.0, .1, .3, .4, branch_main_2.0, .1.
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="stride">Stride of the depthwise convolution.</param>
/// <param name="groups">Groups of the 1 x 1 convolutions and of the shuffle.</param>
/// <param name="firstGrouped">Whether the first convolution is grouped; not so in the first unit of a ShuffleNet.</param>
/// <param name="activation">The activation.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ShuffleUnitV1Attribute(
    int outChannels = Channels.FromInput, int stride = 1, int groups = 3, bool firstGrouped = true,
    Activation activation = Activation.ReLU)
    : LayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Stride of the depthwise convolution.</summary>
    public int Stride { get; } = stride;

    /// <summary>Groups of the 1 x 1 convolutions and of the shuffle.</summary>
    public int Groups { get; } = groups;

    /// <summary>Whether the first convolution is grouped; not so in the first unit of a ShuffleNet.</summary>
    public bool FirstGrouped { get; } = firstGrouped;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}

/// <summary>
/// ShuffleNet V2's unit (Ma et al. 2018), in PyTorch <c>torchvision.models.shufflenetv2.InvertedResidual</c>: the first half of the
/// channels passes, the second goes through 1 x 1 (bn, activation), depthwise (bn), 1 x 1 (bn, activation); both are joined and shuffled in
/// 2 groups; no biases. With a stride all channels go through that branch and through a second one, depthwise (bn), 1 x 1 (bn, activation),
/// which comes first. [I, H, W] to [O, H', W']. With C = O / 2: convolution weights C * C + k * k * C + C * C, and at a stride I * C + k *
/// k * C + C * C + k * k * I + I * C. MACs each of the weights times the pixels that it makes. Keys branch1.0 to .3, branch2.0, .1, .3 to
/// .6.
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="stride">Stride of the depthwise convolutions.</param>
/// <param name="kernelSize">Rows and columns of the depthwise windows.</param>
/// <param name="activation">The activation.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ShuffleUnitV2Attribute(
    int outChannels = Channels.FromInput, int stride = 1, int kernelSize = 3, Activation activation = Activation.ReLU)
    : LayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Stride of the depthwise convolutions.</summary>
    public int Stride { get; } = stride;

    /// <summary>Rows and columns of the depthwise windows.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}
