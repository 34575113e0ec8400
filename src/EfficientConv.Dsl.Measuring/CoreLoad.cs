using System.Globalization;

namespace EfficientConv.Dsl.Measuring;

/// <summary>
/// What other programs did to a measurement, as far as the system counts it: how busy the other hardware threads of the measured core were, and how much of the core's time
/// a virtual machine's host gave to others. Both are unknown outside Linux.
/// </summary>
internal sealed class CoreLoad
{
    private readonly int _core;
    private readonly IReadOnlyList<int> _siblings;
    private readonly Dictionary<int, Ticks> _before;

    private CoreLoad(int core, IReadOnlyList<int> siblings, Dictionary<int, Ticks> before) => (_core, _siblings, _before) = (core, siblings, before);

    /// <summary>The share of the time since <see cref="Begin"/> in which the siblings ran something, from 0 to 1; null where there is none, or nothing was counted yet.</summary>
    public double? Siblings => Share(_siblings, (before, after) => after.Busy - before.Busy);

    /// <summary>The share of the time in which the host let the core wait; null where nothing was counted.</summary>
    public double? Stolen => Share([_core], (before, after) => after.Stolen - before.Stolen);

    /// <summary>Begins to count.</summary>
    public static CoreLoad Begin(int core) => new(core, BusySibling.SiblingsOf(core) ?? [], Read());

    /// <summary>The counters of each core in a file like /proc/stat: user, nice, system, idle, waiting, interrupts, soft interrupts, stolen.</summary>
    internal static Dictionary<int, Ticks> Parse(IEnumerable<string> lines)
    {
        const int Idle = 4, Waiting = 5, Stolen = 8;
        Dictionary<int, Ticks> ticks = [];
        foreach (string[] words in lines.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
        {
            if (words.Length <= Stolen || !words[0].StartsWith("cpu", StringComparison.Ordinal) || !int.TryParse(words[0].AsSpan(3), NumberStyles.None, CultureInfo.InvariantCulture, out int core))
                continue;
            long[] counts = [0, .. words.Skip(1).Take(Stolen).Select(word => long.Parse(word, CultureInfo.InvariantCulture))];
            ticks[core] = new Ticks(counts.Sum() - counts[Idle] - counts[Waiting], counts[Stolen], counts.Sum());
        }

        return ticks;
    }

    private static Dictionary<int, Ticks> Read()
    {
        const string File = "/proc/stat";
        return System.IO.File.Exists(File) ? Parse(System.IO.File.ReadLines(File)) : [];
    }

    private double? Share(IReadOnlyList<int> cores, Func<Ticks, Ticks, long> part)
    {
        Dictionary<int, Ticks> now = Read();
        long sum = 0, all = 0;
        foreach (int core in cores)
        {
            if (_before.TryGetValue(core, out Ticks before) && now.TryGetValue(core, out Ticks after))
                (sum, all) = (sum + part(before, after), all + after.All - before.All);
        }

        return all > 0 ? sum / (double)all : null;
    }

    /// <summary>Time of a core by what it did, in the system's ticks.</summary>
    /// <param name="Busy">Not idle.</param>
    /// <param name="Stolen">Of that, waiting for the host.</param>
    /// <param name="All">All.</param>
    internal readonly record struct Ticks(long Busy, long Stolen, long All);
}
