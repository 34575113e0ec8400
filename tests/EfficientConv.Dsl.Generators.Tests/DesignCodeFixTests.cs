using EfficientConv.Dsl.CodeFixes;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis.CodeFixes;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>Fixes of warnings and hints: padding, shortcuts, channels, and whole layers put in or taken out.</summary>
public class DesignCodeFixTests
{
    /// <summary>Fixes one layer of a network on 8 x 16 x 16 in a file with comments around it.</summary>
    private static Task Verify(CodeFixProvider provider, string wrong, string right, int action = 0) => CodeFixHarness.VerifyAsync(
        provider,
        $"// A network.\n[InputShape(8, 16, 16)] // the input\n[{wrong}] // the layers\npublic partial class Net; // the end\n",
        $"// A network.\n[InputShape(8, 16, 16)] // the input\n[{right}] // the layers\npublic partial class Net; // the end\n",
        action);

    [Theory]
    [InlineData("Conv2d(8, 5, padding: 1 /* too small */)", "Conv2d(8, 5, padding: 2 /* too small */)")]
    [InlineData("Conv2d(8, 3, 1, 2)", "Conv2d(8, 3, 1, 1)")]
    [InlineData("Conv2d(8, 4, padding: 1)", "Conv2d(8, 4, padding: 1, AutoPad = AutoPad.Same)")]
    [InlineData("Conv2d(8, 3, padding: 1, PaddingHeight = 2)", "Conv2d(8, 3, padding: 1, PaddingHeight = 1)")]
    [InlineData("Conv2d(8, 3, padding: 1, PaddingRight = 0)", "Conv2d(8, 3, padding: 1, PaddingRight = 1)")]
    [InlineData("Conv2d(8, 5, 1, 1, StrideWidth = 3)", "Conv2d(8, 5, 1, 1, StrideWidth = 3, PaddingHeight = 2)")]
    [InlineData("DepthwiseSeparable(kernelSize: 5, Padding = 1)", "DepthwiseSeparable(kernelSize: 5, Padding = 2)")]
    [InlineData("DepthwiseSeparable(kernelSize: 4)", "DepthwiseSeparable(kernelSize: 4, AutoPad = AutoPad.Same)")]
    public Task Padding_ThatKeepsTheSize(string wrong, string right) => Verify(new PaddingCodeFix(), wrong, right);

    [Theory]
    [InlineData("Conv2d(8, padding: 1, dilation: 2)", "Conv2d(8, padding: 2, dilation: 2)")]
    [InlineData("Conv2d(8, 3, padding: 2, dilation: 2, PaddingWidth = 1)", "Conv2d(8, 3, padding: 2, dilation: 2, PaddingWidth = 2)")]
    [InlineData("DepthwiseSeparable(dilation: 3, Padding = 1)", "DepthwiseSeparable(dilation: 3, Padding = 3)")]
    public Task Padding_TimesDilation(string wrong, string right) => Verify(new PaddingCodeFix(), wrong, right);

    [Theory]
    [InlineData("Conv2d(8, 1, padding: 1)", "Conv2d(8, 1, padding: 0)", 0)]
    [InlineData("Conv2d(8, 3, 2, padding: 3)", "Conv2d(8, 3, 2, padding: 1)", 0)]
    [InlineData("Conv2d(8, 3, 2, padding: 3)", "Conv2d(8, 3, 2, padding: 2)", 1)]
    [InlineData("MaxPool2d(3, 2, padding: 2)", "MaxPool2d(3, 2, padding: 1)", 0)]
    [InlineData("AvgPool2d(2, PaddingLeft = 2, PaddingRight = 1)", "AvgPool2d(2, PaddingLeft = 1, PaddingRight = 1)", 0)]
    public Task Padding_Clamped(string wrong, string right, int action) => Verify(new PaddingCodeFix(), wrong, right, action);

    [Theory]
    [InlineData("MaxPool2d(3)", "MaxPool2d(3, padding: 1)", 1)]
    [InlineData("MaxPool2d(3)", "MaxPool2d(3, ceilMode: true)", 0)]
    [InlineData("Conv2d(8, kernelSize: 3, stride: 3)", "Conv2d(8, kernelSize: 3, stride: 3, padding: 1)", 0)]
    [InlineData("Conv2d(8, 3, 3, PaddingBottom = 0, PaddingRight = 0)", "Conv2d(8, 3, 3, PaddingBottom = 1, PaddingRight = 1, PaddingTop = 1, PaddingLeft = 1)", 0)]
    public Task Padding_ThatReadsTheLastPixels(string wrong, string right, int action) => Verify(new PaddingCodeFix(), wrong, right, action);

    [Theory]
    [InlineData("Conv2d(8, KernelHeight = 7, KernelWidth = 1, PaddingWidth = 3)", "Conv2d(8, KernelHeight = 7, KernelWidth = 1, PaddingWidth = 0, PaddingHeight = 3)")]
    [InlineData("Conv2d(8, padding: 3, KernelHeight = 7, KernelWidth = 1)", "Conv2d(8, padding: 3, KernelHeight = 7, KernelWidth = 1, PaddingWidth = 0)")]
    [InlineData("Conv2d(8, 5, KernelWidth = 1, PaddingHeight = 2), Conv2d(8, 5, KernelHeight = 1)", "Conv2d(8, 5, KernelWidth = 1, PaddingHeight = 2), Conv2d(8, 5, KernelHeight = 1, PaddingWidth = 2)")]
    [InlineData("FactorizedConv2d(kernelSize: 4)", "FactorizedConv2d(kernelSize: 3)")]
    public Task Padding_OnTheOtherAxis(string wrong, string right) => Verify(new PaddingCodeFix(), wrong, right);

    [Fact]
    public Task Padding_OfAPair_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new PaddingCodeFix(),
        ["[InputShape(8, 16, 16)]\n[Conv2d(KernelHeight = 7, KernelWidth = 1, PaddingWidth = 3)]\n[Conv2d(KernelHeight = 1, KernelWidth = 7, PaddingHeight = 3)]\npublic partial class Net;\n"],
        ["[InputShape(8, 16, 16)]\n[Conv2d(KernelHeight = 7, KernelWidth = 1, PaddingWidth = 0, PaddingHeight = 3)]\n[Conv2d(KernelHeight = 1, KernelWidth = 7, PaddingHeight = 0, PaddingWidth = 3)]\npublic partial class Net;\n"]);

    /// <summary>One provider fixes several rules; the key of an action says which alternative, so that the best one of each is taken.</summary>
    [Fact]
    public Task Padding_OfAllKinds_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new PaddingCodeFix(),
        [
            "[InputShape(8, 16, 16)]\n[Conv2d(8, 5, padding: 1), Conv2d(8, padding: 1, dilation: 2)] // sizes\npublic partial class A;\n",
            "[InputShape(8, 16, 16), MaxPool2d(3, 2, padding: 2 /* half */)] public partial class B;\n[InputShape(8, 16, 16), Conv2d(8, 3, 2, padding: 3), MaxPool2d(3)] public partial class C;\n",
        ],
        [
            "[InputShape(8, 16, 16)]\n[Conv2d(8, 5, padding: 2), Conv2d(8, padding: 2, dilation: 2)] // sizes\npublic partial class A;\n",
            "[InputShape(8, 16, 16), MaxPool2d(3, 2, padding: 1 /* half */)] public partial class B;\n[InputShape(8, 16, 16), Conv2d(8, 3, 2, padding: 1), MaxPool2d(3, ceilMode: true)] public partial class C;\n",
        ]);

    [Fact]
    public Task Padding_WithoutUsing_IsQualified() => CodeFixHarness.VerifyAsync(
        new PaddingCodeFix(),
        "[EfficientConv.Dsl.InputShape(8, 16, 16)]\n[EfficientConv.Dsl.Conv2d(8, 4, padding: 1)]\npublic partial class Net;\n",
        "[EfficientConv.Dsl.InputShape(8, 16, 16)]\n[EfficientConv.Dsl.Conv2d(8, 4, padding: 1, AutoPad = global::EfficientConv.Dsl.AutoPad.Same)]\npublic partial class Net;\n",
        globalUsing: false);

    [Theory]
    [InlineData("InvertedResidual(stride: 2, shortcut: Shortcut.Required)", "InvertedResidual(stride: 1, shortcut: Shortcut.Required)")]
    [InlineData("Bottleneck(4, 16, shortcut: Shortcut.Required)", "Bottleneck(4, 8, shortcut: Shortcut.Required)")]
    [InlineData("InvertedResidual(16, stride: 2, shortcut: Shortcut.Required)", "InvertedResidual(8, stride: 1, shortcut: Shortcut.Required)")]
    [InlineData("InvertedResidual(Padding = 2)", "InvertedResidual(Padding = 1)")]
    [InlineData("InvertedResidual(kernelSize: 4)", "InvertedResidual(kernelSize: 3)")]
    [InlineData("UniversalInvertedBottleneck(stride: 2, shortcut: Shortcut.Required)", "UniversalInvertedBottleneck(stride: 1, shortcut: Shortcut.Required)")]
    [InlineData("UniversalInvertedBottleneck(16, startKernelSize: 2 /* s */, midKernelSize: 4, shortcut: Shortcut.Required)", "UniversalInvertedBottleneck(8, startKernelSize: 1 /* s */, midKernelSize: 3, shortcut: Shortcut.Required)")]
    [InlineData("ConvNeXtBlock(kernelSize: 4)", "ConvNeXtBlock(kernelSize: 3)")]
    [InlineData("GhostBottleneck(16, kernelSize: 5, cheapKernelSize: 2)", "GhostBottleneck(16, kernelSize: 5, cheapKernelSize: 1)")]
    [InlineData("ShuffleUnitV2(kernelSize: 6)", "ShuffleUnitV2(kernelSize: 5)")]
    public Task Shortcut_CanAdd(string wrong, string right) => Verify(new ShortcutCodeFix(), wrong, right);

    [Fact]
    public async Task Shortcut_TitleNamesEverythingThatChanges() => Assert.Equal(
        ["Set stride to 1 and outChannels to 8"],
        await CodeFixHarness.TitlesAsync(new ShortcutCodeFix(), "[InputShape(8, 8, 8), InvertedResidual(16, stride: 2, shortcut: Shortcut.Required)] public partial class Net;"));

    [Fact]
    public Task Shortcut_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new ShortcutCodeFix(),
        ["[InputShape(8, 8, 8), InvertedResidual(16, shortcut: Shortcut.Required)] public partial class A;\n", "[InputShape(8, 8, 8), EfficientConvBlock(stride: 2, shortcut: Shortcut.Required)] public partial class B;\n"],
        ["[InputShape(8, 8, 8), InvertedResidual(8, shortcut: Shortcut.Required)] public partial class A;\n", "[InputShape(8, 8, 8), EfficientConvBlock(stride: 1, shortcut: Shortcut.Required)] public partial class B;\n"]);

    [Fact]
    public Task Shortcut_OfFamilies_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new ShortcutCodeFix(),
        ["[InputShape(8, 8, 8), ConvNeXtBlock(kernelSize: 4)] public partial class A;\n[InputShape(8, 8, 8), ShuffleUnitV2(kernelSize: 2)] public partial class B;\n[InputShape(8, 8, 8), UniversalInvertedBottleneck(16, midKernelSize: 4, shortcut: Shortcut.Required)] public partial class C;\n"],
        ["[InputShape(8, 8, 8), ConvNeXtBlock(kernelSize: 5)] public partial class A;\n[InputShape(8, 8, 8), ShuffleUnitV2(kernelSize: 3)] public partial class B;\n[InputShape(8, 8, 8), UniversalInvertedBottleneck(8, midKernelSize: 3, shortcut: Shortcut.Required)] public partial class C;\n"],
        action: 1,
        oneByOne: ["[InputShape(8, 8, 8), ConvNeXtBlock(kernelSize: 5)] public partial class A;\n[InputShape(8, 8, 8), ShuffleUnitV2(kernelSize: 3)] public partial class B;\n[InputShape(8, 8, 8), UniversalInvertedBottleneck(16, midKernelSize: 4, shortcut: Shortcut.Required)] public partial class C;\n"]);

    [Theory]
    [InlineData("Conv2d(16, padding: 1), Add(\"input\")", "Conv2d(8, padding: 1), Add(\"input\")")]
    [InlineData("Conv2d(padding: 1, stride: 2, bias: false), BatchNorm, ReLU, Add(\"input\")", "Conv2d(padding: 1, stride: 1, bias: false), BatchNorm, ReLU, Add(\"input\")")]
    [InlineData("Conv2d(16, kernelSize: 5), ReLU, Add(\"input\")", "Conv2d(8, kernelSize: 5, padding: 2), ReLU, Add(\"input\")")]
    public Task Sum_OfEqualShapes(string wrong, string right) => Verify(new ShortcutCodeFix(), wrong, right);

    [Theory]
    [InlineData("ReLU(Name = \"stem\"), BatchNorm, Add(\"sten\")", "ReLU(Name = \"stem\"), BatchNorm, Add(\"stem\")", 0)]
    [InlineData("ReLU(Name = \"stem\"), BatchNorm, Add(tensor: \"Stem\" /* x */)", "ReLU(Name = \"stem\"), BatchNorm, Add(tensor: \"stem\" /* x */)", 0)]
    [InlineData("ReLU(Name = \"a\"), BatchNorm, Concat(\"a\", \"imput\")", "ReLU(Name = \"a\"), BatchNorm, Concat(\"a\", \"input\")", 0)]
    [InlineData("ReLU(Name = \"ab\"), BatchNorm(Name = \"abcd\"), Softmax, Add(\"abc\")", "ReLU(Name = \"ab\"), BatchNorm(Name = \"abcd\"), Softmax, Add(\"abcd\")", 1)]
    public Task TensorName_TheNearest(string wrong, string right, int action) => Verify(new TensorNameCodeFix(), wrong, right, action);

    [Fact]
    public Task TensorName_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new TensorNameCodeFix(),
        ["[InputShape(8, 8, 8), ReLU(Name = \"left\"), BatchNorm, Add(\"lefft\")] partial class A;\n[InputShape(8, 8, 8), From(\"inputs\"), ReLU] partial class B;\n"],
        ["[InputShape(8, 8, 8), ReLU(Name = \"left\"), BatchNorm, Add(\"left\")] partial class A;\n[InputShape(8, 8, 8), From(\"input\"), ReLU] partial class B;\n"]);

    [Theory]
    [InlineData("SqueezeExcitation(reduction: 3)", "SqueezeExcitation(reduction: 2)", 0)]
    [InlineData("SqueezeExcitation(reduction: 3)", "SqueezeExcitation(reduction: 4)", 1)]
    [InlineData("EfficientConvBlock(hiddenChannels: 30)", "EfficientConvBlock(hiddenChannels: 30, squeezeReduction: 3)", 0)]
    public Task SqueezeReduction_ThatDivides(string wrong, string right, int action) => Verify(new SqueezeReductionCodeFix(), wrong, right, action);

    [Theory]
    [InlineData("Conv2d(9, padding: 1)", "Conv2d(16, padding: 1)")]
    [InlineData("Bottleneck(3)", "Bottleneck(8)")]
    [InlineData("InvertedResidual(expansion: 1.25)", "InvertedResidual(expansion: 1.25, hiddenChannels: 16)")]
    public Task Channels_RoundedUp(string wrong, string right) => Verify(new ChannelCountCodeFix(), wrong, right);

    [Fact]
    public Task Channels_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new ChannelCountCodeFix(),
        ["[InputShape(3, 8, 8), Conv2d(9), Conv2d(17)] public partial class A;\n"], ["[InputShape(3, 8, 8), Conv2d(16), Conv2d(24)] public partial class A;\n"]);

    [Theory]
    [InlineData("Conv2d(8, padding: 1) /* conv */, BatchNorm", "Conv2d(8, padding: 1, bias: false) /* conv */, BatchNorm")]
    [InlineData("PointwiseConv2d /* conv */, BatchNorm", "PointwiseConv2d(bias: false) /* conv */, BatchNorm")]
    [InlineData("Conv2d(8, 3, 1, 1, 1, 1, true), BatchNorm", "Conv2d(8, 3, 1, 1, 1, 1, false), BatchNorm")]
    public Task Bias_IsLeftOut(string wrong, string right) => Verify(new BiasCodeFix(), wrong, right);

    [Fact]
    public Task Bias_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new BiasCodeFix(),
        ["[InputShape(3, 8, 8)]\n[Conv2d(16), BatchNorm, Conv2d(16, Name = \"second\"), BatchNorm]\npublic partial class A;\n"],
        ["[InputShape(3, 8, 8)]\n[Conv2d(16, bias: false), BatchNorm, Conv2d(16, bias: false, Name = \"second\"), BatchNorm]\npublic partial class A;\n"]);

    [Theory]
    [InlineData("ReLU, ReLU6", "ReLU")]
    [InlineData("PReLU /* a */, GELU, /* b */ MaxPool2d", "PReLU /* a */, /* b */ MaxPool2d")]
    public Task Activation_IsRemoved(string wrong, string right) => Verify(new RemoveLayerCodeFix(), wrong, right);

    [Fact]
    public Task Activation_WithAListOfItsOwn_IsRemovedWithItsLine() => CodeFixHarness.VerifyAsync(
        new RemoveLayerCodeFix(),
        "[InputShape(3, 8, 8)]\n[ReLU]\n  [ReLU6]\n[MaxPool2d]\npublic partial class Net;\n",
        "[InputShape(3, 8, 8)]\n[ReLU]\n[MaxPool2d]\npublic partial class Net;\n");

    [Fact]
    public Task Activation_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new RemoveLayerCodeFix(),
        ["[InputShape(3, 8, 8), ReLU, ReLU6, GELU] [Tanh, MaxPool2d] [PReLU] [Tanh] public partial class Net;\n"],
        ["[InputShape(3, 8, 8), ReLU] [MaxPool2d] [PReLU] public partial class Net;\n"]);

    [Fact]
    public async Task Activation_WithAName_IsNotRemoved() =>
        Assert.Empty(await CodeFixHarness.TitlesAsync(new RemoveLayerCodeFix(), "[InputShape(3, 8, 8), ReLU, GELU(Name = \"x\")] public partial class Net;"));

    [Fact]
    public Task Shuffle_IsInserted_InItsOwnLine() => CodeFixHarness.VerifyAsync(
        new InsertLayerCodeFix(),
        "class Outer\n{\n}\n\n[InputShape(8, 8, 8)]\n[Conv2d(groups: 4), ReLU] // first\n// The second.\n[Conv2d(groups: 4), ReLU]\npublic partial class Net;\n",
        "class Outer\n{\n}\n\n[InputShape(8, 8, 8)]\n[Conv2d(groups: 4), ReLU] // first\n// The second.\n[ChannelShuffle(4)]\n[Conv2d(groups: 4), ReLU]\npublic partial class Net;\n");

    [Fact]
    public Task Shuffle_IsInserted_InTheList_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new InsertLayerCodeFix(),
        [
            "partial class Outer\n{\n    [InputShape(8, 8, 8)] [Conv2d(groups: 2), /* second */ Conv2d(groups: 4)] [Conv2d(groups: 2)]\n    partial class Net;\n}\n",
            "[InputShape(8, 8, 8)]\n    [PointwiseConv2d(groups: 4)]\n    [PointwiseConv2d(groups: 4)]\nclass Net2;\n".Replace("class Net2", "partial class Net2", StringComparison.Ordinal),
        ],
        [
            "partial class Outer\n{\n    [InputShape(8, 8, 8)] [Conv2d(groups: 2), /* second */ ChannelShuffle(2), Conv2d(groups: 4)] [ChannelShuffle(4)] [Conv2d(groups: 2)]\n    partial class Net;\n}\n",
            "[InputShape(8, 8, 8)]\n    [PointwiseConv2d(groups: 4)]\n    [ChannelShuffle(4)]\n    [PointwiseConv2d(groups: 4)]\npartial class Net2;\n",
        ]);

    [Theory]
    [InlineData("/// <summary>A stem.</summary>\n[Conv2d(8), ReLU] // layers\npublic partial class Net;\n", "/// <summary>A stem.</summary>\n[InputShape(3, 224, 224)]\n[Conv2d(8), ReLU] // layers\npublic partial class Net;\n")]
    [InlineData("[Conv2d(8)] [ReLU] public partial class Net;\n", "[InputShape(3, 224, 224)] [Conv2d(8)] [ReLU] public partial class Net;\n")]
    [InlineData("class Outer\n{\n    [ReLU]\n    class Net;\n}\n", "class Outer\n{\n    [InputShape(3, 224, 224)]\n    [ReLU]\n    class Net;\n}\n")]
    public Task InputShape_IsAdded(string wrong, string right) => CodeFixHarness.VerifyAsync(new AddInputShapeCodeFix(), wrong, right);

    [Fact]
    public Task InputShape_IsAdded_FixAll() => CodeFixHarness.VerifyFixAllAsync(
        new AddInputShapeCodeFix(),
        ["[ReLU] partial class A;\n[GELU]\npartial class B;\n", "[Tanh] partial class C;\n"],
        ["[InputShape(3, 224, 224)] [ReLU] partial class A;\n[InputShape(3, 224, 224)]\n[GELU]\npartial class B;\n", "[InputShape(3, 224, 224)] [Tanh] partial class C;\n"]);

    [Fact]
    public Task InputShape_WithoutUsing_IsQualified() => CodeFixHarness.VerifyAsync(
        new AddInputShapeCodeFix(),
        "[EfficientConv.Dsl.ReLU] public partial class Net;\n",
        "[global::EfficientConv.Dsl.InputShape(3, 224, 224)] [EfficientConv.Dsl.ReLU] public partial class Net;\n",
        globalUsing: false);
}
