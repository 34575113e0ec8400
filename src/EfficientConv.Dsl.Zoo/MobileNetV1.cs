namespace EfficientConv.Dsl.Zoo;

/// <summary>MobileNetV1 (Howard et al. 2017), timm's <c>mobilenetv1_100</c>: RGB 224 x 224 to 1000 logits.</summary>
[InputShape(3, 224, 224, Keys = KeyStyle.Timm)]
[Conv2d(32, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6]
[DepthwiseSeparable(64, activation: Activation.ReLU6)]
[DepthwiseSeparable(128, stride: 2, activation: Activation.ReLU6)]
[DepthwiseSeparable(128, activation: Activation.ReLU6)]
[DepthwiseSeparable(256, stride: 2, activation: Activation.ReLU6)]
[DepthwiseSeparable(256, activation: Activation.ReLU6)]
[DepthwiseSeparable(512, stride: 2, activation: Activation.ReLU6)]
[DepthwiseSeparable(512, activation: Activation.ReLU6)]
[DepthwiseSeparable(512, activation: Activation.ReLU6)]
[DepthwiseSeparable(512, activation: Activation.ReLU6)]
[DepthwiseSeparable(512, activation: Activation.ReLU6)]
[DepthwiseSeparable(512, activation: Activation.ReLU6)]
[DepthwiseSeparable(1024, stride: 2, activation: Activation.ReLU6)]
[DepthwiseSeparable(1024, activation: Activation.ReLU6)]
[GlobalAvgPool, Linear(1000)]
public sealed partial class MobileNetV1;
