using System.Globalization;
using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Measuring;

/// <summary>Binds threads to cores. Does nothing outside Linux.</summary>
internal static unsafe partial class CoreAffinity
{
    private const int MaxCores = 1024;

    /// <summary>The cores that the process may use.</summary>
    public static IReadOnlyList<int> Allowed { get; } = ReadAllowed();

    /// <summary>
    /// One thread: binds the calling one to the first core and leaves the runtime's own threads (garbage collector, tiering) the others.
    /// More: leaves the first core to the calling thread, which works on both sides, and binds all others to the next ones, because a busy system may put two
    /// threads that wake each other on one core; call it again when threads were added.
    /// </summary>
    public static void Pin(int threads, int firstCore)
    {
        if (!OperatingSystem.IsLinux())
            return;
        ulong* mask = stackalloc ulong[MaxCores / 64];
        new Span<ulong>(mask, MaxCores / 64).Clear();
        int[] cores = [.. Allowed.SkipWhile(core => core < firstCore).Take(threads)];
        if (threads > 1 && cores.Length > 1)
        {
            foreach (int core in cores.Skip(1))
                mask[core / 64] |= 1UL << (core % 64);
            foreach (string task in Directory.EnumerateDirectories("/proc/self/task"))
                Set(int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture), mask);
            new Span<ulong>(mask, MaxCores / 64).Clear();
        }

        if (cores.Length > 0)
        {
            mask[cores[0] / 64] |= 1UL << (cores[0] % 64);
            Set(0, mask);
        }
    }

    private static void Set(int thread, ulong* mask)
    {
        // A thread that has just ended is no reason to stop.
        const int NoSuchThread = 3;
        if (SetAffinity(thread, MaxCores / 8, mask) != 0 && Marshal.GetLastPInvokeError() != NoSuchThread)
            throw new InvalidOperationException($"sched_setaffinity failed with error {Marshal.GetLastPInvokeError()}; is the core given by --core allowed to this process?");
    }

    private static List<int> ReadAllowed()
    {
        if (!OperatingSystem.IsLinux())
            return [.. Enumerable.Range(0, Environment.ProcessorCount)];
        ulong* mask = stackalloc ulong[MaxCores / 64];
        new Span<ulong>(mask, MaxCores / 64).Clear();
        return GetAffinity(0, MaxCores / 8, mask) < 0
            ? [.. Enumerable.Range(0, Environment.ProcessorCount)]
            : Bits(mask);
    }

    private static List<int> Bits(ulong* mask)
    {
        List<int> cores = [];
        for (int core = 0; core < MaxCores; core++)
        {
            if ((mask[core / 64] >> (core % 64) & 1) != 0)
                cores.Add(core);
        }

        return cores;
    }

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int SetAffinity(int thread, nuint size, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_getaffinity", SetLastError = true)]
    private static partial int GetAffinity(int thread, nuint size, ulong* mask);
}
