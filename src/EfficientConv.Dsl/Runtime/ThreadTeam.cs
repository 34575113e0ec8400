using System.Diagnostics;

namespace EfficientConv.Dsl.Runtime;

/// <summary>What the threads that run one image share: a workspace, a barrier, and memory for each.</summary>
internal sealed class ThreadTeam(object owner, int workspaceLength, int scratchLength)
{
    /// <summary>A thread that waits longer than this, 50 microseconds, parks.</summary>
    private static readonly long SpinTicks = Stopwatch.Frequency / 20_000;

    private readonly object _gate = new();
    private AlignedBuffer[] _scratch = [];
    private int _arrived;
    private int _parked;
    private int _generation;
    private bool _disbanded;

    /// <summary>The engine.</summary>
    internal object Owner => owner;

    /// <summary>The workspace of the image.</summary>
    internal AlignedBuffer Workspace { get; } = new(workspaceLength);

    /// <summary>Makes room for <paramref name="parts"/> parts; the first has its scratch memory in the workspace.</summary>
    internal void Reserve(int parts)
    {
        int had = _scratch.Length;
        if (had >= parts - 1)
            return;
        Array.Resize(ref _scratch, parts - 1);
        for (int i = had; i < _scratch.Length; i++)
            _scratch[i] = new AlignedBuffer(scratchLength);
    }

    internal ref float Scratch(int part) => ref _scratch[part - 1].First;

    /// <summary>Returns once all <paramref name="parts"/> parts have called it.</summary>
    internal void Wait(int parts)
    {
        int generation = Volatile.Read(ref _generation);
        if (Interlocked.Increment(ref _arrived) == parts)
        {
            _arrived = 0;
            // A full fence: whoever parks after this sees the new generation, whoever parked before is counted.
            Interlocked.Increment(ref _generation);
            if (Volatile.Read(ref _parked) > 0)
                WakeAll();
            return;
        }

        // With more parts than processors, whoever waits awake keeps the others from arriving.
        if (parts > Environment.ProcessorCount)
            Park(generation);
        long end = 0;
        for (int spins = 1; Volatile.Read(ref _generation) == generation && !Volatile.Read(ref _disbanded); spins++)
        {
            Thread.SpinWait(1);
            // The clock costs more than looking.
            if (spins % 64 != 0)
                continue;
            long now = Stopwatch.GetTimestamp();
            if (end == 0)
                end = now + SpinTicks;
            else if (now > end)
                Park(generation);
        }
    }

    /// <summary>Ends all waiting, now and later: a part has failed.</summary>
    internal void Disband()
    {
        Volatile.Write(ref _disbanded, true);
        WakeAll();
    }

    private void WakeAll()
    {
        lock (_gate)
            Monitor.PulseAll(_gate);
    }

    private void Park(int generation)
    {
        lock (_gate)
        {
            Interlocked.Increment(ref _parked);
            while (Volatile.Read(ref _generation) == generation && !_disbanded)
                Monitor.Wait(_gate);
            Interlocked.Decrement(ref _parked);
        }
    }
}
