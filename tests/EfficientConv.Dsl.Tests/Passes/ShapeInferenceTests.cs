using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Shapes;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>Output sizes against values that PyTorch and TensorFlow give.</summary>
public sealed class ShapeInferenceTests
{
    [Theory]
    [InlineData(224, 1, 1, 3, 2, 1, 112)]
    [InlineData(224, 3, 3, 7, 2, 1, 112)]
    [InlineData(112, 1, 1, 3, 2, 1, 56)]
    [InlineData(7, 0, 0, 7, 1, 1, 1)]
    [InlineData(6, 0, 0, 7, 1, 1, 0)]
    [InlineData(1, 1, 1, 3, 1, 1, 1)]
    [InlineData(14, 2, 2, 5, 3, 1, 5)]
    [InlineData(20, 0, 0, 3, 1, 3, 14)]
    [InlineData(10, 0, 1, 2, 2, 1, 5)]
    [InlineData(5, 0, 0, 1, 3, 1, 2)]
    public void WindowOutput_IsConv2dsFormula(int input, int before, int after, int kernel, int stride, int dilation, int expected) =>
        Assert.Equal(expected, ShapeInference.WindowOutput(input, before, after, kernel, stride, dilation));

    [Theory]
    [InlineData(13, 0, 3, 2, 6)]
    [InlineData(14, 0, 3, 2, 7)]
    [InlineData(112, 0, 3, 2, 56)]
    [InlineData(5, 1, 2, 2, 3)]
    [InlineData(4, 1, 2, 2, 3)]
    [InlineData(3, 1, 2, 3, 2)]
    [InlineData(1, 0, 1, 3, 1)]
    public void WindowOutputCeil_LetsNoWindowStartInThePaddingBehind(int input, int padding, int kernel, int stride, int expected) =>
        Assert.Equal(expected, ShapeInference.WindowOutputCeil(input, padding, padding, kernel, stride, 1));

    [Theory]
    [InlineData(3, 1, 1, 1)]
    [InlineData(4, 1, 1, 2)]
    [InlineData(2, 1, 0, 1)]
    [InlineData(5, 2, 4, 4)]
    [InlineData(2, 3, 1, 2)]
    public void SamePadding_PutsTheOddPixelBehind(int kernel, int dilation, int before, int after) =>
        Assert.Equal((before, after), ShapeInference.SamePadding(kernel, dilation));

    [Theory]
    [InlineData(224, 3, 2, 1, 0, 1)]
    [InlineData(225, 3, 2, 1, 1, 1)]
    [InlineData(7, 5, 2, 1, 2, 2)]
    [InlineData(8, 5, 2, 1, 1, 2)]
    [InlineData(9, 1, 3, 1, 0, 0)]
    [InlineData(9, 3, 1, 2, 2, 2)]
    public void SameUpperPadding_IsTensorFlows(int input, int kernel, int stride, int dilation, int before, int after) =>
        Assert.Equal((before, after), ShapeInference.SameUpperPadding(input, kernel, stride, dilation));

    [Theory]
    [InlineData("Conv2d(5, kernelSize: 3, stride: 2, padding: 1)", 5, 5, 6)]
    [InlineData("PointwiseConv2d(7, stride: 3)", 7, 3, 4)]
    [InlineData("DepthwiseConv2d(multiplier: 3)", 36, 7, 9)]
    [InlineData("MaxPool2d(2)", 12, 4, 5)]
    [InlineData("MaxPool2d(2, ceilMode: true)", 12, 5, 6)]
    [InlineData("AvgPool2d(3, stride: 1, padding: 1)", 12, 9, 11)]
    [InlineData("MaxPool2d(3, stride: 2, dilation: 2)", 12, 3, 4)]
    [InlineData("GlobalAvgPool", 12, 1, 1)]
    [InlineData("Flatten", 1188, 1, 1)]
    [InlineData("Linear(10)", 10, 1, 1)]
    [InlineData("Softmax", 12, 9, 11)]
    [InlineData("FactorizedConv2d(6, stride: 2)", 6, 5, 6)]
    [InlineData("InvertedResidual(20, stride: 2)", 20, 5, 6)]
    public void Attributes_GiveTheShapesThatTheirModulesDo(string attribute, int channels, int height, int width) =>
        Assert.Equal(new Shape(channels, height, width), DeclarationText.Graph($"[InputShape(12, 9, 11)] [{attribute}]").Output);
}
