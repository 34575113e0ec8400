using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// One thread sets it, one other waits for it: first awake for some tens of microseconds, because the next job often
/// follows at once, then parked.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Lives as long as its worker thread: to the end of the process.")]
internal sealed class Signal
{
    private const int Clear = 0;
    private const int Present = 1;
    private const int Parked = 2;
    private static readonly long SpinTicks = Stopwatch.Frequency / 20_000;

    private readonly AutoResetEvent _event = new(false);
    private int _state;

    internal void Set()
    {
        if (Interlocked.Exchange(ref _state, Present) == Parked)
            _event.Set();
    }

    /// <summary>Returns once it is set, and clears it.</summary>
    internal void Wait()
    {
        long end = Stopwatch.GetTimestamp() + SpinTicks;
        do
        {
            if (Volatile.Read(ref _state) == Present)
            {
                Volatile.Write(ref _state, Clear);
                return;
            }
            Thread.SpinWait(1);
        }
        while (Stopwatch.GetTimestamp() < end);

        if (Interlocked.CompareExchange(ref _state, Parked, Clear) == Clear)
            _event.WaitOne();
        Volatile.Write(ref _state, Clear);
    }
}
