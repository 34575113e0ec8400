using EfficientConv.Dsl;

namespace FashionClassifier;

/// <summary>
/// The network of <c>training/train.py</c>: module i of its <c>nn.Sequential</c> is attribute i here, so the state dict that
/// PyTorch wrote loads as it is.
/// </summary>
[InputShape(1, 28, 28)]
[Conv2d(16, kernelSize: 3, padding: 1, bias: false), BatchNorm, ReLU]   // 0 1 2
[InvertedResidual(24, expansion: 3, stride: 2)]                         // 3
[InvertedResidual(expansion: 4)]                                        // 4
[EfficientConvBlock(48, expansion: 4, stride: 2)]                       // 5
[EfficientConvBlock(expansion: 4)]                                      // 6
[DepthwiseSeparable(128)]                                               // 7
[GlobalAvgPool, Flatten, Linear(10)]                                    // 8 9 10
internal sealed partial class FashionNet;
