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
    [InlineData("Concat(new[] { \"input\", {|ECD0302:\"p\"|} })")]
    [InlineData("Concat(new string[2] { {|ECD0302:\"p\"|}, \"input\" })")]
    [InlineData("Concat([\"input\", {|ECD0302:\"p\"|}])")]
    [InlineData("Concat({|ECD0302:tensors: \"p\"|})")]
    [InlineData("Concat(tensors: new[] { \"input\", {|ECD0303:\"q\"|} })")]
    public Task Concat_WithAnArray_IsMarkedAtTheElement(string layer) => VerifyLayers("8, 8, 8", $"MaxPool2d(Name = \"p\"), From(\"input\"), {layer}");

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
    [InlineData("[System.Serializable] class A { [System.Obsolete] void Layers() { } }")]
    [InlineData("[ReLU, Use<B>] class A; [Use<C>] class B; [GELU, Use<A>(3)] class C;")]
    [InlineData("struct A;")]
    [InlineData("enum A { B }")]
    public Task ECD0305_TemplateCannotBeUsed(string templates) => Verify($"[InputShape(8, 8, 8), {{|ECD0305:Use<A>(2)|}}] public partial class Net; {templates}");

    /// <summary>A template is given each parameter that stands in it, and no other.</summary>
    [Theory]
    [InlineData("{|ECD0305:Use<A>|}", "[Conv2d(Template.OutChannels)] class A;")]
    [InlineData("{|ECD0305:Use<A>(outChannels: 8)|}", "[Conv2d(Template.OutChannels, stride: Template.Stride)] class A;")]
    [InlineData("{|ECD0305:Use<A>(outChannels: 8, stride: 2)|}", "[Conv2d(Template.OutChannels)] class A;")]
    [InlineData("{|ECD0305:Use<A>(stride: 2)|}", "[ReLU] class A;")]
    [InlineData("{|ECD0305:Use<A>|}", "[ReLU, Use<B>] class A; [ReLU, Conv2d(4, padding: Template.Padding)] class B;")]
    [InlineData("{|ECD0004:Use<A>({|ECD0004:outChannels: 0|})|}", "[Conv2d(Template.OutChannels)] class A;")]
    [InlineData("Conv2d(8), MaxPool2d({|ECD0004:Template.Stride|})", "")]
    [InlineData("Use<A>({|ECD0004:outChannels: Template.OutChannels|})", "[Conv2d(Template.OutChannels)] class A;")]
    public Task ECD0305_ParametersOfATemplate(string use, string templates) => Verify($"[InputShape(8, 8, 8), {use}] public partial class Net; {templates}");

    [Fact]
    public Task ECD0305_NearMiss_ParametersAreHandedOn() => Verify(
        "[InputShape(8, 8, 8), Use<A>(outChannels: 12, stride: 2)] public partial class Net; [ReLU, Use<B>(2, kernelSize: 3, outChannels: Template.OutChannels), MaxPool2d(Template.Stride)] class A; [Conv2d(Template.OutChannels, Template.KernelSize, PaddingHeight = 1)] class B;");

    [Fact]
    public Task ECD0305_NetworkContainsItself() => Verify("[InputShape(8, 8, 8), ReLU, {|ECD0305:Use<Net>|}] public partial class Net;");

    [Theory]
    [InlineData("{|ECD0305:Use<int>|}")]
    [InlineData("{|ECD0305:Use<string>()|}")]
    [InlineData("{|ECD0305:UseAttribute<Net.Inner>(repeat: 2)|}")]
    [InlineData("{|ECD0305:EfficientConv.Dsl.Use<System.Collections.Generic.List<int>>|}")]
    [InlineData("{|ECD0305:global::EfficientConv.Dsl.UseAttribute<int[]>(3, Name = \"x\")|}")]
    [InlineData("{|ECD0305:Use<Alias>|}")]
    public Task ECD0305_InEveryForm(string use) =>
        Verify($"using Alias = System.IDisposable;\n[InputShape(8, 8, 8)]\n[ReLU]\n[{use}]\npublic partial class Net {{ public class Inner; }}");

    [Theory]
    [InlineData("[ReLU, Use<B>(3), Use<B>] class A; [BatchNorm] class B;")]
    [InlineData("[InputShape(3, 4, 4), BatchNorm] partial class A;")]
    public Task ECD0305_NearMiss_TemplateInsideATemplate(string templates) => Verify($"[InputShape(8, 8, 8), Use<A>(2)] public partial class Net; {templates}");

    /// <summary>A template is somebody's, in whatever words and wherever the user stands.</summary>
    [Theory]
    [InlineData("using T; namespace U { [InputShape(8, 8, 8), Use<Block>] partial class Net; }", "")]
    [InlineData("namespace U { [InputShape(8, 8, 8), EfficientConv.Dsl.UseAttribute<global::T.Block>(2)] partial class Net; }", "")]
    [InlineData("using B = T.Block; namespace U { partial struct Outer { [InputShape(8, 8, 8), Use<B>] partial class Net; } }", "")]
    [InlineData("[InputShape(8, 8, 8), Use<Everywhere>] partial class Net;", "global using Everywhere = T.Block;")]
    [InlineData("[InputShape(8, 8, 8), Placed] partial class Net;", "global using Placed = EfficientConv.Dsl.UseAttribute<T.Block>;")]
    [InlineData("namespace T { [InputShape(8, 8, 8), Use<Block>] partial class Net; }", "")]
    public Task ECD0003_NearMiss_SomebodyUsesIt(string user, string other) => Verify("namespace T { [Conv2d(8, padding: 1), ReLU] public class Block; }", user, other);

    [Theory]
    [InlineData("namespace U { [ReLU] class {|ECD0003:Block|}; [InputShape(8, 8, 8), Use<T.Block>] partial class Net; }")]
    [InlineData("class Use<T>; class Block; // Use<Block>\n[InputShape(8, 8, 8), Use<T.Block>] partial class Net { object Other = new Use<Block>(); }")]
    [InlineData("[InputShape(8, 8, 8), Use<T.Block>] partial class Net; class Outer { [GELU] class {|ECD0003:Inner|}; }")]
    public Task ECD0003_AnotherClassOfThatNameIsUsed(string source) => Verify("namespace T { [ReLU] class Block; }", source);

    [Theory]
    [InlineData("[Conv2d(8, 5, padding: 1), ReLU]", "ECD0202")]
    [InlineData("[PointwiseConv2d(8, groups: 4), ReLU]", "ECD0401")]
    [InlineData("[Conv2d(8, padding: 1), BatchNorm]", "ECD0404")]
    [InlineData("[SqueezeExcitation(3)]", "ECD0104")]
    public Task Template_IsJudgedOnce_WhereItIsUsed(string template, string id) =>
        Verify($"[InputShape(8, 32, 32), {{|{id}:Use<A>(3)|}}] public partial class Net; {template} class A;");

    [Fact]
    public Task Template_BlocksAreJudgedOneByOne() => Verify("[InputShape(8, 32, 32), Use<A>(4)] public partial class Net; [DepthwiseSeparable(8), DepthwiseSeparable(8)] class A;");

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
