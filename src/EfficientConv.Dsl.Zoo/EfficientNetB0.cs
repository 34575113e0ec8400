namespace EfficientConv.Dsl.Zoo;

/// <summary>EfficientNet-B0 (Tan and Le 2019), torchvision's <c>efficientnet_b0</c>: RGB 224 x 224 to 1000 logits.</summary>
[InputShape(3, 224, 224, Keys = KeyStyle.TorchvisionEfficientNet)]
[Conv2d(32, stride: 2, padding: 1, bias: false), BatchNorm, SiLU]
[InvertedResidual(16, expansion: 1, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(24, expansion: 6, stride: 2, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(24, expansion: 6, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(40, expansion: 6, kernelSize: 5, stride: 2, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(40, expansion: 6, kernelSize: 5, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(80, expansion: 6, stride: 2, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(80, expansion: 6, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(80, expansion: 6, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(112, expansion: 6, kernelSize: 5, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(112, expansion: 6, kernelSize: 5, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(112, expansion: 6, kernelSize: 5, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(192, expansion: 6, kernelSize: 5, stride: 2, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(192, expansion: 6, kernelSize: 5, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(192, expansion: 6, kernelSize: 5, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(192, expansion: 6, kernelSize: 5, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[InvertedResidual(320, expansion: 6, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU, SqueezeFrom = SqueezeSource.Input)]
[PointwiseConv2d(1280, bias: false), BatchNorm, SiLU]
[GlobalAvgPool, Linear(1000)]
public sealed partial class EfficientNetB0;
