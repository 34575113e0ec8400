using EfficientConv.Dsl.Compiler.Declarations;

namespace EfficientConv.Dsl.Compiler.Graph;

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

/// <summary>The arguments of a network's <c>Schedule</c> attribute, as far as they can be wrong; the scheduler reads them.</summary>
public static class ScheduleArguments
{
    /// <summary>Name of the attribute; it is no layer.</summary>
    public const string Kind = "Schedule";

    /// <summary>Fewest and most bytes of either cache.</summary>
    public const int FewestBytes = 4096, MostBytes = 256 * 1024 * 1024;

    /// <summary>Whether <paramref name="bytes"/> can be a cache's size.</summary>
    public static bool IsBelievable(int bytes) => bytes is >= FewestBytes and <= MostBytes;

    /// <summary>Reports sizes that no cache has, and counts below 0.</summary>
    internal static void Check(AttributeReader reader)
    {
        foreach (string name in new[] { "firstLevelCacheBytes", "secondLevelCacheBytes" })
        {
            int bytes = reader.Attribute.Int(name);
            if (bytes != AttributeDeclaration.Unset && !IsBelievable(bytes))
                reader.Invalid(name, FormattableString.Invariant($"{bytes}"), FormattableString.Invariant($"{FewestBytes} to {MostBytes} bytes"));
        }

        foreach (string name in new[] { "Rows", "Slab", "FusedBlocks" })
        {
            int count = reader.Attribute.Int(name, 0);
            if (count < 0)
                reader.Invalid(name, FormattableString.Invariant($"{count}"), "0 (for the cheapest) or more");
        }
    }
}
