namespace EfficientConv.Dsl.Cli.Input;

/// <summary>The C# files of folders.</summary>
internal static class SourceFiles
{
    /// <summary>The files below <paramref name="folder"/> without its <c>bin</c> and <c>obj</c>, in the order of their paths. Links are followed, and no folder is gone through twice.</summary>
    /// <exception cref="ToolException">There are none.</exception>
    public static IReadOnlyList<string> Below(string folder)
    {
        List<string> files = [];
        HashSet<string> visited = new(StringComparer.Ordinal);
        Visit(folder);
        if (files.Count == 0)
            throw new ToolException($"{folder} has no C# files.");
        files.Sort(StringComparer.Ordinal);
        return files;

        void Visit(string at)
        {
            if (!visited.Add(RealPath(at)))
                return;
            // A link that leads nowhere, as editors leave them beside a file that is being edited, is no file.
            files.AddRange(Directory.EnumerateFiles(at, "*.cs").Where(file => File.Exists(RealPath(file))));

            // Real folders before links, so that what is inside keeps the path that it really has.
            foreach (string inner in Directory.EnumerateDirectories(at).Where(d => Path.GetFileName(d) is not ("bin" or "obj")).OrderBy(IsLink).ThenBy(d => d, StringComparer.Ordinal))
                Visit(inner);
        }
    }

    /// <summary>Each file once, whatever links lead to it, in the order in which they come.</summary>
    public static IReadOnlyList<string> Distinct(IEnumerable<string> files) => [.. files.Select(Path.GetFullPath).DistinctBy(RealPath, StringComparer.Ordinal)];

    private static bool IsLink(string path) => new DirectoryInfo(path).LinkTarget is not null;

    /// <summary>The full path without links on the way.</summary>
    internal static string RealPath(string path)
    {
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Path.GetDirectoryName(path) is not { } parent)
            return path;
        string here = Path.Combine(RealPath(parent), Path.GetFileName(path));
        FileSystemInfo entry = Directory.Exists(here) ? new DirectoryInfo(here) : new FileInfo(here);
        return entry.LinkTarget is not null && entry.ResolveLinkTarget(returnFinalTarget: true) is { } target ? RealPath(target.FullName) : here;
    }
}
