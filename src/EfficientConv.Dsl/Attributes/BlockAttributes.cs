using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// Residual bottleneck (He et al. 2016), in PyTorch <c>torchvision.models.resnet.Bottleneck</c> or an nn.Sequential of three
/// convolutions: 1 x 1 to M channels (bn, activation), k x k (bn, activation), 1 x 1 to O channels (bn); no biases, padding dilation
/// * (k - 1) / 2. [I, H, W] to [O, H', W']. Convolution weights I * M + M * M / groups * k * k + M * O, batch norms 2 * (2 * M + O);
/// MACs I * M * H * W + (M * M / groups * k * k + M * O) * H' * W'. Keys net.0, net.1, net.3, net.4, net.6, net.7.
/// </summary>
/// <param name="midChannels">Channels of the k x k convolution.</param>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="kernelSize">Rows and columns of the window.</param>
/// <param name="stride">Stride of the k x k convolution.</param>
/// <param name="dilation">Rows and columns from one tap of the window to the next.</param>
/// <param name="groups">Groups of the k x k convolution.</param>
/// <param name="activation">The activation after the first two convolutions.</param>
/// <param name="shortcut">Whether the input is added to the output.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class BottleneckAttribute(
    int midChannels, int outChannels = Channels.FromInput, int kernelSize = 3, int stride = 1, int dilation = 1, int groups = 1,
    Activation activation = Activation.ReLU, Shortcut shortcut = Shortcut.None)
    : LayerAttribute
{
    /// <summary>Channels of the k x k convolution.</summary>
    public int MidChannels { get; } = midChannels;

    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Rows and columns of the window.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>Stride of the k x k convolution.</summary>
    public int Stride { get; } = stride;

    /// <summary>Rows and columns from one tap of the window to the next.</summary>
    public int Dilation { get; } = dilation;

    /// <summary>Groups of the k x k convolution.</summary>
    public int Groups { get; } = groups;

    /// <summary>The activation after the first two convolutions.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>Whether the input is added to the output.</summary>
    public Shortcut Shortcut { get; } = shortcut;

    /// <summary>Rows from one window of the k x k convolution to the next; as <see cref="Stride"/> says where it is not set.</summary>
    public int StrideHeight { get; set; } = Channels.Unset;

    /// <summary>Columns from one window of the k x k convolution to the next; as <see cref="Stride"/> says where it is not set.</summary>
    public int StrideWidth { get; set; } = Channels.Unset;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;

    /// <summary>How the k x k convolution is computed; Winograd needs a 3 x 3 kernel, stride 1 or 2, dilation 1 and one group.</summary>
    public ConvAlgorithm Algorithm { get; set; }
}

/// <summary>
/// Depthwise separable convolution (MobileNet V1), in PyTorch <c>Conv2d(I, I, k, groups=I)</c> and <c>Conv2d(I, O, 1)</c>: k x k
/// depthwise (bn, activation), 1 x 1 to O channels (bn, activation); no biases. [I, H, W] to [O, H', W']. Convolution weights I * k *
/// k + I * O, batch norms 2 * (I + O); MACs (I * k * k + I * O) * H' * W'. Keys net.0, net.1, net.3, net.4.
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="kernelSize">Rows and columns of the window.</param>
/// <param name="stride">Stride of the depthwise convolution.</param>
/// <param name="dilation">Rows and columns from one tap of the window to the next.</param>
/// <param name="activation">The activation.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class DepthwiseSeparableAttribute(
    int outChannels = Channels.FromInput, int kernelSize = 3, int stride = 1, int dilation = 1, Activation activation = Activation.ReLU)
    : LayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Rows and columns of the window.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>Stride of the depthwise convolution.</summary>
    public int Stride { get; } = stride;

    /// <summary>Rows and columns from one tap of the window to the next.</summary>
    public int Dilation { get; } = dilation;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>Rows from one window of the depthwise convolution to the next; as <see cref="Stride"/> says where it is not set.</summary>
    public int StrideHeight { get; set; } = Channels.Unset;

    /// <summary>Columns from one window of the depthwise convolution to the next; as <see cref="Stride"/> says where it is not set.</summary>
    public int StrideWidth { get; set; } = Channels.Unset;

    /// <summary>Zeros on each side of the depthwise convolution; dilation * (kernel - 1) / 2 where it is not set.</summary>
    public int Padding { get; set; } = Channels.Unset;

    /// <summary>Computes the depthwise convolution's padding from the shapes instead.</summary>
    public AutoPad AutoPad { get; set; }

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}

/// <summary>
/// 1 x 1 expansion to T = I * expansion channels (bn, activation), k x k depthwise (bn, activation), optional squeeze-excitation, 1 x
/// 1 projection to O channels (bn), shortcut (MobileNet V2, V3), in PyTorch <c>torchvision.models.mobilenetv2.InvertedResidual</c>;
/// no convolution biases. [I, H, W] to [O, H', W']. Convolution weights I * T + T * k * k + T * O, batch norms 2 * (2 * T + O),
/// squeeze-excitation 2 * T * S + S + T; MACs I * T * H * W + (T * k * k + T * O) * H' * W' + 2 * T * S. Expansion 1 leaves the first
/// convolution out. Keys block.0, block.1 (expand), block.3, block.4 (depthwise), block.6.gate.1, block.6.gate.3
/// (squeeze-excitation), then the projection at block.6, block.7, or block.7, block.8 after squeeze-excitation; without the expansion
/// three less.
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="expansion">Ratio of the expanded to the input channels.</param>
/// <param name="kernelSize">Rows and columns of the window.</param>
/// <param name="stride">Stride of the depthwise convolution.</param>
/// <param name="activation">The activation.</param>
/// <param name="shortcut">Whether the input is added to the output.</param>
/// <param name="hiddenChannels">Expanded channels, instead of the ratio.</param>
/// <param name="squeezeChannels">Squeeze channels; turns squeeze-excitation on.</param>
/// <param name="squeezeReduction">Squeeze channels are the expanded channels, or with SqueezeFrom the input's, divided by this; turns squeeze-excitation on.</param>
/// <param name="alwaysExpand">Whether the first convolution stays at expansion 1.</param>
/// <param name="dilation">Rows and columns from one tap of the window to the next.</param>
/// <param name="squeezeActivation">The activation between the two squeeze-excitation layers.</param>
/// <param name="gate">The function that makes the squeeze-excitation factors.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class InvertedResidualAttribute(
    int outChannels = Channels.FromInput, double expansion = 4, int kernelSize = 3, int stride = 1,
    Activation activation = Activation.ReLU, Shortcut shortcut = Shortcut.Auto, int hiddenChannels = Channels.Unset,
    int squeezeChannels = Channels.Unset, int squeezeReduction = Channels.Unset, bool alwaysExpand = false, int dilation = 1,
    Activation squeezeActivation = Activation.ReLU, Activation gate = Activation.Sigmoid)
    : LayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Ratio of the expanded to the input channels.</summary>
    public double Expansion { get; } = expansion;

    /// <summary>Rows and columns of the window.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>Stride of the depthwise convolution.</summary>
    public int Stride { get; } = stride;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>Whether the input is added to the output.</summary>
    public Shortcut Shortcut { get; } = shortcut;

    /// <summary>Expanded channels, instead of the ratio.</summary>
    public int HiddenChannels { get; } = hiddenChannels;

    /// <summary>Squeeze channels; turns squeeze-excitation on.</summary>
    public int SqueezeChannels { get; } = squeezeChannels;

    /// <summary>Squeeze channels are those of <see cref="SqueezeFrom"/> divided by this; turns squeeze-excitation on.</summary>
    public int SqueezeReduction { get; } = squeezeReduction;

    /// <summary>Whether the first convolution stays at expansion 1.</summary>
    public bool AlwaysExpand { get; } = alwaysExpand;

    /// <summary>Rows and columns from one tap of the window to the next.</summary>
    public int Dilation { get; } = dilation;

    /// <summary>The activation between the two squeeze-excitation layers.</summary>
    public Activation SqueezeActivation { get; } = squeezeActivation;

    /// <summary>The function that makes the squeeze-excitation factors.</summary>
    public Activation Gate { get; } = gate;

    /// <summary>
    /// The expanded channels are made divisible by this where it is set (make_divisible: timm has 8); else the product must be an integer.
    /// </summary>
    public int ChannelDivisor { get; set; } = Channels.Unset;

    /// <summary>Which channels are divided by <see cref="SqueezeReduction"/>.</summary>
    public SqueezeSource SqueezeFrom { get; set; }

    /// <summary>The squeeze channels are made divisible by this where it is set (make_divisible: MobileNetV3 has 8).</summary>
    public int SqueezeDivisor { get; set; } = Channels.Unset;

    /// <summary>Rows from one window of the depthwise convolution to the next; as <see cref="Stride"/> says where it is not set.</summary>
    public int StrideHeight { get; set; } = Channels.Unset;

    /// <summary>Columns from one window of the depthwise convolution to the next; as <see cref="Stride"/> says where it is not set.</summary>
    public int StrideWidth { get; set; } = Channels.Unset;

    /// <summary>Zeros on each side of the depthwise convolution; dilation * (kernel - 1) / 2 where it is not set.</summary>
    public int Padding { get; set; } = Channels.Unset;

    /// <summary>Computes the depthwise convolution's padding from the shapes instead.</summary>
    public AutoPad AutoPad { get; set; }

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}

/// <summary>
/// 1 x 1 expansion to T = I * expansion channels (bn, activation), k x k depthwise (bn, activation), squeeze-excitation on the
/// expanded channels, 1 x 1 projection to O channels (bn), shortcut, in PyTorch an inverted residual with
/// <c>torchvision.ops.SqueezeExcitation</c>; no convolution biases. [I, H, W] to [O, H', W']. With S = T / squeezeReduction,
/// convolution weights I * T + T * k * k + T * O, batch norms 2 * (2 * T + O), squeeze-excitation 2 * T * S + S + T; MACs I * T * H *
/// W + (T * k * k + T * O) * H' * W' + 2 * T * S. Keys block.0, block.1, block.3, block.4, block.6.gate.1, block.6.gate.3, block.7,
/// block.8.
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="expansion">Ratio of the expanded to the input channels.</param>
/// <param name="kernelSize">Rows and columns of the window.</param>
/// <param name="stride">Stride of the depthwise convolution.</param>
/// <param name="squeezeReduction">Squeeze channels are the expanded channels divided by this.</param>
/// <param name="activation">The activation.</param>
/// <param name="shortcut">Whether the input is added to the output.</param>
/// <param name="hiddenChannels">Expanded channels, instead of the ratio.</param>
/// <param name="dilation">Rows and columns from one tap of the window to the next.</param>
/// <param name="squeezeActivation">The activation between the two squeeze-excitation layers.</param>
/// <param name="gate">The function that makes the squeeze-excitation factors.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class EfficientConvBlockAttribute(
    int outChannels = Channels.FromInput, double expansion = 4, int kernelSize = 3, int stride = 1, int squeezeReduction = 4,
    Activation activation = Activation.ReLU, Shortcut shortcut = Shortcut.Auto, int hiddenChannels = Channels.Unset, int dilation = 1,
    Activation squeezeActivation = Activation.ReLU, Activation gate = Activation.Sigmoid)
    : LayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Ratio of the expanded to the input channels.</summary>
    public double Expansion { get; } = expansion;

    /// <summary>Rows and columns of the window.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>Stride of the depthwise convolution.</summary>
    public int Stride { get; } = stride;

    /// <summary>Squeeze channels are the expanded channels divided by this.</summary>
    public int SqueezeReduction { get; } = squeezeReduction;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>Whether the input is added to the output.</summary>
    public Shortcut Shortcut { get; } = shortcut;

    /// <summary>Expanded channels, instead of the ratio.</summary>
    public int HiddenChannels { get; } = hiddenChannels;

    /// <summary>Rows and columns from one tap of the window to the next.</summary>
    public int Dilation { get; } = dilation;

    /// <summary>The activation between the two squeeze-excitation layers.</summary>
    public Activation SqueezeActivation { get; } = squeezeActivation;

    /// <summary>The function that makes the squeeze-excitation factors.</summary>
    public Activation Gate { get; } = gate;

    /// <summary>Rows from one window of the depthwise convolution to the next; as <see cref="Stride"/> says where it is not set.</summary>
    public int StrideHeight { get; set; } = Channels.Unset;

    /// <summary>Columns from one window of the depthwise convolution to the next; as <see cref="Stride"/> says where it is not set.</summary>
    public int StrideWidth { get; set; } = Channels.Unset;

    /// <summary>Zeros on each side of the depthwise convolution; dilation * (kernel - 1) / 2 where it is not set.</summary>
    public int Padding { get; set; } = Channels.Unset;

    /// <summary>Computes the depthwise convolution's padding from the shapes instead.</summary>
    public AutoPad AutoPad { get; set; }

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}

/// <summary>
/// A k x 1 convolution (bn, activation) and a 1 x k convolution (bn, activation), in PyTorch <c>Conv2d(I, O, (k, 1), padding=((k - 1)
/// / 2, 0))</c> and <c>Conv2d(O, O, (1, k), padding=(0, (k - 1) / 2))</c>; no biases, padding dilation * (k - 1) / 2 along the
/// window. [I, H, W] to [O, H', W']. Convolution weights I * O * k + O * O * k, batch norms 4 * O; MACs I * O * k * H' * W + O * O *
/// k * H' * W'. Keys net.0, net.1, net.3, net.4.
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="kernelSize">Length of both windows.</param>
/// <param name="stride">The rows of the first and the columns of the second.</param>
/// <param name="dilation">Rows and columns from one tap of the window to the next.</param>
/// <param name="activation">The activation.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class FactorizedConv2dAttribute(
    int outChannels = Channels.FromInput, int kernelSize = 7, int stride = 1, int dilation = 1, Activation activation = Activation.ReLU)
    : LayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Length of both windows.</summary>
    public int KernelSize { get; } = kernelSize;

    /// <summary>The rows of the first and the columns of the second.</summary>
    public int Stride { get; } = stride;

    /// <summary>Rows and columns from one tap of the window to the next.</summary>
    public int Dilation { get; } = dilation;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}
