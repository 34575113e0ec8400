using System.Collections.Immutable;
using EfficientConv.Dsl.Analyzers;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Testing;

namespace EfficientConv.Dsl.Generators.Tests.Harness;

/// <summary>Runs the analyzer over sources with marked diagnostics.</summary>
internal static class AnalyzerHarness
{
    /// <summary>Asserts that the analyzer reports exactly the marked diagnostics at exactly the marked spans, and that the compiler reports no error.</summary>
    public static Task VerifyAsync(params string[] markups) => UserProjectTest.Marked(markups).RunAsync();

    /// <summary>As <see cref="VerifyAsync(string[])"/>, where the compiler reports errors of its own.</summary>
    public static Task VerifyInvalidAsync(params string[] markups)
    {
        UserProjectTest test = UserProjectTest.Marked(markups);
        test.CompilerDiagnostics = CompilerDiagnostics.None;
        return test.RunAsync();
    }

    /// <summary>What the analyzer reports, in the order of the sources; a failure of the analyzer itself (AD0001) is among it.</summary>
    public static async Task<ImmutableArray<Diagnostic>> DiagnosticsAsync(Compilation compilation)
    {
        ImmutableArray<Diagnostic> diagnostics = await compilation.WithAnalyzers([new NetworkAnalyzer()]).GetAnalyzerDiagnosticsAsync().ConfigureAwait(false);
        return [.. diagnostics.OrderBy(diagnostic => diagnostic.Location.SourceTree?.FilePath, StringComparer.Ordinal).ThenBy(diagnostic => diagnostic.Location.SourceSpan)];
    }
}
