namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>Named networks that several tests use, compiled together.</summary>
internal static class SampleNetworks
{
    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(All!.Select(p => (p.Key, p.Value))));

    /// <summary>torchvision's mobilenet_v2 (Sandler et al. 2018, table 2).</summary>
    public const string MobileNetV2 = """
        [InputShape(3, 224, 224)]
        [Conv2d(32, kernelSize: 3, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6]
        [InvertedResidual(16, expansion: 1, activation: Activation.ReLU6)]
        [InvertedResidual(24, expansion: 6, stride: 2, activation: Activation.ReLU6)]
        [InvertedResidual(24, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(32, expansion: 6, stride: 2, activation: Activation.ReLU6)]
        [InvertedResidual(32, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(32, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(64, expansion: 6, stride: 2, activation: Activation.ReLU6)]
        [InvertedResidual(64, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(64, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(64, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(96, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(96, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(96, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(160, expansion: 6, stride: 2, activation: Activation.ReLU6)]
        [InvertedResidual(160, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(160, expansion: 6, activation: Activation.ReLU6)]
        [InvertedResidual(320, expansion: 6, activation: Activation.ReLU6)]
        [PointwiseConv2d(1280, bias: false), BatchNorm, ReLU6]
        [GlobalAvgPool, Linear(1000)]
        """;

    /// <summary>All of them.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        ["MobileBlock"] = "[InputShape(24, 56, 56)] [InvertedResidual(expansion: 4)]",
        ["SqueezeBlock"] = "[InputShape(20, 15, 13)] [EfficientConvBlock(expansion: 3, activation: Activation.SiLU)]",
        ["ChannelsLast"] = "[InputShape(13, 11, 9, Layout = TensorLayout.NHWC)] [Conv2d(10, padding: 1), BatchNorm, HardSwish] [DepthwiseSeparable(21)]",
        ["Classifier"] = "[InputShape(3, 21, 19)] [Conv2d(12, stride: 2, padding: 1)] [ReLU, MaxPool2d] [EfficientConvBlock(18)] [GlobalAvgPool, Linear(10), Softmax]",
        ["ExpansionSix"] = "[InputShape(24, 56, 56)] [InvertedResidual(expansion: 6)]",
        ["MobileNetV2"] = MobileNetV2,
    };

    /// <summary>The compiled batch.</summary>
    public static NetworkBatch Batch => s_batch.Value;
}
