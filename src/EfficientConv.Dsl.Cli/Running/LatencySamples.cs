using System.Diagnostics;

namespace EfficientConv.Dsl.Cli.Running;

/// <summary>Times of single calls.</summary>
internal sealed class LatencySamples
{
    private readonly List<double> _seconds = [];

    /// <summary>How long a warm-up lasts at least: the just-in-time compiler compiles hot methods again a while after they became hot.</summary>
    public const double WarmUpSeconds = 0.25;

    public int Count => _seconds.Count;

    public double Minimum => _seconds.Min();

    public double Maximum => _seconds.Max();

    public double Mean => _seconds.Average();

    public double Median => Percentile(50);

    /// <summary>The value below which a share of the samples lies, as onnxruntime_perf_test counts it: the sample at that place of the sorted ones.</summary>
    public double Percentile(double percent)
    {
        double[] sorted = [.. _seconds.Order()];
        return sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * percent / 100))];
    }

    /// <summary>Runs <paramref name="call"/> until code and caches have settled; at least <paramref name="calls"/> times.</summary>
    public static void WarmUp(Action call, int calls)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls || Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds; i++)
            call();
    }

    /// <summary>Times one call.</summary>
    public void Take(Action call)
    {
        long start = Stopwatch.GetTimestamp();
        call();
        _seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>
    /// Times one call by the processor time of this thread where the system tells it, so that what else a machine does counts as little as possible:
    /// for comparisons.
    /// </summary>
    public void TakeProcessorTime(Action call)
    {
        double start = ThreadClock.Seconds;
        call();
        _seconds.Add(ThreadClock.Seconds - start);
    }

    public void Add(double seconds) => _seconds.Add(seconds);
}
