using System.Diagnostics;
using System.Text.Json;

namespace EfficientConv.Dsl.Cli.Input;

/// <summary>The C# files that the user named: files, folders, projects.</summary>
/// <param name="Files">Full paths.</param>
/// <param name="DefineConstants">Preprocessor symbols of a project.</param>
internal sealed record SourceFiles(IReadOnlyList<string> Files, IReadOnlyList<string> DefineConstants)
{
    /// <summary>Reads what <paramref name="paths"/> mean; folders without their <c>bin</c> and <c>obj</c>.</summary>
    public static SourceFiles Find(IEnumerable<string> paths)
    {
        List<string> files = [], constants = [];
        foreach (string path in paths)
        {
            if (Directory.Exists(path))
            {
                string[] found = [.. Directory.EnumerateFiles(path, "*.cs", SearchOption.AllDirectories).Where(file => !IsBuildOutput(path, file)).Order(StringComparer.Ordinal)];
                if (found.Length == 0)
                    throw new ToolException($"{path} has no C# files.");
                files.AddRange(found);
            }
            else if (!File.Exists(path))
            {
                throw new ToolException($"{path} is neither a file nor a folder.");
            }
            else if (path.EndsWith(".csproj", StringComparison.OrdinalIgnoreCase))
            {
                SourceFiles project = OfProject(path);
                files.AddRange(project.Files);
                constants.AddRange(project.DefineConstants);
            }
            else if (path.EndsWith(".cs", StringComparison.OrdinalIgnoreCase))
            {
                files.Add(path);
            }
            else
            {
                throw new ToolException($"{path} is not something to read networks from: expected .cs files, folders, a .csproj or a built .dll.");
            }
        }

        return new SourceFiles([.. files.Select(Path.GetFullPath).Distinct()], [.. constants.Distinct()]);
    }

    private static bool IsBuildOutput(string root, string file)
    {
        string[] parts = Path.GetRelativePath(root, file).Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar);
        return parts.SkipLast(1).Any(part => part is "bin" or "obj");
    }

    /// <summary>Asks MSBuild for a project's files; nothing is built or restored.</summary>
    private static SourceFiles OfProject(string project)
    {
        ProcessStartInfo start = new("dotnet", ["msbuild", Path.GetFullPath(project), "-nologo", "-getItem:Compile", "-getProperty:DefineConstants"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        string output, errors;
        int exit;
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> reading = process.StandardError.ReadToEndAsync();
            output = process.StandardOutput.ReadToEnd();
            errors = reading.Result;
            process.WaitForExit();
            exit = process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new ToolException($"dotnet, which reads {project}, cannot be started: {exception.Message}");
        }

        if (exit != 0)
            throw new ToolException($"{project} cannot be read: {(errors + output).Trim().Split('\n')[0]}");
        JsonElement root = JsonDocument.Parse(output).RootElement;
        string folder = Path.GetDirectoryName(Path.GetFullPath(project))!;
        string[] files = [.. root.GetProperty("Items").GetProperty("Compile").EnumerateArray()
            .Select(item => Path.GetFullPath(item.GetProperty("Identity").GetString()!.Replace('\\', Path.DirectorySeparatorChar), folder)).Where(File.Exists)];
        string constants = root.GetProperty("Properties").GetProperty(nameof(DefineConstants)).GetString() ?? string.Empty;
        return new SourceFiles(files, constants.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }
}
