using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Measuring;

/// <summary>Counts how often the system took a core away, so that samples on a busy machine can be told from clean ones. Always 0 outside Linux.</summary>
internal static unsafe partial class Preemption
{
    /// <summary>Two times of two words each, then fourteen counters; the last is that of involuntary switches.</summary>
    private const int UsageWords = 18;
    private const int WholeProcess = 0, CallingThread = 1;

    /// <summary>Involuntary switches so far, of the calling thread or (when several work) of the process.</summary>
    public static long Count(int threads)
    {
        if (!OperatingSystem.IsLinux())
            return 0;
        nint* usage = stackalloc nint[UsageWords];
        return GetUsage(threads == 1 ? CallingThread : WholeProcess, usage) == 0 ? usage[UsageWords - 1] : 0;
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetUsage(int who, nint* usage);
}
