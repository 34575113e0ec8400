using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EfficientConv.Dsl.LoadGenerator;

/// <summary>A file of runs, which the documentation's figures are from. Of each name it has the last one.</summary>
internal static class RunFile
{
    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Adds a run, or puts it in the place of the one of its name.</summary>
    /// <param name="file">The file; it is made where it is not there.</param>
    /// <param name="name">What the documentation calls the run.</param>
    /// <param name="note">How the server was started.</param>
    /// <param name="result">What was measured.</param>
    public static void Add(FileInfo file, string name, string? note, JsonObject result)
    {
        JsonObject root = File.Exists(file.FullName) ? JsonNode.Parse(File.ReadAllText(file.FullName))!.AsObject() : [];
        root["processor"] = Processor();
        root["cores"] = Environment.ProcessorCount;
        root["system"] = RuntimeInformation.OSDescription;
        root["runtime"] = RuntimeInformation.FrameworkDescription;
        JsonObject run = new()
        {
            ["name"] = name,
            ["date"] = DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            ["command"] = Command(Environment.GetCommandLineArgs()[1..]),
            ["server"] = note,
            ["result"] = result,
        };
        JsonArray runs = root["runs"]?.AsArray() ?? [];
        root["runs"] = runs.Parent is null ? runs : root["runs"];
        int place = 0;
        while (place < runs.Count && (string?)runs[place]!["name"] != name)
            place++;
        if (place < runs.Count)
            runs[place] = run;
        else
            runs.Add(run);
        File.WriteAllText(file.FullName, root.ToJsonString(s_json) + "\n");
    }

    /// <summary>Percentiles of times, in the unit that they have.</summary>
    public static JsonObject Distribution(IEnumerable<double> values)
    {
        double[] times = [.. values.Order()];
        JsonObject result = new() { ["count"] = times.Length };
        if (times.Length == 0)
            return result;
        foreach ((string name, double share) in (ReadOnlySpan<(string, double)>)[("minimum", 0), ("median", 0.5), ("p90", 0.9), ("p99", 0.99), ("maximum", 1)])
            result[name] = Math.Round(times[Math.Min(times.Length - 1, (int)(share * times.Length))], 3);
        return result;
    }

    /// <summary>The arguments as they were given, but for what is of this machine and day: where files are, and the number of a process.</summary>
    private static string Command(string[] arguments)
    {
        List<string> shown = ["loadgenerator"];
        for (int i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] is "--json" or "--name" or "--note")
                i++;
            else if (arguments[i] is "--pid")
                shown.Add($"{arguments[i++]} PID");
            else
                shown.Add(Shown(arguments[i]));
        }

        return string.Join(' ', shown);

        static string Shown(string argument)
        {
            int value = argument.IndexOf('=') + 1;
            return Path.IsPathRooted(argument[value..]) ? argument[..value] + Path.GetFileName(argument) : argument;
        }
    }

    private static string Processor()
    {
        const string Key = "model name";
        string? line = OperatingSystem.IsLinux() ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal)) : null;
        return line is null ? RuntimeInformation.ProcessArchitecture.ToString() : line[(line.IndexOf(':') + 1)..].Trim();
    }
}
