using EfficientConv.Dsl.Zoo;
using static EfficientConv.Dsl.Benchmarks.Suites.BenchmarkRow;

namespace EfficientConv.Dsl.Benchmarks.Suites;

/// <summary>
/// Whole networks of the zoo at 224 x 224, one image, by the names that torchvision and timm give them. The second ratio counts where Winograd's algorithm is allowed.
/// </summary>
internal static class NetworkSuite
{
    public static IReadOnlyList<BenchmarkRow> Rows { get; } =
    [
        Alone<MobileNetV2>("mobilenet_v2", 1.60, avx2Ratio: 1.45),
        Alone<MobileNetV1>("mobilenet_v1", 1.12, avx2Ratio: 1.30),
        Alone<MobileNetV3Large>("mobilenet_v3_large", 1.45, avx2Ratio: 1.40),
        Alone<MobileNetV3Small>("mobilenet_v3_small", 1.5),
        Alone<EfficientNetB0>("efficientnet_b0", 1.70, avx2Ratio: 1.45),
        Alone<ShuffleNetV2X10>("shufflenet_v2_x1_0", 1.5),
        Alone<MnasNet10>("mnasnet1_0", 1.35, avx2Ratio: 1.30),
        Alone<SqueezeNet11>("squeezenet1_1", 1.25),
        Alone<ResNet18>("resnet18", 1.5),
        Alone<ResNet50>("resnet50", 1.25, avx2Ratio: 1.30),
    ];
}
