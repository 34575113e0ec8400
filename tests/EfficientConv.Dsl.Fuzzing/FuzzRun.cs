using System.Diagnostics;
using System.Globalization;

namespace EfficientConv.Dsl.Fuzzing;

/// <summary>Runs a target over many inputs and collects what it must not do: another exception than it promises, more memory or more time than it may have.</summary>
internal sealed class FuzzRun : IDisposable
{
    private const int MostShown = 10;

    /// <summary>Processor time of one read, which a busy machine does not lengthen; the slowest of them takes some milliseconds.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(20);

    private readonly FuzzTarget _target;

    private readonly Timer _watch;

    private readonly string _path = Path.Combine(Folder, $"efficientconv-fuzz-{Guid.NewGuid():N}");

    /// <summary>Memory where the system has such a folder: thousands of files a second are written.</summary>
    public static string Folder { get; } = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    private long _startedAt;

    private string _reading = string.Empty;

    public FuzzRun(FuzzTarget target)
    {
        _target = target;
        _startedAt = Processor.Ticks;
        // A read that does not end is a finding too: the process ends with a message that names the input.
        _watch = new Timer(_ => StopHang(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    private static TimeSpan Processor => Environment.CpuUsage.TotalTime;

    /// <summary>What was found: the number of the input, and what happened.</summary>
    public List<string> Findings { get; } = [];

    /// <summary>Inputs that were read or refused.</summary>
    public long Executions { get; private set; }

    /// <summary>Inputs that were refused.</summary>
    public long Refused { get; private set; }

    /// <summary>The most that one input allocated.</summary>
    public long MostAllocated { get; private set; }

    /// <summary>The longest that one input took.</summary>
    public TimeSpan Longest { get; private set; }

    /// <summary>Inputs from <paramref name="first"/> on, so many or so long.</summary>
    public void Run(int first, long executions, TimeSpan limit)
    {
        Mutator mutator = new(_target);
        long start = Stopwatch.GetTimestamp();
        for (int number = first; Executions < executions && Findings.Count < MostShown && Stopwatch.GetElapsedTime(start) < limit; number++)
            Execute(number.ToString(CultureInfo.InvariantCulture), mutator.Input(number));
    }

    /// <summary>One input.</summary>
    public void Execute(string name, byte[] input)
    {
        if (_target.TakesFile)
            File.WriteAllBytes(_path, input);
        Volatile.Write(ref _reading, name);
        Volatile.Write(ref _startedAt, Processor.Ticks);
        long allocated = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
        try
        {
            _target.Read(input, _path);
        }
        catch (Exception exception) when (_target.IsExpected(exception))
        {
            Refused++;
            if (string.IsNullOrWhiteSpace(exception.Message))
                Findings.Add($"input {name}: {exception.GetType().Name} without a message");
        }
        catch (Exception exception)
        {
            Findings.Add($"input {name}: {exception}");
        }

        Executions++;
        Longest = TimeSpan.FromTicks(Math.Max(Longest.Ticks, Stopwatch.GetElapsedTime(start).Ticks));
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        MostAllocated = Math.Max(MostAllocated, allocated);
        if (allocated > _target.MostAllocated)
            Findings.Add($"input {name} allocated {allocated:N0} bytes; at most {_target.MostAllocated:N0}");
    }

    public void Dispose()
    {
        _watch.Dispose();
        File.Delete(_path);
    }

    private void StopHang()
    {
        if (Processor.Ticks - Volatile.Read(ref _startedAt) > s_longest.Ticks)
            Environment.FailFast($"{_target.Name} has read input {Volatile.Read(ref _reading)} for more than {s_longest} of processor time.");
    }
}
