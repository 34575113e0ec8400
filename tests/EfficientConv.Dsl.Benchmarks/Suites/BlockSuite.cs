using EfficientConv.Dsl.Benchmarks.Networks;
using static EfficientConv.Dsl.Benchmarks.Suites.BenchmarkRow;

namespace EfficientConv.Dsl.Benchmarks.Suites;

/// <summary>
/// Single kernels and blocks of the published mobile networks. In a name: kind, channels, <c>e</c> expansion, map size, <c>s</c> stride.
/// <c>pw</c> 1 x 1 with bias and ReLU; <c>dw</c> depthwise with bias and ReLU6; <c>ir</c> MobileNetV2's inverted residual, every convolution with batch
/// norm, ReLU6; <c>effconv_se</c> the same with squeeze-excitation (reduction 4 of the hidden channels); <c>dwsep</c> depthwise and 1 x 1, batch norm
/// and ReLU after each; <c>bottleneck</c> 1 x 1, 3 x 3, 1 x 1 with batch norm, ReLU after the first two; <c>grouped3</c>, <c>dilated3</c> 3 x 3 with bias;
/// <c>factorized</c> 7 x 1 and 1 x 7, batch norm and ReLU after each; <c>stem</c> 3 x 3 of stride 2 with bias and ReLU6; <c>std3</c> 3 x 3 with bias and
/// ReLU; <c>se</c> squeeze-excitation alone; <c>shuffle</c> a channel shuffle alone.
/// </summary>
internal static class BlockSuite
{
    public static IReadOnlyList<BenchmarkRow> Rows { get; } =
    [
        Alone<Pointwise64To128At56>("pw_64_128_56", 1.25, avx2Ratio: 1.05),
        Alone<Pointwise256To64At32>("pw_256_64_32", 1.15, avx2Ratio: 1.05),
        Alone<Pointwise96To576At14>("pw_96_576_14", 1.20, avx2Ratio: 1.05),
        Alone<Pointwise576To96At14>("pw_576_96_14", 1.12, avx2Ratio: 1.05),
        Alone<Pointwise320To1280At7>("pw_320_1280_7", 1.10, avx2Ratio: 1.05),
        Alone<Depthwise144At56>("dw3_144_56", 1.8),
        Alone<Depthwise384At14>("dw3_384_14", 2.0),
        Alone<Depthwise960At7>("dw3_960_7", 2.0),
        Alone<Depthwise96At112Stride2>("dw3s2_96_112", 2.2),
        Alone<Depthwise5x5Of240At14>("dw5_240_14", 1.3),
        Alone<Stem224>("stem_3_32_224_s2", 2.0),
        Alone<Standard64To128At56>("std3_64_128_56", 1.05, 2.2),
        Alone<SqueezeExcitation64At56>("se_64_56", 1.5),
        Alone<InvertedResidual24At56>("ir_24_24_e6_56", 1.90),
        Alone<InvertedResidual16To24At112Stride2>("ir_16_24_e6_112_s2", 1.95),
        Alone<InvertedResidual32At28>("ir_32_32_e4_28", 1.40),
        Alone<InvertedResidual64At14>("ir_64_64_e6_14", 1.32),
        Alone<InvertedResidual96At14>("ir_96_96_e6_14", 1.27),
        Alone<InvertedResidual160At7>("ir_160_160_e6_7", 1.27),
        Alone<EfficientConv40At28ReLU6>("effconv_se_40_e4_28_relu6", 1.70),
        Alone<EfficientConv40At28SiLU>("effconv_se_40_e4_28_silu", 1.30),
        Alone<DepthwiseSeparable64To128At56>("dwsep_64_128_56", 1.20),
        Alone<Bottleneck256At56>("bottleneck_256_64_56", 1.25, 1.7),
        Alone<Grouped64To128At32>("grouped3_64_128_g4_32", 1.15),
        Alone<Dilated64At32>("dilated3_64_d2_32", 1.05),
        Alone<Factorized64At32>("factorized_7x1_1x7_64_32", 1.03),
        Alone<Shuffle240At28>("shuffle_240_g3_28", 1.2),

        InChain<InvertedResidual24At56, InvertedResidual24At56x5>("ir_24_24_e6_56", 2.05),
        InChain<InvertedResidual64At14, InvertedResidual64At14x5>("ir_64_64_e6_14", 1.38),
        InChain<InvertedResidual96At14, InvertedResidual96At14x5>("ir_96_96_e6_14", 1.32),
        InChain<InvertedResidual160At7, InvertedResidual160At7x5>("ir_160_160_e6_7", 1.28),
        InChain<EfficientConv40At28ReLU6, EfficientConv40At28ReLU6x5>("effconv_se_40_e4_28_relu6", 1.8),
        InChain<EfficientConv40At28SiLU, EfficientConv40At28SiLUx5>("effconv_se_40_e4_28_silu", 1.35),
        InChain<Bottleneck256At56, Bottleneck256At56x5>("bottleneck_256_64_56", 1.35, 1.9),
        InChain<Depthwise384At14, Depthwise384At14x5>("dw3_384_14", 1.6),
        InChain<Depthwise960At7, Depthwise960At7x5>("dw3_960_7", 1.6),
        InChain<Depthwise144At56, Depthwise144At56x5>("dw3_144_56", 1.0),
        InChain<PointwisePair96At14, PointwisePair96At14x5>("pw_pair_96_576_96_14", 1.0),

        OwnLayout<Pointwise64To128At56ChannelsLast>("pw_64_128_56", 92),
        OwnLayout<Pointwise256To64At32ChannelsLast>("pw_256_64_32", 92),
        OwnLayout<Pointwise96To576At14ChannelsLast>("pw_96_576_14", 92),
        OwnLayout<Pointwise576To96At14ChannelsLast>("pw_576_96_14", 92),
        OwnLayout<Pointwise320To1280At7ChannelsLast>("pw_320_1280_7", 92),
        OwnLayout<Pointwise24To144At56ChannelsLast>("pw_24_144_56", 88),
        OwnLayout<Pointwise16To96At112ChannelsLast>("pw_16_96_112", 88),
        OwnLayout<InvertedResidual24At56ChannelsLast>("ir_24_24_e6_56", 80),
        OwnLayout<InvertedResidual16To24At112Stride2ChannelsLast>("ir_16_24_e6_112_s2", 80),
        OwnLayout<InvertedResidual32At28ChannelsLast>("ir_32_32_e4_28", null),
        OwnLayout<InvertedResidual64At14ChannelsLast>("ir_64_64_e6_14", 92),
        OwnLayout<InvertedResidual96At14ChannelsLast>("ir_96_96_e6_14", 92),
        OwnLayout<InvertedResidual160At7ChannelsLast>("ir_160_160_e6_7", 92),
    ];
}
