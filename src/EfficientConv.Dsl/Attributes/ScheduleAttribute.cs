using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// The core that a network's kernels are scheduled for, and, to compare, the form of its fused blocks. It may stand anywhere in the list, computes nothing and
/// counts for no index; it changes how fast the network is and what it needs for a workspace, and never a bit of its results. For all networks of a project
/// the MSBuild properties <c>EfficientConvFirstLevelCacheBytes</c> and <c>EfficientConvSecondLevelCacheBytes</c> say the same.
/// </summary>
/// <param name="firstLevelCacheBytes">First-level data cache of a core in bytes, 4,096 to 268,435,456; 32,768 unless the project says otherwise.</param>
/// <param name="secondLevelCacheBytes">Second-level cache of a core in bytes, the same range; 1,048,576 unless the project says otherwise.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class ScheduleAttribute(int firstLevelCacheBytes = Channels.Unset, int secondLevelCacheBytes = Channels.Unset) : Attribute
{
    /// <summary>First-level data cache of a core in bytes.</summary>
    public int FirstLevelCacheBytes { get; } = firstLevelCacheBytes;

    /// <summary>Second-level cache of a core in bytes.</summary>
    public int SecondLevelCacheBytes { get; } = secondLevelCacheBytes;

    /// <summary>Form of every fused block that can have it.</summary>
    public BlockForm Form { get; set; }

    /// <summary>Output rows of a step, a divisor of the output's height, of every fused block that can have them; 0 for the cheapest.</summary>
    public int Rows { get; set; }

    /// <summary>Hidden channels of a slab, a divisor of the hidden channels, of every fused block that can have them; 0 for the cheapest.</summary>
    public int Slab { get; set; }

    /// <summary>
    /// Most consecutive blocks that run in one step, row by row: from the first block of the network on, as long as each reads nothing but the one before it and has no
    /// squeeze-and-excitation. Of the maps between them only the rows under their windows are in memory. 0 for as many as are estimated to be faster, which are some where maps
    /// leave even the last-level cache; 1 for none.
    /// </summary>
    public int FusedBlocks { get; set; }
}

/// <summary>How a block of expand, depthwise and project (<c>InvertedResidual</c>, <c>DepthwiseSeparable</c>, <c>EfficientConvBlock</c>) is run.</summary>
public enum BlockForm
{
    /// <summary>Whatever the cost model finds cheapest.</summary>
    Auto,

    /// <summary>One layer after the other over the whole map; not with squeeze-and-excitation.</summary>
    LayerByLayer,

    /// <summary>
    /// Rows of the map outside, slabs of hidden channels inside: the expanded rows live in a ring. A convolution in front that only the block, or
    /// only a pooling layer, reads is computed row by row inside as well; in the other forms it is a step of its own.
    /// </summary>
    Rows,

    /// <summary>Slabs of hidden channels over the whole map; with squeeze-and-excitation all depthwise slabs are kept until the gate is known.</summary>
    Slabs,
}
