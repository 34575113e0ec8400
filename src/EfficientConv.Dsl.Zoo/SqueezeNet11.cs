namespace EfficientConv.Dsl.Zoo;

/// <summary>SqueezeNet 1.1 (Iandola et al. 2016), torchvision's <c>squeezenet1_1</c>: RGB 224 x 224 to 1000 logits.</summary>
[InputShape(3, 224, 224, Keys = KeyStyle.TorchvisionSqueezeNet)]
[Conv2d(64, stride: 2), ReLU]
[MaxPool2d(3, stride: 2, ceilMode: true)]
[Fire(16, 64, 64)]
[Fire(16, 64, 64)]
[MaxPool2d(3, stride: 2, ceilMode: true)]
[Fire(32, 128, 128)]
[Fire(32, 128, 128)]
[MaxPool2d(3, stride: 2, ceilMode: true)]
[Fire(48, 192, 192)]
[Fire(48, 192, 192)]
[Fire(64, 256, 256)]
[Fire(64, 256, 256)]
[PointwiseConv2d(1000), ReLU]
[GlobalAvgPool]
public sealed partial class SqueezeNet11;
