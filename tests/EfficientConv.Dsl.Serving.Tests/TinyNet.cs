namespace EfficientConv.Dsl.Serving.Tests;

/// <summary>A classifier of ten classes that takes microseconds.</summary>
[InputShape(3, 16, 16)]
[Conv2d(8, kernelSize: 3, stride: 2, padding: 1), ReLU]
[GlobalAvgPool, Flatten, Linear(10)]
internal sealed partial class TinyNet;

/// <summary>Two outputs, one of them a map.</summary>
[InputShape(2, 8, 8)]
[Conv2d(4, kernelSize: 3, padding: 1, Name = "map"), Output("map")]
[GlobalAvgPool, Flatten, Linear(3), Output("scores")]
internal sealed partial class TwoOutputs;
