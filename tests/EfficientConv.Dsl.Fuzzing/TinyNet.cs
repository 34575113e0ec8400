namespace EfficientConv.Dsl.Fuzzing;

/// <summary>The network whose weights and images are read.</summary>
[InputShape(3, 8, 8), ImageInput]
[Conv2d(4, padding: 1, bias: false), BatchNorm, ReLU]
[GlobalAvgPool, Linear(5)]
internal sealed partial class TinyNet;
