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
            .Where(path => IsFramework(path) || Path.GetFileName(path) == ProjectSources.Library)
            .Select(path => (MetadataReference)MetadataReference.CreateFromFile(path))];

    /// <summary>Diagnostics printed at most; a file that is no C# has thousands.</summary>
    private const int MostDiagnostics = 100;

    /// <summary>
    /// All networks of <paramref name="paths"/> that <paramref name="filter"/> names: full or short name, or a part of it with <c>*</c>; projects for <paramref name="framework"/>.
    /// </summary>
    /// <exception cref="ToolException">Nothing was found, or a network has a mistake; diagnostics are printed.</exception>
    public static IReadOnlyList<NetworkInput> Read(IReadOnlyList<string> paths, string? filter, Terminal terminal, string? framework = null)
    {
        string[] assemblies = [.. paths.Where(path => Is(path, ".dll"))];
        string[] sources = [.. paths.Except(assemblies)];
        if (framework is not null && !sources.Any(IsProject))
            throw new ToolException($"--framework is {framework}, and there is no project among {string.Join(", ", paths)}.");
        List<NetworkInput> networks = [.. assemblies.SelectMany(AssemblyNetworks.Read)];
        if (sources.Length > 0)
        {
            using (terminal.Working($"Reading {string.Join(", ", sources)}"))
                networks.AddRange(ReadSources(SourceSets(sources, framework), filter, terminal));
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

    private static bool Is(string path, string extension) => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase) && !Directory.Exists(path);

    private static bool IsProject(string path) => Is(path, ".csproj");

    /// <summary>Files and folders together, and each project by itself.</summary>
    private static List<SourceSet> SourceSets(string[] paths, string? framework)
    {
        List<string> files = [], projects = [];
        foreach (string path in paths)
        {
            if (Directory.Exists(path))
                files.AddRange(SourceFiles.Below(path));
            else if (!File.Exists(path))
                throw new ToolException($"{path} is neither a file nor a folder.");
            else if (IsProject(path))
                projects.Add(path);
            else if (Is(path, ".cs"))
                files.Add(path);
            else
                throw new ToolException($"{path} is not something to read networks from: expected .cs files, folders, a .csproj or a built .dll.");
        }

        List<SourceSet> sets = [];
        if (files.Count > 0)
        {
            sets.Add(new SourceSet(
                "Networks", SourceFiles.Distinct(files), new CSharpParseOptions(LanguageVersion.Preview, DocumentationMode.None),
                new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable),
                References, ImplicitUsings));
        }

        sets.AddRange(projects.Distinct(StringComparer.Ordinal).Select(project => ProjectSources.Read(project, framework)));
        return sets;
    }

    private static bool Matches(string name, string? filter)
    {
        if (filter is null)
            return true;

        // A class may be named as C# has to write it or as it is called: @event or event.
        name = Plain(name);
        filter = Plain(filter);
        if (filter.Contains('*', StringComparison.Ordinal))
            return System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(filter, name.AsSpan(name.LastIndexOf('.') + 1));
        return name == filter || name.EndsWith("." + filter, StringComparison.Ordinal);
    }

    private static string Plain(string name) => name.Replace("@", string.Empty, StringComparison.Ordinal);

    private static IEnumerable<NetworkInput> ReadSources(List<SourceSet> sets, string? filter, Terminal terminal)
    {
        List<NetworkInput> networks = [];
        List<(CSharpCompilation Compilation, FoundNetwork[] Chosen)> read = [];
        foreach (SourceSet set in sets)
        {
            IEnumerable<SyntaxTree> trees = set.Files.Select(file => CSharpSyntaxTree.ParseText(SourceText.From(ReadFile(file), Encoding.UTF8), set.ParseOptions, file))
                .Append(CSharpSyntaxTree.ParseText(set.GlobalUsings, set.ParseOptions));
            CSharpCompilation compilation = CSharpCompilation.Create(set.Name, trees, set.References, set.Options);
            IReadOnlyList<FoundNetwork> all = NetworkFinder.Find(compilation);
            networks.AddRange(all.Select(network => new NetworkInput(network.Declaration.FullName, Place(network.Location), network.Declaration, null)));
            read.Add((compilation, [.. all.Where(network => Matches(network.Declaration.FullName, filter))]));
        }

        Diagnostic[] mistakes = [.. read.SelectMany(r => Mistakes(r.Compilation, r.Chosen, isAnyNetwork: networks.Count > 0))];
        string[] lines = [.. mistakes.Select(Format).Distinct()];
        foreach (string line in lines.Take(MostDiagnostics))
            terminal.Error(line);
        if (lines.Length > MostDiagnostics)
            terminal.Error($"... and {lines.Length - MostDiagnostics} more");
        if (mistakes.Any(d => d.Severity == DiagnosticSeverity.Error))
            throw new ToolException(string.Empty, ExitCode.Failed);

        // A file may be given by itself and in its project.
        return networks.DistinctBy(network => (network.Name, network.Location));
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

    /// <summary>What is wrong with the files' syntax and with <paramref name="chosen"/>, file after file and from top to bottom.</summary>
    private static IEnumerable<Diagnostic> Mistakes(CSharpCompilation compilation, FoundNetwork[] chosen, bool isAnyNetwork)
    {
        ImmutableArray<SyntaxTree> trees = compilation.SyntaxTrees;
        IEnumerable<Diagnostic> syntax = trees.SelectMany(tree => tree.GetDiagnostics()).Where(d => d.Severity == DiagnosticSeverity.Error);
        IEnumerable<Diagnostic> findings = Findings(compilation).Where(d => chosen.Any(n => n.IsConcernedBy(d)));
        return syntax.Concat(CompilerErrors(compilation, chosen, isAnyNetwork)).Concat(findings)
            .OrderBy(d => trees.IndexOf(d.Location.SourceTree!)).ThenBy(d => d.Location.SourceSpan.Start).ThenBy(d => d.Id, StringComparer.Ordinal);
    }

    /// <summary>
    /// What the compiler says about the networks' attributes. Other errors do not matter here: files that are given without their project may use libraries that only
    /// it knows. Where nothing is a network, an unknown attribute may be the reason.
    /// </summary>
    private static IEnumerable<Diagnostic> CompilerErrors(CSharpCompilation compilation, FoundNetwork[] chosen, bool isAnyNetwork) => isAnyNetwork
        ? chosen.Where(n => n.IsBroken).SelectMany(n => compilation.GetSemanticModel(n.Span.SourceTree!).GetDiagnostics(n.Span.SourceSpan))
            .Where(d => d.Severity == DiagnosticSeverity.Error)
        : compilation.GetDiagnostics().Where(d => d is { Severity: DiagnosticSeverity.Error, Id: "CS0246" or "CS0616" } && IsInAttribute(d.Location));

    private static bool IsInAttribute(Location location) =>
        location.SourceTree?.GetRoot().FindNode(location.SourceSpan).FirstAncestorOrSelf<Microsoft.CodeAnalysis.CSharp.Syntax.AttributeSyntax>() is not null;

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
