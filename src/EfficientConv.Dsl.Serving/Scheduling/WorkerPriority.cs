using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Serving;

/// <summary>
/// Lets the threads that talk to clients go before the workers, which would keep every core: a rejection, or a request that is to be read, waits for no image. The runtime's
/// thread priorities do nothing on Linux, so the system is asked itself.
/// </summary>
internal static partial class WorkerPriority
{
    /// <summary>
    /// A third of the weight of a thread of the network, and not less: a worker that any other program's thread goes before (the system's idle class) gives an image a second
    /// beside one that is busy.
    /// </summary>
    private const int Niceness = 5;

    /// <summary>Lowers the calling thread's priority below the one that the program was started with, among those of this process or container.</summary>
    public static void Lower()
    {
        if (!OperatingSystem.IsLinux())
        {
            Thread.CurrentThread.Priority = ThreadPriority.BelowNormal;
            return;
        }

        try
        {
            // On Linux it is of this thread alone. Where the system refuses, work goes on as it would without.
            _ = Nice(Niceness);
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
        }
    }

    [LibraryImport("libc", EntryPoint = "nice")]
    private static partial int Nice(int increment);
}
