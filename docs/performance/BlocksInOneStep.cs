// The layers of MobileNetV1 and MobileNetV2 in front of their third halving, each block by itself and several in one step: the times of docs/memory.md.
using EfficientConv.Dsl;

[Conv2d(32, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6]
[DepthwiseSeparable(64, activation: Activation.ReLU6)]
[DepthwiseSeparable(128, stride: 2, activation: Activation.ReLU6)]
[DepthwiseSeparable(128, activation: Activation.ReLU6)]
file sealed class First1;

[Conv2d(32, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6]
[InvertedResidual(16, expansion: 1, activation: Activation.ReLU6)]
[InvertedResidual(24, expansion: 6, stride: 2, activation: Activation.ReLU6)]
[InvertedResidual(24, expansion: 6, activation: Activation.ReLU6)]
file sealed class First2;

[Schedule(FusedBlocks = 1), InputShape(3, 224, 224), Use<First1>]
internal sealed partial class V1At224In1;

[Schedule(FusedBlocks = 2), InputShape(3, 224, 224), Use<First1>]
internal sealed partial class V1At224In2;

[Schedule(FusedBlocks = 3), InputShape(3, 224, 224), Use<First1>]
internal sealed partial class V1At224In3;

[Schedule(FusedBlocks = 1), InputShape(3, 1024, 1024), Use<First1>]
internal sealed partial class V1At1024In1;

[Schedule(FusedBlocks = 2), InputShape(3, 1024, 1024), Use<First1>]
internal sealed partial class V1At1024In2;

[Schedule(FusedBlocks = 3), InputShape(3, 1024, 1024), Use<First1>]
internal sealed partial class V1At1024In3;

[Schedule(FusedBlocks = 1), InputShape(3, 224, 224), Use<First2>]
internal sealed partial class V2At224In1;

[Schedule(FusedBlocks = 2), InputShape(3, 224, 224), Use<First2>]
internal sealed partial class V2At224In2;

[Schedule(FusedBlocks = 3), InputShape(3, 224, 224), Use<First2>]
internal sealed partial class V2At224In3;

[Schedule(FusedBlocks = 1), InputShape(3, 1024, 1024), Use<First2>]
internal sealed partial class V2At1024In1;

[Schedule(FusedBlocks = 2), InputShape(3, 1024, 1024), Use<First2>]
internal sealed partial class V2At1024In2;

[Schedule(FusedBlocks = 3), InputShape(3, 1024, 1024), Use<First2>]
internal sealed partial class V2At1024In3;
