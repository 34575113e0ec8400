namespace EfficientConv.Dsl.Compiler.Targets;

/// <summary>Caches of a core.</summary>
/// <param name="FirstLevelBytes">First-level data cache.</param>
/// <param name="SecondLevelBytes">Second-level cache.</param>
/// <param name="LastLevelBytes">Last-level cache, which cores share.</param>
/// <param name="LineBytes">A cache line.</param>
public sealed record CacheSizes(int FirstLevelBytes, int SecondLevelBytes, int LastLevelBytes, int LineBytes)
{
    /// <summary>A way of the first-level cache, on x64 since 2006 and most of Arm64 a page: addresses that far apart share a set.</summary>
    public const int WayBytes = 4096;

    /// <summary>
    /// The first-level cache of most cores since 2010, and less than that of any since 2020; the second-level cache of server cores since 2017, where desktop and phone cores
    /// have 256 KB to 3 MB; the last-level cache of servers and large desktops.
    /// </summary>
    public static CacheSizes Typical { get; } = new(32 * 1024, 1024 * 1024, 64 * 1024 * 1024, 64);
}
