using System.Collections.Immutable;
using System.Globalization;
using EfficientConv.Dsl.Analyzers;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Testing;
using Microsoft.CodeAnalysis.Testing;

namespace EfficientConv.Dsl.Generators.Tests.Harness;

/// <summary>
/// A user's project under Microsoft's testing library: the analyzer alone or with a fix. It also checks what is easily forgotten: that nothing is reported in generated
/// code, that a pragma silences every diagnostic, and that fixing all gives the same in a document, a project and a solution.
/// </summary>
internal sealed class UserProjectTest : CSharpCodeFixTest<NetworkAnalyzer, EmptyCodeFixProvider, DefaultVerifier>
{
    private readonly CodeFixProvider? _provider;

    public UserProjectTest(CodeFixProvider? provider, bool globalUsing, params string[] sources)
    {
        _provider = provider;
        // No package of reference assemblies is to be fetched: the running framework's own are what the tests compile against.
        ReferenceAssemblies = new ReferenceAssemblies("net10.0");
        Fill(TestState, globalUsing, sources);
    }

    /// <summary>Sources with expected diagnostics marked in them: <c>{|ECD0101:groups: 3|}</c>. Marks may stand inside each other.</summary>
    public static UserProjectTest Marked(params string[] markups) => new(null, true, markups);

    /// <summary>A fix from <paramref name="sources"/> to <paramref name="oneByOne"/>, and all at once to <paramref name="atOnce"/>.</summary>
    public static async Task<UserProjectTest> FixAsync(CodeFixProvider provider, string[] sources, string[] oneByOne, string[] atOnce, int action, bool globalUsing = true)
    {
        UserProjectTest test = new(provider, globalUsing, sources) { CodeActionIndex = action };
        foreach ((SolutionState state, string[] expected) in ((SolutionState, string[])[])[(test.FixedState, oneByOne), (test.BatchFixedState, atOnce)])
        {
            state.InheritanceMode = StateInheritanceMode.Explicit;
            Fill(state, globalUsing, expected);
            await ExpectOwnAsync(state, globalUsing, expected).ConfigureAwait(false);
        }

        await ExpectOwnAsync(test.TestState, globalUsing, sources).ConfigureAwait(false);
        return test;
    }

    protected override IEnumerable<CodeFixProvider> GetCodeFixProviders() => _provider is null ? [] : [_provider];

    protected override CompilationOptions CreateCompilationOptions() => TestCompilation.Options;

    protected override ParseOptions CreateParseOptions() => TestCompilation.ParseOptions;

    private static void Fill(SolutionState state, bool globalUsing, string[] sources)
    {
        for (int i = 0; i < sources.Length; i++)
            state.Sources.Add(($"File{i}.cs", sources[i]));
        state.Sources.Add(("Usings.cs", TestCompilation.Usings(globalUsing)));
        state.AdditionalReferences.AddRange(TestCompilation.References);
    }

    private static async Task ExpectOwnAsync(SolutionState state, bool globalUsing, string[] sources)
    {
        state.MarkupHandling = MarkupMode.None;
        ImmutableArray<Diagnostic> diagnostics = await AnalyzerHarness.DiagnosticsAsync(TestCompilation.Create(globalUsing, sources)).ConfigureAwait(false);
        foreach (Diagnostic diagnostic in diagnostics)
        {
            DiagnosticResult result = new DiagnosticResult(diagnostic.Id, diagnostic.Severity).WithMessage(diagnostic.GetMessage(CultureInfo.InvariantCulture));
            foreach (FileLinePositionSpan span in diagnostic.AdditionalLocations.Prepend(diagnostic.Location).Select(location => location.GetLineSpan()))
                result = result.WithSpan(span.Path, span.StartLinePosition.Line + 1, span.StartLinePosition.Character + 1, span.EndLinePosition.Line + 1, span.EndLinePosition.Character + 1);
            state.ExpectedDiagnostics.Add(result);
        }
    }
}
