using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// Atrous spatial pyramid pooling (Chen et al. 2017), in PyTorch <c>torchvision.models.segmentation.deeplabv3.ASPP</c> without its dropout: a 1 x 1 convolution,
/// three 3 x 3 convolutions with dilations, and the map's mean through a 1 x 1 convolution, spread over the map, beside each other; joined, and a
/// 1 x 1 convolution; bn and activation after each. [I, H, W] to [O, H, W]. Weights 29 * I * O + 5 * O * O, batch norms 12 * O; MACs (28 * I * O + 5 * O * O) * H * W + I * O.
/// Keys convs.0.0, convs.0.1, ..., convs.4.1, convs.4.2, project.0, project.1.
/// </summary>
/// <param name="outChannels">Output channels, and those of each branch.</param>
/// <param name="firstRate">Dilation and padding of the first 3 x 3 convolution.</param>
/// <param name="secondRate">Those of the second.</param>
/// <param name="thirdRate">Those of the third.</param>
/// <param name="activation">The activation.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ASPPAttribute(
    int outChannels = 256, int firstRate = 6, int secondRate = 12, int thirdRate = 18, Activation activation = Activation.ReLU)
    : LayerAttribute
{
    /// <summary>Output channels, and those of each branch.</summary>
    public int OutChannels { get; } = outChannels;

    /// <summary>Dilation and padding of the first 3 x 3 convolution.</summary>
    public int FirstRate { get; } = firstRate;

    /// <summary>Those of the second.</summary>
    public int SecondRate { get; } = secondRate;

    /// <summary>Those of the third.</summary>
    public int ThirdRate { get; } = thirdRate;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>The eps of the block's batch norms; that of the key style's family where it is not set.</summary>
    public double Eps { get; set; } = 1e-5;
}
