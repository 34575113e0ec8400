using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Generators.Tests.Harness;

/// <summary>Where the repository's files are.</summary>
internal static class RepositoryRoot
{
    /// <summary>The folder above <c>docs</c>, <c>src</c> and <c>tests</c>.</summary>
    public static string Path { get; } = Find();

    /// <summary>This file stands three folders below it.</summary>
    private static string Find([CallerFilePath] string file = "") => System.IO.Path.GetFullPath(System.IO.Path.Combine(file, "..", "..", "..", ".."));
}
