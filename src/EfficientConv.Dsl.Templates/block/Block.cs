using EfficientConv.Dsl;

namespace EfficientConvBlock;

/// <summary>MobileNetV2's block. Attributes are applied from top to bottom, as the modules of <c>nn.Sequential</c>; put others here.</summary>
[InputShape(24, 56, 56)] // channels, height, width
[InvertedResidual(expansion: 6)]
public sealed partial class Block;
