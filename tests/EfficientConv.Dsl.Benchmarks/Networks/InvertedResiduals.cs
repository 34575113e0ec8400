namespace EfficientConv.Dsl.Benchmarks.Networks;

/// <summary>Inverted residual 24-144-24 at 56 x 56, ReLU6, with its shortcut.</summary>
[InputShape(24, 56, 56)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual24At56;

/// <summary>Inverted residual 16-96-24 of stride 2 from 112 x 112, ReLU6.</summary>
[InputShape(16, 112, 112)]
[InvertedResidual(24, expansion: 6, stride: 2, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual16To24At112Stride2;

/// <summary>Inverted residual 32-128-32 at 28 x 28, ReLU6, with its shortcut.</summary>
[InputShape(32, 28, 28)]
[InvertedResidual(expansion: 4, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual32At28;

/// <summary>Inverted residual 64-384-64 at 14 x 14, ReLU6, with its shortcut.</summary>
[InputShape(64, 14, 14)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual64At14;

/// <summary>Inverted residual 96-576-96 at 14 x 14, ReLU6, with its shortcut.</summary>
[InputShape(96, 14, 14)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual96At14;

/// <summary>Inverted residual 160-960-160 at 7 x 7, ReLU6, with its shortcut.</summary>
[InputShape(160, 7, 7)]
[InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
internal sealed partial class InvertedResidual160At7;

/// <summary>The tutorial's block, 40-160-40 with squeeze-excitation at 28 x 28, ReLU6, with its shortcut.</summary>
[InputShape(40, 28, 28)]
[EfficientConvBlock(expansion: 4, activation: Activation.ReLU6)]
internal sealed partial class EfficientConv40At28ReLU6;

/// <summary>The tutorial's block, 40-160-40 with squeeze-excitation at 28 x 28, SiLU, with its shortcut.</summary>
[InputShape(40, 28, 28)]
[EfficientConvBlock(expansion: 4, activation: Activation.SiLU)]
internal sealed partial class EfficientConv40At28SiLU;
