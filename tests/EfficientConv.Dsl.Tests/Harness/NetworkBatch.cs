using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.Loader;
using System.Text;
using EfficientConv.Dsl.Generators;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>Many declarations compiled in one go by the generator and the C# compiler, loaded and ready to run.</summary>
public sealed class NetworkBatch
{
    private static readonly ImmutableArray<MetadataReference> s_references =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => (MetadataReference)MetadataReference.CreateFromFile(path))];

    private readonly Assembly _assembly;

    private NetworkBatch(Assembly assembly, IReadOnlyList<string> generatedTexts)
    {
        _assembly = assembly;
        GeneratedTexts = generatedTexts;
    }

    /// <summary>The compiled assembly.</summary>
    public Assembly Assembly => _assembly;

    /// <summary>Every generated file.</summary>
    public IReadOnlyList<string> GeneratedTexts { get; }

    /// <summary>The network called <paramref name="name"/>.</summary>
    public NetworkFactory this[string name] => NetworkFactory.For(_assembly.GetType("Batch." + name, throwOnError: true)!);

    /// <summary>Compiles one class for each declaration: name and attribute text.</summary>
    public static NetworkBatch Compile(IEnumerable<(string Name, string Declaration)> declarations, LanguageVersion language = LanguageVersion.CSharp12, bool checkOverflow = false)
    {
        StringBuilder source = new();
        source.AppendLine("using EfficientConv.Dsl;");
        source.AppendLine("namespace Batch;");
        foreach ((string name, string declaration) in declarations)
            source.AppendLine(declaration).AppendLine($"public sealed partial class {name};");
        CSharpParseOptions parse = new(language);
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Batch" + Guid.NewGuid().ToString("N"), [CSharpSyntaxTree.ParseText(source.ToString(), parse)], s_references,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, checkOverflow: checkOverflow, nullableContextOptions: NullableContextOptions.Enable));
        GeneratorDriver driver = CSharpGeneratorDriver.Create([new NetworkGenerator().AsSourceGenerator()], parseOptions: parse)
            .RunGeneratorsAndUpdateCompilation(compilation, out Compilation output, out ImmutableArray<Diagnostic> generatorDiagnostics);
        Assert.Empty(generatorDiagnostics);
        using MemoryStream image = new();
        Microsoft.CodeAnalysis.Emit.EmitResult result = output.Emit(image);
        Assert.True(result.Success, string.Join("\n", result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Take(10)));
        image.Position = 0;
        Assembly assembly = AssemblyLoadContext.Default.LoadFromStream(image);
        return new NetworkBatch(assembly, [.. driver.GetRunResult().GeneratedTrees.Select(t => t.ToString())]);
    }
}
