namespace EfficientConv.Dsl.Benchmarks.Suites;

/// <summary>What a row's figures mean.</summary>
internal enum RowTable
{
    /// <summary>One network, NCHW in and out on both sides, as a user calls it.</summary>
    Alone,

    /// <summary>The cost of one more block inside a network: (time of five - time of one) / 4 on both sides.</summary>
    Chain,

    /// <summary>Our side with NHWC spans, where no layout is converted: how near the kernels come to the core's peak.</summary>
    Own,
}

/// <summary>One row of a suite.</summary>
/// <param name="Name">Display name: kind, channels, map size, variant.</param>
/// <param name="Table">The table it belongs to.</param>
/// <param name="Network">The network; in a chain the single block.</param>
/// <param name="Chain">Five of the block, in a chain only.</param>
/// <param name="Target">What it should reach.</param>
internal sealed record BenchmarkRow(string Name, RowTable Table, BenchmarkNetwork Network, BenchmarkNetwork? Chain, RowTarget Target)
{
    /// <summary>Blocks of a chain.</summary>
    public const int ChainLength = 5;

    /// <summary>Unique name: table and name.</summary>
    public string Id => $"{Table.ToString().ToLowerInvariant()}/{Name}";

    public static BenchmarkRow Alone<T>(string name, double ratio, double? winogradRatio = null, double? avx2Ratio = null)
        where T : class, IConvNet<T> => new(name, RowTable.Alone, BenchmarkNetwork.Of<T>(), null, new RowTarget(ratio, winogradRatio, Avx2Ratio: avx2Ratio));

    public static BenchmarkRow InChain<TOne, TFive>(string name, double ratio, double? winogradRatio = null)
        where TOne : class, IConvNet<TOne>
        where TFive : class, IConvNet<TFive> =>
        new(name, RowTable.Chain, BenchmarkNetwork.Of<TOne>(), BenchmarkNetwork.Of<TFive>(), new RowTarget(ratio, winogradRatio));

    public static BenchmarkRow OwnLayout<T>(string name, double? percent, double? avx2Percent = 90, double? avx2MedianPercent = 82)
        where T : class, IConvNet<T> =>
        new(name, RowTable.Own, BenchmarkNetwork.Of<T>(), null, new RowTarget(Percent: percent, Avx2Percent: avx2Percent, Avx2MedianPercent: avx2MedianPercent));
}
