using System.Collections.Immutable;
using EfficientConv.Dsl.Analyzers;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace EfficientConv.Dsl.Generators.Tests.Harness;

/// <summary>What a project consists of at one moment.</summary>
/// <param name="Files">Sources by path.</param>
/// <param name="Library">Source of a project that it references; null for none.</param>
/// <param name="AsProject">Whether the library is referenced as a project, as an editor does, or as a built file.</param>
/// <param name="Schedule">Its measured schedules; null for none.</param>
/// <param name="StepTimes">Its property EfficientConvStepTimes.</param>
internal sealed record ProjectState(ImmutableSortedDictionary<string, string> Files, string? Library = null, bool AsProject = true, string? Schedule = null, string? StepTimes = null)
{
    public static ProjectState Of(params string[] sources) =>
        new(sources.Select((text, i) => ($"File{i}.cs", text)).Append(("Usings.cs", "global using EfficientConv.Dsl;")).ToImmutableSortedDictionary(file => file.Item1, file => file.Item2));

    public ProjectState With(string path, string text) => this with { Files = Files.SetItem(path, text) };
}

/// <summary>
/// A project that is edited while one generator driver lives, as in an editor: what does not change keeps its syntax trees and its references.
/// </summary>
internal sealed class EditedProject
{
    private ProjectState _state;
    private CSharpCompilation _compilation;
    private GeneratorDriver _driver;

    public EditedProject(ProjectState state)
    {
        _state = state;
        _compilation = CSharpCompilation.Create("UserProject", state.Files.Select(file => TestCompilation.Parse(file.Value, file.Key)), [.. TestCompilation.References, .. Reference(state)], TestCompilation.Options);
        _driver = CSharpGeneratorDriver.Create([new NetworkGenerator().AsSourceGenerator()], Texts(state), TestCompilation.ParseOptions, new ProjectProperties(state.StepTimes)).RunGenerators(_compilation);
    }

    /// <summary>The generated files and what the analyzer says, as one text.</summary>
    public string Result
    {
        get
        {
            GeneratorRunResult run = _driver.GetRunResult().Results.Single();
            Assert.Null(run.Exception);
            CompilationWithAnalyzers analyzers = _compilation.WithAnalyzers([new NetworkAnalyzer()], new AnalyzerOptions(Texts(_state), new ProjectProperties(_state.StepTimes)));
            IEnumerable<string> said = analyzers.GetAnalyzerDiagnosticsAsync().GetAwaiter().GetResult().Select(diagnostic => diagnostic.ToString()).Order(StringComparer.Ordinal);
            return string.Join('\n', said.Concat(run.GeneratedSources.OrderBy(source => source.HintName, StringComparer.Ordinal).Select(source => $"{source.HintName}\n{source.SourceText}")));
        }
    }

    /// <summary>Goes on to <paramref name="state"/>.</summary>
    public void Edit(ProjectState state)
    {
        foreach (string path in _state.Files.Keys.Union(state.Files.Keys))
        {
            SyntaxTree? old = _compilation.SyntaxTrees.FirstOrDefault(tree => tree.FilePath == path);
            string? text = state.Files.GetValueOrDefault(path);
            if (text == _state.Files.GetValueOrDefault(path))
                continue;
            SyntaxTree? tree = text is null ? null : TestCompilation.Parse(text, path);
            _compilation = (old, tree) switch
            {
                (null, _) => _compilation.AddSyntaxTrees(tree!),
                (_, null) => _compilation.RemoveSyntaxTrees(old),
                _ => _compilation.ReplaceSyntaxTree(old, tree),
            };
        }

        if ((state.Library, state.AsProject) != (_state.Library, _state.AsProject))
            _compilation = _compilation.WithReferences([.. TestCompilation.References, .. Reference(state)]);
        if (state.Schedule != _state.Schedule)
            _driver = _driver.ReplaceAdditionalTexts(Texts(state));
        if (state.StepTimes != _state.StepTimes)
            _driver = _driver.WithUpdatedAnalyzerConfigOptions(new ProjectProperties(state.StepTimes));
        _state = state;
        _driver = _driver.RunGenerators(_compilation);
    }

    private static IEnumerable<MetadataReference> Reference(ProjectState state)
    {
        if (state.Library is null)
            yield break;
        CSharpCompilation library = CSharpCompilation.Create("Library", [TestCompilation.Parse(state.Library, "Library.cs")], TestCompilation.References, TestCompilation.Options);
        if (state.AsProject)
        {
            yield return library.ToMetadataReference();
            yield break;
        }

        MemoryStream image = new();
        Assert.True(library.Emit(image).Success);
        yield return MetadataReference.CreateFromImage(image.ToArray());
    }

    private static ImmutableArray<AdditionalText> Texts(ProjectState state) => state.Schedule is null ? [] : [new ScheduleText(state.Schedule)];

    private sealed class ScheduleText(string text) : AdditionalText
    {
        public override string Path => "efficientconv.schedule.json";

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
    }
}
