using System.Collections.Immutable;
using System.Text;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>Names and texts of the user's in generated code: keywords, long ones, characters that end a line.</summary>
public class GeneratedNameTests
{
    private const string Network = "[EfficientConv.Dsl.InputShape(3, 4, 4), EfficientConv.Dsl.Conv2d(8)]";

    private static readonly string[] s_keywords = [.. SyntaxFacts.GetKeywordKinds().Select(SyntaxFacts.GetText).Distinct()];

    [Fact]
    public void Identifiers_EscapesEveryKeywordOfTheCompiler() => Assert.Equal(s_keywords.Select(keyword => "@" + keyword), s_keywords.Select(Identifiers.Escape));

    /// <summary>Kernels and members must not take the user's type for the keyword either.</summary>
    [Theory]
    [InlineData(LanguageVersion.CSharp12)]
    [InlineData(LanguageVersion.Preview)]
    public void ClassesInTheGlobalNamespace_MayHaveTheNameOfAnyKeyword(LanguageVersion version) =>
        AssertCompiles(version, string.Join('\n', s_keywords.Select(keyword => $"{Network} public partial class @{keyword};")));

    [Theory]
    [InlineData(LanguageVersion.CSharp12)]
    [InlineData(LanguageVersion.Preview)]
    public void NamespacesContainersAndTypeParameters_MayHaveTheNameOfAnyKeyword(LanguageVersion version) => AssertCompiles(
        version, string.Join('\n', s_keywords.Select((keyword, i) => $"namespace @{keyword}.@{keyword} {{ public partial interface @{keyword} {{ partial record struct Middle<{(i % 2 == 0 ? "@" + keyword : "T")}> {{ [global::{Network[1..].Replace(" E", " global::E", StringComparison.Ordinal)} internal partial record {(i % 2 == 0 ? "Net" : "@" + keyword)}; }} }} }}")));

    [Fact]
    public void KeywordsOfAContext_AreEscapedWhereverTheyAreRead()
    {
        NetworkDeclaration network = GeneratorHarness.Read($"namespace @file.A.@scoped {{ partial struct @record<@required, T> {{ {Network} partial class @partial; }} }}");

        Assert.Equal(("@file.A.@scoped", "@record<@required, T>", "@partial"), (network.Namespace, network.ContainingTypes[0].Name, network.Name));
        Assert.Equal("@file.A.@scoped.@record<@required, T>.@partial", network.FullName);
    }

    /// <summary>With the compiler's own folders a generated file's name may be a path's last part: 255 bytes on Unix, 259 characters for the whole path on Windows.</summary>
    [Fact]
    public void FileNames_AreShortAndKeptApart()
    {
        const string Han = "\u795e\u7d93\u7db2\u8def\u9577\u540d\u7a31";
        string longName = string.Concat(Enumerable.Repeat("Part", 90)), han = string.Concat(Enumerable.Repeat(Han, 60)), digits = "N" + new string('1', 300);
        string[] sources =
        [
            $"{Network} partial class {longName}A; {Network} partial class {longName}a; {Network} partial class {longName}_; {Network} partial class {han}; {Network} partial class {digits};",
            .. "AB".Select(letter => $"namespace {letter} {{ {Network} partial class {longName}; {Network} partial class {han}; {Network} partial record {digits}; partial class {longName[..200]} {{ {Network} partial class Net; }} }}"),
            $"namespace {string.Join('.', Enumerable.Repeat(Han, 11))} {{ {Network} partial class Net; }}",
        ];
        GeneratorRun run = GeneratorHarness.Run(sources);

        Assert.Empty(run.Compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning));
        Assert.Equal(14 * 4, run.Sources.Select(source => source.Key.ToUpperInvariant()).Distinct().Count());
        Assert.All(run.Sources.Keys, name => Assert.InRange(Encoding.UTF8.GetByteCount(name), 1, 80));
        Assert.Equal(run.Sources, GeneratorHarness.Run(sources).Sources);

        // The end of a long name says most; a short one is there as a whole.
        Assert.Equal(3 * 4, run.Sources.Keys.Count(name => ("_" + name).Contains("_Net_", StringComparison.Ordinal)));
        Assert.StartsWith("Subsystem_Networks_For_Mobiles_MobileNet_", GeneratorHarness.Run($"namespace Company.Product.Component.Subsystem.Networks.For.Mobiles {{ {Network} partial class MobileNet; }}").Sources.Keys.First(), StringComparison.Ordinal);
        Assert.StartsWith("Some_Namespace_Outer_Net_", GeneratorHarness.Run($"namespace Some.Namespace {{ partial class Outer {{ {Network} partial class Net; }} }}").Sources.Keys.First(), StringComparison.Ordinal);
    }

    /// <summary>Everything that ends a line, a string or a comment, or is no character at all.</summary>
    public static TheoryData<string> OddCharacters =>
        ["\\u2028", "\\u2029", "\\u0085", "\\n", "\\r", "\\0", "\\u001b[2J", "\\u007f", "\\\"", "\\\\", "*/", "\\u202e", "\\ufeff", "\\ud800", "\\udc00x", "\\U0001F600", "{0}", "</summary>", "'", " ", "\\u00a0", "\\u2003"];

    /// <summary>In each text that an attribute takes: one error, a message of one line, and generated code that compiles.</summary>
    [Theory]
    [MemberData(nameof(OddCharacters))]
    public async Task OddCharacters_InAnyText_AreOneError(string odd)
    {
        string[] networks =
        [
            $"ReLU(Name = \"a{odd}b\")", $"ReLU, From(\"a{odd}\")", $"ReLU, Add(\"{odd}b\")", $"ReLU, Multiply(\"{odd}\")", $"ReLU(Name = \"a\"), Concat(\"a\", \"a{odd}b\")", $"ReLU, Output(\"a{odd}b\")",
            $"ReLU, Output(\"a\", Name = \"a{odd}b\")", $"Conv2d(8, Name = \"{odd}\")", $"Use<Template>(2, Name = \"a{odd}\")", $"InvertedResidual(expansion: 2, Name = \"{odd}{odd}\")", $"SliceChannels(0, 2, Name = \"{odd}b\")",
        ];
        string source = string.Join('\n', networks.Select((layers, i) => $"[InputShape(8, 8, 8), {layers}] public partial class Net{i};")) + "\n[ReLU] class Template;";
        CSharpCompilation compilation = TestCompilation.Create(source);

        ImmutableArray<Diagnostic> found = await AnalyzerHarness.DiagnosticsAsync(compilation);
        Assert.Equal(networks.Length, found.Count(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
        Assert.Equal(networks.Length, found.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).DistinctBy(diagnostic => diagnostic.Location.GetLineSpan().StartLinePosition.Line).Count());
        Assert.All(found, diagnostic => Assert.All(diagnostic.GetMessage(null).EnumerateRunes(), rune => Assert.False(
            rune == Rune.ReplacementChar || Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Format
                or System.Globalization.UnicodeCategory.LineSeparator or System.Globalization.UnicodeCategory.ParagraphSeparator,
            diagnostic.GetMessage(null))));
        GeneratorRun run = GeneratorHarness.Run(compilation);
        Assert.Equal(networks.Length, run.Sources.Count);
        Assert.Empty(run.Compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning));
    }

    [Fact]
    public async Task OddCharacters_AreShownInTheMessage() => Assert.Equal(
        ["ReLU \"0\" has Name 'a\\u2028b' (it must be letters, digits, '_', '-' and '.', because checkpoint keys are made of it)"],
        (await AnalyzerHarness.DiagnosticsAsync(TestCompilation.Create("[InputShape(8, 8, 8), ReLU(Name = \"a\\u2028b\")] public partial class Net;"))).Select(diagnostic => diagnostic.GetMessage(null)));

    private static void AssertCompiles(LanguageVersion version, string source)
    {
        CSharpParseOptions parse = TestCompilation.ParseOptions.WithLanguageVersion(version);
        CSharpCompilation compilation = CSharpCompilation.Create("UserProject", [CSharpSyntaxTree.ParseText(source, parse)], TestCompilation.References, TestCompilation.Options);
        CSharpGeneratorDriver.Create([new NetworkGenerator().AsSourceGenerator()], parseOptions: parse).RunGeneratorsAndUpdateCompilation(compilation, out Microsoft.CodeAnalysis.Compilation output, out ImmutableArray<Diagnostic> failures);

        Assert.Empty(failures);
        Assert.Equal(1 + (4 * s_keywords.Length), output.SyntaxTrees.Count());

        // The kernels of the networks are alike, so one network's are enough.
        IEnumerable<SyntaxTree> trees = output.SyntaxTrees.Where((tree, i) => i < 5 || !tree.FilePath.Contains(".Avx", StringComparison.Ordinal) && !tree.FilePath.Contains(".Vector", StringComparison.Ordinal));
        Assert.DoesNotContain(trees.SelectMany(tree => output.GetSemanticModel(tree).GetDiagnostics()), diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
    }
}
