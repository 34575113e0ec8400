using System.Collections.Immutable;
using System.Text;
using EfficientConv.Dsl.Analyzers;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Generators.Reading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace EfficientConv.Dsl.Cli.Input;

/// <summary>Reads networks from sources, projects and assemblies.</summary>
internal static class NetworkInputs
{
    /// <summary>Names that every SDK project has in scope.</summary>
    private const string ImplicitUsings = "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Threading; global using System.Threading.Tasks;";

    /// <summary>The framework and this library, as the tool itself runs with them.</summary>
    public static ImmutableArray<MetadataReference> References { get; } =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => IsFramework(path) || Path.GetFileName(path) == "EfficientConv.Dsl.dll")
            .Select(path => (MetadataReference)MetadataReference.CreateFromFile(path))];

    /// <summary>All networks of <paramref name="paths"/> that <paramref name="filter"/> names: full or short name, or a part of it with <c>*</c>.</summary>
    /// <exception cref="ToolException">Nothing was found, or a network has a mistake; diagnostics are printed.</exception>
    public static IReadOnlyList<NetworkInput> Read(IReadOnlyList<string> paths, string? filter, Terminal terminal)
    {
        string[] assemblies = [.. paths.Where(path => path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase))];
        string[] sources = [.. paths.Except(assemblies)];
        List<NetworkInput> networks = [.. assemblies.SelectMany(AssemblyNetworks.Read)];
        if (sources.Length > 0)
        {
            using (terminal.Working($"Reading {string.Join(", ", sources)}"))
                networks.AddRange(ReadSources(SourceFiles.Find(sources), filter, terminal));
        }

        NetworkInput[] chosen = [.. networks.Where(network => Matches(network.Name, filter))];
        if (chosen.Length == 0)
        {
            throw new ToolException(networks.Count == 0
                ? $"{string.Join(", ", paths)} has no network (a partial class with InputShape and layer attributes of EfficientConv.Dsl)."
                : $"No network is called \"{filter}\"; there are: {string.Join(", ", networks.Select(n => n.ShortName))}.");
        }

        return chosen;
    }

    private static bool Matches(string name, string? filter)
    {
        if (filter is null)
            return true;
        if (filter.Contains('*', StringComparison.Ordinal))
            return System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(filter, name.AsSpan(name.LastIndexOf('.') + 1));
        return name == filter || name.EndsWith("." + filter, StringComparison.Ordinal);
    }

    private static List<NetworkInput> ReadSources(SourceFiles sources, string? filter, Terminal terminal)
    {
        CSharpParseOptions parse = new(LanguageVersion.Preview, DocumentationMode.None, preprocessorSymbols: sources.DefineConstants);
        SyntaxTree[] trees = [.. sources.Files.Select(file => CSharpSyntaxTree.ParseText(SourceText.From(ReadFile(file), Encoding.UTF8), parse, file))];
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Networks", [.. trees, CSharpSyntaxTree.ParseText(ImplicitUsings, parse)], References,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
        IReadOnlyList<FoundNetwork> all = NetworkFinder.Find(compilation);
        FoundNetwork[] found = [.. all.Where(network => Matches(network.Declaration.FullName, filter))];
        Diagnostic[] mistakes = [.. SyntaxErrors(trees), .. CompilerErrors(compilation, all, found), .. Findings(compilation).Where(d => found.Any(n => n.IsConcernedBy(d)))];
        bool failed = mistakes.Any(d => d.Severity == DiagnosticSeverity.Error);
        foreach (Diagnostic diagnostic in mistakes.DistinctBy(d => d.ToString()))
            terminal.Error(Format(diagnostic));
        if (failed)
            throw new ToolException(string.Empty, ExitCode.Failed);
        return [.. all.Select(network => new NetworkInput(network.Declaration.FullName, Place(network.Location), network.Declaration, null))];
    }

    private static string ReadFile(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"{file} cannot be read: {exception.Message}");
        }
    }

    private static IEnumerable<Diagnostic> SyntaxErrors(IEnumerable<SyntaxTree> trees) =>
        trees.SelectMany(tree => tree.GetDiagnostics()).Where(d => d.Severity == DiagnosticSeverity.Error);

    /// <summary>
    /// What the compiler says about the networks' attributes. Other errors do not matter here: the user's files may use libraries that only their project knows.
    /// Where nothing is a network, an unknown attribute may be the reason.
    /// </summary>
    private static IEnumerable<Diagnostic> CompilerErrors(CSharpCompilation compilation, IReadOnlyList<FoundNetwork> all, FoundNetwork[] chosen)
    {
        foreach (FoundNetwork network in chosen.Where(n => n.IsBroken))
        {
            foreach (Diagnostic diagnostic in compilation.GetSemanticModel(network.Span.SourceTree!).GetDiagnostics(network.Span.SourceSpan).Where(d => d.Severity == DiagnosticSeverity.Error))
                yield return diagnostic;
        }

        if (all.Count > 0)
            yield break;
        foreach (Diagnostic diagnostic in compilation.GetDiagnostics().Where(d => d is { Severity: DiagnosticSeverity.Error, Id: "CS0246" or "CS0616" }
            && d.Location.SourceTree?.GetRoot().FindNode(d.Location.SourceSpan).FirstAncestorOrSelf<Microsoft.CodeAnalysis.CSharp.Syntax.AttributeSyntax>() is not null))
            yield return diagnostic;
    }

    private static ImmutableArray<Diagnostic> Findings(CSharpCompilation compilation) =>
        compilation.WithAnalyzers([new NetworkAnalyzer()]).GetAnalyzerDiagnosticsAsync().GetAwaiter().GetResult();

    private static string Format(Diagnostic diagnostic) =>
        $"{Place(diagnostic.Location, withColumn: true)}: {diagnostic.Severity.ToString().ToLowerInvariant()} {diagnostic.Id}: {diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture)}";

    private static string Place(Location location, bool withColumn = false)
    {
        FileLinePositionSpan span = location.GetLineSpan();
        string path = Path.GetRelativePath(Environment.CurrentDirectory, span.Path);
        string file = path.StartsWith("..", StringComparison.Ordinal) ? span.Path : path;
        return withColumn
            ? FormattableString.Invariant($"{file}({span.StartLinePosition.Line + 1},{span.StartLinePosition.Character + 1})")
            : FormattableString.Invariant($"{file}({span.StartLinePosition.Line + 1})");
    }

    private static bool IsFramework(string path) => path.StartsWith(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), StringComparison.OrdinalIgnoreCase);
}
