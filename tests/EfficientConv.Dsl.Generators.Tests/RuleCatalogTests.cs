using System.Reflection;
using EfficientConv.Dsl.Analyzers;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>A rule ships with a descriptor, a page, a row in the release files and tests, or not at all.</summary>
public class RuleCatalogTests
{
    private static readonly string[] ReleaseFiles = ["AnalyzerReleases.Shipped.md", "AnalyzerReleases.Unshipped.md"];

    public static TheoryData<string> Ids => [.. RuleCatalog.All.Select(rule => rule.Id)];

    private static Rule Rule(string id) => RuleCatalog.All.Single(rule => rule.Id == id);

    [Fact]
    public void Ids_AreUniqueAndInOrder()
    {
        string[] ids = [.. RuleCatalog.All.Select(rule => rule.Id)];

        Assert.Equal(ids.Distinct().Order(StringComparer.Ordinal), ids);
        Assert.All(ids, id => Assert.Matches("^ECD[0-9]{4}$", id));
    }

    [Fact]
    public void Catalog_ListsEveryRuleThatIsDeclared() =>
        Assert.Equal(
            typeof(RuleCatalog).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => field.GetValue(null)).OfType<Rule>().OrderBy(rule => rule.Id, StringComparer.Ordinal),
            RuleCatalog.All);

    [Theory]
    [MemberData(nameof(Ids))]
    public void Rule_HasADescriptorWithHelpLink(string id)
    {
        DiagnosticDescriptor descriptor = Assert.Single(new NetworkAnalyzer().SupportedDiagnostics, descriptor => descriptor.Id == id);

        Assert.Equal(Rule(id).Title, descriptor.Title.ToString(null));
        Assert.Equal(Rule(id).Severity.ToString(), descriptor.DefaultSeverity.ToString());
        Assert.Equal($"https://github.com/efficientconv/efficientconv-dsl/blob/main/docs/diagnostics/{id}.md", descriptor.HelpLinkUri);
        Assert.False(Rule(id).Title.EndsWith('.'), "A title has no full stop.");
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Rule_HasAPage(string id)
    {
        string page = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "docs", "diagnostics", id + ".md"));

        Assert.StartsWith($"# {id}: {Rule(id).Title}\n", page, StringComparison.Ordinal);
        Assert.Contains($"Severity: {Rule(id).Severity.ToString().ToLowerInvariant()}", page, StringComparison.Ordinal);
        string[] headings = ["## Why it matters", "## Wrong", "## Right", "## When to silence it"];
        Assert.All(headings, heading => Assert.Contains($"\n{heading}\n", page, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Page_SaysWhatIsWrong_AndHowItIsFixedWhereThereIsAFix(string id)
    {
        string page = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "docs", "diagnostics", id + ".md"));
        string[] paragraphs = page.Split("\n\n");

        Assert.InRange(paragraphs[2].Length, 40, 400);
        Assert.Equal(DeclarationFuzzTests.Fixes.Any(fix => fix.FixableDiagnosticIds.Contains(id)), paragraphs[1].Contains(" Fix: ", StringComparison.Ordinal));
    }

    [Fact]
    public void Index_ListsEveryRule()
    {
        string[] rows = [.. File.ReadAllLines(Path.Combine(RepositoryRoot.Path, "docs", "diagnostics", "README.md")).Where(line => line.StartsWith("| [", StringComparison.Ordinal))];

        Assert.Equal(RuleCatalog.All.Select(rule => $"| [{rule.Id}]({rule.Id}.md) | {rule.Severity.ToString().ToLowerInvariant()} | {rule.Title} |"), rows);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Rule_HasARowInTheReleaseFiles(string id)
    {
        string[] rows =
        [
            .. ReleaseFiles.SelectMany(file => File.ReadAllLines(Path.Combine(RepositoryRoot.Path, "analyzers", "EfficientConv.Dsl.Analyzers", file)))
                .Where(line => line.StartsWith(id, StringComparison.Ordinal)),
        ];

        Assert.Equal([id, Descriptors.Category, Rule(id).Severity.ToString(), Rule(id).Title], Assert.Single(rows).Split('|', StringSplitOptions.TrimEntries));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Rule_HasTestsForBothSides(string id)
    {
        string[] tests = [.. typeof(NetworkAnalyzerTests).GetMethods().Concat(typeof(ScheduleFileTests).GetMethods()).Select(method => method.Name).Where(name => name.StartsWith(id + "_", StringComparison.Ordinal))];

        Assert.Contains(tests, name => !name.StartsWith(id + "_NearMiss", StringComparison.Ordinal));
        Assert.Contains(tests, name => name.StartsWith(id + "_NearMiss", StringComparison.Ordinal));
    }

    [Fact]
    public void Pages_AreOfRulesThatExist() =>
        Assert.Equal(
            RuleCatalog.All.Select(rule => rule.Id),
            Directory.GetFiles(Path.Combine(RepositoryRoot.Path, "docs", "diagnostics"), "ECD*.md").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal));
}
