using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// The network also takes 8-bit images: a <c>Forward(ReadOnlySpan&lt;byte&gt; pixels, PixelFormat format, int stride, Span&lt;float&gt; output, int threads)</c> is generated.
/// Each value is converted as torchvision's <c>ToTensor</c> and <c>Normalize</c> do, (x / 255 - mean) / std in 32-bit floats, with the same bits, while
/// the first convolution reads its rows. The image has the height and width of <see cref="InputShapeAttribute"/>, whose channels must be 3 (red, green, blue in
/// this order, whatever the order in memory) or 1 (grey). It may stand anywhere in the list, is no layer and counts for no index.
/// </summary>
/// <param name="mean">One mean a channel; left out for 3 channels, ImageNet's 0.485, 0.456, 0.406.</param>
/// <param name="std">One standard deviation a channel, positive; left out for 3 channels, ImageNet's 0.229, 0.224, 0.225.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ImageInputAttribute(double[]? mean = null, double[]? std = null) : Attribute
{
    /// <summary>One mean a channel; null for ImageNet's.</summary>
    public double[]? Mean { get; } = mean;

    /// <summary>One standard deviation a channel; null for ImageNet's.</summary>
    public double[]? Std { get; } = std;
}
