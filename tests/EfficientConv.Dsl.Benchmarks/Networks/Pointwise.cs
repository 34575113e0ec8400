namespace EfficientConv.Dsl.Benchmarks.Networks;

/// <summary>1 x 1, 64 to 128 channels at 56 x 56, bias, ReLU.</summary>
[InputShape(64, 56, 56)]
[PointwiseConv2d(128), ReLU]
internal sealed partial class Pointwise64To128At56;

/// <summary>1 x 1, 256 to 64 channels at 32 x 32, bias, ReLU.</summary>
[InputShape(256, 32, 32)]
[PointwiseConv2d(64), ReLU]
internal sealed partial class Pointwise256To64At32;

/// <summary>1 x 1, 96 to 576 channels at 14 x 14, bias, ReLU.</summary>
[InputShape(96, 14, 14)]
[PointwiseConv2d(576), ReLU]
internal sealed partial class Pointwise96To576At14;

/// <summary>1 x 1, 576 to 96 channels at 14 x 14, bias, ReLU.</summary>
[InputShape(576, 14, 14)]
[PointwiseConv2d(96), ReLU]
internal sealed partial class Pointwise576To96At14;

/// <summary>1 x 1, 320 to 1280 channels at 7 x 7, bias, ReLU.</summary>
[InputShape(320, 7, 7)]
[PointwiseConv2d(1280), ReLU]
internal sealed partial class Pointwise320To1280At7;
