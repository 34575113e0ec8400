namespace EfficientConv.Dsl.Benchmarks.Networks;

/// <summary>Depthwise separable, 64 to 128 channels at 56 x 56, batch norm and ReLU after each.</summary>
[InputShape(64, 56, 56)]
[DepthwiseSeparable(128)]
internal sealed partial class DepthwiseSeparable64To128At56;

/// <summary>Bottleneck 256-64-256 at 56 x 56, batch norm after each, ReLU after the first two, no shortcut.</summary>
[InputShape(256, 56, 56)]
[Bottleneck(64)]
internal sealed partial class Bottleneck256At56;

/// <summary>3 x 3 in 4 groups, 64 to 128 channels at 32 x 32, bias.</summary>
[InputShape(64, 32, 32)]
[Conv2d(128, padding: 1, groups: 4)]
internal sealed partial class Grouped64To128At32;

/// <summary>3 x 3 of dilation 2, 64 channels at 32 x 32, bias.</summary>
[InputShape(64, 32, 32)]
[Conv2d(64, padding: 2, dilation: 2)]
internal sealed partial class Dilated64At32;

/// <summary>7 x 1 then 1 x 7, 64 channels at 32 x 32, batch norm and ReLU after each.</summary>
[InputShape(64, 32, 32)]
[FactorizedConv2d(64, kernelSize: 7)]
internal sealed partial class Factorized64At32;

/// <summary>3 x 3 of stride 2, 3 to 32 channels from 224 x 224, bias, ReLU6: a MobileNet's first layer.</summary>
[InputShape(3, 224, 224)]
[Conv2d(32, stride: 2, padding: 1), ReLU6]
internal sealed partial class Stem224;

/// <summary>3 x 3, 64 to 128 channels at 56 x 56, bias, ReLU.</summary>
[InputShape(64, 56, 56)]
[Conv2d(128, padding: 1), ReLU]
internal sealed partial class Standard64To128At56;

/// <summary>Squeeze-excitation alone, 64 channels at 56 x 56, reduction 4, ReLU inside, sigmoid gate.</summary>
[InputShape(64, 56, 56)]
[SqueezeExcitation(4)]
internal sealed partial class SqueezeExcitation64At56;

/// <summary>Channel shuffle alone, 240 channels in 3 groups at 28 x 28.</summary>
[InputShape(240, 28, 28)]
[ChannelShuffle(3)]
internal sealed partial class Shuffle240At28;
