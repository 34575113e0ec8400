namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>Tensors with names, sums and concatenations.</summary>
public partial class NetworkAnalyzerTests
{
    [Theory]
    [InlineData("Conv2d(16, padding: 1), Add({|ECD0301:\"input\"|})")]
    [InlineData("Conv2d(8, Name = \"a\"), From(\"input\"), Add({|ECD0301:tensor: \"a\"|})")]
    public Task ECD0301_AddedTensorHasAnotherShape(string layers) => VerifyLayers("8, 8, 8", layers);

    [Fact]
    public Task ECD0301_NearMiss_AddedTensorHasTheSameShape() => VerifyLayers("8, 8, 8", "Conv2d(8, padding: 1, Name = \"a\"), From(\"input\"), Add(\"a\")");

    [Theory]
    [InlineData("Conv2d(8, Name = \"a\"), Concat({|ECD0302:\"input\"|})")]
    [InlineData("ReLU(Name = \"a\"), MaxPool2d(Name = \"b\"), From(\"a\"), Concat(\"input\", {|ECD0302:\"b\"|})")]
    public Task ECD0302_JoinedTensorHasAnotherSize(string layers) => VerifyLayers("8, 8, 8", layers);

    [Fact]
    public Task ECD0302_NearMiss_JoinedTensorHasOtherChannels() => VerifyLayers("8, 8, 8", "Conv2d(12, padding: 1), Concat(\"input\")");

    [Theory]
    [InlineData("ReLU(Name = \"a\"), BatchNorm, Add({|ECD0303:\"b\"|})")]
    [InlineData("From({|ECD0303:\"later\"|}), ReLU(Name = \"later\")")]
    [InlineData("ReLU, Concat(\"input\", {|ECD0303:\"Input\"|})")]
    [InlineData("ReLU, Add({|ECD0303:null|})")]
    public Task ECD0303_NameIsUnknown(string layers) => VerifyLayers("8, 8, 8", layers);

    [Theory]
    [InlineData("ReLU(Name = \"a\"), BatchNorm(Name = \"b\"), Concat(\"b\", \"a\", \"input\"), From(\"a\"), Add(\"b\")")]
    [InlineData("ReLU(Name = \"input\"), BatchNorm, Add(\"input\")")]
    public Task ECD0303_NearMiss_NameIsKnown(string layers) => VerifyLayers("8, 8, 8", layers);

    [Fact]
    public Task ECD0304_NameIsGivenTwice() => VerifyLayers("8, 8, 8", "ReLU(Name = \"a\"), BatchNorm({|ECD0304:Name = \"a\"|})");

    [Fact]
    public Task ECD0304_NearMiss_NamesDifferInCase() => VerifyLayers("8, 8, 8", "ReLU(Name = \"a\"), BatchNorm(Name = \"A\")");

    [Fact]
    public Task ECD0405_ActivationOfAProjectionThatIsAdded() => VerifyLayers(
        "24, 8, 8", "PointwiseConv2d(96, bias: false), BatchNorm, ReLU6, PointwiseConv2d(24, bias: false), BatchNorm, {|ECD0405:ReLU6|}, Add(\"input\")");

    [Fact]
    public Task ECD0405_NearMiss_ActivationBehindTheSum() => VerifyLayers(
        "24, 8, 8", "PointwiseConv2d(96, bias: false), BatchNorm, ReLU6, PointwiseConv2d(24, bias: false), BatchNorm, Add(\"input\"), ReLU6");

    [Fact]
    public Task ECD0304_OutputNameIsGivenTwice() => VerifyLayers("8, 8, 8", "ReLU, Output(\"a\"), MaxPool2d(2), Output({|ECD0304:\"a\"|})");

    [Theory]
    [InlineData("[ReLU, Use<A>] class A;")]
    [InlineData("[Use<B>] class A; [ReLU, Use<A>] class B;")]
    [InlineData("class A;")]
    [InlineData("[ReLU] partial class A; [GELU] partial class A;")]
    public Task ECD0305_TemplateCannotBeUsed(string templates) => Verify($"[InputShape(8, 8, 8), {{|ECD0305:Use<A>(2)|}}] public partial class Net; {templates}");

    [Fact]
    public Task ECD0305_NetworkContainsItself() => Verify("[InputShape(8, 8, 8), ReLU, {|ECD0305:Use<Net>|}] public partial class Net;");

    [Theory]
    [InlineData("[ReLU, Use<B>(3), Use<B>] class A; [GELU] class B;")]
    [InlineData("[InputShape(3, 4, 4), ReLU] partial class A;")]
    public Task ECD0305_NearMiss_TemplateInsideATemplate(string templates) => Verify($"[InputShape(8, 8, 8), Use<A>(2)] public partial class Net; {templates}");

    [Fact]
    public Task Template_WithAMistakeIsReportedWhereItIsUsed() =>
        Verify("[InputShape(8, 8, 8), {|ECD0101:Use<A>(2)|}] public partial class Net; [Conv2d(9, groups: 3)] class A;");

    [Theory]
    [InlineData("{|ECD0004:stride: 33|}")]
    [InlineData("{|ECD0004:StrideHeight = 1025|}")]
    public Task ECD0004_StrideOfATransposedConvolutionMakesTooManyPhases(string stride) => VerifyLayers("8, 2, 2", $"ConvTranspose2d(8, 2, {stride})");

    [Fact]
    public Task ECD0004_NearMiss_LargestStrideOfATransposedConvolution() => VerifyLayers("8, 2, 2", "ConvTranspose2d(8, 64, stride: 32, padding: 16)");
}
