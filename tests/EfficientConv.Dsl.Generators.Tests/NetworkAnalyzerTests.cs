using EfficientConv.Dsl.Generators.Tests.Harness;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>
/// Every rule where it must speak, with the exact span, and where it must be silent although it comes near. The meta-test demands, for each rule
/// of the catalog, a method <c>{id}_...</c> here and another <c>{id}_NearMiss...</c>.
/// </summary>
public partial class NetworkAnalyzerTests
{
    private static Task Verify(params string[] markups) => AnalyzerHarness.VerifyAsync(markups);

    /// <summary>A network of the given input and layers, right in everything else.</summary>
    private static Task VerifyLayers(string input, string layers) => Verify($"[InputShape({input})]\n[{layers}]\npublic sealed partial class Net;");

    /// <summary>The message of the only diagnostic of <paramref name="source"/>.</summary>
    private static async Task<string> MessageAsync(string source) =>
        Assert.Single(await AnalyzerHarness.DiagnosticsAsync(TestCompilation.Create(source))).GetMessage(System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public Task ECD0001_ClassIsNotPartial() => Verify("[InputShape(3, 8, 8), ReLU] public sealed class {|ECD0001:Net|};");

    [Fact]
    public Task ECD0001_ContainingTypeIsNotPartial() =>
        Verify("public static class Outer { public partial class Middle { [InputShape(3, 8, 8), ReLU] public sealed partial class {|ECD0001:Net|}; } }");

    [Fact]
    public Task ECD0001_NearMiss_PartialAllTheWayUp() =>
        Verify("public static partial class Outer { internal partial struct Middle { [InputShape(3, 8, 8), ReLU] private sealed partial class Net; } }");

    [Fact]
    public Task ECD0001_NearMiss_NoInputShape() => Verify("[ReLU] public sealed class {|ECD0003:Template|};");

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
    [InlineData("[Conv2d(8), ReLU] public sealed partial class {|ECD0003:Net|};")]
    [InlineData("/// <summary>A stem.</summary>\n[DepthwiseConv2d(3)]\n[ReLU6]\ninternal static class {|ECD0003:Net|} { }")]
    [InlineData("public class Outer { [ReLU] private partial record {|ECD0003:Net|}; }")]
    public Task ECD0003_LayersWithoutInputShape(string source) => Verify(source);

    [Theory]
    [InlineData("[InputShape(8, 8, 8), ReLU] public sealed partial class Net;")]
    [InlineData("[System.Serializable] public sealed partial class Net;")]
    [InlineData("public sealed partial class Net;")]
    public Task ECD0003_NearMiss_InputShapeOrNoLayers(string source) => Verify(source);

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
    [InlineData("8, 8, 8", "SqueezeExcitation({|ECD0004:activation: Activation.PReLU|})")]
    [InlineData("8, 8, 8", "InvertedResidual(squeezeReduction: 4, activation: Activation.PReLU, {|ECD0004:gate: Activation.PReLUPerChannel|})")]
    [InlineData("8, 8, 8", "Budget({|ECD0004:maxParameters: 0|}), ReLU")]
    [InlineData("8, 8, 8", "ReLU, Schedule({|ECD0004:FusedBlocks = -1|})")]
    [InlineData("8, 8, 8", "Conv2d({|ECD0004:0|}, {|ECD0004:stride: 0|})")]
    [InlineData("{|ECD0004:0|}, 8, 8", "ReLU, Conv2d(8, {|ECD0004:groups: -1|}), InvertedResidual({|ECD0004:expansion: 0|})")]
    public Task ECD0004_ValueOutOfRange(string input, string layers) => VerifyLayers(input, layers);

    /// <summary>What stands beside the sequence has no number in it: torch.nn.Sequential would not count it.</summary>
    [Theory]
    [InlineData("Schedule(Rows = 1)")]
    [InlineData("Budget(maxParameters: 1_000_000)")]
    [InlineData("ImageInput")]
    public async Task ECD0004_SecondError_CountsLayersOnly(string beside)
    {
        Microsoft.CodeAnalysis.Compilation compilation = TestCompilation.Create($"[InputShape(3, 8, 8), Conv2d(0), {beside}, ReLU, Conv2d(-1)] public sealed partial class Net;");
        Assert.Equal(
            ["Conv2d \"0\" has outChannels 0 (it must be from 1 to 1048576)", "Conv2d \"2\" has outChannels -1 (it must be from 1 to 1048576)"],
            (await AnalyzerHarness.DiagnosticsAsync(compilation)).Where(diagnostic => diagnostic.Id == "ECD0004").Select(diagnostic => diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public Task ECD0004_TooManyElements() => Verify("[{|ECD0004:InputShape(1024, 1024, 1024)|}, ReLU] public sealed partial class Net;");

    [Theory]
    [InlineData("1, 1, 1", "Conv2d(8, 1, 1)")]
    [InlineData("3, 8, 8", "Conv2d(outChannels: Channels.FromInput, padding: 0)")]
    [InlineData("8, 8, 8", "PReLU(8)")]
    [InlineData("8, 8, 8", "PReLU(1)")]
    [InlineData("64, 8, 8", "InvertedResidual(expansion: 0.125)")]
    public Task ECD0004_NearMiss_SmallestAndDefaultValues(string input, string layers) => VerifyLayers(input, layers);

    [Fact]
    public Task ECD0005_AttributesOnTwoDeclarations() => Verify("[InputShape(3, 8, 8), ReLU] public partial class {|ECD0005:Net|};", "[GELU] public partial class Net;");

    [Fact]
    public Task ECD0005_NearMiss_OtherDeclarationWithoutLayers() =>
        Verify("[InputShape(3, 8, 8), ReLU] public partial class Net;", "[System.Serializable] public partial class Net { public int Depth => 1; }");

    /// <summary>A class with the name of a member; GeneratedMemberTests has all of them.</summary>
    [Theory]
    [InlineData("public sealed partial class {|ECD0006:Load|};")]
    [InlineData("public partial record {|ECD0006:Cost|};")]
    [InlineData("partial class {|ECD0006:_efficientConvEngine|};")]
    [InlineData("partial class {|ECD0006:get_Cost|};")]
    [InlineData("public partial class {|ECD0006:Forward|};")]
    [InlineData("partial class Net { public {|ECD0006:Net|}() { } }")]
    [InlineData("partial class Net { private {|ECD0006:Net|}(int depth) => Depth = depth; public int Depth { get; } }")]
    [InlineData("partial record Net { public {|ECD0006:Net|}(Net other) { } }")]
    [InlineData("partial class Net { public required int {|ECD0006:Depth|} { get; init; } }")]
    [InlineData("partial class Net { public required string {|ECD0006:Label|}; }")]
    [InlineData("partial class Net { private const int {|ECD0006:Layout|} = 1; enum {|ECD0006:Cost|} { A } }")]
    [InlineData("partial class Net { void {|ECD0006:Forward|}(System.ReadOnlySpan<float> input, System.Span<float> output) { } }")]
    [InlineData("partial class Net { static int {|ECD0006:CreateRandom|}(int seed, LoadOptions options) => seed; }")]
    [InlineData("partial class Net { int {|ECD0006:get_Cost|}() => 1; }")]
    public Task ECD0006_ClassLeavesNoRoom(string declaration) => Verify("[InputShape(3, 8, 8), ReLU] " + declaration);

    [Fact]
    public Task ECD0006_PropertyOfAnOutput() => Verify(
        "[InputShape(3, 8, 8), ReLU, Output(\"p3\"), Conv2d(8), Output(\"p4\")] partial class Net { int {|ECD0006:P3Output|} = 1; static int {|ECD0006:P4Output|}() => 2; int p3Output = 3; int P5Output() => P3Output + p3Output; }",
        "[InputShape(3, 8, 8), ReLU, Output(\"p3\"), Conv2d(8)] partial class {|ECD0006:P3Output|};");

    [Fact]
    public Task ECD0006_MemberOfAnotherPart() => Verify("[InputShape(3, 8, 8), ReLU] partial class Net;", "partial class Net { public static int {|ECD0006:Parameters|} => 1; }");

    [Fact]
    public Task ECD0006_BytesOfAnImage() => Verify(
        "[InputShape(3, 8, 8), ImageInput, ReLU] partial class Net { void {|ECD0006:Forward|}(System.ReadOnlySpan<byte> a, PixelFormat b, int c, System.Span<float> d, int e) { } }",
        "[InputShape(3, 8, 8), ReLU] partial class Other { void Forward(System.ReadOnlySpan<byte> a, PixelFormat b, int c, System.Span<float> d, int e) { } }");

    [Theory]
    [InlineData("partial class load;")]
    [InlineData("partial class Net { static Net() { } ~Net() { } int this[int i] => i; }")]
    [InlineData("partial class Net { class Other { public required int Depth { get; init; } public Other() { } } }")]
    [InlineData("partial class Net { static Net Load(int version) => Load($\"v{version}\"); static Net Load(string path) => null!; static Net Load<T>(string path, LoadOptions options) => Load(path); }")]
    [InlineData("partial class Net { void Forward(ref System.ReadOnlySpan<float> input, System.Span<float> output) { } int get_Cost(int i) => i; int StepTimes => 1; int POutput => 2; }")]
    [InlineData("partial class Net : System.IEquatable<Net> { bool System.IEquatable<Net>.Equals(Net? other) => true; public int Depth { get; init; } = 1; }")]
    public Task ECD0006_NearMiss_OtherNamesAndOtherParameters(string declaration) => Verify("[InputShape(3, 8, 8), ReLU] " + declaration);

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
    [InlineData("SqueezeExcitation({|ECD0104:5|})")]
    [InlineData("InvertedResidual(expansion: 2, {|ECD0104:squeezeReduction: 7|})")]
    [InlineData("{|ECD0104:EfficientConvBlock(hiddenChannels: 30)|}")]
    public Task ECD0104_ReductionLeavesNoChannel(string layer) => VerifyLayers("24, 8, 8", layer);

    [Theory]
    [InlineData("SqueezeExcitation(24)")]
    [InlineData("InvertedResidual(expansion: 2, squeezeReduction: 48)")]
    [InlineData("EfficientConvBlock(hiddenChannels: 28)")]
    [InlineData("SqueezeExcitation(5, squeezeChannels: 5)")]
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

    [Fact]
    public Task Mistake_GivesOneDiagnostic_NotACascade() =>
        VerifyLayers("32, 8, 8", "Conv2d(30, {|ECD0101:groups: 3|}), Conv2d(8, groups: 7), ChannelShuffle(9), MaxPool2d(99)");

    [Theory]
    [InlineData("Conv2d(64, groups: 3, Name = \"stem\")", "Conv2d \"stem\" has groups 3, which do not divide its 32 input channels (inChannels must be divisible by groups)")]
    [InlineData("ReLU, Bottleneck(10, 32, groups: 4)", "Bottleneck \"1\" (its layer conv: 3x3 convolution of 10 to 10 channels, midChannels 10) has groups 4, which do not divide its 10 input channels (inChannels must be divisible by groups)")]
    [InlineData("InvertedResidual(expansion: 6, kernelSize: 9, shortcut: Shortcut.None, Padding = 0)", "InvertedResidual \"0\" (its layer depthwise: 9x9 convolution of 192 to 192 channels, 192 = 32 x expansion 6) has an empty output: its kernel of 9 x 9 pixels (dilation included) is larger than the padded input of 8 x 8 pixels (the effective kernel must fit)")]
    [InlineData("Conv2d(32, kernelSize: 5, padding: 1)", "Conv2d \"0\" loses 2 of 8 rows and loses 2 of 8 columns at stride 1 with padding 1 (padding 0 or dilation * (kernel - 1) / 2 = 2 is meant by most)")]
    [InlineData("InvertedResidual(16, stride: 2, shortcut: Shortcut.Required)", "InvertedResidual \"0\" cannot add its input to its output: its layer depthwise with stride 2x2 makes 4 x 4 pixels of 8 x 8, and its layer project makes 16 channels of the block's 32 (a shortcut needs stride 1 and equal shapes)")]
    [InlineData("InvertedResidual(shortcut: Shortcut.Required, StrideHeight = 2)", "InvertedResidual \"0\" cannot add its input to its output: its layer depthwise with stride 2x1 makes 4 x 8 pixels of 8 x 8 (a shortcut needs stride 1 and equal shapes)")]
    [InlineData("Conv2d(16, stride: 2, padding: 1), Add(\"input\")", "Add \"Add1\" adds \"input\" of 32 x 8 x 8 to 16 x 4 x 4: channels 16, made by \"0\", and 32, made by \"input\"; 4 x 4 pixels, made by \"0\", and 8 x 8, made by \"input\" (both shapes must be equal)")]
    [InlineData("Conv2d(16, padding: 1), Add(\"input\")", "Add \"Add1\" adds \"input\" of 32 x 8 x 8 to 16 x 8 x 8: channels 16, made by \"0\", and 32, made by \"input\" (both shapes must be equal; with padChannels: true the channels that one lacks are zeros)")]
    [InlineData("Conv2d(16, stride: 2, padding: 1), Add(\"input\", padChannels: true)", "Add \"Add1\" adds \"input\" of 32 x 8 x 8 to 16 x 4 x 4: channels 16, made by \"0\", and 32, made by \"input\"; 4 x 4 pixels, made by \"0\", and 8 x 8, made by \"input\" (both shapes must be equal)")]
    [InlineData("FusedMBConv(expansion: 4, kernelSize: 9, shortcut: Shortcut.None, Padding = 0)", "FusedMBConv \"0\" (its layer expand: 9x9 convolution of 32 to 128 channels, 128 = 32 x expansion 4) has an empty output: its kernel of 9 x 9 pixels (dilation included) is larger than the padded input of 8 x 8 pixels (the effective kernel must fit)")]
    [InlineData("ShuffleUnitV1(96, groups: 5, stride: 2)", "ShuffleUnitV1 \"0\" (its layer reduce: 1x1 convolution of 32 to 24 channels, 24 = outChannels 96 / 4) has groups 5, which do not divide its 32 input channels (inChannels must be divisible by groups)")]
    [InlineData("RepVGGBlock(groups: 3)", "RepVGGBlock \"0\" (its layer conv: 3x3 convolution of 32 to 32 channels) has groups 3, which do not divide its 32 input channels (inChannels must be divisible by groups)")]
    [InlineData("ConvTranspose2d(12, groups: 5)", "ConvTranspose2d \"0\" has groups 5, which do not divide its 32 input channels (inChannels must be divisible by groups)")]
    [InlineData("PixelShuffle(3)", "PixelShuffle \"0\" has factor 3, whose square does not divide its 32 channels (channels must be divisible by factor * factor)")]
    public async Task Message_NamesThingPlaceFactAndRule(string layers, string expected) =>
        Assert.Equal(expected, await MessageAsync($"[InputShape(32, 8, 8)] [{layers}] public sealed partial class Net;"));

    [Theory]
    [InlineData("GhostBottleneck(48, 32, cheapKernelSize: 4)", "GhostBottleneck \"0\" joins a branch of 24 x 8 x 8 and one of 24 x 7 x 7: its layer ghost1_cheap with an even kernel of 4x4 makes 7 x 7 pixels of 8 x 8 (both must have the same size, and padding of half a kernel keeps it for odd ones)")]
    [InlineData("GhostBottleneck(48, kernelSize: 3000, stride: 2)", "GhostBottleneck \"0\" (its layer depthwise: 3000x3000 convolution of 48 to 48 channels, hiddenChannels 48) has 432000000 weights (at most 268435455 are supported)")]
    [InlineData("GhostBottleneck(1 << 20, 1 << 20)", "GhostBottleneck \"0\" (its layer ghost2_primary: 1x1 convolution of 1048576 to 524288 channels, hiddenChannels 1048576) has 549755813888 weights (at most 268435455 are supported)")]
    [InlineData("GhostBottleneck(48, cheapKernelSize: 4001)", "GhostBottleneck \"0\" (its layer ghost1_cheap: 4001x4001 convolution of 24 to 24 channels, hiddenChannels 48) has 384192024 weights (at most 268435455 are supported)")]
    [InlineData("Fire(32, 64, 1 << 20)", "Fire \"0\" (its layer expand3x3: 3x3 convolution of 32 to 1048576 channels, expand3x3Channels 1048576) has 301989888 weights (at most 268435455 are supported)")]
    [InlineData("Fire(1 << 20, 512, 8)", "Fire \"0\" (its layer expand1x1: 1x1 convolution of 1048576 to 512 channels, expand1x1Channels 512) has 536870912 weights (at most 268435455 are supported)")]
    [InlineData("ResNetBasicBlock(1 << 20)", "ResNetBasicBlock \"0\" (its layer conv1: 3x3 convolution of 32 to 1048576 channels) has 301989888 weights (at most 268435455 are supported)")]
    [InlineData("ResNetBottleneck(1 << 13)", "ResNetBottleneck \"0\" (its layer conv2: 3x3 convolution of 8192 to 8192 channels, planes 8192) has 603979776 weights (at most 268435455 are supported)")]
    [InlineData("ResNetBottleneck(4096, groups: 2, baseWidth: 128)", "ResNetBottleneck \"0\" (its layer conv2: 3x3 convolution of 16384 to 16384 channels, 16384 = planes 4096 x baseWidth 128 / 64 x groups 2) has 1207959552 weights (at most 268435455 are supported)")]
    [InlineData("ResNetBottleneck(1 << 15, baseWidth: 8)", "ResNetBottleneck \"0\" (its layer conv3: 1x1 convolution of 4096 to 131072 channels, 131072 = 4 x planes 32768) has 536870912 weights (at most 268435455 are supported)")]
    [InlineData("ShuffleUnitV2(kernelSize: 4)", "ShuffleUnitV2 \"0\" joins a branch of 16 x 8 x 8 and one of 16 x 7 x 7: its layer branch2_depthwise with an even kernel of 4x4 makes 7 x 7 pixels of 8 x 8 (both must have the same size, and padding of half a kernel keeps it for odd ones)")]
    [InlineData("ShuffleUnitV2(33, stride: 2)", "ShuffleUnitV2 \"0\" has outChannels 33 (it must be even, because each branch makes half of them)")]
    [InlineData("ShuffleUnitV2(1 << 16, stride: 2)", "ShuffleUnitV2 \"0\" (its layer branch2_project: 1x1 convolution of 32768 to 32768 channels, 32768 = outChannels 65536 / 2) has 1073741824 weights (at most 268435455 are supported)")]
    [InlineData("ShuffleUnitV2(40, stride: 2, kernelSize: 4001)", "ShuffleUnitV2 \"0\" (its layer branch1_depthwise: 4001x4001 convolution of 32 to 32 channels) has 512256032 weights (at most 268435455 are supported)")]
    [InlineData("ConvNeXtBlock(kernelSize: 4)", "ConvNeXtBlock \"0\" joins a branch of 32 x 7 x 7 and one of 32 x 8 x 8: its layer depthwise with an even kernel of 4x4 makes 7 x 7 pixels of 8 x 8 (both must have the same size, and padding of half a kernel keeps it for odd ones)")]
    [InlineData("ConvNeXtBlock(kernelSize: 4001)", "ConvNeXtBlock \"0\" (its layer depthwise: 4001x4001 convolution of 32 to 32 channels) has 512256032 weights (at most 268435455 are supported)")]
    [InlineData("ConvNeXtBlock(expansion: 1 << 19)", "ConvNeXtBlock \"0\" (its layer expand: 1x1 convolution of 32 to 16777216 channels, 16777216 = 32 x expansion 524288) has 1073741824 outputs (at most 268435455 are supported)")]
    [InlineData("FusedMBConv(64, expansion: 1, kernelSize: 9, Padding = 0)", "FusedMBConv \"0\" (its layer project: 9x9 convolution of 32 to 64 channels, 32 = 32 x expansion 1) has an empty output: its kernel of 9 x 9 pixels (dilation included) is larger than the padded input of 8 x 8 pixels (the effective kernel must fit)")]
    [InlineData("UniversalInvertedBottleneck(32, expansion: 1 << 19)", "UniversalInvertedBottleneck \"0\" (its layer expand: 1x1 convolution of 32 to 16777216 channels, 16777216 = 32 x expansion 524288) has 1073741824 outputs (at most 268435455 are supported)")]
    [InlineData("UniversalInvertedBottleneck(32, startKernelSize: 4001)", "UniversalInvertedBottleneck \"0\" (its layer start: 4001x4001 convolution of 32 to 32 channels) has 512256032 weights (at most 268435455 are supported)")]
    [InlineData("UniversalInvertedBottleneck(32, midKernelSize: 4001)", "UniversalInvertedBottleneck \"0\" (its layer middle: 4001x4001 convolution of 128 to 128 channels, 128 = 32 x expansion 4) has 2049024128 weights (at most 268435455 are supported)")]
    [InlineData("UniversalInvertedBottleneck(1 << 20, hiddenChannels: 512)", "UniversalInvertedBottleneck \"0\" (its layer project: 1x1 convolution of 512 to 1048576 channels, hiddenChannels 512) has 536870912 weights (at most 268435455 are supported)")]
    [InlineData("UniversalInvertedBottleneck(24, startKernelSize: 2, stride: 2, shortcut: Shortcut.Required)", "UniversalInvertedBottleneck \"0\" cannot add its input to its output: its stride of 2 makes 4 x 4 pixels of 8 x 8, and its layer project makes 24 channels of the block's 32, and its layer start with an even kernel of 2x2 loses a row and a column (a shortcut needs stride 1 and equal shapes)")]
    [InlineData("MaxPool2d(8), ERFNetDownsampler(64)", "ERFNetDownsampler \"1\" (its layer pool: MaxPool2d of 32 x 1 x 1) has an empty output: its kernel of 2 x 2 pixels (dilation included) is larger than the padded input of 1 x 1 pixels (the effective kernel must fit)")]
    [InlineData("Conv2d(kernelSize: 2), ERFNetDownsampler(64)", "ERFNetDownsampler \"1\" joins a branch of 32 x 4 x 4 and one of 32 x 3 x 3 (both must have the same size: a map that is halved must be even)")]
    [InlineData("ASPP(1 << 20)", "ASPP \"0\" (its layer dilated1: 3x3 convolution of 32 to 1048576 channels) has 301989888 weights (at most 268435455 are supported)")]
    public async Task Message_OfABlock_NamesItsLayerAndHowItCameAbout(string layers, string expected) =>
        Assert.Equal(expected, await MessageAsync($"[InputShape(32, 8, 8)] [{layers}] public sealed partial class Net;"));

    [Fact]
    public async Task Message_OfABlockThatKeepsTheShape_NamesItsLayer() => Assert.Equal(
        "NonBottleneck1D \"0\" (its layer vertical1: 3x1 convolution of 20000 to 20000 channels) has 1200000000 weights (at most 268435455 are supported)",
        await MessageAsync("[InputShape(20_000, 1, 1), NonBottleneck1D] public sealed partial class Net;"));

    [Theory]
    [InlineData("[ReLU, Bottleneck(10, 32, groups: 4)] class A;", "Bottleneck \"0.1\" (its layer conv: 3x3 convolution of 10 to 10 channels, midChannels 10) has groups 4, which do not divide its 10 input channels (inChannels must be divisible by groups); it stands in A")]
    [InlineData("[Use<B>(2)] class A; [Conv2d(32, 5, padding: 1)] class B;", "Conv2d \"0.0\" loses 2 of 8 rows and loses 2 of 8 columns at stride 1 with padding 1 (padding 0 or dilation * (kernel - 1) / 2 = 2 is meant by most); it stands in B")]
    public async Task Message_OfATemplate_NamesTheLayerAndTheTemplate(string templates, string expected) =>
        Assert.Equal(expected, await MessageAsync($"[InputShape(32, 8, 8)] [Use<A>] public sealed partial class Net; {templates}"));

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

    /// <summary>One mistake in the many ways in which an attribute can be written.</summary>
    [Theory]
    [InlineData("[InputShape(32, 8, 8), Conv2d(64, {|ECD0101:groups: 3|})]")]
    [InlineData("[InputShape(32, 8, 8)][Conv2d(64, 3, 1, 0, 1, {|ECD0101:3|})]")]
    [InlineData("[Conv2d(64, {|ECD0101:groups: 3|})] [InputShape(32, 8, 8)]")]
    [InlineData("[InputShape(height: 8, width: 8, channels: 32)]\n[Conv2d(\n    {|ECD0101:groups:\n        3|},\n    outChannels: 64)]")]
    [InlineData("[InputShape(32, 8, 8)] [Conv2d(outChannels: 64, 3, {|ECD0101:groups: 3|}, bias: false, Name = \"x\")]")]
    [InlineData("[InputShape(32, 8, 8)] [Conv2d(64, {|ECD0101:groups: Three|})]")]
    [InlineData("[InputShape(32, 8, 8)] [Conv2d(64, {|ECD0101:groups: Sizes.Three|})]")]
    [InlineData("[InputShape(32, 8, 8)] [Conv2d(64, {|ECD0101:groups: Sizes.Three * 4 - (9)|})]")]
    [InlineData("[InputShape(32, 8, 8)] [Conv2d(64, {|ECD0101:groups: 0b11|})]")]
    [InlineData("[InputShape(32, 8, 8)] [Conv2d(64, {|ECD0101:groups: (int)3.7|})]")]
    [InlineData("[InputShape(32, 8, 8)] [Conv2d(64, {|ECD0101:groups: true ? 3 : 4|})]")]
    [InlineData("[InputShape(32, 8, 8)] [Conv2d(64, {|ECD0101:groups: 'c' - 'a' + 1|})]")]
    [InlineData("[InputShape(32, 8, 8)] [Conv2d(64, {|ECD0101:groups: sizeof(int) - 1|})]")]
    [InlineData("[InputShape(32, 8, 8)] [Conv2d(64, {|ECD0101:groups: (int)Activation.HardSwish|})]")]
    [InlineData("[InputShape(32, 8, 8)] [Grouped(64, {|ECD0101:groups: 3|})]")]
    [InlineData("[EfficientConv.Dsl.InputShape(32, 8, 8), EfficientConv.Dsl.Conv2dAttribute(64, {|ECD0101:groups: 3|}), global::EfficientConv.Dsl.ReLU]")]
    [InlineData("[type: InputShape(32, 8, 8)] [type: Conv2d(64, {|ECD0101:groups: 3|}, Name = nameof(Net) + \".\" + nameof(Sizes))]")]
    [InlineData("[System.Obsolete, InputShape(32, 8, 8)] [System.Serializable, Conv2d(64, {|ECD0101:groups: 3|})]")]
    public Task Spans_InEveryForm(string attributes) => Verify(
        $"using static Sizes;\nusing Grouped = EfficientConv.Dsl.Conv2dAttribute;\n{attributes}\npublic sealed partial class Net;",
        "static class Sizes { public const int Three = One + 2; private const int One = 1; }");

    [Fact]
    public Task Spans_ShorthandAndFullName() => Verify("""
        [EfficientConv.Dsl.InputShapeAttribute(8, 8, 8)]
        [global::EfficientConv.Dsl.ChannelShuffleAttribute({|ECD0103:3|})]
        public sealed partial class Net;
        """);
}
