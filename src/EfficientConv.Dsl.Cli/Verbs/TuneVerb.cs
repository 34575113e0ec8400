using System.CommandLine;
using System.Text;
using System.Text.Json;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Cli.Tuning;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Measuring;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary><c>tune</c>: measures the schedules that the compiler could choose and keeps the fastest.</summary>
internal static class TuneVerb
{
    /// <summary>Rounds in which all candidates of a layer are compared, and in which the winner has to show it again.</summary>
    private const int FirstRounds = 15, LastRounds = 45;

    /// <summary>A winner must be faster by this share in both, or the compiler's own choice stays: less is noise.</summary>
    private const double SmallestGain = 0.02;

    private const string Description =
        "Tries the schedules that the compiler could choose (form, rows, slab, tile) on this device and writes efficientconv.schedule.json. As AdditionalFiles of a " +
        "project the generator uses it in place of its cost model. The results' bits never change.";

    public static Command Create(Terminal terminal)
    {
        InputOptions inputs = new();
        Option<InstructionSet> isa = Options.InstructionSet();
        Option<FileInfo> output = new("--output", "-o")
        {
            Description = "The file; schedules of other layers that it has stay.", DefaultValueFactory = _ => new FileInfo(ScheduleOverrides.FileName), HelpName = "file",
        };
        Option<bool> dryRun = new("--dry-run") { Description = "Measures and writes nothing." };
        Option<bool> json = Options.Json();
        Command command = new("tune", Description) { isa, output, dryRun, json };
        inputs.AddTo(command);
        command.SetAction(parsed =>
        {
            InstructionSet set = Options.Resolve(parsed.GetValue(isa));
            FileInfo file = parsed.GetValue(output)!;
            OutputFile? schedules = parsed.GetValue(dryRun) ? null : OutputFile.Check("--output", file);
            ScheduleOverrides before = file.Exists && file.Length > 0 ? Options.ReadSchedule(file, "--output")! : ScheduleOverrides.Empty;
            IReadOnlyList<NetworkInput> networks = inputs.Read(parsed, terminal);
            foreach (NetworkInput item in networks)
                CheckMemory(item, set);
            MachineModel machine = Calibration.Of(set, again: false, terminal);
            List<TunedLayer> tuned = [];
            foreach (NetworkInput item in networks)
                Tune(item, set, machine, tuned, terminal);
            ScheduleOverrides after = Merge(before, tuned, Options.Target(set));
            List<TunedNetwork> totals = [.. networks.Where(n => IsChanged(n, set, after)).Select(n => Compare(n, set, after, terminal))];
            schedules?.Write(Write(after, tuned));
            if (parsed.GetValue(json))
                terminal.Writer.WriteLine(Figures.Json(new { Machine.Processor, InstructionSet = set, File = parsed.GetValue(dryRun) ? null : file.FullName, Layers = tuned, Networks = totals }));
            else
                Print(tuned, totals, parsed.GetValue(dryRun) ? null : file, terminal);
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>Room for the two networks that are compared at the end, and for as many steps side by side as are measured at once.</summary>
    private static void CheckMemory(NetworkInput network, InstructionSet set)
    {
        const int Copies = ScheduleCandidates.MostForms + 1;
        NetworkAnalysis analysis = network.Analyze();
        MemoryBound.Check($"Measuring the schedules of {network.ShortName}", MemoryBound.Bytes(analysis.PlanFor(Options.Target(set)), analysis.Cost.Parameters, copies: Copies));
    }

    private static void Tune(NetworkInput network, InstructionSet set, MachineModel machine, List<TunedLayer> tuned, Terminal terminal)
    {
        NetworkAnalysis analysis = network.Analyze();
        ScheduleCandidates candidates = new(analysis, Compiler.Scheduling.ScheduleAttribute.Apply(network.Declaration!, ScheduleSettings.Default), Options.Target(set), machine);
        string[] keys = [.. candidates.Keys.Where(key => tuned.All(t => t.Layer != key))];
        for (int i = 0; i < keys.Length; i++)
        {
            using (terminal.Working($"{network.ShortName}: layer {i + 1} of {keys.Length}, {keys[i]}"))
                tuned.Add(TuneLayer(keys[i], candidates, set));
        }
    }

    private static TunedLayer TuneLayer(string key, ScheduleCandidates candidates, InstructionSet set)
    {
        Candidate own = candidates.Own(key), best = own;
        int tried = 0;
        Try(candidates.Forms(key));
        Try(candidates.Tiles(key, best));
        double ownSeconds, bestSeconds;
        if (best == own)
        {
            ownSeconds = bestSeconds = StepTimer.Measure([own], set, FirstRounds)[0];
        }
        else
        {
            double[] again = StepTimer.Measure([own, best], set, LastRounds);
            (ownSeconds, bestSeconds) = (again[0], again[1]);
            if (bestSeconds > ownSeconds * (1 - SmallestGain))
                (best, bestSeconds) = (own, ownSeconds);
        }

        return new TunedLayer(key, best.Override, FormOf(own), FormOf(best), tried, ownSeconds, bestSeconds);

        void Try(IEnumerable<Candidate> others)
        {
            Candidate[] all = [best, .. others];
            if (all.Length == 1)
                return;
            double[] seconds = StepTimer.Measure(all, set, FirstRounds);
            int fastest = Array.IndexOf(seconds, seconds.Min());
            if (seconds[fastest] <= seconds[0] * (1 - SmallestGain))
                best = all[fastest];
            tried += all.Length - 1;
        }
    }

    private static string FormOf(Candidate candidate) => (candidate.Override?.Form == "layers" ? "layer by layer" : StepReport.FormOf(candidate.Steps.Last(s => !s.Nest.IsRuntime))) + (candidate.Override is { Tile: > 0 and var tile } ? FormattableString.Invariant($", tile {tile}") : string.Empty);

    /// <summary>Whether the schedules change anything of a network.</summary>
    private static bool IsChanged(NetworkInput network, InstructionSet set, ScheduleOverrides schedules) =>
        network.Analyze().PlanFor(Options.Target(set)).Steps != network.Analyze(schedules).PlanFor(Options.Target(set)).Steps;

    /// <summary>The whole network with and without, in turns.</summary>
    private static TunedNetwork Compare(NetworkInput network, InstructionSet set, ScheduleOverrides schedules, Terminal terminal)
    {
        using IDisposable working = terminal.Working($"Measuring {network.ShortName} with and without");
        LoadedNetwork[] both = [.. new[] { null, schedules }.Select(s => NetworkBuild.Compile(network.Declaration!, new CompilerOptions(Overrides: s)).CreateRandom(1, set))];
        RunnableNetwork shapes = NetworkBuild.Compile(network.Declaration!, CompilerOptions.Default);
        using PageBuffer input = new(shapes.InputShape.ElementCount, 0), output = new(shapes.OutputShape.ElementCount, 2048 + 64), other = new(shapes.OutputShape.ElementCount, 2048 + 64);
        SeededValues.FillInput(input.Span);
        LatencySamples[] samples = [new(), new()];
        PageBuffer[] outputs = [output, other];
        for (int i = 0; i < 2; i++)
            LatencySamples.WarmUp(() => both[i].ForwardOne(input.Span, outputs[i].Span), 40);
        for (int round = 0; round < LastRounds; round++)
        {
            for (int i = 0; i < 2; i++)
            {
                both[i].ForwardOne(input.Span, outputs[i].Span);
                samples[i].TakeProcessorTime(() => both[i].ForwardOne(input.Span, outputs[i].Span));
            }
        }

        return new TunedNetwork(network.ShortName, samples[0].Percentile(25), samples[1].Percentile(25), NumbersResult.Of(other.Span, output.Span, 1, 0).SameBits == output.Length);
    }

    /// <summary>What was won now goes before what the file has for the same layers.</summary>
    private static ScheduleOverrides Merge(ScheduleOverrides before, List<TunedLayer> tuned, VectorTarget target) => new(
        before.Entries.Where(e => e.Isa != target.Name || tuned.All(t => t.Layer != e.Layer)).Concat(tuned.Select(t => t.Schedule).OfType<ScheduleOverride>())
            .OrderBy(e => e.Isa, StringComparer.Ordinal).ThenBy(e => e.Layer, StringComparer.Ordinal).ToEquatableArray());

    private static string Write(ScheduleOverrides schedules, List<TunedLayer> tuned)
    {
        StringBuilder text = new();
        text.Append("{\n  \"version\": 1,\n  \"machine\": ").Append(Quote(Machine.Processor)).Append(",\n  \"schedules\": [");
        string separator = "\n";
        foreach (ScheduleOverride e in schedules.Entries)
        {
            text.Append(separator).Append($"    {{ \"layer\": {Quote(e.Layer)}, \"isa\": {Quote(e.Isa)}");
            if (e.Form is not null)
                text.Append($", \"form\": {Quote(e.Form)}");
            foreach ((string name, int value) in new[] { ("rows", e.Rows), ("slab", e.Slab), ("tile", e.Tile) })
                text.Append(value > 0 ? FormattableString.Invariant($", \"{name}\": {value}") : string.Empty);
            if (tuned.FirstOrDefault(t => t.Schedule == e) is { } won)
                text.Append($", \"gain\": {Quote(Figures.Number(100 * won.Gain, 1) + " %")}");
            text.Append(" }");
            separator = ",\n";
        }

        return text.Append(schedules.Entries.Count > 0 ? "\n  ]\n}\n" : "]\n}\n").ToString();
    }

    private static string Quote(string text) => "\"" + JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping) + "\"";

    private static void Print(List<TunedLayer> tuned, List<TunedNetwork> networks, FileInfo? file, Terminal terminal)
    {
        terminal.Table(
            [Column.Text("layer", wraps: true), Column.Text("own choice", wraps: true), Column.Text("fastest", wraps: true), new("us"), new("us"), new("won")],
            tuned.Select(t => (IReadOnlyList<string>)[
                t.Layer, t.Own.Replace("InvertedResidual", "fused", StringComparison.Ordinal), t.Schedule is null ? "the same" : t.Fastest.Replace("InvertedResidual", "fused", StringComparison.Ordinal),
                Figures.Microseconds(t.OwnSeconds), Figures.Microseconds(t.Seconds), t.Schedule is null ? "-" : Figures.Number(100 * t.Gain, 1) + " %"]));
        foreach (TunedNetwork n in networks)
            terminal.Paragraph($"{n.Name}: {Figures.Microseconds(n.OwnSeconds)} us before, {Figures.Microseconds(n.Seconds)} us with these schedules ({Figures.Number(100 * (1 - (n.Seconds / n.OwnSeconds)), 1)} % won); {(n.SameBits ? "the same bits" : "OTHER BITS")}.");
        if (networks.Count == 0)
            terminal.Paragraph($"Nothing was faster than the compiler's own choices by {Figures.Number(100 * SmallestGain, 0)} % or more.");
        if (file is null)
            return;
        terminal.Paragraph($"{file}: {tuned.Count(t => t.Schedule is not null)} of {tuned.Count} layers.");
        terminal.Line(file.Name == ScheduleOverrides.FileName ? $"In the project: <AdditionalFiles Include=\"{file.Name}\" />" : $"The generator reads it by the name {ScheduleOverrides.FileName}.");
    }
}

/// <summary>What was measured for a layer.</summary>
/// <param name="Layer">The layer's key.</param>
/// <param name="Schedule">What is faster than the compiler's own choice; null where nothing is.</param>
/// <param name="Own">The compiler's own choice.</param>
/// <param name="Fastest">The fastest.</param>
/// <param name="Tried">Other schedules tried.</param>
/// <param name="OwnSeconds">Time of its own choice.</param>
/// <param name="Seconds">Time of the fastest.</param>
internal sealed record TunedLayer(string Layer, ScheduleOverride? Schedule, string Own, string Fastest, int Tried, double OwnSeconds, double Seconds)
{
    /// <summary>The share of the time that was won.</summary>
    public double Gain => 1 - (Seconds / OwnSeconds);
}

/// <summary>A whole network with and without the schedules.</summary>
internal sealed record TunedNetwork(string Name, double OwnSeconds, double Seconds, bool SameBits);
