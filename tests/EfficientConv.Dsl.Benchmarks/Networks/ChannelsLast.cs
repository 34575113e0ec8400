namespace EfficientConv.Dsl.Benchmarks.Networks;

/// <summary><see cref="Pointwise64To128At56"/> with NHWC spans.</summary>
[InputShape(64, 56, 56, Layout = TensorLayout.NHWC)]
[PointwiseConv2d(128), ReLU]
internal sealed partial class Pointwise64To128At56ChannelsLast;

/// <summary><see cref="Pointwise256To64At32"/> with NHWC spans.</summary>
[InputShape(256, 32, 32, Layout = TensorLayout.NHWC)]
[PointwiseConv2d(64), ReLU]
internal sealed partial class Pointwise256To64At32ChannelsLast;

/// <summary><see cref="Pointwise96To576At14"/> with NHWC spans.</summary>
[InputShape(96, 14, 14, Layout = TensorLayout.NHWC)]
[PointwiseConv2d(576), ReLU]
internal sealed partial class Pointwise96To576At14ChannelsLast;

/// <summary><see cref="Pointwise576To96At14"/> with NHWC spans.</summary>
[InputShape(576, 14, 14, Layout = TensorLayout.NHWC)]
[PointwiseConv2d(96), ReLU]
internal sealed partial class Pointwise576To96At14ChannelsLast;

/// <summary><see cref="Pointwise320To1280At7"/> with NHWC spans.</summary>
[InputShape(320, 7, 7, Layout = TensorLayout.NHWC)]
[PointwiseConv2d(1280), ReLU]
internal sealed partial class Pointwise320To1280At7ChannelsLast;

/// <summary>1 x 1, 24 to 144 channels at 56 x 56, bias, ReLU, NHWC spans; short sums.</summary>
[InputShape(24, 56, 56, Layout = TensorLayout.NHWC)]
[PointwiseConv2d(144), ReLU]
internal sealed partial class Pointwise24To144At56ChannelsLast;

/// <summary>1 x 1, 16 to 96 channels at 112 x 112, bias, ReLU, NHWC spans; short sums.</summary>
[InputShape(16, 112, 112, Layout = TensorLayout.NHWC)]
[PointwiseConv2d(96), ReLU]
internal sealed partial class Pointwise16To96At112ChannelsLast;

/// <summary><see cref="InvertedResidual24At56"/> with NHWC spans.</summary>
[InputShape(24, 56, 56, Layout = TensorLayout.NHWC)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual24At56ChannelsLast;

/// <summary><see cref="InvertedResidual16To24At112Stride2"/> with NHWC spans.</summary>
[InputShape(16, 112, 112, Layout = TensorLayout.NHWC)]
[InvertedResidual(24, expansion: 6, stride: 2, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual16To24At112Stride2ChannelsLast;

/// <summary><see cref="InvertedResidual32At28"/> with NHWC spans.</summary>
[InputShape(32, 28, 28, Layout = TensorLayout.NHWC)]
[InvertedResidual(expansion: 4, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual32At28ChannelsLast;

/// <summary><see cref="InvertedResidual64At14"/> with NHWC spans.</summary>
[InputShape(64, 14, 14, Layout = TensorLayout.NHWC)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual64At14ChannelsLast;

/// <summary><see cref="InvertedResidual96At14"/> with NHWC spans.</summary>
[InputShape(96, 14, 14, Layout = TensorLayout.NHWC)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual96At14ChannelsLast;

/// <summary><see cref="InvertedResidual160At7"/> with NHWC spans.</summary>
[InputShape(160, 7, 7, Layout = TensorLayout.NHWC)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual160At7ChannelsLast;
