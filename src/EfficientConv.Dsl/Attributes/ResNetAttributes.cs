using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// ResNet-18's and 34's block (He et al. 2016), in PyTorch <c>torchvision.models.resnet.BasicBlock</c>: 3 x 3 to O channels (bn,
/// activation), 3 x 3 (bn), sum with the input, activation; no biases. The input goes through a strided 1 x 1 convolution (bn) where
/// the shapes differ. [I, H, W] to [O, H', W']. Convolution weights 9 * I * O + 9 * O * O, and I * O for the shortcut; batch norms 2
/// * O each; MACs all of them times H' * W'. Keys conv1, bn1, conv2, bn2, downsample.0, downsample.1.
/// </summary>
/// <param name="outChannels">Output channels; as many as come in where left out.</param>
/// <param name="stride">Stride of the first convolution.</param>
/// <param name="activation">The activation after the first convolution and after the sum.</param>
/// <param name="dilation">Rows and columns from one tap of the windows to the next.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ResNetBasicBlockAttribute(
    int outChannels = Channels.FromInput, int stride = 1, Activation activation = Activation.ReLU, int dilation = 1)
    : LayerAttribute
{
    /// <summary>Output channels; as many as come in where left out.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Stride of the first convolution.</summary>
    public int Stride { get; } = stride;

    /// <summary>The activation after the first convolution and after the sum.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>Rows and columns from one tap of the windows to the next.</summary>
    public int Dilation { get; } = dilation;

    /// <summary>Rows from one window of the first convolution to the next; as <see cref="Stride"/> says where it is not set.</summary>
    public int StrideHeight { get; set; } = Channels.Unset;

    /// <summary>Columns from one window of the first convolution to the next; as <see cref="Stride"/> says where it is not set.</summary>
    public int StrideWidth { get; set; } = Channels.Unset;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;

    /// <summary>How the 3 x 3 convolutions with dilation 1 and one group are computed.</summary>
    public ConvAlgorithm Algorithm { get; set; }
}

/// <summary>
/// ResNet-50's and ResNeXt's block (He et al. 2016, Xie et al. 2017) with the stride on the 3 x 3 convolution, in PyTorch
/// <c>torchvision.models.resnet.Bottleneck</c>: 1 x 1 to M = floor(planes * baseWidth / 64) * groups channels (bn, activation), 3 x 3
/// (bn, activation), 1 x 1 to 4 * planes (bn), sum with the input, activation; no biases. The input goes through a strided 1 x 1
/// convolution (bn) where the shapes differ. [I, H, W] to [4 * planes, H', W']. Convolution weights I * M + 9 * M * M / groups + 4 *
/// M * planes, and 4 * I * planes for the shortcut; batch norms 2 a channel of each; MACs each of the weights times the pixels that
/// it makes. Keys conv1, bn1, conv2, bn2, conv3, bn3, downsample.0, downsample.1.
/// </summary>
/// <param name="planes">A quarter of the output channels.</param>
/// <param name="stride">Stride of the 3 x 3 convolution.</param>
/// <param name="groups">Groups of the 3 x 3 convolution (cardinality).</param>
/// <param name="baseWidth">Channels of the 3 x 3 convolution per group for 64 planes.</param>
/// <param name="activation">The activation after the first two convolutions and after the sum.</param>
/// <param name="dilation">Rows and columns from one tap of the 3 x 3 window to the next.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ResNetBottleneckAttribute(
    int planes, int stride = 1, int groups = 1, int baseWidth = 64, Activation activation = Activation.ReLU, int dilation =
    1)
    : LayerAttribute
{
    /// <summary>A quarter of the output channels.</summary>
    public int Planes { get; } = planes;

    /// <summary>Stride of the 3 x 3 convolution.</summary>
    public int Stride { get; } = stride;

    /// <summary>Groups of the 3 x 3 convolution (cardinality).</summary>
    public int Groups { get; } = groups;

    /// <summary>Channels of the 3 x 3 convolution per group for 64 planes.</summary>
    public int BaseWidth { get; } = baseWidth;

    /// <summary>The activation after the first two convolutions and after the sum.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>Rows and columns from one tap of the 3 x 3 window to the next.</summary>
    public int Dilation { get; } = dilation;

    /// <summary>Rows from one window of the 3 x 3 convolution to the next; as <see cref="Stride"/> says where it is not set.</summary>
    public int StrideHeight { get; set; } = Channels.Unset;

    /// <summary>Columns from one window of the 3 x 3 convolution to the next; as <see cref="Stride"/> says where it is not set.</summary>
    public int StrideWidth { get; set; } = Channels.Unset;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;

    /// <summary>How the 3 x 3 convolutions with dilation 1 and one group are computed.</summary>
    public ConvAlgorithm Algorithm { get; set; }
}
