using System.Text.RegularExpressions;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>The examples of the pages do what the pages say.</summary>
public partial class DiagnosticPageTests
{
    // Some rules are about a file beside the code; ScheduleFileTests has their examples.
    public static TheoryData<string> Ids => [.. RuleCatalog.All.Except([RuleCatalog.UnfitSchedule, RuleCatalog.UnreadableSchedules]).Select(rule => rule.Id)];

    /// <summary>Rules for whose breach a fix is offered.</summary>
    public static TheoryData<string> Fixable => [.. RuleCatalog.All.Select(rule => rule.Id).Where(id => DeclarationFuzzTests.Fixes.Any(fix => fix.FixableDiagnosticIds.Contains(id)))];

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Page_WrongExampleIsReported_RightExampleIsNot(string id)
    {
        string page = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "docs", "diagnostics", id + ".md"));

        Assert.Equal([id], await IdsOf(Example(page, "Wrong")));
        Assert.Empty(await IdsOf(Example(page, "Right")));
    }

    /// <summary>The same mistake in three places of two files is gone from all of them at once.</summary>
    [Theory]
    [MemberData(nameof(Fixable))]
    public async Task Page_WrongExampleIsFixedEverywhere(string id)
    {
        string wrong = Example(File.ReadAllText(Path.Combine(RepositoryRoot.Path, "docs", "diagnostics", id + ".md")), "Wrong");
        string[] sources = [$"{wrong}\nnamespace Second\n{{\n{wrong}}}\n", $"namespace Third;\n\n{wrong}"];
        Assert.Equal([id, id, id], await IdsOf(sources));

        foreach (CodeFixProvider fix in DeclarationFuzzTests.Fixes.Where(fix => fix.FixableDiagnosticIds.Contains(id)))
            Assert.DoesNotContain(id, await CodeFixHarness.IdsAfterFixAllAsync(fix, id, sources));
    }

    private static async Task<IEnumerable<string>> IdsOf(params string[] sources)
    {
        Compilation compilation = TestCompilation.Create(sources);
        Assert.Empty(compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
        return (await AnalyzerHarness.DiagnosticsAsync(compilation)).Select(diagnostic => diagnostic.Id);
    }

    internal static string Example(string page, string heading) =>
        Assert.Single(CodeBlock().Matches(page), match => match.Groups["heading"].Value == heading).Groups["code"].Value;

    [GeneratedRegex("## (?<heading>.+)\n\n```csharp\n(?<code>(.*\n)*?)```")]
    private static partial Regex CodeBlock();
}
