using EfficientConv.Dsl.Generators.Tests.Harness;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>
/// Every rule where it must speak, with the exact span, and where it must be silent although it comes near. The meta-test demands, for each rule
/// of the catalog, a method <c>{id}_...</c> here and another <c>{id}_NearMiss...</c>.
/// </summary>
public class NetworkAnalyzerTests
{
    private static Task Verify(params string[] markups) => AnalyzerHarness.VerifyAsync(markups);

    /// <summary>A network of the given input and layers, right in everything else.</summary>
    private static Task VerifyLayers(string input, string layers) => Verify($"[InputShape({input})]\n[{layers}]\npublic sealed partial class Net;");

    [Fact]
    public Task ECD0001_ClassIsNotPartial() => Verify("[InputShape(3, 8, 8), ReLU] public sealed class {|ECD0001:Net|};");

    [Fact]
    public Task ECD0001_ContainingTypeIsNotPartial() =>
        Verify("public static class Outer { public partial class Middle { [InputShape(3, 8, 8), ReLU] public sealed partial class {|ECD0001:Net|}; } }");

    [Fact]
    public Task ECD0001_NearMiss_PartialAllTheWayUp() =>
        Verify("public static partial class Outer { internal partial struct Middle { [InputShape(3, 8, 8), ReLU] private sealed partial class Net; } }");

    [Fact]
    public Task ECD0001_NearMiss_NoInputShape() => Verify("[ReLU] public sealed class Template;");

    [Theory]
    [InlineData("public static partial class {|ECD0002:Net|};")]
    [InlineData("public abstract partial class {|ECD0002:Net|};")]
    [InlineData("public partial class {|ECD0002:Net|}<T>;")]
    [InlineData("file partial class {|ECD0002:Net|};")]
    [InlineData("public partial class {|ECD0002:Net|} : System.Exception;")]
    [InlineData("public partial record {|ECD0002:Net|}(int Depth);")]
    public Task ECD0002_ClassIsUnsuitable(string declaration) => Verify("[InputShape(3, 8, 8), ReLU] " + declaration);

    [Theory]
    [InlineData("public partial struct {|ECD0002:Net|};")]
    [InlineData("public partial record struct {|ECD0002:Net|};")]
    [InlineData("public partial interface {|ECD0002:Net|};")]
    public Task ECD0002_IsNoClass(string declaration) => AnalyzerHarness.VerifyInvalidAsync("[InputShape(3, 8, 8), ReLU] " + declaration);

    [Fact]
    public Task ECD0002_NoLayers() => Verify("[{|ECD0002:InputShape(3, 8, 8)|}] public sealed partial class Net;");

    [Theory]
    [InlineData("public partial class Net : System.IDisposable { public void Dispose() { } }")]
    [InlineData("internal partial record Net;")]
    [InlineData("partial class Net { private static readonly int[] Sizes = []; public static int Count => Sizes.Length; }")]
    public Task ECD0002_NearMiss_SuitableClass(string declaration) => Verify("[InputShape(3, 8, 8), ReLU] " + declaration);

    [Fact]
    public Task ECD0002_NearMiss_InsideAGenericClass() => Verify("public partial class Outer<T> { [InputShape(3, 8, 8), ReLU] public partial class Net; }");

    [Theory]
    [InlineData("{|ECD0004:0|}, 8, 8", "ReLU")]
    [InlineData("3, 8, {|ECD0004:width: -1|}", "ReLU")]
    [InlineData("3, 8, 8", "Conv2d({|ECD0004:-4|})")]
    [InlineData("3, 8, 8", "Conv2d(8, {|ECD0004:stride: 0|})")]
    [InlineData("3, 8, 8", "Conv2d(8, {|ECD0004:padding: -1|})")]
    [InlineData("3, 8, 8", "Conv2d(8, padding: 1, {|ECD0004:DilationWidth = 0|})")]
    [InlineData("3, 8, 8", "DepthwiseConv2d(multiplier: 1, padding: 1), DepthwiseConv2d({|ECD0004:multiplier: 0|})")]
    [InlineData("3, 8, 8", "InvertedResidual({|ECD0004:expansion: double.NaN|})")]
    [InlineData("3, 8, 8", "Activation({|ECD0004:(Activation)99|})")]
    [InlineData("3, 8, 8", "BatchNorm({|ECD0004:0.0|})")]
    [InlineData("8, 8, 8", "PReLU({|ECD0004:4|})")]
    public Task ECD0004_ValueOutOfRange(string input, string layers) => VerifyLayers(input, layers);

    [Fact]
    public Task ECD0004_TooManyElements() => Verify("[{|ECD0004:InputShape(1024, 1024, 1024)|}, ReLU] public sealed partial class Net;");

    [Theory]
    [InlineData("1, 1, 1", "Conv2d(1, 1, 1)")]
    [InlineData("3, 8, 8", "Conv2d(outChannels: Channels.FromInput, padding: 0)")]
    [InlineData("8, 8, 8", "PReLU(8)")]
    [InlineData("8, 8, 8", "PReLU(1)")]
    [InlineData("8, 8, 8", "InvertedResidual(expansion: 0.125)")]
    public Task ECD0004_NearMiss_SmallestAndDefaultValues(string input, string layers) => VerifyLayers(input, layers);

    [Fact]
    public Task ECD0005_AttributesOnTwoDeclarations() => Verify("[InputShape(3, 8, 8), ReLU] public partial class {|ECD0005:Net|};", "[GELU] public partial class Net;");

    [Fact]
    public Task ECD0005_NearMiss_OtherDeclarationWithoutLayers() =>
        Verify("[InputShape(3, 8, 8), ReLU] public partial class Net;", "[System.Serializable] public partial class Net { public int Depth => 1; }");

    [Theory]
    [InlineData("Conv2d(32, {|ECD0101:groups: 3|})")]
    [InlineData("Conv2d(32, 3, 1, 1, 1, {|ECD0101:3|}, false)")]
    [InlineData("Conv2d({|ECD0101:groups: 3|}, outChannels: 33)")]
    [InlineData("PointwiseConv2d(48, 1, {|ECD0101:12|})")]
    [InlineData("Bottleneck(10, 32, {|ECD0101:groups: 4|})")]
    public Task ECD0101_GroupsAgainstInputChannels(string layer) => VerifyLayers("32, 8, 8", layer);

    [Theory]
    [InlineData("Conv2d(32, groups: 4)")]
    [InlineData("Conv2d(64, groups: 32)")]
    [InlineData("Bottleneck(12, 32, groups: 4)")]
    public Task ECD0101_NearMiss_GroupsDivide(string layer) => VerifyLayers("32, 8, 8", layer);

    [Fact]
    public Task ECD0102_GroupsAgainstOutputChannels() => VerifyLayers("12, 8, 8", "Conv2d(32, {|ECD0102:groups: 3|})");

    [Fact]
    public Task ECD0102_NearMiss_GroupsDivideBoth() => VerifyLayers("12, 8, 8", "Conv2d(33, groups: 3)");

    [Fact]
    public Task ECD0103_ShuffleGroups() => VerifyLayers("8, 8, 8", "ChannelShuffle({|ECD0103:3|})");

    [Fact]
    public Task ECD0103_NearMiss_ShuffleGroupsDivide() => VerifyLayers("9, 8, 8", "ChannelShuffle(groups: 3)");

    [Theory]
    [InlineData("SqueezeExcitation({|ECD0104:25|})")]
    [InlineData("InvertedResidual(expansion: 2, {|ECD0104:squeezeReduction: 49|})")]
    [InlineData("{|ECD0104:EfficientConvBlock(hiddenChannels: 3)|}")]
    public Task ECD0104_ReductionLeavesNoChannel(string layer) => VerifyLayers("24, 8, 8", layer);

    [Theory]
    [InlineData("SqueezeExcitation(24)")]
    [InlineData("InvertedResidual(expansion: 2, squeezeReduction: 48)")]
    [InlineData("EfficientConvBlock(hiddenChannels: 4)")]
    public Task ECD0104_NearMiss_ReductionLeavesOneChannel(string layer) => VerifyLayers("24, 8, 8", layer);

    [Theory]
    [InlineData("InvertedResidual({|ECD0105:expansion: 1.3|})")]
    [InlineData("EfficientConvBlock(24, {|ECD0105:Ratio|})")]
    public Task ECD0105_FractionOfAChannel(string layer) =>
        Verify($"using static Ratios; [InputShape(24, 8, 8)] [{layer}] public sealed partial class Net; static class Ratios {{ public const double Ratio = 4.0 / 7; }}");

    [Theory]
    [InlineData("InvertedResidual(expansion: 1.25)")]
    [InlineData("InvertedResidual(expansion: 1.3, hiddenChannels: 31)")]
    public Task ECD0105_NearMiss_WholeChannels(string layer) => VerifyLayers("24, 8, 8", layer);

    [Theory]
    [InlineData("Conv2d(8, {|ECD0201:kernelSize: 9|})")]
    [InlineData("Conv2d(8, {|ECD0201:5|}, dilation: 2)")]
    [InlineData("{|ECD0201:Conv2d(8, dilation: 4)|}")]
    [InlineData("Conv2d(8, {|ECD0201:KernelWidth = 9|})")]
    [InlineData("MaxPool2d({|ECD0201:9|})")]
    [InlineData("InvertedResidual({|ECD0201:kernelSize: 9|}, shortcut: Shortcut.None, Padding = 0)")]
    public Task ECD0201_KernelLargerThanInput(string layer) => VerifyLayers("3, 8, 8", layer);

    [Theory]
    [InlineData("Conv2d(8, kernelSize: 8)")]
    [InlineData("Conv2d(8, kernelSize: 10, padding: 1)")]
    [InlineData("Conv2d(8, 3, dilation: 3)")]
    [InlineData("MaxPool2d(8)")]
    public Task ECD0201_NearMiss_KernelJustFits(string layer) => VerifyLayers("3, 8, 8", layer);

    [Theory]
    [InlineData("MaxPool2d(3, 2, {|ECD0204:2|})")]
    [InlineData("AvgPool2d(2, {|ECD0204:PaddingLeft = 2|})")]
    public Task ECD0204_PoolingPadding(string layer) => VerifyLayers("3, 8, 8", layer);

    [Theory]
    [InlineData("MaxPool2d(3, 2, 1)")]
    [InlineData("AvgPool2d(4, padding: 2)")]
    public Task ECD0204_NearMiss_HalfTheKernel(string layer) => VerifyLayers("3, 8, 8", layer);

    [Theory]
    [InlineData("InvertedResidual({|ECD0301:stride: 2|}, shortcut: Shortcut.Required)")]
    [InlineData("Bottleneck(4, {|ECD0301:16|}, shortcut: Shortcut.Required)")]
    [InlineData("EfficientConvBlock({|ECD0301:outChannels: 9|}, shortcut: Shortcut.Required)")]
    public Task ECD0301_ShortcutCannotAdd(string layer) => VerifyLayers("8, 8, 8", layer);

    [Theory]
    [InlineData("InvertedResidual(stride: 2)")]
    [InlineData("InvertedResidual(16)")]
    [InlineData("InvertedResidual(8, shortcut: Shortcut.Required)")]
    [InlineData("InvertedResidual(kernelSize: 5, dilation: 2, shortcut: Shortcut.Required)")]
    public Task ECD0301_NearMiss_ShortcutAddsOrIsNotAskedFor(string layer) => VerifyLayers("8, 8, 8", layer);

    [Theory]
    [InlineData("Conv2d(9, padding: 1), Add({|ECD0301:\"input\"|})")]
    [InlineData("Conv2d(8, Name = \"a\"), From(\"input\"), Add({|ECD0301:tensor: \"a\"|})")]
    public Task ECD0301_AddedTensorHasAnotherShape(string layers) => VerifyLayers("8, 8, 8", layers);

    [Fact]
    public Task ECD0301_NearMiss_AddedTensorHasTheSameShape() => VerifyLayers("8, 8, 8", "Conv2d(8, padding: 1, Name = \"a\"), From(\"input\"), Add(\"a\")");

    [Theory]
    [InlineData("Conv2d(8, Name = \"a\"), Concat({|ECD0302:\"input\"|})")]
    [InlineData("ReLU(Name = \"a\"), MaxPool2d(Name = \"b\"), From(\"a\"), Concat(\"input\", {|ECD0302:\"b\"|})")]
    public Task ECD0302_JoinedTensorHasAnotherSize(string layers) => VerifyLayers("8, 8, 8", layers);

    [Fact]
    public Task ECD0302_NearMiss_JoinedTensorHasOtherChannels() => VerifyLayers("8, 8, 8", "Conv2d(3, padding: 1), Concat(\"input\")");

    [Theory]
    [InlineData("ReLU(Name = \"a\"), GELU, Add({|ECD0303:\"b\"|})")]
    [InlineData("From({|ECD0303:\"later\"|}), ReLU(Name = \"later\")")]
    [InlineData("ReLU, Concat(\"input\", {|ECD0303:\"Input\"|})")]
    [InlineData("ReLU, Add({|ECD0303:null|})")]
    public Task ECD0303_NameIsUnknown(string layers) => VerifyLayers("8, 8, 8", layers);

    [Theory]
    [InlineData("ReLU(Name = \"a\"), GELU(Name = \"b\"), Concat(\"b\", \"a\", \"input\"), From(\"a\"), Add(\"b\")")]
    [InlineData("ReLU(Name = \"input\"), GELU, Add(\"input\")")]
    public Task ECD0303_NearMiss_NameIsKnown(string layers) => VerifyLayers("8, 8, 8", layers);

    [Fact]
    public Task ECD0304_NameIsGivenTwice() => VerifyLayers("8, 8, 8", "ReLU(Name = \"a\"), GELU({|ECD0304:Name = \"a\"|})");

    [Fact]
    public Task ECD0304_OutputNameIsGivenTwice() => VerifyLayers("8, 8, 8", "ReLU, Output(\"a\"), GELU, Output({|ECD0304:\"a\"|})");

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

    [Fact]
    public Task ECD0304_NearMiss_NamesDifferInCase() => VerifyLayers("8, 8, 8", "ReLU(Name = \"a\"), GELU(Name = \"A\")");

    [Fact]
    public Task Mistake_GivesOneDiagnostic_NotACascade() =>
        VerifyLayers("32, 8, 8", "Conv2d(30, {|ECD0101:groups: 3|}), Conv2d(8, groups: 7), ChannelShuffle(9), MaxPool2d(99)");

    [Fact]
    public Task Networks_AreJudgedOnTheirOwn() => Verify(
        """
        namespace Nets;

        [InputShape(8, 8, 8)]
        [ChannelShuffle({|ECD0103:3|})]
        public sealed partial class First;

        [InputShape(8, 8, 8)]
        [ChannelShuffle(2)]
        public sealed partial class Second;

        public static partial class Outer
        {
            [InputShape(8, 8, 8), ReLU, ChannelShuffle(groups: 4), MaxPool2d({|ECD0201:kernelSize: 9|})]
            private sealed partial class Third;
        }
        """);

    [Fact]
    public Task Spans_WithConstantsAliasesAndComments() => Verify("""
        using Conv = EfficientConv.Dsl.Conv2dAttribute;
        using static Sizes;

        [InputShape(Width, 8, 8)]
        [Conv /* grouped */ (Width * 2, /* by three */ {|ECD0101:groups : Groups|} /* wrong */, Name = nameof(Net))]
        public sealed partial class Net;

        internal static class Sizes
        {
            public const int Width = 16;
            public const int Groups = Width / 5;
        }
        """);

    [Fact]
    public Task Spans_ShorthandAndFullName() => Verify("""
        [EfficientConv.Dsl.InputShapeAttribute(8, 8, 8)]
        [global::EfficientConv.Dsl.ChannelShuffleAttribute({|ECD0103:3|})]
        public sealed partial class Net;
        """);
}
