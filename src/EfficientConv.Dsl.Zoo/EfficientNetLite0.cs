namespace EfficientConv.Dsl.Zoo;

/// <summary>EfficientNet-Lite0, timm's <c>efficientnet_lite0</c>: RGB 224 x 224 to 1000 logits.</summary>
[InputShape(3, 224, 224, Keys = KeyStyle.Timm)]
[Conv2d(32, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6]
[InvertedResidual(16, expansion: 1, activation: Activation.ReLU6)]
[InvertedResidual(24, expansion: 6, stride: 2, activation: Activation.ReLU6)]
[InvertedResidual(24, expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(40, expansion: 6, kernelSize: 5, stride: 2, activation: Activation.ReLU6)]
[InvertedResidual(40, expansion: 6, kernelSize: 5, activation: Activation.ReLU6)]
[InvertedResidual(80, expansion: 6, stride: 2, activation: Activation.ReLU6)]
[InvertedResidual(80, expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(80, expansion: 6, activation: Activation.ReLU6)]
[InvertedResidual(112, expansion: 6, kernelSize: 5, activation: Activation.ReLU6)]
[InvertedResidual(112, expansion: 6, kernelSize: 5, activation: Activation.ReLU6)]
[InvertedResidual(112, expansion: 6, kernelSize: 5, activation: Activation.ReLU6)]
[InvertedResidual(192, expansion: 6, kernelSize: 5, stride: 2, activation: Activation.ReLU6)]
[InvertedResidual(192, expansion: 6, kernelSize: 5, activation: Activation.ReLU6)]
[InvertedResidual(192, expansion: 6, kernelSize: 5, activation: Activation.ReLU6)]
[InvertedResidual(192, expansion: 6, kernelSize: 5, activation: Activation.ReLU6)]
[InvertedResidual(320, expansion: 6, activation: Activation.ReLU6)]
[PointwiseConv2d(1280, bias: false), BatchNorm, ReLU6]
[GlobalAvgPool, Linear(1000)]
public sealed partial class EfficientNetLite0;
