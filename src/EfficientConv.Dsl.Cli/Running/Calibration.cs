using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Measuring;

namespace EfficientConv.Dsl.Cli.Running;

/// <summary>Measures what a core can do, once, and keeps it in the user's cache folder.</summary>
internal static class Calibration
{
    private const double Seconds = 0.03;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>The file of measured machines, a figure for each processor and instruction set.</summary>
    public static string CacheFile => Path.Combine(CacheFolder(), "efficientconv", "machines.json");

    /// <summary>Multiply-adds or bytes a second that are believed of a core: from a slow emulator to more than any has.</summary>
    public const double LeastPerSecond = 1e6, MostPerSecond = 1e15;

    /// <summary>This machine's figures: from the cache, or measured now.</summary>
    public static MachineModel Of(InstructionSet instructionSet, bool again, Terminal terminal) => Of(instructionSet, again, terminal, CacheFile);

    /// <summary>The same with the cache in <paramref name="file"/>; what is in it and cannot be is measured anew.</summary>
    internal static MachineModel Of(InstructionSet instructionSet, bool again, Terminal terminal, string file)
    {
        string key = $"{Machine.Processor}, {instructionSet}";
        JsonObject known = [];
        try
        {
            known = ReadCache(file);
            if (!again && known.TryGetPropertyValue(key, out JsonNode? entry))
                return Believed(entry, key);
        }
        catch (Exception exception) when (exception is JsonException or FormatException or IOException or UnauthorizedAccessException)
        {
            terminal.Error($"note: {file}: {exception.Message.Split('\n')[0].TrimEnd('.', '\r')}; this machine is measured anew.");
        }

        MachineModel machine;
        using (terminal.Working("Measuring this machine"))
            machine = Measure(instructionSet);
        known[key] = JsonSerializer.SerializeToNode(machine, s_json);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            OutputFile.Write(file, known.ToJsonString(s_json));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Next time it is measured again.
            terminal.Error($"note: {file} cannot be written: {exception.Message}");
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

    /// <summary>The cache's entries, of this machine and of others.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="FormatException">It is JSON of another kind.</exception>
    private static JsonObject ReadCache(string file)
    {
        if (!File.Exists(file))
            return [];
        JsonNode? root = JsonNode.Parse(File.ReadAllText(file), documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
        return root as JsonObject ?? throw new FormatException($"expected an object of machines, found {Kind(root)}");
    }

    /// <summary>An entry with figures that a core can have.</summary>
    /// <exception cref="FormatException">One of them is missing, no number, or out of bounds.</exception>
    private static MachineModel Believed(JsonNode? entry, string key)
    {
        if (entry is not JsonObject figures)
            throw new FormatException($"\"{key}\" is {Kind(entry)}; expected an object of figures");
        return new MachineModel(
            Figure("macsPerSecond", LeastPerSecond, MostPerSecond), (long)Figure("secondLevelBytes", 1 << 10, 1L << 40), (long)Figure("lastLevelBytes", 1 << 10, 1L << 40),
            Figure("secondLevelBandwidth", LeastPerSecond, MostPerSecond), Figure("lastLevelBandwidth", LeastPerSecond, MostPerSecond),
            Figure("memoryBandwidth", LeastPerSecond, MostPerSecond));

        double Figure(string name, double least, double most)
        {
            JsonNode? found = figures[name];
            return found is JsonValue value && value.TryGetValue(out double number) && number >= least && number <= most
                ? number
                : throw new FormatException(FormattableString.Invariant(
                    $"{name} of \"{key}\" is {Figures.Short(found?.ToJsonString() ?? "missing", 30)}; expected a number from {least} to {most}"));
        }
    }

    private static string Kind(JsonNode? node) => node?.GetValueKind().ToString().ToLowerInvariant() ?? "null";

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
