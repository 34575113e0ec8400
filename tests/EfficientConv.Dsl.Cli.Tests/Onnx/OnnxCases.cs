using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Cli.Tests.Onnx;

/// <summary>Small networks that have every operator and every activation, each in the forms that differ in ONNX.</summary>
internal static class OnnxCases
{
    private static readonly string[] s_attributes =
    [
        "Conv2d(12, kernelSize: 3, stride: 2, padding: 1)",
        "Conv2d(12, groups: 4, bias: false, KernelHeight = 5, KernelWidth = 2, PaddingTop = 2, PaddingRight = 1, DilationWidth = 2)",
        "Linear(10)",
        "Flatten, Linear(10, bias: false), Softmax",
        "BatchNorm(1e-3), LayerNorm2d(1e-4)",
        "BatchNorm(affine: false)",
        "LayerScale, PReLU, PReLU(8)",
        "GroupNorm(4, 1e-3)",
        "InstanceNorm2d",
        "InstanceNorm2d(1e-3, affine: true)",
        "InstanceNorm2d(affine: true, trackRunningStats: true), InstanceNorm2d(trackRunningStats: true)",
        "GroupNorm(1, affine: false)",
        "MaxPool2d(3, stride: 2, padding: 1)",
        "MaxPool2d(3, stride: 2, dilation: 2, ceilMode: true)",
        "AvgPool2d(3, stride: 2, padding: 1)",
        "AvgPool2d(3, stride: 2, padding: 1, countIncludePad: false)",
        "AvgPool2d(2, stride: 1, DilationHeight = 3, DilationWidth = 2)",
        "AdaptiveMaxPool2d(4, 3)",
        "AdaptiveAvgPool2d(4, 11)",
        "AdaptiveAvgPool2d(3, 11)",
        "GlobalAvgPool, Flatten",
        "ChannelShuffle(4)",
        "PixelShuffle(2)",
        "Pad2d(2, value: 1.5)",
        "Pad2d(PaddingBottom = 1)",
        "Pad2d(3, PadMode.Reflect, PaddingTop = 1)",
        "Pad2d(mode: PadMode.Replicate, PaddingLeft = 4)",
        "Upsample(2)",
        "Upsample(1.7)",
        "Upsample(1.05), Upsample(2.05)",
        "SliceChannels(0, 1), Upsample(2.05)",
        "AdaptiveAvgPool2d(20, 20), Upsample(1.15, Interpolation.Bilinear)",
        "AdaptiveAvgPool2d(20, 23), Upsample(0.55, Interpolation.Bilinear)",
        "AdaptiveAvgPool2d(20, 23), Upsample(0.55)",
        "Upsample(1.7, Interpolation.Bilinear)",
        "Upsample(2, Interpolation.Bilinear, alignCorners: true)",
        "Upsample(1.7, Height = 5)",
        "Upsample(1.7, Interpolation.Bilinear, Width = 5)",
        "ConvTranspose2d(6, kernelSize: 3, stride: 2, padding: 1, outputPadding: 1)",
        "ConvTranspose2d(12, kernelSize: 2, groups: 4, bias: false, StrideHeight = 3, StrideWidth = 1, DilationWidth = 2, PaddingLeft = 1)",
        "ReLU(Name = \"a\"), Conv2d(8, padding: 1), Add(\"a\")",
        "ReLU(Name = \"a\"), Conv2d(13, padding: 1), Add(\"a\", padChannels: true), Conv2d(5, padding: 1, Name = \"b\"), PReLU(5), Add(\"a\", padChannels: true)",
        "ReLU(Name = \"a\"), Conv2d(8, padding: 1), Multiply(\"a\")",
        "GlobalAvgPool(Name = \"a\"), From(\"input\"), Multiply(\"a\")",
        "ReLU(Name = \"a\"), Conv2d(8, padding: 1), Concat(\"a\", \"input\"), SliceChannels(5, 12)",
        "SqueezeExcitation(2), InvertedResidual(expansion: 2)",
        .. Enum.GetNames<Activation>().Where(name => !name.StartsWith(nameof(Activation.PReLU), StringComparison.Ordinal)).Select(name => $"Activation(Activation.{name}, Slope = 0.3)"),
    ];

    /// <summary>The networks by their attributes.</summary>
    public static IReadOnlyDictionary<string, OnnxCase> All { get; } = s_attributes.Select((attributes, i) => new OnnxCase(attributes, $"Case{i}")).ToDictionary(c => c.Attributes);
}

/// <summary>A network of an input of 8 x 9 x 11 and some attributes.</summary>
internal sealed record OnnxCase(string Attributes, string Name)
{
    public string Source => $"[InputShape(8, 9, 11), {Attributes}]";

    public LayerGraph Graph => DeclarationText.Graph(Source);
}
