using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// Which share of every loop a thread does: units of work are split statically, so that what computes an output never depends on timing.
/// The default value is the whole.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct Part
{
    private readonly ThreadTeam? _team;

    internal Part(ThreadTeam team, int index, int count)
    {
        _team = team;
        Index = index;
        Others = count - 1;
    }

    /// <summary>Number of the part, from 0 on.</summary>
    public int Index { get; }

    /// <summary>Parts, at least 1.</summary>
    public int Count => Others + 1;

    private int Others { get; }

    /// <summary>This part's first unit of <paramref name="units"/>.</summary>
    public int First(int units) => Others == 0 ? 0 : (int)((long)units * Index / Count);

    /// <summary>The unit after this part's last of <paramref name="units"/>.</summary>
    public int End(int units) => Others == 0 ? units : (int)((long)units * (Index + 1) / Count);

    /// <summary>This part's own scratch memory; the first part's is the step's in the workspace.</summary>
    public ref float Own(ref float scratch) => ref Own(Index, ref scratch);

    /// <summary>The scratch memory of part <paramref name="index"/>; the first part's is the step's in the workspace.</summary>
    public ref float Own(int index, ref float scratch)
    {
        if (index == 0)
            return ref scratch;
        return ref _team!.Scratch(index);
    }

    /// <summary>Returns once every part has come here; what they wrote before is then visible.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Barrier()
    {
        if (Others > 0)
            _team!.Wait(Count);
    }
}
