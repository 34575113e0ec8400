namespace EfficientConv.Dsl.Package.Tests;

/// <summary>The sources in folders of their own, without a repository around them: what is packed there must not depend on where that is.</summary>
public sealed class ReproducibleTests : IDisposable
{
    // Folders and files that the package is made of, from the repository's root.
    private static readonly string[] s_sources =
        ["generators", "analyzers", "src/EfficientConv.Dsl", "src/icon.png", "README.md", ".editorconfig", "global.json", "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"];

    private readonly string _root = Directory.CreateTempSubdirectory("efficientconv-same-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <summary>Two builds give the same bytes, package and symbols; and one whose API breaks programs of the version before is not packed.</summary>
    [Fact]
    public async Task TwoFolders_GiveTheSameBytes_AndABreakingChangeIsRefused()
    {
        string first = Copy("a"), second = Copy("another/place");
        foreach (string folder in (string[])[first, second])
            (await PackAsync(folder)).Succeeded();
        foreach (string package in (string[])[$"EfficientConv.Dsl.{PackageFixture.Version}.nupkg", $"EfficientConv.Dsl.{PackageFixture.Version}.snupkg"])
        {
            byte[] expected = await File.ReadAllBytesAsync(Path.Combine(first, "out", package));
            Assert.Equal(expected, await File.ReadAllBytesAsync(Path.Combine(second, "out", package)));
        }

        File.Delete(Path.Combine(second, "src/EfficientConv.Dsl/Images/Classification.cs"));
        CommandResult broken = await PackAsync(second);
        Assert.NotEqual(0, broken.ExitCode);
        Assert.Contains("error CP0001: Type 'EfficientConv.Dsl.Classification' exists on [Baseline] lib/net10.0/EfficientConv.Dsl.dll but not on lib/net10.0/EfficientConv.Dsl.dll", broken.Output, StringComparison.Ordinal);
    }

    // The analyzers say nothing about bytes, and half of the time is theirs.
    private static Task<CommandResult> PackAsync(string folder) =>
        DotnetCommand.RunAsync(folder, "pack", "src/EfficientConv.Dsl", "-c", "Release", "-o", "out", "-p:RunAnalyzers=false", "-p:UseSharedCompilation=false");

    private string Copy(string name)
    {
        string repository = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(PackageFixture.Metadata("PackedProject"))!, "..", "..")), folder = Path.Combine(_root, name);
        foreach (string source in s_sources)
        {
            string path = Path.Combine(repository, source);
            string[] files = File.Exists(path) ? [path] : [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(file => !IsMade(file))];
            foreach (string file in files)
            {
                string target = Path.Combine(folder, Path.GetRelativePath(repository, file));
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                File.Copy(file, target);
            }
        }

        return folder;

        static bool IsMade(string file) => file.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj");
    }
}
