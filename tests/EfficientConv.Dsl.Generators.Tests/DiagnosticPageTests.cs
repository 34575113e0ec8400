using System.Text.RegularExpressions;
using EfficientConv.Dsl.Compiler.Rules;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>The examples of the pages do what the pages say.</summary>
public partial class DiagnosticPageTests
{
    // ECD0601 is about a file beside the code; ScheduleFileTests has its examples.
    public static TheoryData<string> Ids => [.. RuleCatalog.All.Where(rule => rule != RuleCatalog.UnfitSchedule).Select(rule => rule.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Page_WrongExampleIsReported_RightExampleIsNot(string id)
    {
        string page = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "docs", "diagnostics", id + ".md"));

        Assert.Equal([id], await IdsOf(Example(page, "Wrong")));
        Assert.Empty(await IdsOf(Example(page, "Right")));
    }

    private static async Task<IEnumerable<string>> IdsOf(string source)
    {
        Compilation compilation = TestCompilation.Create(source);
        Assert.Empty(compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
        return (await AnalyzerHarness.DiagnosticsAsync(compilation)).Select(diagnostic => diagnostic.Id);
    }

    internal static string Example(string page, string heading) =>
        Assert.Single(CodeBlock().Matches(page), match => match.Groups["heading"].Value == heading).Groups["code"].Value;

    [GeneratedRegex("## (?<heading>.+)\n\n```csharp\n(?<code>(.*\n)*?)```")]
    private static partial Regex CodeBlock();
}
