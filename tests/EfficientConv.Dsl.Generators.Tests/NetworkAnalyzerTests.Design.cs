namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>Networks that compile and are hardly meant so, and budgets.</summary>
public partial class NetworkAnalyzerTests
{
    [Theory]
    [InlineData("Conv2d(32, padding: 1, groups: 4), Conv2d(32, padding: 1, {|ECD0401:groups: 4|})")]
    [InlineData("Conv2d(32, 1, groups: 4, bias: false), BatchNorm, ReLU, DepthwiseConv2d(padding: 1), PointwiseConv2d(32, 1, {|ECD0401:4|})")]
    [InlineData("PointwiseConv2d(groups: 4), MaxPool2d, PointwiseConv2d({|ECD0401:groups: 2|}), ChannelShuffle(1), PointwiseConv2d({|ECD0401:groups: 8|})")]
    [InlineData("Conv2d(32, padding: 1, groups: 4), LayerScale, Upsample, AdaptiveMaxPool2d(5), Conv2d(32, padding: 1, {|ECD0401:groups: 4|})")]
    public Task ECD0401_GroupsNeverMix(string layers) => VerifyLayers("32, 8, 8", layers);

    [Theory]
    [InlineData("Conv2d(32, padding: 1, groups: 4), ChannelShuffle(4), Conv2d(32, padding: 1, groups: 4)")]
    [InlineData("Conv2d(32, padding: 1, groups: 4), PointwiseConv2d, Conv2d(32, padding: 1, groups: 4)")]
    [InlineData("DepthwiseConv2d(3, padding: 1), DepthwiseConv2d(5, padding: 2), PointwiseConv2d(16)")]
    [InlineData("DepthwiseConv2d(3, padding: 1), Conv2d(32, padding: 1, groups: 4)")]
    [InlineData("Conv2d(30, padding: 1, groups: 2), Conv2d(30, padding: 1, groups: 3)")]
    [InlineData("Bottleneck(16, groups: 4), Bottleneck(16, groups: 4)")]
    [InlineData("Conv2d(32, padding: 1, groups: 4), SqueezeExcitation, Conv2d(32, padding: 1, groups: 4)")]
    public Task ECD0401_NearMiss_MixedBetween(string layers) => VerifyLayers("32, 8, 8", layers);

    [Theory]
    [InlineData("Conv2d({|ECD0402:9|}, padding: 1)")]
    [InlineData("PointwiseConv2d({|ECD0402:outChannels: 17|})")]
    [InlineData("DepthwiseSeparable({|ECD0402:11|})")]
    [InlineData("Bottleneck({|ECD0402:3|})")]
    [InlineData("InvertedResidual({|ECD0402:hiddenChannels: 9|})")]
    [InlineData("InvertedResidual({|ECD0402:expansion: 0.625|})")]
    [InlineData("FactorizedConv2d({|ECD0402:10|})")]
    public Task ECD0402_EmptyLanes(string layer) => VerifyLayers("16, 8, 8", layer);

    [Theory]
    [InlineData("Conv2d(12, padding: 1)")]
    [InlineData("Conv2d(25, padding: 1)")]
    [InlineData("Conv2d(18, padding: 1)")]
    [InlineData("GlobalAvgPool, Linear(10)")]
    [InlineData("SqueezeExcitation(squeezeChannels: 3)")]
    public Task ECD0402_NearMiss_AQuarterAtMostOrNoChannels(string layer) => VerifyLayers("16, 8, 8", layer);

    [Fact]
    public Task ECD0402_NearMiss_ChannelsOfTheInput() => VerifyLayers("3, 8, 8", "Conv2d(padding: 1), DepthwiseConv2d(padding: 1), InvertedResidual");

    [Theory]
    [InlineData("FactorizedConv2d({|ECD0403:64|}, kernelSize: 3)")]
    [InlineData("FactorizedConv2d({|ECD0403:kernelSize: 1|})")]
    [InlineData("DepthwiseSeparable(16, {|ECD0403:kernelSize: 1|})")]
    [InlineData("Bottleneck({|ECD0403:64|}, 16)")]
    [InlineData("{|ECD0403:DepthwiseConv2d(padding: 1)|}, ReLU, PointwiseConv2d({|ECD0402:1|})")]
    [InlineData("{|ECD0403:Conv2d(64, KernelWidth = 1, PaddingHeight = 1)|}, ReLU, Conv2d(64, KernelHeight = 1, PaddingWidth = 1)")]
    public Task ECD0403_DearerThanTheStandardConvolution(string layers) => VerifyLayers("8, 8, 8", layers);

    [Theory]
    [InlineData("FactorizedConv2d(16, kernelSize: 3)")]
    [InlineData("DepthwiseSeparable(16)")]
    [InlineData("Bottleneck(16, 64)")]
    [InlineData("DepthwiseConv2d(padding: 1), ReLU, PointwiseConv2d(8)")]
    [InlineData("InvertedResidual(expansion: 6)")]
    public Task ECD0403_NearMiss_Cheaper(string layers) => VerifyLayers("8, 8, 8", layers);

    [Theory]
    [InlineData("{|ECD0404:Conv2d(8, padding: 1)|}, BatchNorm")]
    [InlineData("Conv2d(8, padding: 1, {|ECD0404:bias: true|}), BatchNorm, ReLU")]
    [InlineData("{|ECD0404:PointwiseConv2d|}, BatchNorm, {|ECD0404:DepthwiseConv2d(padding: 1)|}, BatchNorm")]
    public Task ECD0404_BiasBeforeBatchNorm(string layers) => VerifyLayers("8, 8, 8", layers);

    [Theory]
    [InlineData("Conv2d(8, padding: 1, bias: false), BatchNorm")]
    [InlineData("Conv2d(8, padding: 1), ReLU, BatchNorm")]
    [InlineData("Linear(8), BatchNorm")]
    public Task ECD0404_NearMiss_NoBiasOrNotStraightBefore(string layers) => VerifyLayers("8, 8, 8", layers);

    [Theory]
    [InlineData("ReLU, {|ECD0405:ReLU6|}")]
    [InlineData("DepthwiseSeparable(8), {|ECD0405:Activation(Activation.SiLU)|}")]
    [InlineData("PReLU, {|ECD0405:GELU|}, {|ECD0405:Tanh|}")]
    public Task ECD0405_ActivationsInARow(string layers) => VerifyLayers("8, 8, 8", layers);

    [Theory]
    [InlineData("ReLU, Activation(Activation.None)")]
    [InlineData("InvertedResidual, ReLU")]
    [InlineData("ReLU, MaxPool2d, ReLU")]
    [InlineData("Sigmoid, Softmax")]
    public Task ECD0405_NearMiss_SomethingBetween(string layers) => VerifyLayers("8, 8, 8", layers);

    [Theory]
    [InlineData("Budget({|ECD0501:maxMultiplyAdds: 36_863|})")]
    [InlineData("Budget({|ECD0501:1|}, {|ECD0501:2|}, {|ECD0501:3|})")]
    [InlineData("Budget(maxParameters: 584, {|ECD0501:maxMultiplyAdds: 36_000|})")]
    [InlineData("Budget({|ECD0501:maxPeakActivationBytes: 4095|})")]
    public Task ECD0501_BudgetExceeded(string budget) => VerifyLayers("8, 8, 8", $"Conv2d(8, padding: 1), {(budget.Length > 0 ? budget : "ReLU")}");

    [Theory]
    [InlineData("Budget")]
    [InlineData("Budget(36_864, 584, 4096)")]
    [InlineData("Budget(maxParameters: long.MaxValue)")]
    public Task ECD0501_NearMiss_BudgetJustKept(string budget) => VerifyLayers("8, 8, 8", $"Conv2d(8, padding: 1), {budget}, ReLU");

    [Fact]
    public async Task ECD0501_NamesBudgetFigureAndTheThreeLayersThatCostMost()
    {
        string message = await MessageAsync("[InputShape(8, 8, 8)] [Budget(maxParameters: 1_000)] [Conv2d(8, Name = \"small\"), Conv2d(16, Name = \"large\"), ReLU, Conv2d(12, Name = \"middle\"), Linear(2, Name = \"head\")] public sealed partial class Net;");

        Assert.Equal("\"Net\" takes 3,590 parameters, 2,590 more than its budget of 1,000 (the layers that cost most are \"middle\" 1,740, \"large\" 1,168, \"small\" 584)", message);
    }
}
