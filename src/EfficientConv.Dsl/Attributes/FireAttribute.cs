using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// SqueezeNet's module (Iandola et al. 2016), in PyTorch <c>torchvision.models.squeezenet.Fire</c>: 1 x 1 to S channels, then 1 x 1 to A
/// and 3 x 3 to B channels beside each other, joined; all with bias and activation. [I, H, W] to [A + B, H, W]. Weights I * S + S * A + 9 *
/// S * B, biases S + A + B; MACs the weights times H * W. Keys squeeze, expand1x1, expand3x3.
/// </summary>
/// <param name="squeezeChannels">Channels of the first convolution.</param>
/// <param name="expand1x1Channels">Channels of the 1 x 1 branch.</param>
/// <param name="expand3x3Channels">Channels of the 3 x 3 branch.</param>
/// <param name="activation">The activation.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class FireAttribute(
    int squeezeChannels, int expand1x1Channels, int expand3x3Channels, Activation activation = Activation.ReLU)
    : LayerAttribute
{
    /// <summary>Channels of the first convolution.</summary>
    public int SqueezeChannels { get; } = squeezeChannels;

    /// <summary>Channels of the 1 x 1 branch.</summary>
    public int Expand1x1Channels { get; } = expand1x1Channels;

    /// <summary>Channels of the 3 x 3 branch.</summary>
    public int Expand3x3Channels { get; } = expand3x3Channels;

    /// <summary>The activation.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>How the 3 x 3 convolution is computed.</summary>
    public ConvAlgorithm Algorithm { get; set; }
}
