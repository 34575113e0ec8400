using System.Collections.Immutable;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Declarations;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Generators.Tests.Harness;

/// <summary>What the generator made of a compilation.</summary>
/// <param name="Declarations">The networks as read, by full name.</param>
/// <param name="Sources">The generated files, by hint name.</param>
/// <param name="Compilation">The compilation with them.</param>
internal sealed record GeneratorRun(
    ImmutableDictionary<string, NetworkDeclaration> Declarations, ImmutableSortedDictionary<string, string> Sources, Microsoft.CodeAnalysis.Compilation Compilation);

/// <summary>Why each step of one network had the result that it had.</summary>
internal sealed record StepReasons(IncrementalStepRunReason Declaration, IncrementalStepRunReason Compilation)
{
    /// <summary>Whether nothing after the first step ran.</summary>
    public bool IsCached =>
        Declaration is IncrementalStepRunReason.Unchanged or IncrementalStepRunReason.Cached && Compilation is IncrementalStepRunReason.Cached;
}

/// <summary>Runs the generator, always twice and always with a look into what its steps keep.</summary>
internal static class GeneratorHarness
{
    /// <summary>
    /// Runs the generator over the sources, then over a clone of the compilation. Asserts that it reports nothing and does not fail,
    /// that the second run takes everything from the cache and that no step keeps anything of Roslyn.
    /// </summary>
    public static GeneratorRun Run(params string[] sources) => Run(TestCompilation.Create(sources));

    /// <inheritdoc cref="Run(string[])"/>
    public static GeneratorRun Run(CSharpCompilation compilation)
    {
        GeneratorDriver driver = Start(compilation, out Microsoft.CodeAnalysis.Compilation output);
        GeneratorRunResult first = driver.GetRunResult().Results.Single();
        AssertKeepsNoRoslynObject(first);

        GeneratorRunResult second = driver.RunGenerators(compilation.Clone()).GetRunResult().Results.Single();
        Assert.All(Reasons(second).Values, reasons => Assert.True(reasons.IsCached, reasons.ToString()));
        Assert.All(
            second.TrackedOutputSteps.SelectMany(pair => pair.Value).SelectMany(step => step.Outputs),
            step => Assert.Equal(IncrementalStepRunReason.Cached, step.Reason));

        return new GeneratorRun(
            Steps(first, NetworkGenerator.DeclarationStep).SelectMany(step => step.Outputs).Select(step => (NetworkDeclaration)step.Value)
                .ToImmutableDictionary(declaration => declaration.FullName),
            first.GeneratedSources.ToImmutableSortedDictionary(source => source.HintName, source => source.SourceText.ToString(), StringComparer.Ordinal),
            output);
    }

    /// <summary>The single network of the sources, as read.</summary>
    public static NetworkDeclaration Read(params string[] sources) => Assert.Single(Run(sources).Declarations).Value;

    /// <summary>Runs the generator before and after an edit of one file and tells, by full name, why each network's steps did what they did.</summary>
    public static ImmutableDictionary<string, StepReasons> Edit(CSharpCompilation before, string path, string text)
    {
        GeneratorDriver driver = Start(before, out _).RunGenerators(TestCompilation.WithFile(before, path, text));
        return Reasons(driver.GetRunResult().Results.Single());
    }

    private static GeneratorDriver Start(CSharpCompilation compilation, out Microsoft.CodeAnalysis.Compilation output)
    {
        GeneratorDriver driver = CSharpGeneratorDriver.Create(
            [new NetworkGenerator().AsSourceGenerator()],
            parseOptions: TestCompilation.ParseOptions,
            driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));
        driver = driver.RunGeneratorsAndUpdateCompilation(compilation, out output, out ImmutableArray<Diagnostic> diagnostics);
        Assert.Empty(diagnostics);
        Assert.Null(driver.GetRunResult().Results.Single().Exception);
        return driver;
    }

    private static void AssertKeepsNoRoslynObject(GeneratorRunResult result)
    {
        foreach (string name in new[] { NetworkGenerator.DeclarationStep, NetworkGenerator.CompilationStep })
        {
            foreach ((object value, _) in Steps(result, name).SelectMany(step => step.Outputs))
                Assert.Empty(ObjectGraph.RoslynObjects(value));
        }
    }

    private static ImmutableDictionary<string, StepReasons> Reasons(GeneratorRunResult result)
    {
        // A step's input is the output of the step before, so each compilation leads back to its declaration, which stands beside the project's settings.
        Dictionary<string, IncrementalStepRunReason> declarations = [], compilations = [];
        foreach ((object value, IncrementalStepRunReason reason) in Steps(result, NetworkGenerator.DeclarationStep).SelectMany(step => step.Outputs))
            declarations[((NetworkDeclaration)value).FullName] = reason;
        foreach (IncrementalGeneratorRunStep step in Steps(result, NetworkGenerator.CompilationStep))
        {
            (IncrementalGeneratorRunStep source, int index) = step.Inputs.Single();
            (object value, IncrementalStepRunReason reason) = step.Outputs.Single();
            Assert.IsType<CompilationResult>(value);
            compilations[((ValueTuple<NetworkDeclaration, CompilerOptions>)source.Outputs[index].Value).Item1.FullName] = reason;
        }

        return compilations.ToImmutableDictionary(pair => pair.Key, pair => new StepReasons(declarations[pair.Key], pair.Value));
    }

    private static ImmutableArray<IncrementalGeneratorRunStep> Steps(GeneratorRunResult result, string name) =>
        result.TrackedSteps.TryGetValue(name, out ImmutableArray<IncrementalGeneratorRunStep> steps) ? steps : [];
}
