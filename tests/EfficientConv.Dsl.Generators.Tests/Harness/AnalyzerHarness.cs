using System.Collections.Immutable;
using EfficientConv.Dsl.Analyzers;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace EfficientConv.Dsl.Generators.Tests.Harness;

/// <summary>Runs the analyzer over sources with marked diagnostics.</summary>
internal static class AnalyzerHarness
{
    /// <summary>Asserts that the analyzer reports exactly the marked diagnostics at exactly the marked spans, and that the compiler reports no error.</summary>
    public static async Task VerifyAsync(params string[] markups)
    {
        MarkedSource[] sources = [.. markups.Select(MarkedSource.Parse)];
        CSharpCompilation compilation = TestCompilation.Create([.. sources.Select(source => source.Text)]);
        Assert.Empty(compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
        await VerifyAsync(compilation, sources).ConfigureAwait(false);
    }

    /// <summary>As <see cref="VerifyAsync(string[])"/>, where the compiler reports errors of its own.</summary>
    public static Task VerifyInvalidAsync(params string[] markups)
    {
        MarkedSource[] sources = [.. markups.Select(MarkedSource.Parse)];
        return VerifyAsync(TestCompilation.Create([.. sources.Select(source => source.Text)]), sources);
    }

    /// <summary>What the analyzer reports, in the order of the sources; a failure of the analyzer itself (AD0001) is among it.</summary>
    public static async Task<ImmutableArray<Diagnostic>> DiagnosticsAsync(Compilation compilation)
    {
        ImmutableArray<Diagnostic> diagnostics = await compilation.WithAnalyzers([new NetworkAnalyzer()]).GetAnalyzerDiagnosticsAsync().ConfigureAwait(false);
        return [.. diagnostics.OrderBy(diagnostic => diagnostic.Location.SourceTree?.FilePath, StringComparer.Ordinal).ThenBy(diagnostic => diagnostic.Location.SourceSpan)];
    }

    private static async Task VerifyAsync(CSharpCompilation compilation, MarkedSource[] sources)
    {
        ImmutableArray<Diagnostic> actual = await DiagnosticsAsync(compilation).ConfigureAwait(false);
        string expectedText = string.Join('\n', sources.SelectMany((source, i) => source.Expected.OrderBy(e => e.Span).Select(e => $"File{i}.cs {e.Id} '{source.Text.Substring(e.Span.Start, e.Span.Length)}' {e.Span}")));
        string actualText = string.Join('\n', actual.Select(d => $"{d.Location.SourceTree?.FilePath} {d.Id} '{d.Location.SourceTree?.GetText().ToString(d.Location.SourceSpan)}' {d.Location.SourceSpan}"));
        Assert.True(expectedText == actualText, $"expected:\n{expectedText}\nfound:\n{actualText}\n{string.Join('\n', actual)}");
    }
}
