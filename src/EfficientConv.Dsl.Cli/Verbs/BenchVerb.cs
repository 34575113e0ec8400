using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Measuring;
using EfficientConv.Dsl.Measuring.Onnx;
using EfficientConv.Dsl.Measuring.Peers;
using Microsoft.ML.OnnxRuntime;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary><c>bench</c>: how long networks take on this machine.</summary>
internal static class BenchVerb
{
    /// <summary>Offsets into a page that keep inputs and outputs from falling on the same cache sets.</summary>
    private const int InputOffset = 0, OutputOffset = 2048 + 64;

    /// <summary>Calls between two measurements of the core's peak.</summary>
    private const int CallsPerPeak = 20;

    /// <summary>Without --count: at least so many calls, and so long.</summary>
    private const int FewestCalls = 100, MostCalls = 20000;

    private const double SecondsPerNetwork = 1.0;

    private const string Description =
        "Runs the generated kernels and times them: medians, minima and the ratios of both. Minima are the code's, medians the machine's of that minute. " +
        "\"disturbed\" marks figures that other programs slowed: the system took the core away in more than a tenth of the calls, the core's own peak fell below nine tenths of its " +
        "best between them (another hardware thread of the core at work, which a virtual machine does not show, or a falling clock), a sibling was busy for more than a tenth of " +
        "the time, or the host took more than 2 % of it.";

    /// <summary>Calls that may be asked for: the time of each is kept.</summary>
    private const int MostAsked = 10_000_000;

    public static Command Create(Terminal terminal)
    {
        InputOptions inputs = new();
        Option<bool> json = Options.Json();
        Option<InstructionSet> isa = Options.InstructionSet();
        Option<int> threads = Options.Number("--threads", "Threads of a call.", 1);
        Option<int> batch = Options.Number("--batch", "Images of a call.", 1);
        Option<int> warmUp = Options.Number("--warm-up", "Calls before the first counted one; at least a quarter of a second.", 40, 0, MostAsked);
        Option<int> count = Options.Number("--count", "Counted calls; 0: as many as take a second, at least 100.", 0, 0, MostAsked);
        Option<bool> layers = new("--layers") { Description = "Each step's time as well (one image)." };
        Option<string> peer = Options.Peer("ort: ONNX Runtime beside it, same weights and input (one image).");
        Option<int?> core = Options.Core();
        Option<FileInfo?> schedule = Options.Schedule();
        Option<FileInfo?> page = new("--page") { Description = "Writes a page of this machine's figures, and beside it the JSON that it is made of; figures of other networks stay.", HelpName = "file.md" };
        Option<string> sibling = new("--sibling")
        {
            Description = "busy: a second process loads and stores on the core's other hardware thread meanwhile, as on a server in use (one thread).", DefaultValueFactory = _ => "alone",
        };
        sibling.AcceptOnlyFromAmong("alone", "busy");
        MachineOptions machine = new();
        Command command = new("bench", Description) { isa, threads, batch, warmUp, count, layers, peer, core, sibling, schedule, json, page };
        inputs.AddTo(command);
        machine.AddTo(command);
        command.SetAction(parsed =>
        {
            InstructionSet set = Options.Resolve(parsed.GetValue(isa));
            BenchSettings settings = new(
                set, Options.Threads(parsed.GetValue(threads), terminal), parsed.GetValue(batch), parsed.GetValue(warmUp), parsed.GetValue(count), parsed.GetValue(layers),
                Options.ReadSchedule(parsed.GetValue(schedule)), parsed.GetValue(core));
            bool keepsBusy = parsed.GetValue(sibling) == "busy";
            if (keepsBusy && settings.Threads != 1)
                throw new ToolException("--sibling busy measures one thread on one core; leave --threads out.");
            bool hasPeer = parsed.GetValue(peer) == "ort";
            if (hasPeer && settings.Batch != 1)
                throw new ToolException("--peer ort compares one image; leave --batch out.");
            if (settings.Layers && settings.Batch != 1)
                throw new ToolException("--layers times the steps of one image; leave --batch out.");
            Options.CheckCore(settings.Core);
            (OutputFile Page, OutputFile Json, string JsonPath)? pages = parsed.GetValue(page) is { } file ? CheckPage(file) : null;
            IReadOnlyList<NetworkInput> networks = inputs.Read(parsed, terminal);
            foreach (NetworkInput item in networks)
                CheckMemory(item, settings);
            MachineModel model = machine.Read(parsed, set, terminal);
            if (keepsBusy)
                settings = settings with { Core = settings.Core ?? CoreAffinity.Allowed[0] };
            using BusySibling? busy = keepsBusy ? StartSibling(settings.Core!.Value) : null;
            settings = settings with { BusySibling = keepsBusy };
            Pin(settings);
            using OnnxRuntimePeer? ort = hasPeer ? Options.StartPeer(settings.Threads) : null;
            bool plain = !parsed.GetValue(json);
            if (plain)
                Preamble(settings, terminal);
            List<BenchResult> results = [];
            foreach (NetworkInput item in networks)
            {
                BenchResult result;
                using (terminal.Working($"Measuring {item.ShortName}"))
                    result = Measure(item, settings, model, ort);
                results.Add(result);
                if (plain)
                    Print(result, terminal);
            }

            if (pages is { } written)
            {
                string line = "efficientconv " + string.Join(' ', parsed.Tokens.Select(token => token.Value));
                PerformancePage made = PerformancePage.With(written.JsonPath, model, line, results);
                written.Json.Write(made.Json());
                written.Page.Write(made.Markdown());
            }

            if (!plain)
                terminal.Writer.WriteLine(Figures.Json(new { Machine.Processor, Machine = model, Networks = results }));
            return ExitCode.Success;
        });
        return command;
    }

    private static BusySibling StartSibling(int core)
    {
        try
        {
            return BusySibling.Start(core, ChildProcess.StartInfo());
        }
        catch (InvalidOperationException exception)
        {
            throw new ToolException($"--sibling busy: {exception.Message}");
        }
    }

    private static (OutputFile Page, OutputFile Json, string JsonPath) CheckPage(FileInfo page)
    {
        string json = PerformancePage.JsonPath(page.FullName);
        if (json == page.FullName)
            throw new ToolException($"--page: {page} would be overwritten by its own figures; expected a name that ends with .md.");
        PerformancePage.Existing(json);
        return (OutputFile.Check("--page", page), OutputFile.Check("--page", new FileInfo(json)), json);
    }

    /// <summary>Threads inherit the core of the thread that makes them, so it is called again when a network has made its own.</summary>
    private static void Pin(BenchSettings settings)
    {
        if (settings.Core is { } core)
            CoreAffinity.Pin(settings.Threads, core);
    }

    /// <summary>Whether the inputs and outputs of a call can be made, before anything is compiled.</summary>
    private static void CheckMemory(NetworkInput network, BenchSettings settings)
    {
        long input, output, parameters;
        double bytes;
        if (network.Declaration is null)
        {
            RunnableNetwork runnable = RunnableNetwork.Of(network.Type!);
            (input, output, parameters) = (runnable.InputShape.ElementCount, runnable.OutputShape.ElementCount, runnable.Cost.Parameters);
            bytes = sizeof(float) * ((4.0 * parameters) + ((double)settings.Batch * (input + output)));
        }
        else
        {
            NetworkAnalysis analysis = network.Analyze(settings.Schedules);
            (input, output, parameters) = (analysis.Graph.Input.Count, analysis.Graph.Output.Count, analysis.Cost.Parameters);
            bytes = MemoryBound.Bytes(analysis.PlanFor(Options.Target(settings.InstructionSet)), parameters, settings.Batch, settings.Threads);
        }

        long most = int.MaxValue / Math.Max(input, output);
        if (settings.Batch > most)
        {
            throw new ToolException(
                $"--batch is {settings.Batch}: {Figures.Count(settings.Batch)} images of {network.ShortName} have more than {Figures.Count(int.MaxValue)} values; " +
                $"a call takes at most {Figures.Count(most)}.");
        }

        if (parameters * sizeof(float) > Array.MaxLength)
            throw new ToolException($"{network.ShortName} has weights of {Figures.Bytes(parameters * sizeof(float))}; bench makes a checkpoint of at most 2 GiB in memory.");
        MemoryBound.Check($"{network.ShortName} with --batch {settings.Batch}", bytes);
    }

    internal static BenchResult Measure(NetworkInput network, BenchSettings settings, MachineModel machine, OnnxRuntimePeer? peer)
    {
        RunnableNetwork runnable = NetworkBuild.Runnable(network, new CompilerOptions(Overrides: settings.Schedules));
        Dictionary<string, float[]> weights = SeededValues.CreateWeights(runnable.Parameters);
        byte[] checkpoint = SeededValues.ToSafetensors(runnable.Parameters, weights);
        long start = Stopwatch.GetTimestamp();
        LoadedNetwork loaded = runnable.Load(checkpoint, new LoadOptions { InstructionSet = settings.InstructionSet });
        double load = Stopwatch.GetElapsedTime(start).TotalSeconds;

        using PageBuffer input = new(runnable.InputShape.ElementCount * settings.Batch, InputOffset), output = new(runnable.OutputShape.ElementCount * settings.Batch, OutputOffset);
        SeededValues.FillInput(input.Span);
        void Call() => loaded.Run(settings.Batch, input.Span, output.Span, settings.Threads);
        start = Stopwatch.GetTimestamp();
        Call();
        double first = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Pin(settings);

        using PageBuffer expected = new(runnable.OutputShape.ElementCount, OutputOffset);
        using OnnxRuntimeSession? session = peer is null ? null : Session(peer, network, runnable, weights, input, expected);
        LatencySamples.WarmUp(Call, settings.WarmUp);
        if (session is not null)
            LatencySamples.WarmUp(() => session.Run(1), settings.WarmUp);
        if (settings.Threads > 1)
            AwaitCompiler();
        LatencySamples ours = new(), theirs = new(), processorTime = new();
        List<double> peaks = [];
        int disturbed = 0;
        CoreLoad others = CoreLoad.Begin(settings.Core ?? CoreAffinity.Allowed[0]);
        start = Stopwatch.GetTimestamp();
        for (int i = 0; settings.Count > 0 ? i < settings.Count : i < FewestCalls || (i < MostCalls && Stopwatch.GetElapsedTime(start).TotalSeconds < SecondsPerNetwork); i++)
        {
            if (i % CallsPerPeak == 0)
                peaks.Add(FmaPeak.Measure(loaded.InstructionSet) / 2);
            if (session is not null)
            {
                // The other side has used the caches: one call brings each side's data back.
                session.Run(1);
                theirs.Take(() => session.Run(1));
                Call();
            }

            long switches = Preemption.Count(settings.Threads);
            double processor = ThreadClock.Seconds;
            ours.Take(Call);
            processorTime.Add(ThreadClock.Seconds - processor);
            disturbed += Preemption.Count(settings.Threads) != switches ? 1 : 0;
        }

        (double? siblingLoad, double? stolen) = settings.Core is null ? (null, null) : (others.Siblings, others.Stolen);
        double peak = Statistics.Median(peaks) * settings.Threads;
        double? predicted = network.Declaration is null ? null : Predicted(network, settings, machine);
        (long Runtime, long Peak)? resident = Resident(network, settings.InstructionSet);
        long macs = runnable.Cost.MultiplyAdds * settings.Batch;
        return new BenchResult
        {
            Name = network.ShortName,
            InstructionSet = loaded.InstructionSet.ToString().ToLowerInvariant(),
            Threads = settings.Threads,
            Batch = settings.Batch,
            MultiplyAdds = macs,
            Ours = LatencyResult.Of(ours),
            Peer = session is null ? null : LatencyResult.Of(theirs),
            PeerName = peer?.Name,
            PeerDifference = session is null ? null : Difference(runnable, output.Span, expected.Span),
            LoadSeconds = load,
            FirstCallSeconds = first,
            ProcessorSeconds = settings.Threads == 1 ? processorTime.Median : null,
            PredictedSeconds = settings is { Batch: 1, Threads: 1 } ? predicted : null,
            MacsPerSecond = macs / ours.Median,
            PeakMacsPerSecond = peak,
            PeakSteadiness = Statistics.Median(peaks) / peaks.Max(),
            Disturbed = disturbed,
            SiblingLoad = siblingLoad,
            Stolen = stolen,
            BusySibling = settings.BusySibling,
            AllocatedBytesPerCall = Allocated(Call),
            WorkspaceBytes = loaded.WorkspaceBytes,
            PackedWeightBytes = loaded.PackedWeightBytes,
            PeakResidentBytes = resident?.Peak,
            RuntimeResidentBytes = resident?.Runtime,
            Steps = settings.Layers ? Steps(network, settings, machine, checkpoint, peak) : null,
        };
    }

    /// <summary>
    /// Returns when the runtime has stopped optimising what this tool itself ran: it does so on a thread of its own for seconds, and several threads of a call leave it no
    /// core to do it on.
    /// </summary>
    private static void AwaitCompiler()
    {
        long compiled = -1, end = Stopwatch.GetTimestamp() + (30 * Stopwatch.Frequency);
        for (long now = JitInfo.GetCompiledMethodCount(); now != compiled && Stopwatch.GetTimestamp() < end; now = JitInfo.GetCompiledMethodCount())
        {
            compiled = now;
            Thread.Sleep(300);
        }
    }

    private static double Predicted(NetworkInput network, BenchSettings settings, MachineModel machine)
    {
        NetworkAnalysis analysis = network.Analyze(settings.Schedules);
        return TimeModel.Seconds(analysis.Graph, analysis.PlanFor(Options.Target(settings.InstructionSet)), machine);
    }

    private static OnnxRuntimeSession Session(
        OnnxRuntimePeer peer, NetworkInput network, RunnableNetwork runnable, Dictionary<string, float[]> weights, PageBuffer input, PageBuffer expected)
    {
        if (runnable.Layout != TensorLayout.NCHW)
            throw new ToolException($"{network.ShortName} takes NHWC and ONNX Runtime NCHW: there is nothing to compare.");
        try
        {
            return peer.Load(OnnxExporter.Export(network.ShortName, network.Graph(), weights), runnable.InputShape, input, runnable.OutputShape, expected);
        }
        catch (Exception exception) when (exception is NotSupportedException or InvalidOperationException or OnnxRuntimeException)
        {
            throw new ToolException($"{network.ShortName} cannot be given to ONNX Runtime: {exception.Message}");
        }
    }

    /// <summary>Largest difference as a share of the largest value.</summary>
    private static double Difference(RunnableNetwork runnable, ReadOnlySpan<float> found, ReadOnlySpan<float> expected) =>
        NumbersResult.Of(found[..(int)runnable.OutputShape.ElementCount], expected, 1, 0).LargestErrorShare;

    /// <summary>Bytes allocated by a call, averaged over many.</summary>
    private static double Allocated(Action call)
    {
        const int Calls = 50;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Calls; i++)
            call();
        return (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Calls;
    }

    private static (long Runtime, long Peak)? Resident(NetworkInput network, InstructionSet set)
    {
        if (network.Declaration is null)
            return null;
        Subprocess.Result result = ChildProcess.Start(
            NetworkBuild.Emit(NetworkCompiler.Compile(network.Declaration, CompilerOptions.Default).Sources.Select(s => s.Text)), set, 10);
        string[] figures = result.Output.Trim().Split(' ');
        return result.ExitCode == ExitCode.Success && figures.Length == 2
            ? (long.Parse(figures[0], CultureInfo.InvariantCulture), long.Parse(figures[1], CultureInfo.InvariantCulture))
            : null;
    }

    /// <summary>A build that notes the time between steps: medians, so that the notes' own cost of some ten nanoseconds stays with each.</summary>
    private static StepTime[] Steps(NetworkInput network, BenchSettings settings, MachineModel machine, byte[] checkpoint, double peak)
    {
        NetworkReport report = NetworkReport.Of(network, settings.InstructionSet, machine, settings.Schedules);
        RunnableNetwork runnable = NetworkBuild.Runnable(network, new CompilerOptions(Overrides: settings.Schedules, TimesSteps: true));
        LoadedNetwork loaded = runnable.Load(checkpoint, new LoadOptions { InstructionSet = settings.InstructionSet });
        long[] ticks = loaded.StepTicks ?? throw new InvalidOperationException("The timed build has no times.");
        using PageBuffer input = new(runnable.InputShape.ElementCount, InputOffset), output = new(runnable.OutputShape.ElementCount, OutputOffset);
        SeededValues.FillInput(input.Span);
        void Call() => loaded.Run(1, input.Span, output.Span, settings.Threads);
        LatencySamples.WarmUp(Call, settings.WarmUp);
        LatencySamples[] samples = [.. Enumerable.Range(0, ticks.Length - 1).Select(_ => new LatencySamples())];
        for (int i = 0; i < FewestCalls; i++)
        {
            Call();
            for (int step = 0; step < samples.Length; step++)
                samples[step].Add((ticks[step + 1] - ticks[step]) / (double)Stopwatch.Frequency);
        }

        return [.. report.Steps!.Zip(samples, (step, time) => new StepTime(
            step.Name, step.Form, step.MultiplyAdds, time.Median, step.PredictedSeconds, 100 * step.MultiplyAdds / time.Median / peak))];
    }

    private static void Preamble(BenchSettings settings, Terminal terminal)
    {
        terminal.Line(string.Create(CultureInfo.InvariantCulture, $"loop_count = {(settings.Count > 0 ? settings.Count : "a second")}, num_threads = {settings.Threads}, batch = {settings.Batch}, isa = {settings.InstructionSet.ToString().ToLowerInvariant()}"));
        terminal.Line(Machine.Processor);
        terminal.Line();
    }

    private static void Print(BenchResult r, Terminal terminal)
    {
        terminal.Line(Ncnn(r.Name, r.Ours));
        if (r.Peer is { } peer)
            terminal.Line(Ncnn(r.PeerName!, peer));
        (string, string)[] facts =
        [
            ("session creation", $"{Figures.Number(r.LoadSeconds * 1e3, 2)} ms; first inference {Figures.Number(r.FirstCallSeconds * 1e3, 2)} ms"),
            ("inferences a second", Figures.Number(r.Batch / r.Ours.P50, 1)),
            ("latency us", $"min {Us(r.Ours.Minimum)}  P50 {Us(r.Ours.P50)}  P90 {Us(r.Ours.P90)}  P95 {Us(r.Ours.P95)}"),
            (string.Empty, $"P99 {Us(r.Ours.P99)}  P999 {Us(r.Ours.P999)}  max {Us(r.Ours.Maximum)}  ({Figures.Count(r.Ours.Calls)} calls)"),
            .. r.ProcessorSeconds is { } processor && processor < 0.9 * r.Ours.P50 ? [("processor time", $"P50 {Us(processor)} us: the machine was busy with other things as well")] : Array.Empty<(string, string)>(),
            ("rate", r.MultiplyAdds == 0 ? "-" : $"{Figures.Number(r.MacsPerSecond / 1e9, 1)} GMAC/s, {Figures.Number(r.PercentOfPeak, 1)} % of the measured {Figures.Number(r.PeakMacsPerSecond / 1e9, 1)} (minimum: {Figures.Number(r.MinimumPercentOfPeak, 1)} %)"),
            .. r.PredictedSeconds is { } predicted ? [("predicted", $"{Us(predicted)} us, {Figures.Number(100 * ((predicted / r.Ours.Minimum) - 1), 0)} % off the minimum")] : Array.Empty<(string, string)>(),
            .. r.Ratio is { } ratio
                ? [("ratio", $"{Figures.Number(ratio, 2)} (P50), {Figures.Number(r.MinimumRatio!.Value, 2)} (minima): {r.PeerName} takes"), (string.Empty, $"P50 {Us(r.Peer!.P50)}, min {Us(r.Peer.Minimum)} us; outputs differ by {r.PeerDifference:G2}")]
                : Array.Empty<(string, string)>(),
            .. Disturbed(r),
            ("allocated", $"{Figures.Number(r.AllocatedBytesPerCall, 0)} B a call; workspace {Figures.Bytes(r.WorkspaceBytes)}, packed weights {Figures.Bytes(r.PackedWeightBytes)}"),
            .. r.PeakResidentBytes is { } resident ? [("peak RSS", $"{Figures.Bytes(resident)} alone in a process, of which the runtime {Figures.Bytes(r.RuntimeResidentBytes!.Value)}")] : Array.Empty<(string, string)>(),
        ];
        terminal.Facts(facts);
        if (r.Steps is { } steps)
        {
            terminal.Line();
            double total = steps.Sum(s => s.Seconds);
            terminal.Table(
                [Column.Text("layers"), Column.Text("form"), new("us"), new("share"), new("GMAC/s"), new("of peak"), new("predicted")],
                steps.Select(s => (IReadOnlyList<string>)[
                    Figures.Short(s.Name, 11), Figures.Short(s.Form, 24), Us(s.Seconds), Figures.Number(100 * s.Seconds / total, 1) + " %",
                    s.MultiplyAdds == 0 ? "-" : Figures.Number(s.MultiplyAdds / s.Seconds / 1e9, 1), s.MultiplyAdds == 0 ? "-" : Figures.Number(s.PercentOfPeak, 1) + " %", Us(s.PredictedSeconds)]));
        }

        terminal.Line();
    }

    /// <summary>What other programs did, where they slowed the measurement or were made to.</summary>
    private static IEnumerable<(string, string)> Disturbed(BenchResult r)
    {
        if (r.BusySibling)
            yield return ("sibling", $"kept busy by a second process, {Percent(r.SiblingLoad ?? 1)} of the time");
        if (!r.IsDisturbed)
            yield break;
        yield return ("disturbed", $"the core was taken away in {Figures.Count(r.Disturbed!.Value)} of {Figures.Count(r.Ours.Calls)} calls; its peak was");
        yield return (string.Empty, $"{Percent(r.PeakSteadiness!.Value)} of its best in the median" +
            (r.SiblingLoad is { } busy ? $"; siblings busy {Percent(busy)}" : string.Empty) + (r.Stolen is { } stolen ? $"; host took {Percent(stolen)}" : string.Empty));

        static string Percent(double share) => Figures.Number(100 * share, 0) + " %";
    }

    /// <summary>benchncnn's line: milliseconds, the name in 20 columns.</summary>
    private static string Ncnn(string name, LatencyResult r) => string.Create(
        CultureInfo.InvariantCulture, $"{Figures.Short(name, 24),20}  min = {r.Minimum * 1e3,7:0.000}  max = {r.Maximum * 1e3,7:0.000}  avg = {r.Average * 1e3,7:0.000}");

    private static string Us(double seconds) => Figures.Microseconds(seconds);
}

/// <summary>How <c>bench</c> measures.</summary>
internal sealed record BenchSettings(InstructionSet InstructionSet, int Threads, int Batch, int WarmUp, int Count, bool Layers, ScheduleOverrides? Schedules, int? Core = null)
{
    /// <summary>Whether the core's sibling is kept busy.</summary>
    public bool BusySibling { get; init; }
}
