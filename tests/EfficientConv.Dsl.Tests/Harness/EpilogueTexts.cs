namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>Networks with every kernel that has an epilogue, by a placeholder for what is after its sums.</summary>
internal static class EpilogueTexts
{
    /// <summary>SLOPES stands for the activation, ACTIVATION for that of a block.</summary>
    public static readonly string[] All =
    [
        // Dense convolutions: from planes and from channels side by side, in blocks of channels, in groups, with a residual that is read by vectors and one that is not.
        "[InputShape(3, 17, 13)] [Conv2d(29, stride: 2, padding: 1), BatchNorm, SLOPES] [Conv2d(13, padding: 1), SLOPES]",
        "[InputShape(3, 20, 48)] [Conv2d(3, padding: 1), SLOPES]",
        "[InputShape(24, 9, 10, Layout = TensorLayout.NHWC)] [Conv2d(40, padding: 1, Name = \"a\"), SLOPES] [Conv2d(40, padding: 1, Algorithm = ConvAlgorithm.Direct)] [Add(\"a\")] [SLOPES]",
        "[InputShape(21, 9, 10, Layout = TensorLayout.NHWC)] [Conv2d(21, padding: 1, Algorithm = ConvAlgorithm.Direct)] [Add(\"input\")] [SLOPES]",
        "[InputShape(32, 8, 9)] [Conv2d(64, padding: 1, groups: 2), SLOPES] [Conv2d(32, padding: 1, groups: 2), BatchNorm] [Add(\"input\")] [SLOPES]",
        "[InputShape(512, 6, 6, Layout = TensorLayout.NHWC)] [Conv2d(192, padding: 1, Algorithm = ConvAlgorithm.Direct), SLOPES]",

        // Matrix products: over planes, turned planes, channels side by side, with a residual, as a linear layer.
        "[InputShape(20, 8, 8)] [PointwiseConv2d(37), SLOPES]",
        "[InputShape(37, 8, 8)] [PointwiseConv2d(37)] [Add(\"input\")] [SLOPES]",
        "[InputShape(4, 12, 12, Layout = TensorLayout.NHWC)] [PointwiseConv2d(24), SLOPES] [PointwiseConv2d(41), BatchNorm, SLOPES] [GlobalAvgPool, Linear(9), SLOPES]",
        "[InputShape(16, 7, 8)] [PointwiseConv2d(20), SLOPES] [PointwiseConv2d(64), SLOPES]",

        // Depthwise and narrow groups: planes as they are, unrolled, strided, with padding; channels in the lanes, from a plane and through a ring.
        "[InputShape(19, 7, 7)] [DepthwiseConv2d(3, padding: 1), SLOPES]",
        "[InputShape(5, 34, 36)] [DepthwiseConv2d(3, padding: 1, stride: 2), SLOPES]",
        "[InputShape(5, 33, 35)] [DepthwiseConv2d(5, padding: 2), BatchNorm, SLOPES]",
        "[InputShape(40, 9, 11, Layout = TensorLayout.NHWC)] [DepthwiseConv2d(3, padding: 1), SLOPES] [Conv2d(24, padding: 1, groups: 8), SLOPES]",
        "[InputShape(24, 9, 40, Layout = TensorLayout.NHWC)] [DepthwiseConv2d(5, padding: 2, dilation: 1), SLOPES] [DepthwiseConv2d(3, padding: 1), SLOPES] [Add(\"input\")] [SLOPES]",

        // The same with a residual: read where it lies, from planes, with fewer channels.
        "[InputShape(24, 9, 40, Layout = TensorLayout.NHWC)] [DepthwiseConv2d(5, padding: 2)] [Add(\"input\")] [SLOPES]",
        "[InputShape(5, 33, 35)] [DepthwiseConv2d(3, padding: 1), BatchNorm] [Add(\"input\")] [SLOPES]",
        "[InputShape(8, 9, 10)] [PointwiseConv2d(20, Name = \"a\")] [Conv2d(20, padding: 1, groups: 4)] [Add(\"input\", padChannels: true)] [SLOPES]",

        // Fused blocks: rows, slabs, planes, pairs of pixels, after a stem, with the shortcut before the slopes as in BlazeFace.
        "[InputShape(16, 14, 14)] [PointwiseConv2d(64), BatchNorm, SLOPES] [DepthwiseConv2d(3, padding: 1), BatchNorm, SLOPES] [PointwiseConv2d(16), BatchNorm] [Add(\"input\")] [SLOPES]",
        "[InputShape(32, 30, 30, Layout = TensorLayout.NHWC)] [PointwiseConv2d(72), SLOPES] [DepthwiseConv2d(3, padding: 1), SLOPES] [PointwiseConv2d(32)] [Add(\"input\")] [SLOPES]",
        "[InputShape(24, 32, 32, Layout = TensorLayout.NHWC)] [DepthwiseConv2d(5, padding: 2)] [PointwiseConv2d(24)] [Add(\"input\")] [SLOPES]",
        "[InputShape(24, 32, 32, Layout = TensorLayout.NHWC)] [PointwiseConv2d(96), SLOPES] [DepthwiseConv2d(3, padding: 1), SLOPES] [PointwiseConv2d(24), SLOPES]",
        "[InputShape(6, 32, 32)] [DepthwiseConv2d(3, padding: 1), SLOPES] [PointwiseConv2d(12), SLOPES]",
        "[InputShape(3, 40, 40)] [Conv2d(24, 5, stride: 2, padding: 2), SLOPES] [DepthwiseConv2d(3, padding: 1), SLOPES] [PointwiseConv2d(40), SLOPES]",
        "[InputShape(3, 33, 33)] [Conv2d(32, stride: 2, padding: 1, Name = \"stem\"), SLOPES(Name = \"s\")] [DepthwiseConv2d(3, padding: 1), SLOPES] [PointwiseConv2d(32)] [Add(\"s\")] [SLOPES]",
        "[InputShape(16, 12, 12)] [PointwiseConv2d(64), SLOPES] [DepthwiseConv2d(3, padding: 1), SLOPES] [SqueezeExcitation(4)] [PointwiseConv2d(24), SLOPES]",
        "[InputShape(3, 40, 40)] [Conv2d(20, stride: 2, padding: 1), SLOPES] [MaxPool2d(3, stride: 2)]",

        // Blocks with it as their activation.
        "[InputShape(16, 12, 12)] [InvertedResidual(16, expansion: 4, activation: ACTIVATION)] [DepthwiseSeparable(24, stride: 2, activation: ACTIVATION)] [Bottleneck(8, 24, activation: ACTIVATION)]",
        "[InputShape(16, 12, 12)] [ResNetBasicBlock(16, activation: ACTIVATION)] [ResNetBottleneck(8, 2, activation: ACTIVATION)] [FactorizedConv2d(20, kernelSize: 3, activation: ACTIVATION)]",
        "[InputShape(16, 12, 12)] [EfficientConvBlock(16, expansion: 2, activation: ACTIVATION)] [FusedMBConv(16, activation: ACTIVATION)] [UniversalInvertedBottleneck(24, stride: 2, activation: ACTIVATION)]",
        "[InputShape(16, 12, 12)] [ShuffleUnitV1(32, 2, 2, activation: ACTIVATION)] [ShuffleUnitV2(48, 2, activation: ACTIVATION)] [Fire(8, 16, 16, activation: ACTIVATION)] [GhostBottleneck(24, 20, activation: ACTIVATION)]",
        "[InputShape(8, 10, 10)] [NonBottleneck1D(activation: ACTIVATION)] [ERFNetDownsampler(16, activation: ACTIVATION)] [ASPP(8, 1, 2, 3, activation: ACTIVATION)] [ERFNetUpsampler(8, activation: ACTIVATION)] [ConvNeXtBlock(activation: ACTIVATION)]",
        "[InputShape(8, 10, 10)] [RepVGGBlock(8, activation: ACTIVATION)] [MobileOneConv2d(8, activation: ACTIVATION)] [MobileOneBlock(16, activation: ACTIVATION)]",

        // Winograd's output transform in its three forms, and the phases of transposed convolutions, one of which no tap reaches.
        "[InputShape(16, 16, 20, Layout = TensorLayout.NHWC)] [Conv2d(32, padding: 1, Algorithm = ConvAlgorithm.Winograd), BatchNorm, SLOPES]",
        "[InputShape(20, 9, 9)] [Conv2d(20, padding: 1, Algorithm = ConvAlgorithm.Winograd)] [Add(\"input\")] [SLOPES]",
        "[InputShape(12, 15, 18)] [Conv2d(30, stride: 2, padding: 1, Algorithm = ConvAlgorithm.Winograd), SLOPES]",
        "[InputShape(12, 7, 8)] [ConvTranspose2d(20, 3, stride: 2, padding: 1), BatchNorm, SLOPES]",
        "[InputShape(12, 7, 8, Layout = TensorLayout.NHWC)] [ConvTranspose2d(20, 1, stride: 2), SLOPES]",
    ];

    /// <summary>The text with activations in place of SLOPES, in which C is the number of channels there.</summary>
    public static string Declare(string text, string activation)
    {
        text = text.Replace("ACTIVATION", "Activation." + (activation == "PReLU(C)" ? "PReLUPerChannel" : activation), StringComparison.Ordinal);
        while (text.IndexOf("SLOPES", StringComparison.Ordinal) is >= 0 and var at)
        {
            string rest = text[(at + "SLOPES".Length)..], written = activation;
            if (activation.Contains("(C)", StringComparison.Ordinal))
                written = written.Replace("(C)", FormattableString.Invariant($"({DeclarationText.Graph(Closed(text[..at])).Layers[^1].Output.Channels})"), StringComparison.Ordinal);
            if (rest.StartsWith('('))
                (written, rest) = (written.EndsWith(')') ? written[..^1] + ", " : written + "(", rest[1..]);
            text = text[..at] + written + rest;
        }

        return text;
    }

    private static string Closed(string text) => text.TrimEnd().EndsWith('[') ? text.TrimEnd()[..^1] : text.TrimEnd().TrimEnd(',') + "]";
}
