namespace EfficientConv.Dsl.Zoo;

/// <summary>ResNet-50 (He et al. 2016) with the stride on the 3 x 3 convolution, torchvision's <c>resnet50</c>: RGB 224 x 224 to 1000 logits.</summary>
[InputShape(3, 224, 224, Keys = KeyStyle.TorchvisionResNet)]
[Conv2d(64, kernelSize: 7, stride: 2, padding: 3, bias: false), BatchNorm, ReLU]
[MaxPool2d(3, stride: 2, padding: 1)]
[ResNetBottleneck(64)]
[ResNetBottleneck(64)]
[ResNetBottleneck(64)]
[ResNetBottleneck(128, stride: 2)]
[ResNetBottleneck(128)]
[ResNetBottleneck(128)]
[ResNetBottleneck(128)]
[ResNetBottleneck(256, stride: 2)]
[ResNetBottleneck(256)]
[ResNetBottleneck(256)]
[ResNetBottleneck(256)]
[ResNetBottleneck(256)]
[ResNetBottleneck(256)]
[ResNetBottleneck(512, stride: 2)]
[ResNetBottleneck(512)]
[ResNetBottleneck(512)]
[GlobalAvgPool, Linear(1000)]
public sealed partial class ResNet50;
