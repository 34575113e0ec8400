namespace EfficientConv.Dsl.Zoo;

/// <summary>MobileNetV3 small (Howard et al. 2019), torchvision's <c>mobilenet_v3_small</c>: RGB 224 x 224 to 1000 logits.</summary>
[InputShape(3, 224, 224, Keys = KeyStyle.TorchvisionMobileNetV3)]
[Conv2d(16, stride: 2, padding: 1, bias: false), BatchNorm, HardSwish]
[InvertedResidual(16, hiddenChannels: 16, stride: 2, activation: Activation.ReLU, squeezeReduction: 4, gate: Activation.HardSigmoid, SqueezeDivisor = 8)]
[InvertedResidual(24, hiddenChannels: 72, stride: 2, activation: Activation.ReLU)]
[InvertedResidual(24, hiddenChannels: 88, activation: Activation.ReLU)]
[InvertedResidual(40, hiddenChannels: 96, kernelSize: 5, stride: 2, activation: Activation.HardSwish, squeezeReduction: 4, gate: Activation.HardSigmoid, SqueezeDivisor = 8)]
[InvertedResidual(40, hiddenChannels: 240, kernelSize: 5, activation: Activation.HardSwish, squeezeReduction: 4, gate: Activation.HardSigmoid, SqueezeDivisor = 8)]
[InvertedResidual(40, hiddenChannels: 240, kernelSize: 5, activation: Activation.HardSwish, squeezeReduction: 4, gate: Activation.HardSigmoid, SqueezeDivisor = 8)]
[InvertedResidual(48, hiddenChannels: 120, kernelSize: 5, activation: Activation.HardSwish, squeezeReduction: 4, gate: Activation.HardSigmoid, SqueezeDivisor = 8)]
[InvertedResidual(48, hiddenChannels: 144, kernelSize: 5, activation: Activation.HardSwish, squeezeReduction: 4, gate: Activation.HardSigmoid, SqueezeDivisor = 8)]
[InvertedResidual(96, hiddenChannels: 288, kernelSize: 5, stride: 2, activation: Activation.HardSwish, squeezeReduction: 4, gate: Activation.HardSigmoid, SqueezeDivisor = 8)]
[InvertedResidual(96, hiddenChannels: 576, kernelSize: 5, activation: Activation.HardSwish, squeezeReduction: 4, gate: Activation.HardSigmoid, SqueezeDivisor = 8)]
[InvertedResidual(96, hiddenChannels: 576, kernelSize: 5, activation: Activation.HardSwish, squeezeReduction: 4, gate: Activation.HardSigmoid, SqueezeDivisor = 8)]
[PointwiseConv2d(576, bias: false), BatchNorm, HardSwish]
[GlobalAvgPool]
[Linear(1024), HardSwish]
[Linear(1000)]
public sealed partial class MobileNetV3Small;
