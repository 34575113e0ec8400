using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// RepVGG's convolution (Ding et al. 2021), in PyTorch timm's <c>RepVggBlock</c>: 3 x 3 to O channels with bias, activation. In
/// training it is the sum of a 3 x 3 convolution, a 1 x 1 convolution and, at stride 1 with as many channels out as in, the input,
/// each with batch norm; a checkpoint of these branches is summed while loading, in double precision and rounded once. [I, H, W] to
/// [O, H', W']. Weights 9 * I / groups * O + O; MACs 9 * I / groups * O * H' * W'. Keys rbr_dense, rbr_1x1 (each .conv and .bn),
/// rbr_identity, or the sum's rbr_reparam.
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="stride">Stride.</param>
/// <param name="groups">Groups.</param>
/// <param name="activation">The activation.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class RepVGGBlockAttribute(
    int outChannels = Channels.FromInput, int stride = 1, int groups = 1, Activation activation = Activation.ReLU)
    : LayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Stride.</summary>
    public int Stride { get; } = stride;

    /// <summary>Groups.</summary>
    public int Groups { get; } = groups;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}

/// <summary>
/// One convolution of MobileOne (Vasu et al. 2023), in PyTorch timm's <c>MobileOneBlock</c>: k x k to O channels with bias,
/// activation; MobileOne's stem. In training it is the sum of equal convolutions, of a 1 x 1 convolution beside a larger kernel and,
/// at stride 1 with as many channels out as in, of the input, each with batch norm; a checkpoint of these branches is summed while
/// loading, in double precision and rounded once. [I, H, W] to [O, H', W']. Weights k * k * I / groups * O + O; MACs k * k * I /
/// groups * O * H' * W'. Keys rbr_conv.i, rbr_scale (each .conv and .bn), rbr_skip, or the sum's reparam_conv.
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="kernelSize">Rows and columns of the window.</param>
/// <param name="stride">Stride.</param>
/// <param name="groups">Groups.</param>
/// <param name="branches">Equal convolutions in the training form.</param>
/// <param name="activation">The activation.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class MobileOneConv2dAttribute(
    int outChannels = Channels.FromInput, int kernelSize = 3, int stride = 1, int groups = 1, int branches = 1, Activation
    activation = Activation.ReLU)
    : LayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Rows and columns of the window.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>Stride.</summary>
    public int Stride { get; } = stride;

    /// <summary>Groups.</summary>
    public int Groups { get; } = groups;

    /// <summary>Equal convolutions in the training form.</summary>
    public int Branches { get; } = branches;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}

/// <summary>
/// MobileOne's block (Vasu et al. 2023), in PyTorch two of timm's <c>MobileOneBlock</c>: a depthwise k x k and a 1 x 1 convolution to
/// O channels, both with bias and activation, each the sum of branches in training as <see cref="MobileOneConv2dAttribute"/>. [I, H,
/// W] to [O, H', W']. Weights (k * k + 1) * I + (I + 1) * O; MACs (k * k * I + I * O) * H' * W'. In the MobileOne key style the block
/// is two modules of its stage.
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="kernelSize">Rows and columns of the window.</param>
/// <param name="stride">Stride of the depthwise convolution.</param>
/// <param name="branches">Equal convolutions in the training form.</param>
/// <param name="activation">The activation.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class MobileOneBlockAttribute(
    int outChannels = Channels.FromInput, int kernelSize = 3, int stride = 1, int branches = 1, Activation activation =
    Activation.ReLU)
    : LayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Rows and columns of the window.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>Stride of the depthwise convolution.</summary>
    public int Stride { get; } = stride;

    /// <summary>Equal convolutions in the training form.</summary>
    public int Branches { get; } = branches;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}
