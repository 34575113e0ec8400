using System.Diagnostics;
using System.Globalization;

namespace EfficientConv.Dsl.Fuzzing;

/// <summary>Runs a target over many inputs and collects what it must not do: another exception than it promises, more memory or more time than it may have.</summary>
internal sealed class FuzzRun(FuzzTarget target) : IDisposable
{
    private const int MostShown = 10;

    /// <summary>One read; the slowest of them takes some milliseconds on a quiet machine.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(20);

    private readonly string _path = Path.Combine(Folder, $"efficientconv-fuzz-{Guid.NewGuid():N}");

    /// <summary>Memory where the system has such a folder: thousands of files a second are written.</summary>
    public static string Folder { get; } = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

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
        Mutator mutator = new(target);
        long start = Stopwatch.GetTimestamp();
        for (int number = first; Executions < executions && Findings.Count < MostShown && Stopwatch.GetElapsedTime(start) < limit; number++)
            Execute(number.ToString(CultureInfo.InvariantCulture), mutator.Input(number));
    }

    /// <summary>One input.</summary>
    public void Execute(string name, byte[] input)
    {
        if (target.TakesFile)
            File.WriteAllBytes(_path, input);

        // A read that does not end is a finding too: the process ends with a message that names the input.
        using Timer hang = new(_ => Environment.FailFast($"{target.Name} has read input {name} for more than {s_longest}."), null, s_longest, Timeout.InfiniteTimeSpan);
        long allocated = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
        try
        {
            target.Read(input, _path);
        }
        catch (Exception exception) when (target.IsExpected(exception))
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
        if (allocated > target.MostAllocated)
            Findings.Add($"input {name} allocated {allocated:N0} bytes; at most {target.MostAllocated:N0}");
    }

    public void Dispose() => File.Delete(_path);
}
