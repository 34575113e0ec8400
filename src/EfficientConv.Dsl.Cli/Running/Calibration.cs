using System.Diagnostics;
using System.Text.Json;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Measuring;

namespace EfficientConv.Dsl.Cli.Running;

/// <summary>Measures what a core can do, once, and keeps it in the user's cache folder.</summary>
internal static class Calibration
{
    private const double Seconds = 0.03;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>The file of measured machines, a figure for each processor and instruction set.</summary>
    public static string CacheFile => Path.Combine(CacheFolder(), "efficientconv", "machines.json");

    /// <summary>This machine's figures: from the cache, or measured now.</summary>
    public static MachineModel Of(InstructionSet instructionSet, bool again, Terminal terminal)
    {
        string key = $"{Machine.Processor}, {instructionSet}";
        Dictionary<string, MachineModel> known = ReadCache();
        if (!again && known.TryGetValue(key, out MachineModel? machine))
            return machine;
        using (terminal.Working("Measuring this machine"))
            machine = Measure(instructionSet);
        known[key] = machine;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(CacheFile)!);
            File.WriteAllText(CacheFile, JsonSerializer.Serialize(known, s_json));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Next time it is measured again.
            terminal.Error($"note: {CacheFile} cannot be written: {exception.Message}");
        }

        return machine;
    }

    /// <summary>Measures now.</summary>
    public static MachineModel Measure(InstructionSet instructionSet)
    {
        double peak = 0;
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < 4 * Seconds)
            peak = Math.Max(peak, FmaPeak.Measure(instructionSet) / 2);
        (long second, long last) = CacheSizes();
        return new MachineModel(
            peak, second, last, CopyBandwidth(second / 4), CopyBandwidth(Math.Min(last / 4, 8 * second)), CopyBandwidth(Math.Min(4 * last, 192L << 20)));
    }

    /// <summary>Bytes read and written a second by a copy, the best of many, where source and destination have <paramref name="bytes"/> each.</summary>
    private static double CopyBandwidth(long bytes)
    {
        using PageBuffer source = new(bytes / sizeof(float), 0), destination = new(bytes / sizeof(float), 2048 + 64);
        source.Span.Fill(1);
        double best = 0;
        long start = Stopwatch.GetTimestamp();
        do
        {
            int repetitions = (int)Math.Max(1, (1 << 20) / bytes);
            long copy = Stopwatch.GetTimestamp();
            for (int i = 0; i < repetitions; i++)
                source.Span.CopyTo(destination.Span);
            best = Math.Max(best, 2.0 * bytes * repetitions / Stopwatch.GetElapsedTime(copy).TotalSeconds);
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < Seconds);
        return best;
    }

    /// <summary>The second-level cache and the last one; usual sizes where the system does not say.</summary>
    private static (long Second, long Last) CacheSizes()
    {
        const string Folder = "/sys/devices/system/cpu/cpu0/cache";
        long second = 0, last = 0;
        if (Directory.Exists(Folder))
        {
            foreach (string cache in Directory.EnumerateDirectories(Folder, "index*"))
            {
                string text = ReadLine(Path.Combine(cache, "size"));
                long size = text.EndsWith('K') && long.TryParse(text[..^1], out long kibibytes) ? kibibytes << 10 : 0;
                if (ReadLine(Path.Combine(cache, "type")) == "Instruction")
                    continue;
                last = Math.Max(last, size);
                if (ReadLine(Path.Combine(cache, "level")) == "2")
                    second = size;
            }
        }

        if (second == 0)
            second = 1L << 20;
        return (second, Math.Max(last, second));
    }

    private static string ReadLine(string file) => File.Exists(file) ? File.ReadAllText(file).Trim() : string.Empty;

    private static Dictionary<string, MachineModel> ReadCache()
    {
        try
        {
            return File.Exists(CacheFile) ? JsonSerializer.Deserialize<Dictionary<string, MachineModel>>(File.ReadAllText(CacheFile), s_json) ?? [] : [];
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string CacheFolder()
    {
        if (OperatingSystem.IsWindows())
            return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (OperatingSystem.IsMacOS())
            return Path.Combine(home, "Library", "Caches");
        return Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache : Path.Combine(home, ".cache");
    }
}
