using System.Text.RegularExpressions;

namespace EfficientConv.Dsl.Serving.Tests;

/// <summary>The page about serving shows code that compiles.</summary>
public sealed partial class PageCodeTests
{
    [Fact]
    public async Task Snippets_AreCompiledHere()
    {
        string compiled = Unindented(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "PageCode.cs")));
        string[] snippets = [.. Fence().Matches(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "serving.md"))).Select(match => match.Groups[1].Value)];

        Assert.InRange(snippets.Length, 2, 20);
        Assert.All(snippets, snippet => Assert.Contains(Unindented(snippet), compiled, StringComparison.Ordinal));
    }

    private static string Unindented(string text) => string.Join('\n', text.Trim().Split('\n').Select(line => line.Trim()));

    [GeneratedRegex("^```csharp\r?\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();
}
