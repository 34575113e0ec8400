using System.Collections.Immutable;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Generators.Tests;

public class GeneratorCachingTests
{
    private const string Networks = """
        namespace Nets;

        [InputShape(3, 8, 8)]
        [Conv2d(8, padding: 1, bias: false), BatchNorm, ReLU]
        public sealed partial class First;

        [InputShape(8, 8, 8)]
        [InvertedResidual(expansion: 2)]
        public sealed partial class Second
        {
            public static int Helper() => 1;
        }
        """;

    private const string Other = "public static class Other { public static int Value => 1; }";

    private static void AssertCached(string path, string before, string after)
    {
        CSharpCompilation compilation = TestCompilation.Create(Networks, Other);
        string text = compilation.SyntaxTrees.Single(tree => tree.FilePath == path).ToString();
        Assert.Contains(before, text, StringComparison.Ordinal);

        ImmutableDictionary<string, StepReasons> reasons = GeneratorHarness.Edit(compilation, path, text.Replace(before, after, StringComparison.Ordinal));

        Assert.Equal(["Nets.First", "Nets.Second"], reasons.Keys.Order());
        Assert.All(reasons.Values, reason => Assert.True(reason.IsCached, reason.ToString()));
    }

    [Fact]
    public void AddedComment_IsCached() => AssertCached("File0.cs", "[InputShape(3, 8, 8)]", "// A comment.\n\n[InputShape(3, /* rows */ 8, 8)]");

    [Fact]
    public void AddedMethodInANetwork_IsCached() => AssertCached("File0.cs", "public static int Helper() => 1;", "public static int Helper() => 1;\n    public static int Another() => 2;");

    [Fact]
    public void AddedClassInTheFile_IsCached() => AssertCached("File0.cs", "namespace Nets;", "namespace Nets;\n\npublic class Added;");

    [Fact]
    public void AddedForeignAttribute_IsCached() => AssertCached("File0.cs", "[InputShape(8, 8, 8)]", "[System.Serializable]\n[InputShape(8, 8, 8)]");

    [Fact]
    public void ChangedOtherClassInTheFile_IsCached() => AssertCached("File0.cs", "namespace Nets;", "namespace Nets;\n\npublic class Added { public int Value => 1; }");

    [Fact]
    public void ChangedOtherFile_IsCached() => AssertCached("File1.cs", "=> 1", "=> 2");

    [Fact]
    public void SameValueWrittenAsExpression_IsCached() => AssertCached("File0.cs", "Conv2d(8,", "Conv2d(4 + 4,");

    /// <summary>The declaration holds a copy of the template, so an edit of the template is one of the network.</summary>
    [Fact]
    public void EditedTemplate_ReemitsTheNetworksThatUseIt()
    {
        const string Template = "[Conv2d(8, padding: 1), ReLU] public sealed class Block;";
        CSharpCompilation compilation = TestCompilation.Create("[InputShape(8, 8, 8)] [Use<Block>(2)] public partial class User; [InputShape(8, 8, 8)] [ReLU] public partial class Other;", Template);

        ImmutableDictionary<string, StepReasons> edited = GeneratorHarness.Edit(compilation, "File1.cs", Template.Replace("padding: 1", "kernelSize: 1", StringComparison.Ordinal));
        Assert.Equal(new StepReasons(IncrementalStepRunReason.Modified, IncrementalStepRunReason.Modified), edited["User"]);
        Assert.True(edited["Other"].IsCached);

        ImmutableDictionary<string, StepReasons> commented = GeneratorHarness.Edit(compilation, "File1.cs", "// A comment.\n" + Template);
        Assert.All(commented.Values, reasons => Assert.True(reasons.IsCached, reasons.ToString()));
    }

    /// <summary>Of several networks those that use the edited template, also through another one.</summary>
    [Fact]
    public void EditedInnerTemplate_ReemitsItsUsersOnly()
    {
        const string Templates = "[Conv2d(8, padding: 1), ReLU] public class Inner; [Use<Inner>(2)] public class Middle; [GELU] public class Elsewhere { public static int Value => 1; }";
        CSharpCompilation compilation = TestCompilation.Create(
            "[InputShape(8, 8, 8), Use<Inner>] partial class Direct; [InputShape(8, 8, 8), Use<Middle>] partial class Through; [InputShape(8, 8, 8), Use<Elsewhere>] partial class Apart; [InputShape(8, 8, 8), ReLU] partial class Plain;",
            Templates, Other);

        AssertReemitted(compilation, "File1.cs", Templates.Replace("padding: 1", "padding: 1, bias: false", StringComparison.Ordinal), "Direct", "Through");
        AssertReemitted(compilation, "File1.cs", Templates.Replace("Use<Inner>(2)", "Use<Inner>(3)", StringComparison.Ordinal), "Through");
        AssertReemitted(compilation, "File1.cs", Templates.Replace("GELU", "SiLU", StringComparison.Ordinal), "Apart");
        AssertReemitted(compilation, "File1.cs", Templates.Replace("=> 1", "=> 2", StringComparison.Ordinal).Replace("8, padding: 1", "4 + 4, /* kept */ padding: 1", StringComparison.Ordinal));
        AssertReemitted(compilation, "File2.cs", Other.Replace("=> 1", "=> 2", StringComparison.Ordinal));
    }

    private static void AssertReemitted(CSharpCompilation compilation, string path, string text, params string[] networks)
    {
        ImmutableDictionary<string, StepReasons> reasons = GeneratorHarness.Edit(compilation, path, text);
        Assert.Equal(networks.Order(), reasons.Where(pair => !pair.Value.IsCached).Select(pair => pair.Key).Order());
    }

    [Fact]
    public void EditedAttribute_ReemitsOnlyThatNetwork()
    {
        ImmutableDictionary<string, StepReasons> reasons = GeneratorHarness.Edit(
            TestCompilation.Create(Networks, Other), "File0.cs", Networks.Replace("expansion: 2", "expansion: 3", StringComparison.Ordinal));

        Assert.Equal(IncrementalStepRunReason.Modified, reasons["Nets.Second"].Declaration);
        Assert.Equal(IncrementalStepRunReason.Modified, reasons["Nets.Second"].Compilation);
        Assert.True(reasons["Nets.First"].IsCached);
    }

    [Fact]
    public void ChangedConstantInAnotherFile_ReemitsTheNetworkThatUsesIt()
    {
        CSharpCompilation compilation = TestCompilation.Create(
            Networks.Replace("Conv2d(8,", "Conv2d(Sizes.Stem,", StringComparison.Ordinal), "public static class Sizes { public const int Stem = 8; }");

        ImmutableDictionary<string, StepReasons> reasons = GeneratorHarness.Edit(compilation, "File1.cs", "public static class Sizes { public const int Stem = 16; }");

        Assert.Equal(IncrementalStepRunReason.Modified, reasons["Nets.First"].Compilation);
        Assert.True(reasons["Nets.Second"].IsCached);
    }

    [Fact]
    public void AddedNetwork_LeavesTheOthersCached()
    {
        ImmutableDictionary<string, StepReasons> reasons = GeneratorHarness.Edit(
            TestCompilation.Create(Networks, Other), "File0.cs", Networks + "\n[InputShape(3, 8, 8), GELU] public partial class Third;");

        Assert.Equal(IncrementalStepRunReason.New, reasons["Nets.Third"].Compilation);
        Assert.True(reasons["Nets.First"].IsCached && reasons["Nets.Second"].IsCached);
    }

    [Fact]
    public void ObjectGraph_FindsASymbolThatIsHidden()
    {
        // The check of every generator test is worth something only if it can fail.
        ISymbol symbol = TestCompilation.Create("class C;").GetTypeByMetadataName("C")!;

        Assert.NotEmpty(ObjectGraph.RoslynObjects(new { List = new List<object?> { null, new Lazy<object>(symbol) } }));
        Assert.NotEmpty(ObjectGraph.RoslynObjects(ImmutableArray.Create(Location.None)));
        Assert.Empty(ObjectGraph.RoslynObjects(new { Text = "C", Values = new List<int> { 1, 2 } }));
    }
}
