using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>Files of the repository that tests read.</summary>
internal static class RepositoryFiles
{
    /// <summary>This file stands two folders below the root.</summary>
    private static readonly string s_root = Find();

    /// <summary>The full path of <paramref name="path"/>, which is relative to the root.</summary>
    public static string At(string path) => Path.Combine(s_root, path);

    private static string Find([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(file, "..", "..", ".."));
}
