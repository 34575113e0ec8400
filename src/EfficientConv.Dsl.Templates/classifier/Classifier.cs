using EfficientConv.Dsl;

namespace EfficientConvClassifier;

/// <summary>Clothes on grey pictures of 28 x 28, as Fashion-MNIST has them. Module i of the <c>nn.Sequential</c> that was trained is attribute i here.</summary>
[InputShape(1, 28, 28), ImageInput(mean: new[] { 0.2860 }, std: new[] { 0.3530 })]
[Conv2d(16, kernelSize: 3, padding: 1, bias: false), BatchNorm, ReLU]   // 0 1 2
[InvertedResidual(24, expansion: 3, stride: 2)]                         // 3
[InvertedResidual(expansion: 4)]                                        // 4
[EfficientConvBlock(48, expansion: 4, stride: 2)]                       // 5
[EfficientConvBlock(expansion: 4)]                                      // 6
[DepthwiseSeparable(128)]                                               // 7
[GlobalAvgPool, Flatten, Linear(10)]                                    // 8 9 10
public sealed partial class Classifier
{
    /// <summary>What the outputs stand for.</summary>
    public static string[] ClassNames { get; } = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];
}
