using System.Collections.Immutable;
using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Testing;

namespace EfficientConv.Dsl.Generators.Tests.Harness;

/// <summary>Applies code fixes to sources in a workspace.</summary>
internal static class CodeFixHarness
{
    /// <summary>Titles of the code actions offered for the first diagnostic of <paramref name="source"/>.</summary>
    public static async Task<string[]> TitlesAsync(CodeFixProvider provider, string source)
    {
        using AdhocWorkspace workspace = new();
        Document document = CreateProject(workspace, true, source).Documents.Single(d => d.Name == "File0.cs");
        return [.. (await ActionsAsync(provider, document).ConfigureAwait(false)).Select(action => action.Title)];
    }

    /// <summary>
    /// Applies the action at <paramref name="action"/> to the first diagnostic. Asserts the text that comes out, and
    /// that it compiles and no longer has the diagnostic, nor another one that the fix is for except <paramref name="stays"/>.
    /// </summary>
    public static async Task VerifyAsync(CodeFixProvider provider, string source, string expected, int action = 0, string? stays = null, bool globalUsing = true)
    {
        UserProjectTest test = await UserProjectTest.FixAsync(provider, [source], [expected], [expected], action, globalUsing).ConfigureAwait(false);
        // Fixing all goes on to what another action would be for.
        test.CodeFixTestBehaviors = CodeFixTestBehaviors.FixOne | CodeFixTestBehaviors.SkipFixAllCheck;
        AssertFixed(test, provider, stays);
        await test.RunAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// Applies the action at <paramref name="action"/> to all diagnostics of all sources at once, with the same assertions, and one after the other, which gives the same where
    /// <paramref name="oneByOne"/> says nothing else: fixing all takes the last action where there are fewer, and does not go on to what a fix lets show.
    /// </summary>
    public static async Task VerifyFixAllAsync(CodeFixProvider provider, string[] sources, string[] expected, int action = 0, string? stays = null, string[]? oneByOne = null)
    {
        UserProjectTest test = await UserProjectTest.FixAsync(provider, sources, oneByOne ?? expected, expected, action).ConfigureAwait(false);
        // A negative number is the most.
        if (oneByOne is not null)
            test.NumberOfIncrementalIterations = -8;

        // One pass, where another one would go on to what stays; of one after the other that is the first fix alone.
        if (stays is not null)
            test.CodeFixTestBehaviors = CodeFixTestBehaviors.FixOne;
        AssertFixed(test, provider, stays);
        await test.RunAsync().ConfigureAwait(false);
    }

    private static void AssertFixed(UserProjectTest test, CodeFixProvider provider, string? stays) => Assert.DoesNotContain(
        test.BatchFixedState.ExpectedDiagnostics, diagnostic => provider.FixableDiagnosticIds.Contains(diagnostic.Id) && stays?.Contains(diagnostic.Id, StringComparison.Ordinal) != true);

    /// <summary>Applies the first action for <paramref name="id"/> to all of its diagnostics in all sources at once; the ids that are left where that compiles.</summary>
    public static async Task<IEnumerable<string>> IdsAfterFixAllAsync(CodeFixProvider provider, string id, params string[] sources)
    {
        using AdhocWorkspace workspace = new();
        Project project = CreateProject(workspace, true, sources);
        Document document = project.Documents.Single(d => d.Name == "File0.cs");
        string key = (await ActionsAsync(provider, document, id).ConfigureAwait(false))[0].EquivalenceKey!;
        CodeAction? all = await provider.GetFixAllProvider()!.GetFixAsync(new FixAllContext(document, provider, FixAllScope.Solution, key, [id], new Diagnostics(provider), default)).ConfigureAwait(false);
        Assert.NotNull(all);
        ImmutableArray<CodeActionOperation> operations = await all.GetOperationsAsync(default).ConfigureAwait(false);
        Compilation compilation = (await Assert.IsType<ApplyChangesOperation>(Assert.Single(operations)).ChangedSolution.GetProject(project.Id)!.GetCompilationAsync().ConfigureAwait(false))!;
        Assert.Empty(compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
        return (await AnalyzerHarness.DiagnosticsAsync(compilation).ConfigureAwait(false)).Select(diagnostic => diagnostic.Id);
    }

    /// <summary>
    /// Applies every action that any of the fixes offers for any diagnostic of the sources, each by itself; asserts that the text that comes out compiles and that
    /// that diagnostic is gone. Returns how many there were.
    /// </summary>
    public static async Task<int> ApplyAllAsync(ImmutableArray<CodeFixProvider> providers, string[] sources)
    {
        using AdhocWorkspace workspace = new();
        Project project = CreateProject(workspace, true, sources);
        Compilation compilation = (await project.GetCompilationAsync().ConfigureAwait(false))!;
        int count = 0;
        ImmutableArray<Diagnostic> all = await AnalyzerHarness.DiagnosticsAsync(compilation).ConfigureAwait(false);
        foreach (Diagnostic diagnostic in all)
        {
            // Of the same kind: indices in a message change where a layer goes.
            string kind = string.Concat(diagnostic.GetMessage(CultureInfo.InvariantCulture).Where(c => !char.IsDigit(c)));
            bool IsSame(Diagnostic other) => other.Id == diagnostic.Id && string.Concat(other.GetMessage(CultureInfo.InvariantCulture).Where(c => !char.IsDigit(c))) == kind;

            Document document = project.Documents.Single(d => d.FilePath == diagnostic.Location.SourceTree!.FilePath);
            foreach (CodeFixProvider provider in providers.Where(p => p.FixableDiagnosticIds.Contains(diagnostic.Id)))
            {
                List<CodeAction> actions = [];
                await provider.RegisterCodeFixesAsync(new CodeFixContext(document, diagnostic, (action, _) => actions.Add(action), default)).ConfigureAwait(false);
                foreach (CodeAction action in actions)
                {
                    count++;
                    ImmutableArray<CodeActionOperation> operations = await action.GetOperationsAsync(default).ConfigureAwait(false);
                    Document changed = Assert.IsType<ApplyChangesOperation>(Assert.Single(operations)).ChangedSolution.GetDocument(document.Id)!;
                    string text = (await changed.GetTextAsync().ConfigureAwait(false)).ToString();
                    Compilation after = TestCompilation.Create(text);
                    Assert.True(after.GetDiagnostics().All(d => d.Severity < DiagnosticSeverity.Error), $"{diagnostic}\n{action.Title}\n{text}");
                    ImmutableArray<Diagnostic> left = await AnalyzerHarness.DiagnosticsAsync(after).ConfigureAwait(false);
                    // What stood in the mistake's shadow may show now, so it is gone where its attribute is, or where that one no longer has it.
                    bool isGone = left.Count(IsSame) < all.Count(d => d.Location.SourceTree == diagnostic.Location.SourceTree && IsSame(d))
                        || Attributes(after.SyntaxTrees.Last()) < Attributes(diagnostic.Location.SourceTree!)
                        || (Attributes(after.SyntaxTrees.Last()) == Attributes(diagnostic.Location.SourceTree!) && !left.Any(d => IsSame(d) && Ordinal(d) == Ordinal(diagnostic)));
                    Assert.True(isGone, $"{diagnostic}\n{action.Title}\n{text}");
                }
            }
        }

        return count;
    }

    private static int Attributes(SyntaxTree tree) => tree.GetRoot().DescendantNodes().OfType<AttributeSyntax>().Count();

    /// <summary>How many of its file's attributes begin before a diagnostic.</summary>
    private static int Ordinal(Diagnostic diagnostic) =>
        diagnostic.Location.SourceTree!.GetRoot().DescendantNodes().OfType<AttributeSyntax>().Count(attribute => attribute.SpanStart <= diagnostic.Location.SourceSpan.Start);

    private static async Task<ImmutableArray<CodeAction>> ActionsAsync(CodeFixProvider provider, Document document, string? id = null)
    {
        Diagnostic diagnostic = (await FixableAsync(provider, document.Project).ConfigureAwait(false)).First(d => d.Location.SourceTree!.FilePath == document.FilePath && (id is null || d.Id == id));
        ImmutableArray<CodeAction>.Builder actions = ImmutableArray.CreateBuilder<CodeAction>();
        await provider.RegisterCodeFixesAsync(new CodeFixContext(document, diagnostic, (action, _) => actions.Add(action), default)).ConfigureAwait(false);
        return actions.ToImmutable();
    }

    private static async Task<ImmutableArray<Diagnostic>> FixableAsync(CodeFixProvider provider, Project project)
    {
        Compilation compilation = (await project.GetCompilationAsync().ConfigureAwait(false))!;
        return [.. (await AnalyzerHarness.DiagnosticsAsync(compilation).ConfigureAwait(false)).Where(d => provider.FixableDiagnosticIds.Contains(d.Id))];
    }

    private static Project CreateProject(AdhocWorkspace workspace, bool globalUsing, params string[] sources)
    {
        Project project = workspace.AddProject(ProjectInfo.Create(
            ProjectId.CreateNewId(), VersionStamp.Default, "UserProject", "UserProject", LanguageNames.CSharp,
            compilationOptions: TestCompilation.Options, parseOptions: TestCompilation.ParseOptions, metadataReferences: TestCompilation.References));
        project = project.AddDocument("Usings.cs", globalUsing ? "global using EfficientConv.Dsl;\n" : string.Empty, filePath: "Usings.cs").Project;
        for (int i = 0; i < sources.Length; i++)
            project = project.AddDocument($"File{i}.cs", sources[i], filePath: $"File{i}.cs").Project;
        return project;
    }

    private sealed class Diagnostics(CodeFixProvider provider) : FixAllContext.DiagnosticProvider
    {
        public override async Task<IEnumerable<Diagnostic>> GetAllDiagnosticsAsync(Project project, CancellationToken cancellationToken) =>
            await FixableAsync(provider, project).ConfigureAwait(false);

        public override async Task<IEnumerable<Diagnostic>> GetDocumentDiagnosticsAsync(Document document, CancellationToken cancellationToken) =>
            (await FixableAsync(provider, document.Project).ConfigureAwait(false)).Where(d => d.Location.SourceTree!.FilePath == document.FilePath);

        public override Task<IEnumerable<Diagnostic>> GetProjectDiagnosticsAsync(Project project, CancellationToken cancellationToken) =>
            Task.FromResult(Enumerable.Empty<Diagnostic>());
    }
}
