namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>How a fused block (expand, depthwise, project) is run, numbered as the attribute enumeration of the runtime library.</summary>
public enum BlockForm
{
    /// <summary>Whatever the cost model finds cheapest.</summary>
    Auto,

    /// <summary>One layer after the other over the whole map.</summary>
    LayerByLayer,

    /// <summary>Rows of the map outside, slabs of hidden channels inside.</summary>
    Rows,

    /// <summary>Slabs of hidden channels over the whole map.</summary>
    Slabs,
}

/// <summary>What the schedule is made for. None of it changes a bit of the results.</summary>
/// <param name="FirstLevelBytes">First-level data cache of a core, in bytes.</param>
/// <param name="SecondLevelBytes">Second-level cache of a core, in bytes.</param>
/// <param name="Form">Form of every fused block that can have it.</param>
/// <param name="Rows">Output rows of a step of every fused block that can have them; 0 for the cheapest.</param>
/// <param name="Slab">Hidden channels of a slab of every fused block that can have them; 0 for the cheapest.</param>
public sealed record ScheduleSettings(
    int FirstLevelBytes = ScheduleSettings.DefaultFirstLevelBytes, int SecondLevelBytes = ScheduleSettings.DefaultSecondLevelBytes,
    BlockForm Form = BlockForm.Auto, int Rows = 0, int Slab = 0)
{
    /// <summary>The first-level cache of most cores since 2010, and less than that of any since 2020.</summary>
    public const int DefaultFirstLevelBytes = 32 * 1024;

    /// <summary>The second-level cache of server cores since 2017; desktop and phone cores have 256 KB to 3 MB.</summary>
    public const int DefaultSecondLevelBytes = 1024 * 1024;

    /// <summary>The defaults.</summary>
    public static readonly ScheduleSettings Default = new();

    /// <summary>Floats in <paramref name="part"/> of the first-level cache.</summary>
    public int FirstLevelFloats(double part) => (int)(FirstLevelBytes * part / sizeof(float));

    /// <summary>Bytes in <paramref name="part"/> of the second-level cache.</summary>
    public int SecondLevel(double part) => (int)Math.Min(SecondLevelBytes * part, int.MaxValue);
}
