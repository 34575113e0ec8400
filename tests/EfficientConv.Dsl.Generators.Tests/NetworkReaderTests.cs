using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Generators.Tests.Harness;

namespace EfficientConv.Dsl.Generators.Tests;

public class NetworkReaderTests
{
    private static string[] Kinds(NetworkDeclaration network) => [.. network.Attributes.Select(attribute => attribute.Kind)];

    [Fact]
    public void Class_NameNamespaceKeywordAndAccessibility()
    {
        NetworkDeclaration network = GeneratorHarness.Read("namespace A.B; [InputShape(3, 8, 9), ReLU] public sealed partial class Net;");

        Assert.Equal("A.B", network.Namespace);
        Assert.Empty(network.ContainingTypes);
        Assert.Equal("Net", network.Name);
        Assert.Equal("class", network.Keyword);
        Assert.True(network.IsPublic);
        Assert.Equal("A.B.Net", network.FullName);
        Assert.Empty(network.Target);
    }

    [Fact]
    public void Class_InGlobalNamespace()
    {
        NetworkDeclaration network = GeneratorHarness.Read("[InputShape(3, 8, 8), ReLU] internal sealed partial class Net;");

        Assert.Equal(string.Empty, network.Namespace);
        Assert.Equal("Net", network.FullName);
        Assert.False(network.IsPublic);
    }

    [Fact]
    public void Class_Nested_ListsTheTypesAroundItOutermostFirst()
    {
        NetworkDeclaration network = GeneratorHarness.Read("""
            namespace N
            {
                public partial interface IOuter
                {
                    partial record struct Middle<T, U>
                    {
                        static partial class Inner
                        {
                            [InputShape(3, 8, 8), ReLU] public partial record Net;
                        }
                    }
                }
            }
            """);

        Assert.Equal([new("interface", "IOuter"), new("record struct", "Middle<T, U>"), new("class", "Inner")], network.ContainingTypes);
        Assert.Equal("record", network.Keyword);
        Assert.False(network.IsPublic);
        Assert.Empty(network.Target);
    }

    [Fact]
    public void Class_NamedLikeAKeyword_StaysEscaped()
    {
        NetworkDeclaration network = GeneratorHarness.Read("namespace @int.Nets; [InputShape(3, 8, 8), ReLU] public partial class @class;");

        Assert.Equal("@int.Nets", network.Namespace);
        Assert.Equal("@class", network.Name);
    }

    [Fact]
    public void SeveralNetworks_InOneFile()
    {
        GeneratorRun run = GeneratorHarness.Run("""
            namespace N;
            [InputShape(3, 8, 8), ReLU] public partial class First;
            [InputShape(4, 8, 8), GELU] public partial class Second;
            public class NoNetwork;
            """);

        Assert.Equal(["N.First", "N.Second"], run.Declarations.Keys.Order());
    }

    [Fact]
    public void Attributes_OneListOrSeveral_KeepSourceOrder()
    {
        string[] expected = ["InputShape", "Conv2d", "BatchNorm", "ReLU6", "GlobalAvgPool", "Linear"];

        Assert.Equal(expected, Kinds(GeneratorHarness.Read("[InputShape(3, 8, 8)] [Conv2d(8), BatchNorm, ReLU6] [GlobalAvgPool] [Linear(10)] public partial class Net;")));
        Assert.Equal(expected, Kinds(GeneratorHarness.Read("[InputShape(3, 8, 8), Conv2d(8), BatchNorm, ReLU6, GlobalAvgPool, Linear(10)] public partial class Net;")));
    }

    [Fact]
    public void Attributes_MarkerBehindLayers_KeepsItsPlace() =>
        Assert.Equal(["Conv2d", "InputShape", "ReLU"], Kinds(GeneratorHarness.Read("[Conv2d(8)] [InputShape(3, 8, 8)] [ReLU] public partial class Net;")));

    [Fact]
    public void Attributes_OfOthers_AreLeftOut() =>
        Assert.Equal(["InputShape", "ReLU"], Kinds(GeneratorHarness.Read("""
            [System.Obsolete, InputShape(3, 8, 8)]
            [System.Serializable, ReLU]
            public partial class Net;
            """)));

    [Fact]
    public void Attributes_DerivedByTheUser_AreLeftOut() =>
        Assert.DoesNotContain("Mine", Kinds(GeneratorHarness.Run(TestCompilation.Create("""
            [InputShape(3, 8, 8), ReLU, Mine] public partial class Net;
            public sealed class MineAttribute : LayerAttribute;
            """)).Declarations["Net"]));

    [Fact]
    public void Arguments_Positional_AreNamedByTheConstructor()
    {
        AttributeDeclaration conv = GeneratorHarness.Read("[InputShape(3, 8, 8)] [Conv2d(16, 5, 2)] public partial class Net;").Attributes[1];

        Assert.Equal(["outChannels", "kernelSize", "stride", "padding", "dilation", "groups", "bias"], conv.Arguments.Select(argument => argument.Name));
        Assert.Equal([true, true, true, false, false, false, false], conv.Arguments.Select(argument => argument.IsExplicit));
        Assert.Equal((16, 5, 2, 0, 1, 1, true), (conv.Int("outChannels"), conv.Int("kernelSize"), conv.Int("stride"), conv.Int("padding"), conv.Int("dilation"), conv.Int("groups"), conv.Bool("bias", false)));
    }

    [Fact]
    public void Arguments_LeftOut_AreDefaultsAndNotExplicit()
    {
        AttributeDeclaration block = GeneratorHarness.Read("[InputShape(24, 8, 8)] [InvertedResidual] public partial class Net;").Attributes[1];

        Assert.Equal(AttributeDeclaration.Unset, block.Int("outChannels"));
        Assert.Equal(4.0, block.Double("expansion", 0));
        Assert.Equal((int)Activation.ReLU, block.Int("activation"));
        Assert.All(block.Arguments, argument => Assert.False(argument.IsExplicit));
    }

    [Theory]
    [InlineData("Conv2d(16, groups: 2, bias: false, kernelSize: 5)")]
    [InlineData("Conv2d(kernelSize: 5, groups: 2, outChannels: 16, bias: false)")]
    [InlineData("Conv2d(outChannels: 16, 5, bias: false, groups: 2)")]
    [InlineData("Conv2dAttribute(16, 5, 1, 0, 1, 2, false)")]
    [InlineData("EfficientConv.Dsl.Conv2d(16, 5, groups: 2, bias: false)")]
    [InlineData("global::EfficientConv.Dsl.Conv2dAttribute(0x10, 4 + 1, bias: !true, groups: 1 << 1)")]
    public void Arguments_InAnyForm_AreTheSame(string attribute)
    {
        AttributeDeclaration conv = GeneratorHarness.Read($"[InputShape(4, 8, 8)] [{attribute}] public partial class Net;").Attributes[1];

        Assert.Equal("Conv2d", conv.Kind);
        Assert.Equal((16, 5, 2, false), (conv.Int("outChannels"), conv.Int("kernelSize"), conv.Int("groups"), conv.Bool("bias", true)));
        Assert.True(conv.IsExplicit("outChannels") && conv.IsExplicit("kernelSize") && conv.IsExplicit("groups") && conv.IsExplicit("bias"));
        Assert.Equal(1, conv.Int("dilation"));
    }

    [Fact]
    public void Arguments_Constants_NameofExpressionsUsingStaticAndAliases()
    {
        NetworkDeclaration network = GeneratorHarness.Read("""
            using static Sizes;
            using Conv = EfficientConv.Dsl.Conv2dAttribute;
            using Act = EfficientConv.Dsl.Activation;

            [InputShape(Sizes.Channels, Height, Width: 3)]
            [Conv(Net.Width * 2, Name = nameof(Net) + "1", PaddingTop = Net.Width / 4)]
            [Activation(Act.SiLU)]
            public partial class Net { public const int Width = 8; }

            public static class Sizes { public const int Channels = 3; internal const int Height = Channels * 4; }
            """.Replace("Width: 3", "width: Net.Width", StringComparison.Ordinal));

        Assert.Equal((3, 12, 8), (network.Attributes[0].Int("channels"), network.Attributes[0].Int("height"), network.Attributes[0].Int("width")));
        Assert.Equal("Conv2d", network.Attributes[1].Kind);
        Assert.Equal(16, network.Attributes[1].Int("outChannels"));
        Assert.Equal("Net1", network.Attributes[1].Text("Name"));
        Assert.Equal(2, network.Attributes[1].Int("PaddingTop"));
        Assert.Equal((int)Activation.SiLU, network.Attributes[2].Int("kind"));
    }

    [Fact]
    public void Arguments_Properties_AreExplicit()
    {
        NetworkDeclaration network = GeneratorHarness.Read("""
            [InputShape(3, 8, 8, Layout = TensorLayout.NHWC)]
            [Conv2d(8, 3, AutoPad = AutoPad.SameUpper, KernelWidth = 5)]
            [InvertedResidual(expansion: 2, Eps = 1e-3)]
            public partial class Net;
            """);

        Assert.Equal((int)TensorLayout.NHWC, network.Attributes[0].Int("Layout"));
        Assert.Equal((int)AutoPad.SameUpper, network.Attributes[1].Int("AutoPad"));
        Assert.True(network.Attributes[1].IsExplicit("KernelWidth"));
        Assert.Null(network.Attributes[1].Find("KernelHeight"));
        Assert.Equal(2.0, network.Attributes[2].Double("expansion", 0));
        Assert.Equal(1e-3, network.Attributes[2].Double("Eps", 0));
    }

    [Theory]
    [InlineData("public class Net;", "ECD0001", "is not partial")]
    [InlineData("public static partial class Net;", "ECD0002", "static")]
    [InlineData("public abstract partial class Net;", "ECD0002", "abstract")]
    [InlineData("public partial class Net<T>;", "ECD0002", "generic")]
    [InlineData("public partial struct Net;", "ECD0002", "a struct")]
    [InlineData("public partial record struct Net;", "ECD0002", "a record struct")]
    [InlineData("public partial interface Net;", "ECD0002", "an interface")]
    [InlineData("file partial class Net;", "ECD0002", "file-local")]
    [InlineData("public partial class Net : System.Collections.Generic.List<int>;", "ECD0002", "derived from List<int>")]
    [InlineData("public partial class Net(int depth) { public int Depth => depth; }", "ECD0002", "declared with a primary constructor")]
    public void Class_Unsuitable_IsATargetProblem(string declaration, string id, string detail)
    {
        NetworkDeclaration network = GeneratorHarness.Read("[InputShape(3, 8, 8), ReLU] " + declaration);

        Assert.Equal(new TargetProblem(id, detail), network.Target[0]);
    }

    [Fact]
    public void Class_InATypeThatIsNotPartial_IsATargetProblem()
    {
        NetworkDeclaration network = GeneratorHarness.Read("public class Outer { public partial class Middle { [InputShape(3, 8, 8), ReLU] public partial class Net; } }");

        Assert.Equal([new TargetProblem("ECD0001", "its containing type Outer is not partial")], network.Target);
    }

    [Fact]
    public void Attributes_OnSeveralDeclarations_AreATargetProblem()
    {
        NetworkDeclaration network = GeneratorHarness.Read(
            "[GELU] public partial class Net;", "[InputShape(3, 8, 8), ReLU] public partial class Net;", "[Tanh] public partial class Net;");

        Assert.Equal([new TargetProblem("ECD0005", "3 partial declarations")], network.Target);
        Assert.Equal(["InputShape", "ReLU"], Kinds(network).Take(2));
    }

    [Fact]
    public void Attributes_OfOthersOnAnotherDeclaration_AreFine() =>
        Assert.Empty(GeneratorHarness.Read("[System.Obsolete] public partial class Net;", "[InputShape(3, 8, 8), ReLU] public partial class Net;").Target);
}
