using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Serving;

/// <summary>
/// Lets the threads that talk to clients go before the workers, which would keep every core: a rejection, or a request that is to be read, waits for no image. The runtime's
/// thread priorities do nothing on Linux, so the system is asked itself.
/// </summary>
internal static partial class WorkerPriority
{
    private const int PriorityOfProcess = 0;
    private const int Niceness = 5;

    /// <summary>Lowers the calling thread's priority, among those of this process or container.</summary>
    public static void Lower()
    {
        if (!OperatingSystem.IsLinux())
        {
            Thread.CurrentThread.Priority = ThreadPriority.BelowNormal;
            return;
        }

        try
        {
            // On Linux "this process" is this thread. Where the system refuses, work goes on as it would without.
            _ = SetPriority(PriorityOfProcess, 0, Niceness);
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
        }
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int priority);
}
