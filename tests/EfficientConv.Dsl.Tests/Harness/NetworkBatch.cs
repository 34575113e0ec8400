using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.Loader;
using System.Text;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Generators;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>Many declarations compiled in one go by the generator and the C# compiler, loaded and ready to run.</summary>
public sealed class NetworkBatch
{
    private const string Namespace = "Batch";

    /// <summary>The framework and everything that the tests reference.</summary>
    public static ImmutableArray<MetadataReference> References { get; } =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => (MetadataReference)MetadataReference.CreateFromFile(path))];

    private NetworkBatch(byte[] image, IReadOnlyDictionary<string, string> sources, IReadOnlyDictionary<string, NetworkDeclaration> declarations, IReadOnlyList<string> warnings)
    {
        Image = image;
        Assembly = LoadImage(image);
        Sources = sources;
        Declarations = declarations;
        Warnings = warnings;
    }

    /// <summary>The compiled assembly.</summary>
    public Assembly Assembly { get; }

    /// <summary>Its bytes.</summary>
    public byte[] Image { get; }

    /// <summary>Every generated file by its hint name.</summary>
    public IReadOnlyDictionary<string, string> Sources { get; }

    /// <summary>What the generator read, by class name.</summary>
    public IReadOnlyDictionary<string, NetworkDeclaration> Declarations { get; }

    /// <summary>What the C# compiler says about the generated files, hidden diagnostics aside.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>The network called <paramref name="name"/>.</summary>
    public NetworkFactory this[string name] => Find(Assembly, name);

    /// <summary>Loads a compiled assembly.</summary>
    public static Assembly LoadImage(byte[] image) => AssemblyLoadContext.Default.LoadFromStream(new MemoryStream(image));

    /// <summary>The network called <paramref name="name"/> of a compiled batch.</summary>
    public static NetworkFactory Find(Assembly assembly, string name) => NetworkFactory.For(FindType(assembly, name));

    /// <summary>The class called <paramref name="name"/> of a compiled batch.</summary>
    public static Type FindType(Assembly assembly, string name) => assembly.GetType($"{Namespace}.{name}", throwOnError: true)!;

    /// <summary>Compiles one class for each declaration: name and attribute text.</summary>
    public static NetworkBatch Compile(IEnumerable<(string Name, string Declaration)> declarations, LanguageVersion language = LanguageVersion.CSharp12, bool checkOverflow = false)
    {
        StringBuilder source = new();
        source.AppendLine("using EfficientConv.Dsl;");
        source.AppendLine($"namespace {Namespace};");
        foreach ((string name, string declaration) in declarations)
            source.AppendLine(declaration).AppendLine($"public sealed partial class {name};");
        CSharpParseOptions parse = new(language, DocumentationMode.Diagnose);
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Batch" + Guid.NewGuid().ToString("N"), [CSharpSyntaxTree.ParseText(source.ToString(), parse)], References,
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, checkOverflow: checkOverflow, warningLevel: 9999,
                nullableContextOptions: NullableContextOptions.Enable));
        GeneratorDriverOptions tracking = new(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true);
        GeneratorDriver driver = CSharpGeneratorDriver.Create([new NetworkGenerator().AsSourceGenerator()], parseOptions: parse, driverOptions: tracking)
            .RunGeneratorsAndUpdateCompilation(compilation, out Compilation output, out ImmutableArray<Diagnostic> generatorDiagnostics);
        Assert.Empty(generatorDiagnostics);
        using MemoryStream image = new();
        Microsoft.CodeAnalysis.Emit.EmitResult result = output.Emit(image);
        Assert.True(result.Success, string.Join("\n", result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Take(10)));

        GeneratorRunResult run = driver.GetRunResult().Results.Single();
        HashSet<SyntaxTree> generated = [.. run.GeneratedSources.Select(s => s.SyntaxTree)];
        return new NetworkBatch(
            image.ToArray(),
            run.GeneratedSources.ToDictionary(s => s.HintName, s => s.SourceText.ToString()),
            run.TrackedSteps[NetworkGenerator.DeclarationStep].SelectMany(step => step.Outputs).Select(o => (NetworkDeclaration)o.Value).ToDictionary(d => d.Name),
            [.. result.Diagnostics.Where(d => d.Severity >= DiagnosticSeverity.Info && d.Location.SourceTree is { } tree && generated.Contains(tree)).Select(d => d.ToString())]);
    }
}
