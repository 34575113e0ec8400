using System.Diagnostics;
using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Cli.Running;

/// <summary>How long the calling thread has had a core; elsewhere than on Linux simply the time.</summary>
internal static unsafe partial class ThreadClock
{
    private const int ThreadProcessorTime = 3;

    public static double Seconds
    {
        get
        {
            if (!OperatingSystem.IsLinux())
                return Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;
            nint* time = stackalloc nint[2];
            _ = GetTime(ThreadProcessorTime, time);
            return time[0] + (time[1] * 1e-9);
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, nint* time);
}
