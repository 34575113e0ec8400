namespace EfficientConv.Dsl.Benchmarks.Suites;

/// <summary>The suites by name.</summary>
internal static class SuiteCatalog
{
    /// <summary>Names for <c>--suite</c>.</summary>
    public static string[] Names { get; } = ["blocks", "networks", ThroughputSuite.Name];

    /// <summary>The rows of <paramref name="suite"/> whose id contains one of the words, separated by commas; all without words.</summary>
    public static IReadOnlyList<BenchmarkRow> Select(string suite, string words)
    {
        IReadOnlyList<BenchmarkRow> rows = suite switch
        {
            "blocks" => BlockSuite.Rows,
            "networks" => NetworkSuite.Rows,
            _ => throw new ArgumentException($"There is no suite \"{suite}\"; there are {string.Join(", ", Names)}.", nameof(suite)),
        };
        string[] wanted = words.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return wanted.Length == 0 ? rows : [.. rows.Where(row => wanted.Any(word => row.Id.Contains(word, StringComparison.OrdinalIgnoreCase)))];
    }
}
