using System.Diagnostics;

namespace EfficientConv.Dsl.Soak;

/// <summary>What the process holds after everything that nobody needs is gone.</summary>
/// <param name="Managed">Bytes of the garbage collector's heap.</param>
/// <param name="Resident">Bytes of memory in all.</param>
/// <param name="Handles">Open files and the like.</param>
/// <param name="Threads">Threads.</param>
internal sealed record Footprint(long Managed, long Resident, int Handles, int Threads)
{
    private const long Megabyte = 1 << 20;

    /// <summary>What comes and goes by itself: pools of the runtime, compiled code, the thread pool's threads.</summary>
    private const long MostManaged = 1 * Megabyte, MostResident = 48 * Megabyte;

    private const int MostHandles = 16, MostThreads = 16;

    public static Footprint Take()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        using Process process = Process.GetCurrentProcess();
        int handles = OperatingSystem.IsLinux() ? Directory.GetFileSystemEntries("/proc/self/fd").Length : process.HandleCount;
        return new Footprint(GC.GetTotalMemory(forceFullCollection: true), process.WorkingSet64, handles, process.Threads.Count);
    }

    /// <summary>How it has grown, or null where it has not.</summary>
    public string? GrownSince(Footprint before) =>
        Managed - before.Managed > MostManaged || Resident - before.Resident > MostResident || Handles - before.Handles > MostHandles || Threads - before.Threads > MostThreads
            ? $"grown from {before} to {this}" : null;

    public override string ToString() => FormattableString.Invariant($"{Managed / 1024.0 / 1024:F1} MB managed, {Resident / 1024.0 / 1024:F0} MB resident, {Handles} handles, {Threads} threads");
}
