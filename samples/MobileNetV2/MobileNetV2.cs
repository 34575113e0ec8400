using EfficientConv.Dsl;

namespace MobileNetSample;

/// <summary>
/// MobileNetV2 (Sandler et al. 2018), a line for a line of the paper's table 2: expansion t, channels c, repetitions n, stride s. A checkpoint of torchvision's
/// <c>mobilenet_v2</c>, saved as safetensors, loads by name; pictures are normalised as torchvision does for it.
/// </summary>
[InputShape(3, 224, 224, Keys = KeyStyle.TorchvisionMobileNetV2), ImageInput]
[Conv2d(32, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6]                                                                    //        c = 32, s = 2
[InvertedResidual(16, expansion: 1, activation: Activation.ReLU6)]                                                                    // t = 1, c = 16, n = 1, s = 1
[InvertedResidual(24, expansion: 6, stride: 2, activation: Activation.ReLU6), Use<Again>]                                             // t = 6, c = 24, n = 2, s = 2
[InvertedResidual(32, expansion: 6, stride: 2, activation: Activation.ReLU6), Use<Again>(2)]                                          // t = 6, c = 32, n = 3, s = 2
[InvertedResidual(64, expansion: 6, stride: 2, activation: Activation.ReLU6), Use<Again>(3)]                                          // t = 6, c = 64, n = 4, s = 2
[InvertedResidual(96, expansion: 6, activation: Activation.ReLU6), Use<Again>(2)]                                                     // t = 6, c = 96, n = 3, s = 1
[InvertedResidual(160, expansion: 6, stride: 2, activation: Activation.ReLU6), Use<Again>(2)]                                         // t = 6, c = 160, n = 3, s = 2
[InvertedResidual(320, expansion: 6, activation: Activation.ReLU6)]                                                                   // t = 6, c = 320, n = 1, s = 1
[PointwiseConv2d(1280, bias: false), BatchNorm, ReLU6]                                                                                //        c = 1280
[GlobalAvgPool, Linear(1000)]
internal sealed partial class MobileNetV2;

/// <summary>The block that a line of the table repeats.</summary>
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
internal sealed class Again;
