using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>What the schedule is made for. None of it changes a bit of the results.</summary>
/// <param name="FirstLevelBytes">First-level data cache of a core, in bytes; 0 for the target's default.</param>
/// <param name="SecondLevelBytes">Second-level cache of a core, in bytes; 0 for the target's default.</param>
/// <param name="Form">Form of every fused block that can have it.</param>
/// <param name="Rows">Output rows of a step of every fused block that can have them; 0 for the cheapest.</param>
/// <param name="Slab">Hidden channels of a slab of every fused block that can have them; 0 for the cheapest.</param>
/// <param name="FusedBlocks">Most consecutive blocks that run row by row in one step, from the network's first that can; 0 for what is estimated to be faster, 1 for none.</param>
public sealed record ScheduleSettings(
    int FirstLevelBytes = 0, int SecondLevelBytes = 0, BlockForm Form = BlockForm.Auto, int Rows = 0, int Slab = 0, int FusedBlocks = 0)
{
    /// <summary>The defaults.</summary>
    public static readonly ScheduleSettings Default = new();

    /// <summary>Whether the caches alone say how blocks run.</summary>
    public bool IsFree => Form == BlockForm.Auto && Rows == 0 && Slab == 0;

    /// <summary>The same with <paramref name="target"/>'s caches where none are given.</summary>
    public ScheduleSettings For(VectorTarget target) => this with
    {
        FirstLevelBytes = FirstLevelBytes > 0 ? FirstLevelBytes : target.Caches.FirstLevelBytes,
        SecondLevelBytes = SecondLevelBytes > 0 ? SecondLevelBytes : target.Caches.SecondLevelBytes,
    };

    /// <summary>Elements in <paramref name="part"/> of the first-level cache.</summary>
    public int FirstLevel(double part, ElementType type) => (int)(FirstLevelBytes * part / type.Size);

    /// <summary>Bytes in <paramref name="part"/> of the second-level cache.</summary>
    public int SecondLevel(double part) => (int)Math.Min(SecondLevelBytes * part, int.MaxValue);
}
