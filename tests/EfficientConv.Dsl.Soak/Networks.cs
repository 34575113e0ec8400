namespace EfficientConv.Dsl.Soak;

/// <summary>Eight networks whose kernels are of different kinds.</summary>
[InputShape(16, 28, 28), InvertedResidual(expansion: 4), InvertedResidual(24, expansion: 4, stride: 2)]
internal sealed partial class Inverted;

[InputShape(16, 28, 28), EfficientConvBlock(expansion: 4), EfficientConvBlock(32, expansion: 4, stride: 2)]
internal sealed partial class Squeezed;

[InputShape(32, 28, 28), Conv2d(32, padding: 1), ReLU, Conv2d(32, padding: 1)]
internal sealed partial class Winograd;

[InputShape(16, 28, 28), ResNetBasicBlock, ResNetBottleneck(32, stride: 2)]
internal sealed partial class Residual;

[InputShape(32, 14, 14), ShuffleUnitV2, DepthwiseSeparable(64), MaxPool2d(2)]
internal sealed partial class Shuffled;

[InputShape(3, 32, 32), Conv2d(16, stride: 2, padding: 1, bias: false), BatchNorm, HardSwish, GlobalAvgPool, Flatten, Linear(10), Softmax]
internal sealed partial class Head;

[InputShape(16, 14, 14), ConvTranspose2d(16, kernelSize: 2, stride: 2), LayerNorm2d, GELU, Upsample(2)]
internal sealed partial class Upwards;

[InputShape(24, 14, 14), Conv2d(24, padding: 1, groups: 4), ChannelShuffle(4), GroupNorm(4), SiLU]
internal sealed partial class Grouped;
