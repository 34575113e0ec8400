namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// Workspaces, or whatever else a call needs for itself. A caller takes one and gives it back; there are as many as there have been
/// callers at once, so that taking one allocates nothing from then on.
/// </summary>
/// <param name="create">Makes a new one.</param>
internal sealed class InstancePool<T>(Func<T> create)
    where T : class
{
    private readonly Segment _first = new();

    /// <summary>One that nobody else has: new, or as its last user left it.</summary>
    internal T Rent()
    {
        // A thread starts where it last put its own back, whose lines may still be in its core's cache.
        int start = Environment.CurrentManagedThreadId;
        for (Segment? segment = _first; segment is not null; segment = Volatile.Read(ref segment.Next))
        {
            for (int i = 0; i < Segment.Slots; i++)
            {
                ref T? slot = ref segment.Instances[(start + i) % Segment.Slots];
                if (Volatile.Read(ref slot) is not null && Interlocked.Exchange(ref slot, null) is { } instance)
                    return instance;
            }
        }
        return create();
    }

    /// <summary>Gives one back.</summary>
    internal void Return(T instance)
    {
        int start = Environment.CurrentManagedThreadId;
        Segment segment = _first;
        while (true)
        {
            for (int i = 0; i < Segment.Slots; i++)
            {
                if (Interlocked.CompareExchange(ref segment.Instances[(start + i) % Segment.Slots], instance, null) is null)
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

    /// <summary>Slots for those at rest. Segments are only ever added, so that no reader can miss one.</summary>
    private sealed class Segment
    {
        internal const int Slots = 16;

        internal readonly T?[] Instances = new T?[Slots];
        internal Segment? Next;
    }
}
