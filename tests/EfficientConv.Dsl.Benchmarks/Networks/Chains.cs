namespace EfficientConv.Dsl.Benchmarks.Networks;

/// <summary>Five of <see cref="InvertedResidual24At56"/> in a row.</summary>
[InputShape(24, 56, 56)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual24At56x5;

/// <summary>Five of <see cref="InvertedResidual64At14"/> in a row.</summary>
[InputShape(64, 14, 14)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual64At14x5;

/// <summary>Five of <see cref="InvertedResidual96At14"/> in a row.</summary>
[InputShape(96, 14, 14)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual96At14x5;

/// <summary>Five of <see cref="InvertedResidual160At7"/> in a row.</summary>
[InputShape(160, 7, 7)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual160At7x5;

/// <summary>Five of <see cref="EfficientConv40At28ReLU6"/> in a row.</summary>
[InputShape(40, 28, 28)]
[EfficientConvBlock(expansion: 4, activation: Activation.ReLU6)]
[EfficientConvBlock(expansion: 4, activation: Activation.ReLU6)]
[EfficientConvBlock(expansion: 4, activation: Activation.ReLU6)]
[EfficientConvBlock(expansion: 4, activation: Activation.ReLU6)]
[EfficientConvBlock(expansion: 4, activation: Activation.ReLU6)]
internal sealed partial class EfficientConv40At28ReLU6x5;

/// <summary>Five of <see cref="EfficientConv40At28SiLU"/> in a row.</summary>
[InputShape(40, 28, 28)]
[EfficientConvBlock(expansion: 4, activation: Activation.SiLU)]
[EfficientConvBlock(expansion: 4, activation: Activation.SiLU)]
[EfficientConvBlock(expansion: 4, activation: Activation.SiLU)]
[EfficientConvBlock(expansion: 4, activation: Activation.SiLU)]
[EfficientConvBlock(expansion: 4, activation: Activation.SiLU)]
internal sealed partial class EfficientConv40At28SiLUx5;

/// <summary>Five of <see cref="Bottleneck256At56"/> in a row.</summary>
[InputShape(256, 56, 56)]
[Bottleneck(64)]
[Bottleneck(64)]
[Bottleneck(64)]
[Bottleneck(64)]
[Bottleneck(64)]
internal sealed partial class Bottleneck256At56x5;

/// <summary>Five of <see cref="Depthwise384At14"/> in a row.</summary>
[InputShape(384, 14, 14)]
[DepthwiseConv2d(3, padding: 1), ReLU6]
[DepthwiseConv2d(3, padding: 1), ReLU6]
[DepthwiseConv2d(3, padding: 1), ReLU6]
[DepthwiseConv2d(3, padding: 1), ReLU6]
[DepthwiseConv2d(3, padding: 1), ReLU6]
internal sealed partial class Depthwise384At14x5;

/// <summary>Five of <see cref="Depthwise960At7"/> in a row.</summary>
[InputShape(960, 7, 7)]
[DepthwiseConv2d(3, padding: 1), ReLU6]
[DepthwiseConv2d(3, padding: 1), ReLU6]
[DepthwiseConv2d(3, padding: 1), ReLU6]
[DepthwiseConv2d(3, padding: 1), ReLU6]
[DepthwiseConv2d(3, padding: 1), ReLU6]
internal sealed partial class Depthwise960At7x5;

/// <summary>Five of <see cref="Depthwise144At56"/> in a row.</summary>
[InputShape(144, 56, 56)]
[DepthwiseConv2d(3, padding: 1), ReLU6]
[DepthwiseConv2d(3, padding: 1), ReLU6]
[DepthwiseConv2d(3, padding: 1), ReLU6]
[DepthwiseConv2d(3, padding: 1), ReLU6]
[DepthwiseConv2d(3, padding: 1), ReLU6]
internal sealed partial class Depthwise144At56x5;

/// <summary>A pair of 1 x 1 convolutions, 96 to 576 and back to 96 channels at 14 x 14, bias and ReLU after each.</summary>
[InputShape(96, 14, 14)]
[PointwiseConv2d(576), ReLU, PointwiseConv2d(96), ReLU]
internal sealed partial class PointwisePair96At14;

/// <summary>Five of <see cref="PointwisePair96At14"/> in a row.</summary>
[InputShape(96, 14, 14)]
[PointwiseConv2d(576), ReLU, PointwiseConv2d(96), ReLU]
[PointwiseConv2d(576), ReLU, PointwiseConv2d(96), ReLU]
[PointwiseConv2d(576), ReLU, PointwiseConv2d(96), ReLU]
[PointwiseConv2d(576), ReLU, PointwiseConv2d(96), ReLU]
[PointwiseConv2d(576), ReLU, PointwiseConv2d(96), ReLU]
internal sealed partial class PointwisePair96At14x5;
