using System.Collections.Immutable;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>
/// The generator does not bind a class again whose file did not change. Each edit of another file here changes, or must not change, what the class means;
/// the result must be that of a generator that never saw the project before.
/// </summary>
public class DeclarationCacheTests
{
    private const string Network = """
        namespace Nets
        {
            [InputShape(4, 8, 8), Conv2d(8, padding: 1, bias: false), ReLU]
            public sealed partial class Net;
        }
        """;

    /// <summary>Another file before and after an edit, and whether the edit changes the network.</summary>
    public static TheoryData<string, string, bool> Edits => new()
    {
        { "class Other { int x = 1; }", "class Other { int x = 2; }", false },
        { "class Other;", "class Other; enum More { A }", false },
        { "class Other;", "namespace Nets { sealed class ReLUAttribute : System.Attribute; }", true },
        { "class Other;", "namespace Nets { sealed class ReLU : System.Attribute; }", true },
        { "class Other;", "sealed class ReLUAttribute : System.Attribute;", true },
        { "namespace Nets { sealed class ReLUAttribute : System.Attribute; }", "class Other;", true },
        { "class Other;", "namespace Nets { [GELU] public sealed partial class Net; }", true },
        { "namespace Nets { [GELU] public sealed partial class Net; }", "class Other;", true },
        { "namespace Nets { public sealed partial class Net { int x = 1; } }", "namespace Nets { public sealed partial class Net : System.Exception; }", true },
        { "namespace Elsewhere { public partial class Net; }", "namespace Elsewhere { public partial class Net; partial class Net; }", false },
        { "class Other;", "namespace Nets.EfficientConv { class Inner; }", false },
    };

    [Theory]
    [MemberData(nameof(Edits))]
    public void EditOfAnotherFile_GivesWhatAFreshGeneratorReads(string before, string after, bool changes)
    {
        CSharpCompilation first = TestCompilation.Create(Network, before), second = TestCompilation.WithFile(first, "File1.cs", after);
        ImmutableSortedDictionary<string, string> was = GeneratorHarness.Run(first).Sources;

        ImmutableSortedDictionary<string, string> cached = GeneratorHarness.Run(second).Sources;

        // The same sources parsed anew share no syntax with the first project, so nothing of it is remembered.
        Assert.Equal(GeneratorHarness.Run(TestCompilation.Create(Network, after)).Sources, cached);
        Assert.Equal(changes, !was.SequenceEqual(cached));
    }

    [Theory]
    [InlineData("[ReLU] class Block;", "[GELU] class Block;", true)]
    [InlineData("[ReLU] class Block;", "[ReLU] class Block { int x = 1; }", false)]
    [InlineData("[ReLU] class Block;", "[ReLU] class Block; namespace Nets { [GELU] class Block; }", true)]
    [InlineData("[Use<Deep>] class Block; [ReLU] class Deep;", "[Use<Deep>] class Block; [GELU] class Deep;", true)]
    public void EditOfATemplate_GivesWhatAFreshGeneratorReads(string before, string after, bool changes)
    {
        const string User = "namespace Nets { [InputShape(4, 8, 8), Conv2d(8), Use<Block>] public sealed partial class Net; }";
        CSharpCompilation first = TestCompilation.Create(User, before), second = TestCompilation.WithFile(first, "File1.cs", after);
        ImmutableSortedDictionary<string, string> was = GeneratorHarness.Run(first).Sources, cached = GeneratorHarness.Run(second).Sources;

        Assert.Equal(GeneratorHarness.Run(TestCompilation.Create(User, after)).Sources, cached);
        Assert.Equal(changes, !was.SequenceEqual(cached));
    }

    [Fact]
    public void GlobalUsing_InAnotherFile_IsSeen()
    {
        const string Source = "[InputShape(4, 8, 8), Conv2d(8), ReLU] public sealed partial class Net;";
        CSharpCompilation first = TestCompilation.Create(Source, "class Other;");
        CSharpCompilation second = TestCompilation.WithFile(first, "File1.cs", "global using ReLU = EfficientConv.Dsl.GELUAttribute;");

        Assert.Equal("ReLU", GeneratorHarness.Run(first).Declarations["Net"].Attributes[2].Kind);
        Assert.NotEqual("ReLU", GeneratorHarness.Run(second).Declarations["Net"].Attributes[^1].Kind);
    }

    [Fact]
    public void RemovedReference_IsSeen()
    {
        CSharpCompilation first = TestCompilation.Create(Network), second = first.WithReferences(TestCompilation.References.RemoveAt(TestCompilation.References.Length - 1));

        Assert.Single(GeneratorHarness.Run(first).Declarations);
        Assert.Empty(GeneratorHarness.Run(second).Declarations);
    }

    [Theory]
    [InlineData("using Shape = EfficientConv.Dsl.InputShapeAttribute; [Shape(4, 8, 8), ReLU] public partial class Net;")]
    [InlineData("[EfficientConv.Dsl.InputShape(4, 8, 8), ReLU] public partial class Net;")]
    [InlineData("[global::EfficientConv.Dsl.InputShapeAttribute(4, 8, 8), ReLU] public partial class Net;")]
    [InlineData("using E = EfficientConv; [E::Dsl.InputShape(4, 8, 8), ReLU] public partial class Net;")]
    public void Marker_InAnyForm_IsFoundOnce(string source) => Assert.Equal(["InputShape", "ReLU"], GeneratorHarness.Read(source).Attributes.Select(attribute => attribute.Kind));

    [Fact]
    public void GlobalAliasOfTheMarker_IsFound() =>
        Assert.Single(GeneratorHarness.Run("global using Shape = EfficientConv.Dsl.InputShapeAttribute;", "[Shape(4, 8, 8), ReLU] public partial class Net;").Declarations);

    [Fact]
    public void ForeignAttributeOfTheMarkersName_IsNoNetwork() =>
        Assert.Empty(GeneratorHarness.Run("namespace Mine; public sealed class InputShapeAttribute(int c, int h, int w) : System.Attribute { public int Sum => c + h + w; } [InputShape(4, 8, 8)] public partial class Net;").Declarations);
}
