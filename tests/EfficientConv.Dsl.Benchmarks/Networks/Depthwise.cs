namespace EfficientConv.Dsl.Benchmarks.Networks;

/// <summary>Depthwise 3 x 3, 144 channels at 56 x 56, bias, ReLU6.</summary>
[InputShape(144, 56, 56)]
[DepthwiseConv2d(3, padding: 1), ReLU6]
internal sealed partial class Depthwise144At56;

/// <summary>Depthwise 3 x 3, 384 channels at 14 x 14, bias, ReLU6.</summary>
[InputShape(384, 14, 14)]
[DepthwiseConv2d(3, padding: 1), ReLU6]
internal sealed partial class Depthwise384At14;

/// <summary>Depthwise 3 x 3, 960 channels at 7 x 7, bias, ReLU6.</summary>
[InputShape(960, 7, 7)]
[DepthwiseConv2d(3, padding: 1), ReLU6]
internal sealed partial class Depthwise960At7;

/// <summary>Depthwise 3 x 3 of stride 2, 96 channels from 112 x 112 to 56 x 56, bias, ReLU6.</summary>
[InputShape(96, 112, 112)]
[DepthwiseConv2d(3, stride: 2, padding: 1), ReLU6]
internal sealed partial class Depthwise96At112Stride2;

/// <summary>Depthwise 5 x 5, 240 channels at 14 x 14, bias, ReLU6.</summary>
[InputShape(240, 14, 14)]
[DepthwiseConv2d(5, padding: 2), ReLU6]
internal sealed partial class Depthwise5x5Of240At14;
