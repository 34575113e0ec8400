using EfficientConv.Dsl.Measuring;
using System.Diagnostics;

namespace EfficientConv.Dsl.Benchmarks.Measuring;

/// <summary>Timed samples of one subject.</summary>
internal sealed class Samples(ISubject subject)
{
    /// <summary>A sample shorter than this would show the clock's and the loop's cost.</summary>
    private const double MinimumSampleSeconds = 200e-6;
    private const double WarmUpSeconds = 0.05;
    private const int WarmUpCalls = 40;

    private readonly List<double> _seconds = [];
    private int _repetitions = 1;

    /// <summary>Seconds of one call, sample by sample.</summary>
    public IReadOnlyList<double> Seconds => _seconds;

    /// <summary>Runs until code, caches and clocks have settled, and chooses how many calls make a sample.</summary>
    public void WarmUp()
    {
        long start = Stopwatch.GetTimestamp();
        double fastest = double.MaxValue;
        for (int calls = 0; calls < WarmUpCalls || Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds; calls++)
        {
            long call = Stopwatch.GetTimestamp();
            subject.Run(1);
            fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(call).TotalSeconds);
        }

        _repetitions = Math.Max(1, (int)Math.Ceiling(MinimumSampleSeconds / Math.Max(fastest, 1e-7)));
    }

    /// <summary>Takes a sample, after one call that brings the subject's data back into the caches.</summary>
    public void Take()
    {
        subject.Run(1);
        long start = Stopwatch.GetTimestamp();
        subject.Run(_repetitions);
        _seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds / _repetitions);
    }

    /// <summary>Forgets the last sample.</summary>
    public void Drop() => _seconds.RemoveAt(_seconds.Count - 1);
}
