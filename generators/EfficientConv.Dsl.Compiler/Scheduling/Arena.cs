using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>Where something begins in an arena: the packed weights, the workspace, a step's scratch memory, the user's spans.</summary>
/// <param name="Bytes">Bytes from the arena's begin.</param>
public readonly record struct ArenaOffset(long Bytes)
{
    /// <summary>The same in elements of <paramref name="type"/>.</summary>
    /// <exception cref="OverflowException">It is no 32-bit integer.</exception>
    public int In(ElementType type) => checked((int)(Bytes / type.Size));

    /// <summary>So many bytes further on.</summary>
    public ArenaOffset Plus(long bytes) => new(Bytes + bytes);

    /// <summary>An offset inside what begins at another.</summary>
    public static ArenaOffset operator +(ArenaOffset start, ArenaOffset inside) => start.Plus(inside.Bytes);
}

/// <summary>Memory that is given out from front to back, everything on a cache line of its own.</summary>
/// <param name="lineBytes">Bytes of a cache line.</param>
internal class Arena(int lineBytes)
{
    /// <summary>Bytes given out.</summary>
    public long Bytes { get; private set; }

    /// <summary>Takes <paramref name="count"/> elements.</summary>
    /// <exception cref="OverflowException">Their end is beyond what 32-bit integers of elements reach.</exception>
    public ArenaOffset Take(int count, ElementType type)
    {
        ArenaOffset offset = new(Bytes);
        Bytes += Align(type.Bytes(count));
        _ = new ArenaOffset(Bytes).In(type);
        return offset;
    }

    /// <summary><paramref name="bytes"/> in whole cache lines.</summary>
    public long Align(long bytes) => (bytes + lineBytes - 1) / lineBytes * lineBytes;
}

/// <summary>Scratch memory of one step: first what every thread has for itself, then what all share.</summary>
/// <param name="lineBytes">Bytes of a cache line.</param>
/// <param name="type">Type of the elements.</param>
internal sealed class ScratchArena(int lineBytes, ElementType type) : Arena(lineBytes)
{
    private bool _shared;

    /// <summary>Bytes that every thread has for itself.</summary>
    public long OwnBytes { get; private set; }

    /// <summary>Takes elements that every thread has for itself.</summary>
    public ArenaOffset Own(int count)
    {
        if (_shared)
            throw new InvalidOperationException("A thread's own memory lies in front of what all share.");
        ArenaOffset offset = Take(count, type);
        OwnBytes = Bytes;
        return offset;
    }

    /// <summary>Takes elements that all threads share.</summary>
    public ArenaOffset Shared(int count)
    {
        _shared = true;
        return Take(count, type);
    }
}
