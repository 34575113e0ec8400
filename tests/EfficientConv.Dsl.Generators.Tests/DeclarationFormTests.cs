using EfficientConv.Dsl.Generators.Tests.Harness;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>Wrong and right declarations as people write them: constants from anywhere, aliases, lists of all kinds, classes of all kinds; exactly these ids and spans.</summary>
public class DeclarationFormTests
{
    private static Task Verify(params string[] markups) => AnalyzerHarness.VerifyAsync(markups);

    [Fact]
    public Task Constants_OfTheClassItself() => Verify("""
        namespace Shop.Vision;

        [InputShape(Side / Side * 3, Side, Side)]
        [Conv2d(Width, stride: 2, padding: 1, bias: false), BatchNorm, ReLU]
        [Conv2d(Width * 2, {|ECD0101:groups: Width - 1|})]
        internal sealed partial class Detector
        {
            private const int Side = 32;
            internal const int Width = Side / 2;
        }
        """);

    [Fact]
    public Task Constants_OfAGenericContainer() => Verify("""
        [InputShape(8, 16, 16)]
        [Conv2d(Table<string>.Channels, Table<int[]>.Kernel, {|ECD0202:padding: Table<object>.Kernel / 4|})]
        public partial class Net;

        public static class Table<T>
        {
            public const int Channels = 24, Kernel = 5;
        }
        """);

    [Fact]
    public Task Constants_OfAnEnumerationAndOfAnInheritedMember() => Verify("""
        public enum Groups { One = 1, Three = One + 2 }

        public class Sizes { protected const int Height = 12; }

        public partial class Outer : Sizes
        {
            [InputShape(16, Height, Height), Conv2d(16, padding: 1, {|ECD0101:groups: (int)Groups.Three|})]
            private protected partial class Net;
        }
        """);

    [Fact]
    public Task Constants_UncheckedHexadecimalAndCharacters() => Verify("""
        [InputShape(0x10, ' ' / 2, 1_6)]
        [MaxPool2d(unchecked((int)0x1_0000_0002L))]
        [AvgPool2d(kernelSize: 'A' - '>', {|ECD0204:padding: 0b10|})]
        public partial class Net;
        """);

    [Fact]
    public Task Constants_ShortAndByteConvert() => Verify("""
        using static Limits;

        [InputShape(Small, Byte, Byte)]
        [ChannelShuffle({|ECD0103:Small - 1|})]
        public partial class Net;

        static class Limits { public const short Small = 8; public const byte Byte = 9; }
        """);

    [Fact]
    public Task Constants_InAnotherFile() => Verify(
        "[InputShape(C.In, 8, 8), PointwiseConv2d(C.Out, {|ECD0102:groups: C.In / 2|})] public partial class Net;",
        "static partial class C { public const int In = 12; }",
        "static partial class C { public const int Out = In + 1; }");

    [Fact]
    public Task Names_OfConstantsNameofAndConcatenation() => Verify("""
        [InputShape(8, 8, 8)]
        [Conv2d(padding: 1, Name = nameof(System.Collections.Generic.List<int>) + "_" + nameof(Net.Stem))]
        [ReLU(Name = Prefix + "act")]
        [Add("List_Stem")]
        [Concat({|ECD0303:Prefix + "Act"|}, Prefix + "act", $"{nameof(List)}_Stem")]
        public partial class Net
        {
            private const string Prefix = nameof(Net) + ".", List = Prefix;
            private static void Stem() { }
        }
        """);

    [Fact]
    public Task Names_VerbatimRawAndEscaped() => Verify(""""
        [InputShape(8, 8, 8)]
        [ReLU(Name = @"a-b"), BatchNorm(Name = """c.d""")]
        [Add("a\u002Db")]
        [Add("c\x002Ed")]
        [GELU, {|ECD0405:Tanh|}, Add({|ECD0303:@"a\u002Db"|})]
        public partial class @class;
        """");

    [Fact]
    public Task Aliases_OfAttributesNamespacesAndEnumerations() => Verify("""
        using E = EfficientConv.Dsl;
        using Kind = EfficientConv.Dsl.Activation;
        using Input = EfficientConv.Dsl.InputShapeAttribute;
        using Block = EfficientConv.Dsl.InvertedResidualAttribute;

        [Input(24, 8, 8)]
        [E.ReLU, {|ECD0405:E::ActivationAttribute(Kind.SiLU)|}]
        [Block({|ECD0105:expansion: 1.3|}, activation: Kind.ReLU6)]
        partial class Net;
        """);

    [Fact]
    public Task Aliases_OfTheMarkerInAnotherFile() => Verify(
        "[Picture(3, 8, 8)] [Conv2d(8, {|ECD0201:kernelSize: 9|})] partial class Net;",
        "global using Picture = EfficientConv.Dsl.InputShapeAttribute;");

    [Fact]
    public Task Names_OfTheUsersOwnAttributes_AreNotOurs() => Verify("""
        namespace Mine
        {
            sealed class Conv2dAttribute(int groups) : System.Attribute { public int Groups => groups; }

            [InputShape(8, 8, 8), Conv2d(3), ReLU]
            partial class Net;

            [InputShape(8, 8, 8), EfficientConv.Dsl.Conv2d({|ECD0102:groups: 8|}, outChannels: 12)]
            partial class Other;
        }
        """);

    [Fact]
    public Task Lists_ConditionalCompilationAndDirectives() => Verify("""
        [InputShape(8, 8, 8)]
        #if WIDE
        [Conv2d(64, groups: 3)]
        #else
        [Conv2d(64, padding: 1,
        #region groups
            {|ECD0101:groups: 3|}
        #endregion
        )]
        #endif
        partial class Net;
        """);

    [Fact]
    public Task Lists_CommentsBetweenEverything() => Verify("""
        [ // the input
            InputShape ( /* channels */ 8 , /* height */ 8 , /* width */ 8 ) , // then
            // a comment of its own
            Conv2d /* name */ ( 8 /* out */ , {|ECD0204:padding /* all */ : /* seven */ 7|} /* end */ ) /* trailing */ ,
        ] // after
        partial /* between */ class Net /* ! */ ;
        """);

    [Fact]
    public Task Lists_OthersAttributesBetween() => Verify("""
        using System.Diagnostics.CodeAnalysis;
        using System.Runtime.CompilerServices;

        [System.Obsolete("old"), InputShape(8, 8, 8)]
        [ExcludeFromCodeCoverage(Justification = "generated"), Conv2d(8, padding: 1, bias: false), SkipLocalsInit2, BatchNorm]
        [CompilerGenerated] [ReLU]
        [Add({|ECD0303:"imput"|})]
        public partial class Net;

        sealed class SkipLocalsInit2Attribute : System.Attribute;
        """);

    [Fact]
    public Task Classes_PositionalFreeRecordsSealedAndNested() => Verify("""
        public partial record Outer
        {
            [InputShape(8, 8, 8), ChannelShuffle({|ECD0103:3|})]
            protected internal sealed partial record Net { public int Depth { get; init; } }

            public partial record struct Inner
            {
                [InputShape(8, 8, 8), ChannelShuffle(4)]
                public partial record class Net;
            }
        }
        """);

    [Fact]
    public Task Classes_InGlobalNamespaceAndUnicode() => Verify("""
        [InputShape(8, 8, 8), Conv2d(Größe, padding: 1, {|ECD0101:groups: Größe / 4|})]
        partial class Сеть { const int Größe = 12; }
        """);

    [Fact]
    public Task Classes_WithPrimaryConstructorAndInterfaces() => Verify("""
        using System;

        [InputShape(8, 8, 8), MaxPool2d(2, {|ECD0206:3|})]
        public partial class Net : IEquatable<Net>, ICloneable
        {
            public bool Equals(Net? other) => ReferenceEquals(this, other);
            public override bool Equals(object? obj) => Equals(obj as Net);
            public override int GetHashCode() => 1;
            public object Clone() => this;
        }
        """);

    [Fact]
    public Task Classes_WithABaseOfTheUsers() => Verify("[InputShape(8, 8, 8), ReLU] public partial class {|ECD0002:Net|} : Model; public class Model { }");

    [Fact]
    public Task Classes_WhoseBaseIsDeclaredOnAnotherPart() => Verify(
        "[InputShape(8, 8, 8), ReLU] public partial class {|ECD0002:Net|};", "public partial class Net : Model; public abstract class Model;");

    [Fact]
    public Task Classes_ShapeOnOnePart_LayersOnAnother() => Verify(
        "[InputShape(8, 8, 8)] public partial class {|ECD0005:Net|};", "[ReLU] public partial class Net;", "public partial class Net { int Depth => 2; }");

    [Fact]
    public Task Two_OfOneName_InTwoNamespaces() => Verify("""
        namespace A { [InputShape(8, 8, 8), PReLU({|ECD0004:7|})] partial class Net; }
        namespace A.B { [InputShape(7, 8, 8), PReLU(7)] partial class Net; }
        namespace B { [InputShape(8, 8, 8), PReLU({|ECD0004:num|})] partial class Net { const int num = 9; } }
        """);

    [Fact]
    public Task Templates_GenericContainersAndAliases() => Verify("""
        using Stem = Library<int>.Block;

        [InputShape(8, 16, 16), Use<Stem>, {|ECD0202:Use<Library<string>.Wide>(2)|}]
        partial class Net;

        static class Library<T>
        {
            [Conv2d(8, padding: 1), ReLU] public sealed class Block;
            [Conv2d(8, 5, padding: 1), ReLU] public sealed class Wide;
        }
        """);

    [Fact]
    public Task Templates_NamesAreLocalToEachCopy() => Verify("""
        [InputShape(8, 8, 8), Use<Residual>(3), Add({|ECD0303:"inner"|})]
        partial class Net;

        [ReLU(Name = "inner"), Conv2d(padding: 1), Add("inner")]
        sealed class Residual;
        """);

    [Fact]
    public Task Branches_JoinedWithOtherSizes() => Verify("""
        [InputShape(8, 16, 16)]
        [Conv2d(16, padding: 1, Name = "left")]
        [From("input"), MaxPool2d(2, Name = "right")]
        [Upsample(1.5), Concat({|ECD0302:"left"|})]
        partial class Net;
        """);

    [Fact]
    public Task Branches_UpsampledBack() => Verify("""
        [InputShape(8, 16, 16)]
        [Conv2d(16, padding: 1, Name = "left")]
        [From("input"), MaxPool2d(2, Name = "right")]
        [Upsample(mode: Interpolation.Bilinear, Height = 16, Width = 16), Concat("left")]
        [Multiply({|ECD0301:"input"|})]
        partial class Net;
        """);

    [Fact]
    public Task Outputs_SeveralAndOneNameTwice() => Verify("""
        [InputShape(8, 16, 16)]
        [ReLU, Output("features"), GlobalAvgPool, Flatten, Linear(3, Name = "logits"), Output({|ECD0304:"features"|})]
        partial class Net;
        """);

    [Theory]
    [InlineData("ConvTranspose2d(8, 4, 2, 1), ReLU")]
    [InlineData("AdaptiveAvgPool2d(3, 5), AdaptiveMaxPool2d(1)")]
    [InlineData("PixelShuffle(2), Conv2d(8, padding: 1, stride: 2)")]
    [InlineData("SliceChannels(2, 4), PReLU(4), LayerNorm2d, LayerScale")]
    [InlineData("Pad2d(15, PadMode.Reflect, PaddingTop = 0), Conv2d, Pad2d(PaddingBottom = 1), Pad2d(40, PadMode.Replicate), Pad2d(1, value: double.NegativeInfinity), MaxPool2d")]
    [InlineData("GroupNorm(4), GroupNorm(8, 1e-3, affine: false), InstanceNorm2d, InstanceNorm2d(affine: true, trackRunningStats: true), BatchNorm(affine: false)")]
    [InlineData("Hardtanh, Conv2d, Hardtanh(-2, 0.5), Conv2d, Softplus, Conv2d, Softplus(-3, 1.5), Conv2d, Activation(Activation.Hardtanh, MinVal = 2, MaxVal = 3)")]
    [InlineData("ASPP(16), ERFNetDownsampler(24), NonBottleneck1D, ERFNetUpsampler(8)")]
    [InlineData("Fire(8, 16, 16), GhostBottleneck(48), ShuffleUnitV2(stride: 2, outChannels: 64), ConvNeXtBlock")]
    [InlineData("RepVGGBlock, MobileOneBlock(16), ResNetBasicBlock(16), ResNetBottleneck(8), FusedMBConv(expansion: 2), UniversalInvertedBottleneck")]
    public Task Right_EveryFamily(string layers) => Verify($"[InputShape(8, 16, 16)]\n[{layers}]\npartial class Net;");

    [Theory]
    [InlineData("AdaptiveAvgPool2d({|ECD0004:0|})")]
    [InlineData("AdaptiveMaxPool2d(2, {|ECD0004:width: -3|})")]
    [InlineData("Upsample({|ECD0004:0.01|})")]
    [InlineData("Upsample({|ECD0004:scale: double.PositiveInfinity|})")]
    [InlineData("Upsample(2, Interpolation.Nearest, {|ECD0004:alignCorners: true|})")]
    [InlineData("SliceChannels(4, {|ECD0004:count: 5|})")]
    [InlineData("ConvTranspose2d(8, 3, {|ECD0004:outputPadding: 1|})")]
    [InlineData("ShuffleUnitV2({|ECD0004:outChannels: 9|}, stride: 2)")]
    [InlineData("ERFNetDownsampler({|ECD0004:8|})")]
    [InlineData("GhostBottleneck(48, {|ECD0004:squeezeReduction: 0|})")]
    [InlineData("UniversalInvertedBottleneck({|ECD0004:stride: 2|}, midKernelSize: 0)")]
    [InlineData("PixelShuffle({|ECD0103:3|})")]
    [InlineData("Pad2d({|ECD0004:-1|})")]
    [InlineData("Pad2d({|ECD0004:PaddingTop = -2|})")]
    [InlineData("Pad2d({|ECD0004:16|}, PadMode.Reflect)")]
    [InlineData("Pad2d(2, PadMode.Reflect, {|ECD0004:PaddingRight = 17|})")]
    [InlineData("Pad2d(1, PadMode.Replicate, {|ECD0004:value: 2|})")]
    [InlineData("Pad2d({|ECD0004:mode: (PadMode)3|})")]
    [InlineData("GroupNorm({|ECD0101:3|})")]
    [InlineData("GroupNorm({|ECD0004:0|})")]
    [InlineData("GroupNorm(2, {|ECD0004:0|})")]
    [InlineData("GlobalAvgPool, {|ECD0004:GroupNorm(8)|}")]
    [InlineData("GlobalAvgPool, {|ECD0004:InstanceNorm2d|}")]
    [InlineData("Conv2d(8, {|ECD0404:bias: true|}), InstanceNorm2d")]
    [InlineData("Conv2d, Hardtanh(1, {|ECD0004:1|})")]
    [InlineData("Conv2d, {|ECD0004:Hardtanh(2)|}")]
    [InlineData("Conv2d, Softplus({|ECD0004:beta: 0|})")]
    [InlineData("Conv2d, Softplus({|ECD0004:threshold: double.NaN|})")]
    [InlineData("Conv2d, LeakyReLU({|ECD0004:double.PositiveInfinity|})")]
    [InlineData("Conv2d, Activation(Activation.Hardtanh, {|ECD0004:MaxVal = -1|})")]
    [InlineData("UniversalInvertedBottleneck({|ECD0301:stride: 2|}, shortcut: Shortcut.Required)")]
    public Task Wrong_InEveryFamily(string layers) => Verify($"[InputShape(8, 16, 16)]\n[ReLU, {layers}]\npartial class Net;");
}
