using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// ERFNet's residual block (Romera et al. 2018), <c>non_bottleneck_1d</c> of the authors' PyTorch code: 3 x 1 (activation), 1 x 3 (bn,
/// activation), 3 x 1 with dilation (activation), 1 x 3 with dilation (bn), sum with the input, activation; the convolutions have biases.
/// Shape kept. Weights 12 * I * I, biases 4 * I, batch norms 4 * I; MACs 12 * I * I * H * W. Keys conv3x1_1, conv1x3_1, bn1, conv3x1_2,
/// conv1x3_2, bn2.
/// </summary>
/// <param name="dilation">Pixels from one tap to the next in the second pair.</param>
/// <param name="activation">The activation.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class NonBottleneck1DAttribute(
    int dilation = 1, Activation activation = Activation.ReLU)
    : LayerAttribute
{
    /// <summary>Pixels from one tap to the next in the second pair.</summary>
    public int Dilation { get; } = dilation;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}

/// <summary>
/// ERFNet's downsampler (Romera et al. 2018), <c>DownsamplerBlock</c> of the authors' PyTorch code: a 3 x 3 convolution with stride 2 and
/// bias to O - I channels beside the 2 x 2 maxima of the input, joined, bn, activation. [I, H, W] to [O, H / 2, W / 2]; H and W must be
/// even. Weights 9 * I * (O - I), biases O - I, batch norm 2 * O; MACs the weights times H * W / 4. Keys conv, bn.
/// </summary>
/// <param name="outChannels">Output channels, more than come in.</param>
/// <param name="activation">The activation.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ERFNetDownsamplerAttribute(
    int outChannels, Activation activation = Activation.ReLU)
    : LayerAttribute
{
    /// <summary>Output channels, more than come in.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}

/// <summary>
/// ERFNet's upsampler (Romera et al. 2018), <c>UpsamplerBlock</c> of the authors' PyTorch code: a transposed 3 x 3 convolution with stride 2, padding 1, output
/// padding 1 and bias, bn, activation. [I, H, W] to [O, 2 * H, 2 * W]. Weights 9 * I * O, biases O, batch norm 2 * O; MACs 9 * I * O * H * W. Keys conv, bn.
/// </summary>
/// <param name="outChannels">Output channels.</param>
/// <param name="activation">The activation.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ERFNetUpsamplerAttribute(
    int outChannels, Activation activation = Activation.ReLU)
    : LayerAttribute
{
    /// <summary>Output channels.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}
