namespace EfficientConv.Dsl.Arm64;

/// <summary>A MobileNetV2 for 32 x 32 images.</summary>
[InputShape(3, 32, 32)]
[Conv2d(16, kernelSize: 3, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6]
[InvertedResidual(16, expansion: 1, activation: Activation.ReLU6), InvertedResidual(24, expansion: 6, stride: 2, activation: Activation.ReLU6)]
[InvertedResidual(24, expansion: 6, activation: Activation.ReLU6), InvertedResidual(40, expansion: 6, stride: 2, activation: Activation.ReLU6)]
[PointwiseConv2d(128, bias: false), BatchNorm, ReLU6]
[GlobalAvgPool, Linear(10)]
internal sealed partial class Mobile;

/// <summary>Dense windows over planes, whose rows are pixels in the lanes.</summary>
[InputShape(3, 40, 40), Conv2d(8, kernelSize: 5, stride: 2, padding: 2), LeakyReLU, DepthwiseConv2d(3, padding: 1), ReLU, PointwiseConv2d(12), Tanh]
internal sealed partial class Planes;

[InputShape(13, 11, 9, Layout = TensorLayout.NHWC), Conv2d(10, padding: 1), BatchNorm, HardSwish, DepthwiseSeparable(21)]
internal sealed partial class ChannelsLast;

[InputShape(16, 21, 21), DepthwiseConv2d(5, stride: 2, padding: 2), HardSwish, DepthwiseConv2d(7, padding: 3), ReLU6]
internal sealed partial class Windows;

[InputShape(32, 15, 15), Conv2d(32, padding: 2, dilation: 2), Activation(Activation.ELU), FactorizedConv2d(32, kernelSize: 5), Activation(Activation.Mish)]
internal sealed partial class Dilated;

[InputShape(16, 17, 17), MaxPool2d(3, stride: 2, padding: 1), AvgPool2d(3), PointwiseConv2d(24), SiLU]
internal sealed partial class Pools;

/// <summary>One layer each, for special values.</summary>
[InputShape(16, 16, 32), ReLU]
internal sealed partial class ElementwiseReLU;

[InputShape(16, 16, 32), ReLU6]
internal sealed partial class ElementwiseReLU6;

[InputShape(16, 16, 32), HardSwish]
internal sealed partial class ElementwiseHardSwish;

[InputShape(16, 16, 32), HardSigmoid]
internal sealed partial class ElementwiseHardSigmoid;

[InputShape(16, 16, 32), SiLU]
internal sealed partial class ElementwiseSiLU;

[InputShape(16, 16, 32), Sigmoid]
internal sealed partial class ElementwiseSigmoid;

[InputShape(16, 16, 32), GELU]
internal sealed partial class ElementwiseGELU;

[InputShape(16, 16, 32), Activation(Activation.GELUTanh)]
internal sealed partial class ElementwiseGELUTanh;

[InputShape(16, 16, 32), Tanh]
internal sealed partial class ElementwiseTanh;

[InputShape(16, 16, 32), LeakyReLU]
internal sealed partial class ElementwiseLeakyReLU;

[InputShape(16, 16, 32), Activation(Activation.ELU)]
internal sealed partial class ElementwiseELU;

[InputShape(16, 16, 32), Activation(Activation.Mish)]
internal sealed partial class ElementwiseMish;

[InputShape(16, 17, 17), PointwiseConv2d(24), ReLU]
internal sealed partial class PointwiseReLU;

[InputShape(16, 17, 17), PointwiseConv2d(24), ReLU6]
internal sealed partial class PointwiseReLU6;

[InputShape(16, 17, 17), DepthwiseConv2d(3, padding: 1), ReLU]
internal sealed partial class DepthwiseReLU;

[InputShape(16, 17, 17), DepthwiseConv2d(3, padding: 1), HardSwish]
internal sealed partial class DepthwiseHardSwish;

[InputShape(16, 17, 17), Conv2d(24, padding: 1, Algorithm = ConvAlgorithm.Direct), ReLU]
internal sealed partial class DirectReLU;

[InputShape(16, 17, 17), Conv2d(24, padding: 1, Algorithm = ConvAlgorithm.Winograd), ReLU]
internal sealed partial class WinogradReLU;

[InputShape(16, 17, 17), MaxPool2d(3, stride: 2, padding: 1)]
internal sealed partial class Maximum;

[InputShape(100, 1, 1), Flatten, Softmax]
internal sealed partial class Distribution;
