namespace EfficientConv.Dsl.Zoo;

/// <summary>ResNet-18 (He et al. 2016), torchvision's <c>resnet18</c>: RGB 224 x 224 to 1000 logits.</summary>
[InputShape(3, 224, 224, Keys = KeyStyle.TorchvisionResNet)]
[Conv2d(64, kernelSize: 7, stride: 2, padding: 3, bias: false), BatchNorm, ReLU]
[MaxPool2d(3, stride: 2, padding: 1)]
[ResNetBasicBlock(64)]
[ResNetBasicBlock(64)]
[ResNetBasicBlock(128, stride: 2)]
[ResNetBasicBlock(128)]
[ResNetBasicBlock(256, stride: 2)]
[ResNetBasicBlock(256)]
[ResNetBasicBlock(512, stride: 2)]
[ResNetBasicBlock(512)]
[GlobalAvgPool, Linear(1000)]
public sealed partial class ResNet18;
