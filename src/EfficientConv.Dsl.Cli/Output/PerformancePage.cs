using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using EfficientConv.Dsl.Cli.Verbs;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Measuring;

namespace EfficientConv.Dsl.Cli.Output;

/// <summary>What <c>bench</c> measured of a network, when and by which command.</summary>
internal sealed record MeasuredNetwork(string Date, string Command, BenchResult Result);

/// <summary>
/// A machine's figures: the JSON file beside a page of docs/performance, and the page itself, which is made of the file and of nothing else.
/// </summary>
/// <param name="Processor">The processor's name as lscpu has it.</param>
/// <param name="Facts">What else lscpu says: family, cores, caches.</param>
/// <param name="System">The operating system.</param>
/// <param name="Runtime">The runtime's name and version.</param>
/// <param name="Machine">Measured rates.</param>
/// <param name="Networks">By name.</param>
internal sealed record PerformancePage(
    string Processor, IReadOnlyList<string> Facts, string System, string Runtime, MachineModel Machine, IReadOnlyList<MeasuredNetwork> Networks)
{
    private static readonly string[] s_facts = ["CPU family", "Model", "CPU(s)", "L1d cache", "L2 cache", "L3 cache"];

    /// <summary>Reads a file that <see cref="Write"/> wrote.</summary>
    public static PerformancePage Read(string path) => Figures.FromJson<PerformancePage>(File.ReadAllText(path));

    /// <summary>
    /// The page of this machine with <paramref name="results"/>: networks that a file of the same processor and runtime already has stay in it, unless they were measured again.
    /// </summary>
    public static PerformancePage With(string path, MachineModel machine, string command, IEnumerable<BenchResult> results)
    {
        (string processor, IReadOnlyList<string> facts) = Lscpu();
        string date = DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        PerformancePage page = new(processor, facts, RuntimeInformation.OSDescription, RuntimeInformation.FrameworkDescription, machine, [.. results.Select(result => new MeasuredNetwork(date, command, result with { Steps = null }))]);
        IEnumerable<MeasuredNetwork> before = Existing(path)?.Networks ?? [];
        return (page with { Networks = [.. page.Networks, .. before.Where(old => page.Networks.All(now => Key(now) != Key(old)))] }).Sorted();
    }

    /// <summary>The figures of this machine that a file has already; null where there is none.</summary>
    /// <exception cref="ToolException">It is of another machine, or no such file.</exception>
    public static PerformancePage? Existing(string path)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            PerformancePage before = Read(path);
            if (before is not { Processor: not null, Facts: not null, Networks: not null })
                throw new JsonException("it has no processor, facts or networks");
            (string processor, IReadOnlyList<string> facts) = Lscpu();
            string expected = $"{processor} ({string.Join(", ", facts)})", found = $"{before.Processor} ({string.Join(", ", before.Facts)})";
            return found == expected ? before : throw new ToolException($"--page: {path} has figures of {found}; expected those of this machine, {expected}. Choose another name.");
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"--page: {path} is no file of figures that bench wrote: {exception.Message}");
        }
    }

    /// <summary>Where the figures of <paramref name="page"/> are.</summary>
    public static string JsonPath(string page) => Path.ChangeExtension(page, ".json");

    /// <summary>The figures as JSON.</summary>
    public string Json() => Figures.Json(this) + "\n";

    /// <summary>The page.</summary>
    public string Markdown()
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"# {Processor}\n\nMade by the command below from the JSON file beside it; what the columns mean stands in [the method](../performance.md#method).\n\n");
        text.Append(CultureInfo.InvariantCulture, $"- Processor: {Processor}; {string.Join(", ", Facts)}\n- System: {System}, {Runtime}\n");
        text.Append(CultureInfo.InvariantCulture, $"- One core, measured: {Figures.Number(Machine.MacsPerSecond / 1e9, 1)} GMAC/s in registers; copies {Figures.Number(Machine.SecondLevelBandwidth / 1e9, 0)}, {Figures.Number(Machine.LastLevelBandwidth / 1e9, 0)} and {Figures.Number(Machine.MemoryBandwidth / 1e9, 0)} GB/s in the second-level cache, the last one and memory\n");
        foreach (IGrouping<(int Threads, string InstructionSet, int Batch, bool BusySibling), MeasuredNetwork> group in Networks.GroupBy(
            n => (n.Result.Threads, n.Result.InstructionSet, n.Result.Batch, n.Result.BusySibling)))
        {
            string? peer = group.Select(n => n.Result.PeerName).FirstOrDefault(name => name is not null);
            text.Append(CultureInfo.InvariantCulture, $"\n## {Heading(group.Key.Threads, "thread")}, {Heading(group.Key.Batch, "image")}, {group.Key.InstructionSet.ToUpperInvariant()}{(group.Key.BusySibling ? ", beside a busy sibling" : string.Empty)}\n\n");
            if (peer is not null)
                text.Append(CultureInfo.InvariantCulture, $"The peer is {peer}.\n\n");
            foreach (IGrouping<(string Date, string Command), MeasuredNetwork> run in group.GroupBy(n => (n.Date, n.Command)))
                text.Append(CultureInfo.InvariantCulture, $"{run.Key.Date}, {string.Join(", ", run.Select(n => n.Result.Name))}:\n\n    {run.Key.Command}\n\n");
            text.Append("| network | million MACs | ms, P50 | min | P99 | peer ms, P50 | min | ratio | of minima | of the peak | of minima | workspace | packed weights |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
            foreach (BenchResult r in group.Select(n => n.Result))
            {
                text.Append(CultureInfo.InvariantCulture, $"| {r.Name}{(r.IsDisturbed ? " *" : string.Empty)} | {Figures.Number(r.MultiplyAdds / 1e6, 0)} | {Ms(r.Ours.P50)} | {Ms(r.Ours.Minimum)} | {Ms(r.Ours.P99)} | {(r.Peer is { } other ? $"{Ms(other.P50)} | {Ms(other.Minimum)}" : " | ")} | {Ratio(r.Ratio)} | {Ratio(r.MinimumRatio)} | {Figures.Number(r.PercentOfPeak, 0)} % | {Figures.Number(r.MinimumPercentOfPeak, 0)} % | {Figures.Mebibytes(r.WorkspaceBytes)} MiB | {Figures.Mebibytes(r.PackedWeightBytes)} MiB |\n");
            }
            if (group.Any(n => n.Result.IsDisturbed))
                text.Append("\n\\* disturbed: other programs slowed it; the minima say more.\n");
        }

        return text.ToString();
    }

    /// <summary>The table of machines: our median, the peer's by ours and the same of minima for <paramref name="networks"/>, one image, one thread.</summary>
    public static string Summary(IEnumerable<(string File, PerformancePage Page)> pages, IReadOnlyList<string> networks)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"| machine | instructions | {string.Join(" | ", networks)} |\n|---|---|{string.Concat(networks.Select(_ => "---|"))}\n");
        foreach ((string file, PerformancePage page) in pages)
        {
            foreach (IGrouping<string, BenchResult> group in page.Networks.Select(n => n.Result).Where(r => r is { Threads: 1, Batch: 1, BusySibling: false }).GroupBy(r => r.InstructionSet))
            {
                IEnumerable<string> cells = networks.Select(name => group.FirstOrDefault(r => r.Name == name) is { } r ? $"{Ms(r.Ours.P50)} ms{(r.Ratio is { } ? $", {Ratio(r.Ratio)} ({Ratio(r.MinimumRatio)})" : string.Empty)}" : string.Empty);
                text.Append(CultureInfo.InvariantCulture, $"| [{page.Processor}](performance/{Path.GetFileNameWithoutExtension(file)}.md) | {group.Key.ToUpperInvariant()} | {string.Join(" | ", cells)} |\n");
            }
        }

        return text.ToString();
    }

    private PerformancePage Sorted() => this with
    {
        Networks = [.. Networks.OrderBy(n => n.Result.Threads).ThenBy(n => n.Result.InstructionSet, StringComparer.Ordinal).ThenBy(n => n.Result.Batch).ThenBy(n => n.Result.BusySibling).ThenBy(n => n.Result.Name, StringComparer.Ordinal)],
    };

    private static (string Name, int Threads, string InstructionSet, int Batch, bool BusySibling) Key(MeasuredNetwork n) =>
        (n.Result.Name, n.Result.Threads, n.Result.InstructionSet, n.Result.Batch, n.Result.BusySibling);

    private static string Heading(int count, string what) => count == 1 ? $"One {what}".Replace("One image", "one image", StringComparison.Ordinal) : $"{count} {what}s";

    private static string Ratio(double? ratio) => ratio is { } known ? Figures.Number(known, 2) : string.Empty;

    private static string Ms(double seconds) => Figures.Number(seconds * 1e3, 3);

    /// <summary>The processor's name and facts; where there is no lscpu, what the system's own file says.</summary>
    private static (string Name, IReadOnlyList<string> Facts) Lscpu()
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("lscpu") { RedirectStandardOutput = true, Environment = { ["LC_ALL"] = "C" } })!;
            Dictionary<string, string> lines = [];
            foreach (string[] pair in process.StandardOutput.ReadToEnd().Split('\n').Select(line => line.Split(':', 2)).Where(pair => pair.Length == 2))
                lines.TryAdd(pair[0].Trim(), pair[1].Trim());
            process.WaitForExit();
            if (lines.TryGetValue("Model name", out string? name))
                return (name, [.. s_facts.Where(lines.ContainsKey).Select(fact => $"{fact} {lines[fact]}")]);
        }
        catch (global::System.ComponentModel.Win32Exception)
        {
            // There is none.
        }

        return (EfficientConv.Dsl.Measuring.Machine.Processor, []);
    }
}
