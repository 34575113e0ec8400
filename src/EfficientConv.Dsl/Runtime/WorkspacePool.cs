namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// The workspaces of one instance. A caller takes one and gives it back; there are as many as there have been callers at
/// once, so that taking one allocates nothing from then on.
/// </summary>
internal sealed class WorkspacePool(int length)
{
    private readonly Segment _first = new();

    /// <summary>Floats per workspace.</summary>
    internal int Length { get; } = length;

    /// <summary>A workspace that nobody else has; zero when it is new, otherwise as its last user left it.</summary>
    internal AlignedBuffer Rent()
    {
        // A thread starts where it last put its own back, whose lines may still be in its core's cache.
        int start = Environment.CurrentManagedThreadId;
        for (Segment? segment = _first; segment is not null; segment = Volatile.Read(ref segment.Next))
        {
            for (int i = 0; i < Segment.Slots; i++)
            {
                ref AlignedBuffer? slot = ref segment.Buffers[(start + i) % Segment.Slots];
                if (Volatile.Read(ref slot) is not null && Interlocked.Exchange(ref slot, null) is { } buffer)
                    return buffer;
            }
        }
        return new AlignedBuffer(Length);
    }

    /// <summary>Gives a workspace back.</summary>
    internal void Return(AlignedBuffer buffer)
    {
        int start = Environment.CurrentManagedThreadId;
        Segment segment = _first;
        while (true)
        {
            for (int i = 0; i < Segment.Slots; i++)
            {
                if (Interlocked.CompareExchange(ref segment.Buffers[(start + i) % Segment.Slots], buffer, null) is null)
                    return;
            }
            Segment? next = Volatile.Read(ref segment.Next);
            if (next is null)
            {
                var added = new Segment();
                next = Interlocked.CompareExchange(ref segment.Next, added, null) ?? added;
            }
            segment = next;
        }
    }

    /// <summary>Slots for workspaces at rest. Segments are only ever added, so that no reader can miss one.</summary>
    private sealed class Segment
    {
        internal const int Slots = 16;

        internal readonly AlignedBuffer?[] Buffers = new AlignedBuffer?[Slots];
        internal Segment? Next;
    }
}
