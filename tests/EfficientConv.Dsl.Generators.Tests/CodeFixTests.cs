using EfficientConv.Dsl.CodeFixes;
using EfficientConv.Dsl.Generators.Tests.Harness;

namespace EfficientConv.Dsl.Generators.Tests;

public class CodeFixTests
{
    [Fact]
    public Task MakePartial_KeepsModifiersAndComments() => CodeFixHarness.VerifyAsync(
        new MakePartialCodeFix(),
        """
        /// <summary>A block.</summary>
        [InputShape(3, 8, 8)] // the input
        [ReLU]
        public sealed /* final */ class Net; // the end
        """,
        """
        /// <summary>A block.</summary>
        [InputShape(3, 8, 8)] // the input
        [ReLU]
        public sealed /* final */ partial class Net; // the end
        """);

    [Fact]
    public Task MakePartial_WithoutModifiers_KeepsWhatStandsBefore() => CodeFixHarness.VerifyAsync(
        new MakePartialCodeFix(),
        """
        namespace N
        {
            [InputShape(3, 8, 8), ReLU]
            // A class of its own.
            class Net
            {
            }
        }
        """,
        """
        namespace N
        {
            [InputShape(3, 8, 8), ReLU]
            // A class of its own.
            partial class Net
            {
            }
        }
        """);

    [Fact]
    public Task MakePartial_WithoutModifiersAndAttributesBefore() => CodeFixHarness.VerifyAsync(
        new MakePartialCodeFix(),
        "// Types.\nclass Outer { [InputShape(3, 8, 8), ReLU] record Net; }\n",
        "// Types.\npartial class Outer { [InputShape(3, 8, 8), ReLU] partial record Net; }\n");

    [Fact]
    public Task MakePartial_ContainingTypes() => CodeFixHarness.VerifyAsync(
        new MakePartialCodeFix(),
        """
        public readonly struct Outer
        {
            internal partial interface IMiddle
            {
                public record struct Inner
                {
                    [InputShape(3, 8, 8), ReLU]
                    public sealed partial class Net;
                }
            }
        }
        """,
        """
        public readonly partial struct Outer
        {
            internal partial interface IMiddle
            {
                public partial record struct Inner
                {
                    [InputShape(3, 8, 8), ReLU]
                    public sealed partial class Net;
                }
            }
        }
        """);

    [Fact]
    public Task MakePartial_FixAll_TouchesASharedContainingTypeOnce() => CodeFixHarness.VerifyFixAllAsync(
        new MakePartialCodeFix(),
        [
            "public class Outer\n{\n    [InputShape(3, 8, 8), ReLU] public class First;\n    [InputShape(3, 8, 8), GELU] public class Second;\n}\n",
            "[InputShape(3, 8, 8), ReLU] class Third;\n",
        ],
        [
            "public partial class Outer\n{\n    [InputShape(3, 8, 8), ReLU] public partial class First;\n    [InputShape(3, 8, 8), GELU] public partial class Second;\n}\n",
            "[InputShape(3, 8, 8), ReLU] partial class Third;\n",
        ]);

    [Fact]
    public async Task Groups_OffersTheNearestCounts() =>
        Assert.Equal(
            ["Set groups to 2", "Set groups to 4", "Set groups to 1"],
            await CodeFixHarness.TitlesAsync(new GroupsCodeFix(), "[InputShape(32, 8, 8), Conv2d(32, groups: 3)] public partial class Net;"));

    [Theory]
    [InlineData("Conv2d(32, groups: 3)", "Conv2d(32, groups: 4)")]
    [InlineData("Conv2d(32, 3, 1, 1, 1, /* groups */ 3 /* wrong */, false)", "Conv2d(32, 3, 1, 1, 1, /* groups */ 4 /* wrong */, false)")]
    [InlineData("Conv2d(groups : 2 + 1, outChannels: 32, Name = \"x\")", "Conv2d(groups : 4, outChannels: 32, Name = \"x\")")]
    [InlineData("ChannelShuffle(5)", "ChannelShuffle(2)")]
    [InlineData("ConvTranspose2d(32, stride: 2, kernelSize: 2, groups: 3)", "ConvTranspose2d(32, stride: 2, kernelSize: 2, groups: 4)")]
    [InlineData("PixelShuffle(factor: 3 /* wrong */)", "PixelShuffle(factor: 4 /* wrong */)")]
    public Task Groups_ReplacesTheValueOnly(string wrong, string right) => CodeFixHarness.VerifyAsync(
        new GroupsCodeFix(),
        $"[InputShape(32, 8, 8)]\n[ReLU, {wrong}, GELU] // layers\npublic partial class Net;\n",
        $"[InputShape(32, 8, 8)]\n[ReLU, {right}, GELU] // layers\npublic partial class Net;\n",
        action: 1);

    [Fact]
    public Task Groups_OutputChannels() => CodeFixHarness.VerifyAsync(
        new GroupsCodeFix(),
        "[InputShape(12, 8, 8), Conv2d(32, groups: 3)] public partial class Net;",
        "[InputShape(12, 8, 8), Conv2d(32, groups: 2)] public partial class Net;");

    [Fact]
    public Task Groups_FixAll_TakesTheSameRankEverywhere() => CodeFixHarness.VerifyFixAllAsync(
        new GroupsCodeFix(),
        [
            "[InputShape(32, 8, 8), Conv2d(32, groups: 3)] public partial class A;\n[InputShape(12, 8, 8), ChannelShuffle(5)] public partial class B;\n",
            "[InputShape(7, 8, 8), ChannelShuffle(groups: 2)] public partial class C;\n",
        ],
        [
            "[InputShape(32, 8, 8), Conv2d(32, groups: 2)] public partial class A;\n[InputShape(12, 8, 8), ChannelShuffle(4)] public partial class B;\n",
            "[InputShape(7, 8, 8), ChannelShuffle(groups: 1)] public partial class C;\n",
        ]);

    [Theory]
    [InlineData("Concat(new[] { \"stem\", \"stm\" })", "Concat(new[] { \"stem\", \"stem\" })")]
    [InlineData("Concat(tensors: \"stm\")", "Concat(tensors: \"stem\")")]
    [InlineData("Concat(\"stem\", /* b */ \"stm\" /* typo */)", "Concat(\"stem\", /* b */ \"stem\" /* typo */)")]
    public Task TensorName_ReplacesOneElementOfAList(string wrong, string right) => CodeFixHarness.VerifyAsync(
        new TensorNameCodeFix(),
        $"[InputShape(32, 8, 8)]\n[ReLU(Name = \"stem\"), BatchNorm, {wrong}]\npublic partial class Net;\n",
        $"[InputShape(32, 8, 8)]\n[ReLU(Name = \"stem\"), BatchNorm, {right}]\npublic partial class Net;\n");

    [Theory]
    [InlineData("Conv2d(8, 5, dilation: 2)", "Conv2d(8, 5, dilation: 2, padding: 1)")]
    [InlineData("Conv2d(8, kernelSize: 9 /* large */, Name = \"x\")", "Conv2d(8, kernelSize: 9 /* large */, padding: 1, Name = \"x\")")]
    [InlineData("Conv2d(Name = \"x\", KernelHeight = 9)", "Conv2d(padding: 1, Name = \"x\", KernelHeight = 9)")]
    [InlineData("Conv2d(8, 12, 1, 1)", "Conv2d(8, 12, 1, 2)")]
    [InlineData("Conv2d(dilation: 4)", "Conv2d(dilation: 4, padding: 1)")]
    [InlineData("AvgPool2d(9)", "AvgPool2d(9, padding: 1)")]
    [InlineData("InvertedResidual(kernelSize: 9, shortcut: Shortcut.None, Padding = 0)", "InvertedResidual(kernelSize: 9, shortcut: Shortcut.None, Padding = 1)")]
    public Task Padding_IsSetOrAdded(string wrong, string right) => CodeFixHarness.VerifyAsync(
        new PaddingCodeFix(),
        $"[InputShape(3, 8, 8)]\n[{wrong}]\npublic partial class Net;\n",
        $"[InputShape(3, 8, 8)]\n[{right}]\npublic partial class Net;\n",
        stays: "ECD0202 ECD0203");

    [Fact]
    public Task Padding_OneArgumentALine_GetsItsOwnLine() => CodeFixHarness.VerifyAsync(
        new PaddingCodeFix(),
        """
        [InputShape(3, 8, 8)]
        [Conv2d(
            8, // channels
            kernelSize: 9 // large
        )]
        public partial class Net;
        """,
        """
        [InputShape(3, 8, 8)]
        [Conv2d(
            8, // channels
            kernelSize: 9, // large
            padding: 1
        )]
        public partial class Net;
        """,
        stays: "ECD0202");

    [Theory]
    [InlineData("Conv2d(8, 9, PaddingHeight = 0)", "Conv2d(8, 9, PaddingHeight = 1, PaddingWidth = 1)")]
    [InlineData("Conv2d(8, 11, padding: 0, PaddingTop = 1)", "Conv2d(8, 11, padding: 0, PaddingTop = 2, PaddingBottom = 2, PaddingWidth = 2)")]
    public Task Padding_SetForOneAxisOrSide_IsSetThere(string wrong, string right) => CodeFixHarness.VerifyAsync(
        new PaddingCodeFix(),
        $"[InputShape(3, 8, 8), {wrong}] public partial class Net;",
        $"[InputShape(3, 8, 8), {right}] public partial class Net;",
        stays: "ECD0202 ECD0203");

    [Fact]
    public Task Padding_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new PaddingCodeFix(),
        ["[InputShape(3, 8, 8), Conv2d(8, 9)] public partial class A;\n[InputShape(3, 8, 8), Conv2d(8, 13)] public partial class B;\n"],
        ["[InputShape(3, 8, 8), Conv2d(8, 9, padding: 1)] public partial class A;\n[InputShape(3, 8, 8), Conv2d(8, 13, padding: 3)] public partial class B;\n"],
        stays: "ECD0202",
        oneByOne: ["[InputShape(3, 8, 8), Conv2d(8, 9, padding: 1)] public partial class A;\n[InputShape(3, 8, 8), Conv2d(8, 13)] public partial class B;\n"]);

    /// <summary>Padding of a transposed convolution takes away: the largest that leaves a pixel, or the one that leaves the input's size times the stride.</summary>
    [Theory]
    [InlineData("ConvTranspose2d(8, 3, padding: 5)", "ConvTranspose2d(8, 3, padding: 4)", 0)]
    [InlineData("ConvTranspose2d(8, 3, padding: 5 /* too much */)", "ConvTranspose2d(8, 3, padding: 1 /* too much */)", 1)]
    [InlineData("ConvTranspose2d(8, 4, 2, 9)", "ConvTranspose2d(8, 4, 2, 8)", 0)]
    [InlineData("ConvTranspose2d(8, 4, 2, 9)", "ConvTranspose2d(8, 4, 2, 1)", 1)]
    [InlineData("ConvTranspose2d(8, 3, PaddingHeight = 6)", "ConvTranspose2d(8, 3, PaddingHeight = 4)", 0)]
    [InlineData("ConvTranspose2d(8, 2, stride: 2, PaddingTop = 20)", "ConvTranspose2d(8, 2, stride: 2, PaddingTop = 15)", 0)]
    [InlineData("ConvTranspose2d(8, 2, stride: 2, padding: 1, PaddingLeft = 20)", "ConvTranspose2d(8, 2, stride: 2, padding: 1, PaddingLeft = 14)", 0)]
    public Task Padding_OfATransposedConvolution_LeavesAPixel(string wrong, string right, int action) => CodeFixHarness.VerifyAsync(
        new PaddingCodeFix(),
        $"[InputShape(3, 8, 8)]\n[{wrong}] // up\npublic partial class Net;\n",
        $"[InputShape(3, 8, 8)]\n[{right}] // up\npublic partial class Net;\n",
        action);

    [Fact]
    public Task Padding_OfTransposedConvolutions_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new PaddingCodeFix(),
        ["[InputShape(3, 8, 8), ConvTranspose2d(8, 3, padding: 5)] public partial class A;\n[InputShape(3, 8, 8), MaxPool2d(2), ConvTranspose2d(8, 5, 2, padding: 9)] public partial class B;\n"],
        ["[InputShape(3, 8, 8), ConvTranspose2d(8, 3, padding: 4)] public partial class A;\n[InputShape(3, 8, 8), MaxPool2d(2), ConvTranspose2d(8, 5, 2, padding: 5)] public partial class B;\n"]);

    [Fact]
    public Task TensorName_InAList_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new TensorNameCodeFix(),
        ["[InputShape(8, 8, 8), ReLU(Name = \"left\"), BatchNorm(Name = \"right\"), Concat(new[] { \"lefft\", \"right\" })] partial class A;\n", "[InputShape(8, 8, 8), ReLU(Name = \"left\"), BatchNorm, Concat(tensors: \"left_\")] partial class B;\n"],
        ["[InputShape(8, 8, 8), ReLU(Name = \"left\"), BatchNorm(Name = \"right\"), Concat(new[] { \"left\", \"right\" })] partial class A;\n", "[InputShape(8, 8, 8), ReLU(Name = \"left\"), BatchNorm, Concat(tensors: \"left\")] partial class B;\n"]);

    [Fact]
    public Task Groups_OfShufflesOfPixelsAndTransposedConvolutions_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new GroupsCodeFix(),
        ["[InputShape(32, 8, 8), PixelShuffle(3), ReLU] public partial class A;\n[InputShape(12, 8, 8), ConvTranspose2d(32, groups: 5)] public partial class B;\n", "[InputShape(12, 8, 8), ConvTranspose2d(20, groups: 3)] public partial class C;\n"],
        ["[InputShape(32, 8, 8), PixelShuffle(2), ReLU] public partial class A;\n[InputShape(12, 8, 8), ConvTranspose2d(32, groups: 4)] public partial class B;\n", "[InputShape(12, 8, 8), ConvTranspose2d(20, groups: 2)] public partial class C;\n"]);

    [Theory]
    [InlineData("InvertedResidual(expansion: 1.3)", "InvertedResidual(expansion: 1.3, hiddenChannels: 31)")]
    [InlineData("EfficientConvBlock(24, 1.3, Eps = 1e-3)", "EfficientConvBlock(24, 1.3, hiddenChannels: 31, Eps = 1e-3)")]
    public Task HiddenChannels_IsAdded(string wrong, string right) => CodeFixHarness.VerifyAsync(
        new HiddenChannelsCodeFix(),
        $"[InputShape(24, 8, 8), {wrong}] public partial class Net;",
        $"[InputShape(24, 8, 8), {right}] public partial class Net;");

    [Fact]
    public Task HiddenChannels_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new HiddenChannelsCodeFix(),
        ["[InputShape(24, 8, 8), InvertedResidual(expansion: 1.3)] public partial class A;\n", "[InputShape(5, 8, 8), InvertedResidual(5, 1.5)] public partial class B;\n"],
        ["[InputShape(24, 8, 8), InvertedResidual(expansion: 1.3, hiddenChannels: 31)] public partial class A;\n", "[InputShape(5, 8, 8), InvertedResidual(5, 1.5, hiddenChannels: 8)] public partial class B;\n"]);

    [Theory]
    [InlineData("SqueezeExcitation(32)", "SqueezeExcitation(24)")]
    [InlineData("EfficientConvBlock(hiddenChannels: 3)", "EfficientConvBlock(hiddenChannels: 3, squeezeReduction: 3)")]
    public Task SqueezeReduction_LeavesAChannel(string wrong, string right) => CodeFixHarness.VerifyAsync(
        new SqueezeReductionCodeFix(),
        $"[InputShape(24, 8, 8), {wrong}] public partial class Net;",
        $"[InputShape(24, 8, 8), {right}] public partial class Net;");

    [Fact]
    public Task SqueezeReduction_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new SqueezeReductionCodeFix(),
        ["[InputShape(8, 8, 8), SqueezeExcitation(9)] public partial class A;\n[InputShape(8, 8, 8), InvertedResidual(squeezeReduction: 99)] public partial class B;\n"],
        ["[InputShape(8, 8, 8), SqueezeExcitation(8)] public partial class A;\n[InputShape(8, 8, 8), InvertedResidual(squeezeReduction: 32)] public partial class B;\n"]);
}
