using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>All C# of the README and of the pages compiles, in one compilation beside what the generator makes of it, and the analyzers find no mistake. The rules' pages have tests of their own.</summary>
public sealed partial class PageSnippetTests
{
    private const string MobileBlock = "[InputShape(24, 56, 56)] [InvertedResidual(expansion: 4)] public sealed partial class MobileBlock;";

    private const string MobileNetV2 = "[InputShape(3, 32, 32)] [Conv2d(8)] [GlobalAvgPool, Linear(1000)] public sealed partial class MobileNetV2;";

    /// <summary>What a page takes for granted: classes that it names, and variables.</summary>
    private static readonly Dictionary<string, (string Types, string Variables)> s_context = new()
    {
        ["docs/weights.md"] = ($"{MobileBlock} {MobileNetV2}", "System.IO.Stream stream"),
        ["src/EfficientConv.Dsl.Zoo/README.md"] = (string.Empty, "float[] image, float[] logits"),
    };

    /// <summary>The zoo takes minutes to compile; its page is about one of its classes.</summary>
    private const string Zoo = $"namespace EfficientConv.Dsl.Zoo;\n{MobileNetV2}";

    // Code for ASP.NET Core compiles in the tests of the package that is about it.
    private static string[] Pages { get; } =
    [
        "README.md", "src/EfficientConv.Dsl.Zoo/README.md", "src/EfficientConv.Dsl.Cli/README.md",
        .. Directory.GetFiles(Path.Combine(RepositoryRoot.Path, "docs"), "*.md", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(RepositoryRoot.Path, path).Replace('\\', '/'))
            .Where(path => !path.Contains("/diagnostics/", StringComparison.Ordinal) && path != "docs/serving.md").Order(StringComparer.Ordinal),
    ];

    [Fact]
    public async Task Snippets_CompileAndHaveNoMistake()
    {
        List<SyntaxTree> trees = [TestCompilation.Parse(Zoo, "zoo")];
        foreach (string page in Pages)
        {
            string[] snippets = [.. Fence().Matches(await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Path, page))).Select(m => m.Groups[1].Value)];

            // Layers that are left out of a long list leave sizes that may not fit: C# as well, but no network.
            foreach (bool isShort in (bool[])[false, true])
            {
                string[] chosen = [.. snippets.Where(snippet => LeftOut().IsMatch(snippet) == isShort).Select(snippet => LeftOut().Replace(snippet, string.Empty))];
                if (chosen.Length > 0)
                    trees.Add(TestCompilation.Parse(Together(page, trees.Count, chosen), isShort ? $"short {page}" : page));
            }
        }

        Assert.InRange(trees.Count, 6, 100);
        CSharpCompilation compilation = TestCompilation.Create(true).AddSyntaxTrees(trees).AddSyntaxTrees(TestCompilation.Parse("global using System; global using System.Collections.Generic; global using System.Linq;", "implicit"));
        ImmutableArray<Diagnostic> found = await AnalyzerHarness.DiagnosticsAsync(compilation);
        Assert.Empty(found.Where(d => d.Severity == DiagnosticSeverity.Error && !d.Location.SourceTree!.FilePath.StartsWith("short ", StringComparison.Ordinal)));

        // That generated code compiles is what other tests are about.
        Compilation output = GeneratorHarness.Run(compilation).Compilation;
        Assert.DoesNotContain(trees.SelectMany(tree => output.GetSemanticModel(tree).GetDiagnostics()), d => d.Severity == DiagnosticSeverity.Error);
    }

    /// <summary>What the page of the generated code shows is in the AVX2 file of its class, line by line, but for what it leaves out.</summary>
    [Fact]
    public async Task GeneratedCode_IsAsItsPageShows()
    {
        string page = await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Path, "docs", "generated-code.md"));
        string generated = GeneratorHarness.Run(Fence().Match(page).Groups[1].Value).Sources.Single(source => source.Key.Contains(".Avx2.", StringComparison.Ordinal)).Value;
        generated = generated.Replace("<br/>", string.Empty, StringComparison.Ordinal).Replace("&gt;", ">", StringComparison.Ordinal);
        string[] lines = [.. Shown().Match(page).Groups[1].Value.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0)];

        Assert.InRange(lines.Length, 30, 100);
        Assert.All(lines.SelectMany(line => line.Split("...")).Select(part => part.Trim()), part => Assert.Contains(part, generated, StringComparison.Ordinal));
    }

    /// <summary>A page's snippets as one file: its types in a namespace of their own, its statements one after the other in a method.</summary>
    private static string Together(string page, int number, string[] snippets)
    {
        (string types, string variables) = s_context.GetValueOrDefault(page, (string.Empty, string.Empty));
        StringBuilder usings = new(), declared = new(types), statements = new();
        for (int i = 0; i < snippets.Length; i++)
        {
            CompilationUnitSyntax unit = Unit(snippets[i]);
            if (unit.Members.LastOrDefault() is IncompleteMemberSyntax)
                unit = Unit($"{snippets[i]}\ninternal sealed partial class Snippet{number}_{i};");
            foreach (UsingDirectiveSyntax directive in unit.Usings.Where(directive => !usings.ToString().Contains(directive.ToString(), StringComparison.Ordinal)))
                usings.AppendLine(directive.ToString());
            foreach (MemberDeclarationSyntax member in unit.Members)
                (member is GlobalStatementSyntax ? statements : declared).AppendLine(member.ToFullString());
        }

        return $"{usings}namespace Pages.Page{number};\n{declared}\ninternal static class Program\n{{\n    public static void Run({variables})\n    {{\n{statements}\n    }}\n}}\n";
    }

    private static CompilationUnitSyntax Unit(string text) => SyntaxFactory.ParseCompilationUnit(text, options: TestCompilation.ParseOptions);

    [GeneratedRegex("^```csharp\r?\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex("^```text\r?\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Shown();

    [GeneratedRegex(@"^\.\.\.\r?\n", RegexOptions.Multiline)]
    private static partial Regex LeftOut();
}
