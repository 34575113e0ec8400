namespace EfficientConv.Dsl.Benchmarks.Measuring;

/// <summary>Folders of the checkout that the benchmark was built in.</summary>
internal static class Repository
{
    /// <summary>The checkout.</summary>
    public static string Root { get; } = EfficientConv.Dsl.Measuring.Checkout.Root
        ?? throw new DirectoryNotFoundException($"The benchmark must run inside its checkout; none lies above {AppContext.BaseDirectory}.");

    /// <summary>This project.</summary>
    public static string Project => Path.Combine(Root, "tests", "EfficientConv.Dsl.Benchmarks");

    /// <summary>Things fetched and made, which git ignores.</summary>
    public static string Artifacts => Path.Combine(Root, "artifacts");
}
