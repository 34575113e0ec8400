using System.Diagnostics;
using System.Text.Json;
using EfficientConv.Dsl.Cli.Running;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Cli.Input;

/// <summary>
/// A project's files as its compiler sees them. MSBuild tells the compiler's command line, with the project's own usings, constants, references and language version;
/// it restores the project and builds those that it references, as any build does, and leaves the project itself alone.
/// </summary>
internal static class ProjectSources
{
    /// <summary>The library's file name.</summary>
    public const string Library = "EfficientConv.Dsl.dll";

    /// <summary>A compile without the compiler, as editors ask for it. A property for restoring alone keeps the others, the framework first of all, away from it.</summary>
    private static readonly string[] s_compile =
    [
        "-restore", "-restoreProperty:EfficientConvReads=true", "-t:Compile", "-p:DesignTimeBuild=true", "-p:SkipCompilerExecution=true", "-p:ProvideCommandLineArgs=true", "-p:BuildProjectReferences=false",
        "-getItem:CscCommandLineArgs,ProjectReference",
    ];

    /// <summary>Reads <paramref name="project"/> for <paramref name="framework"/>, which may be null where the project has only one.</summary>
    /// <exception cref="ToolException">It cannot be read; it has several frameworks or not the given one.</exception>
    public static SourceSet Read(string project, string? framework)
    {
        string path = Path.GetFullPath(project);
        string[] target = Target(project, framework);
        JsonElement items = JsonOf(Build(path, [.. s_compile, .. target]), project).GetProperty("Items");
        if (items.GetProperty("ProjectReference").EnumerateArray().Any(IsReferenced))
        {
            Subprocess.Result built = Build(path, ["-t:ResolveProjectReferences", "-v:quiet", .. target]);
            if (built.ExitCode != 0)
                throw new ToolException($"{project}: a project that it references cannot be built: {FirstError(built)}");
        }

        string[] arguments = [.. items.GetProperty("CscCommandLineArgs").EnumerateArray().Select(Identity)];
        if (arguments.Length == 0)
            throw new ToolException($"{project} has no C# to compile.");
        return Parse(arguments, Path.GetDirectoryName(path)!);
    }

    /// <summary>The property that chooses the framework; nothing where there is only one.</summary>
    private static string[] Target(string project, string? framework)
    {
        JsonElement properties = JsonOf(Build(Path.GetFullPath(project), ["-getProperty:TargetFramework,TargetFrameworks"]), project).GetProperty("Properties");
        string single = properties.GetProperty("TargetFramework").GetString()!.Trim();
        string[] several = properties.GetProperty("TargetFrameworks").GetString()!.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string[] all = single.Length > 0 ? [single] : [.. several.Distinct(StringComparer.OrdinalIgnoreCase)];
        if (framework is not null && !all.Contains(framework, StringComparer.OrdinalIgnoreCase))
            throw new ToolException($"--framework is {framework}, which {project} does not have; it has: {string.Join(", ", all)}.");
        if (framework is null && all.Length > 1)
            throw new ToolException($"{project} has several frameworks; choose one with --framework: {string.Join(", ", all)}.");
        return single.Length > 0 || all.Length == 0 ? [] : [$"-p:TargetFramework={framework ?? all[0]}"];
    }

    private static SourceSet Parse(string[] arguments, string folder)
    {
        const string UnknownVersion = "CS1617";
        CSharpCommandLineArguments parsed = CSharpCommandLineParser.Default.Parse(arguments, folder, sdkDirectory: null);

        // A newer SDK's version of C# is read as the newest that this tool knows.
        CSharpParseOptions parse = parsed.Errors.Any(e => e.Id == UnknownVersion) ? parsed.ParseOptions.WithLanguageVersion(LanguageVersion.Preview) : parsed.ParseOptions;
        IEnumerable<MetadataReference> references = parsed.MetadataReferences.Where(r => File.Exists(r.Reference)).Select(r => MetadataReference.CreateFromFile(r.Reference, r.Properties));
        if (!references.Any(r => FileName(r) == Library))
        {
            // A project without the library is read with the tool's own, which needs the framework that the tool runs on.
            HashSet<string?> own = [.. NetworkInputs.References.Select(FileName)];
            references = references.Where(r => !own.Contains(FileName(r))).Concat(NetworkInputs.References);
        }

        // Warnings stay warnings here, so that a project that makes errors of them can be looked at; those that it switches off stay off.
        CSharpCompilationOptions options = parsed.CompilationOptions.WithOutputKind(OutputKind.DynamicallyLinkedLibrary).WithGeneralDiagnosticOption(ReportDiagnostic.Default)
            .WithSpecificDiagnosticOptions(parsed.CompilationOptions.SpecificDiagnosticOptions.Where(o => o.Value == ReportDiagnostic.Suppress))
            .WithStrongNameProvider(new DesktopStrongNameProvider(parsed.KeyFileSearchPaths));
        return new SourceSet(parsed.CompilationName ?? "Networks", SourceFiles.Distinct(parsed.SourceFiles.Select(f => f.Path).Where(File.Exists)), parse, options, [.. references], string.Empty);
    }

    private static string? FileName(MetadataReference reference) => Path.GetFileName(reference.Display);

    private static Subprocess.Result Build(string project, string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", ["msbuild", project, "-nologo", .. arguments]) { WorkingDirectory = Path.GetDirectoryName(project) };

        // Of a build that this tool may run inside of nothing must reach this one; and what is started for it must end with it.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
            start.Environment.Remove(name);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["DOTNET_NOLOGO"] = "1";
        try
        {
            return Subprocess.Run(start);
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new ToolException($"dotnet, which reads {project}, cannot be started: {exception.Message}");
        }
    }

    private static JsonElement JsonOf(Subprocess.Result result, string project)
    {
        if (result.ExitCode != 0)
            throw new ToolException($"{project} cannot be read: {FirstError(result)}");
        try
        {
            return JsonDocument.Parse(result.Output[Math.Max(0, result.Output.IndexOf('{', StringComparison.Ordinal))..]).RootElement;
        }
        catch (JsonException)
        {
            throw new ToolException($"{project} cannot be read: dotnet msbuild, which must be that of SDK 8.0.100 or newer, answers: {FirstError(result)}");
        }
    }

    /// <summary>The first error of a build without the project that MSBuild adds at the end; else the first line.</summary>
    private static string FirstError(Subprocess.Result result)
    {
        string[] lines = (result.Error + "\n" + result.Output).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string line = lines.FirstOrDefault(l => l.Contains(": error ", StringComparison.Ordinal)) ?? lines.FirstOrDefault() ?? $"exit code {result.ExitCode}";
        int project = line.LastIndexOf(" [", StringComparison.Ordinal);
        return project > 0 && line.EndsWith(']') ? line[..project] : line;
    }

    /// <summary>Whether the compiler is to see the project, rather than run it as an analyzer or only wait for it.</summary>
    private static bool IsReferenced(JsonElement reference) =>
        !(reference.TryGetProperty("ReferenceOutputAssembly", out JsonElement value) && string.Equals(value.GetString(), "false", StringComparison.OrdinalIgnoreCase));

    private static string Identity(JsonElement item) => item.GetProperty("Identity").GetString()!;
}
