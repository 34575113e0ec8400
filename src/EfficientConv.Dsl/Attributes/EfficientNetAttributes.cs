using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// Inverted residual whose expansion and depthwise convolution are one dense convolution (EfficientNetV2, Tan and Le 2021), in
/// PyTorch <c>torchvision.models.efficientnet.FusedMBConv</c>: k x k to T = make_divisible(I * expansion, 8) channels (bn,
/// activation), optional squeeze-excitation, 1 x 1 projection to O channels (bn), shortcut; no convolution biases. Expansion 1 is a
/// single k x k convolution (bn, activation). [I, H, W] to [O, H', W']. Convolution weights I * T * k * k + T * O, batch norms 2 * (T
/// + O), squeeze-excitation 2 * T * S + S + T; MACs (I * T * k * k + T * O) * H' * W' + 2 * T * S.
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="expansion">Ratio of the expanded to the input channels.</param>
/// <param name="kernelSize">Rows and columns of the window.</param>
/// <param name="stride">Stride of the spatial convolution.</param>
/// <param name="activation">The activation.</param>
/// <param name="shortcut">Whether the input is added to the output.</param>
/// <param name="hiddenChannels">Expanded channels, instead of the ratio.</param>
/// <param name="squeezeChannels">Squeeze channels; turns squeeze-excitation on.</param>
/// <param name="squeezeReduction">Squeeze channels are the base divided by this; turns squeeze-excitation on.</param>
/// <param name="squeezeActivation">The activation between the two squeeze-excitation layers.</param>
/// <param name="gate">The function that makes the squeeze-excitation factors.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class FusedMBConvAttribute(
    int outChannels = Channels.FromInput, double expansion = 4, int kernelSize = 3, int stride = 1, Activation activation =
    Activation.SiLU, Shortcut shortcut = Shortcut.Auto, int hiddenChannels = Channels.Unset, int squeezeChannels =
    Channels.Unset, int squeezeReduction = Channels.Unset, Activation squeezeActivation = Activation.SiLU, Activation gate =
    Activation.Sigmoid)
    : LayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Ratio of the expanded to the input channels.</summary>
    public double Expansion { get; } = expansion;

    /// <summary>Rows and columns of the window.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>Stride of the spatial convolution.</summary>
    public int Stride { get; } = stride;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>Whether the input is added to the output.</summary>
    public Shortcut Shortcut { get; } = shortcut;

    /// <summary>Expanded channels, instead of the ratio.</summary>
    public int HiddenChannels { get; } = hiddenChannels;

    /// <summary>Squeeze channels; turns squeeze-excitation on.</summary>
    public int SqueezeChannels { get; } = squeezeChannels;

    /// <summary>Squeeze channels are the base divided by this; turns squeeze-excitation on.</summary>
    public int SqueezeReduction { get; } = squeezeReduction;

    /// <summary>The activation between the two squeeze-excitation layers.</summary>
    public Activation SqueezeActivation { get; } = squeezeActivation;

    /// <summary>The function that makes the squeeze-excitation factors.</summary>
    public Activation Gate { get; } = gate;

    /// <summary>The expanded channels are made divisible by this (make_divisible).</summary>
    public int ChannelDivisor { get; set; } = 8;

    /// <summary>Which channels are divided by <see cref="SqueezeReduction"/>.</summary>
    public SqueezeSource SqueezeFrom { get; set; }

    /// <summary>The squeeze channels are made divisible by this where it is set (make_divisible).</summary>
    public int SqueezeDivisor { get; set; } = Channels.Unset;

    /// <summary>Rows from one window of the spatial convolution to the next; as <see cref="Stride"/> says where it is not set.</summary>
    public int StrideHeight { get; set; } = Channels.Unset;

    /// <summary>Columns from one window of the spatial convolution to the next; as <see cref="Stride"/> says where it is not set.</summary>
    public int StrideWidth { get; set; } = Channels.Unset;

    /// <summary>Zeros on each side of the k x k convolution; (kernel - 1) / 2 where it is not set.</summary>
    public int Padding { get; set; } = Channels.Unset;

    /// <summary>Computes the padding from the shapes instead.</summary>
    public AutoPad AutoPad { get; set; }

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}

/// <summary>
/// MobileNetV4's block (Qin et al. 2024, figure 4), in PyTorch timm's <c>UniversalInvertedResidual</c>: optional depthwise (bn), 1 x
/// 1 expansion to T = make_divisible(I * expansion, 8) channels (bn, activation), optional depthwise (bn, activation), 1 x 1
/// projection to O channels (bn), optional depthwise (bn), shortcut; no biases. The stride belongs to the middle depthwise
/// convolution, else to the first, else to the last. [I, H, W] to [O, H', W']. Convolution weights I * s * s + I * T + T * m * m + T
/// * O + O * e * e for kernels s, m and e, batch norms 2 a channel of each; MACs each of the weights times the pixels that it makes.
/// Keys dw_start, pw_exp, dw_mid, pw_proj, dw_end with .conv and .bn.
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="expansion">Ratio of the expanded to the input channels.</param>
/// <param name="startKernelSize">Kernel of the depthwise convolution before the expansion; 0 leaves it out.</param>
/// <param name="midKernelSize">Kernel of the depthwise convolution on the expanded channels; 0 leaves it out.</param>
/// <param name="endKernelSize">Kernel of the depthwise convolution after the projection; 0 leaves it out.</param>
/// <param name="stride">Stride of the block.</param>
/// <param name="activation">The activation.</param>
/// <param name="shortcut">Whether the input is added to the output.</param>
/// <param name="hiddenChannels">Expanded channels, instead of the ratio.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class UniversalInvertedBottleneckAttribute(
    int outChannels = Channels.FromInput, double expansion = 4, int startKernelSize = 0, int midKernelSize = 3, int
    endKernelSize = 0, int stride = 1, Activation activation = Activation.ReLU, Shortcut shortcut = Shortcut.Auto, int
    hiddenChannels = Channels.Unset)
    : LayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Ratio of the expanded to the input channels.</summary>
    public double Expansion { get; } = expansion;

    /// <summary>Kernel of the depthwise convolution before the expansion; 0 leaves it out.</summary>
    public int StartKernelSize { get; } = startKernelSize;

    /// <summary>Kernel of the depthwise convolution on the expanded channels; 0 leaves it out.</summary>
    public int MidKernelSize { get; } = midKernelSize;

    /// <summary>Kernel of the depthwise convolution after the projection; 0 leaves it out.</summary>
    public int EndKernelSize { get; } = endKernelSize;

    /// <summary>Stride of the block.</summary>
    public int Stride { get; } = stride;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>Whether the input is added to the output.</summary>
    public Shortcut Shortcut { get; } = shortcut;

    /// <summary>Expanded channels, instead of the ratio.</summary>
    public int HiddenChannels { get; } = hiddenChannels;

    /// <summary>The expanded channels are made divisible by this (make_divisible).</summary>
    public int ChannelDivisor { get; set; } = 8;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}
