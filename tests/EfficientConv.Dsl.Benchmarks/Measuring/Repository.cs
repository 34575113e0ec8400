namespace EfficientConv.Dsl.Benchmarks.Measuring;

/// <summary>Folders of the checkout that the benchmark was built in.</summary>
internal static class Repository
{
    /// <summary>The checkout.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>This project.</summary>
    public static string Project => Path.Combine(Root, "tests", "EfficientConv.Dsl.Benchmarks");

    /// <summary>Things fetched and made, which git ignores.</summary>
    public static string Artifacts => Path.Combine(Root, "artifacts");

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Directory.Packages.props")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException($"The benchmark must run inside its checkout; no Directory.Packages.props lies above {AppContext.BaseDirectory}.");
    }
}
