using System.CommandLine;
using EfficientConv.Dsl.Benchmarks.Suites;

namespace EfficientConv.Dsl.Benchmarks;

/// <summary>The command line's options and their help.</summary>
internal static class CommandLine
{
    private const string Description = """
        Times the generated kernels beside ONNX Runtime: same process, same weights, same input, interleaved rounds on a bound core, outputs compared first.

        Tables: alone (NCHW in and out, as a user calls it), chain (the cost of one more block inside a network, from five blocks and one), own (our side with
        NHWC spans). ratio = peer time / our time, of medians and of minima; a row is judged by both. % peak = of the core's rate of fused multiply-adds, measured
        around every sample; of min: the least time by the best peak. A target "90 / 82 %" is one of minima and one of medians. Targets are those of one thread with
        AVX-512, or with AVX2 where the machine has no AVX-512. The JSON file holds the same figures and what ran where.

        Minima are the code's, medians the machine's of that minute. Rounds in which the system took the core away are repeated, eight times as many as are asked for
        at most. A row is marked * (disturbed) when most of its rounds are such ones all the same, or when the core's peak was below nine tenths of its best in most
        rounds: the other hardware thread of the core was at work (a virtual machine does not show it), or the clock fell. --sibling busy makes such a thread.

        --suite throughput times nothing: it shows the kernels' inner loops and what static models of cores say of them (docs/throughput.md). --isa vector128 is
        NEON, in a NativeAOT binary for linux-arm64; with --aot x64's code is that of a binary too. --filter is one word there.

        DOTNET_EnableAVX512=0, or --isa avx2, runs our AVX2 kernels against the AVX2 peak; ONNX Runtime chooses for itself and keeps using AVX-512.
        """;

    /// <summary>Reads <paramref name="arguments"/> and calls <paramref name="run"/>, or prints help or what is wrong.</summary>
    public static int Invoke(string[] arguments, Func<BenchmarkOptions, int> run, Func<string, int> runBenchmarkDotNet)
    {
        Option<string> suite = new("--suite") { Description = "Rows to measure.", DefaultValueFactory = _ => SuiteCatalog.Names[0] };
        suite.AcceptOnlyFromAmong(SuiteCatalog.Names);
        Option<PeerKind> peer = new("--peer") { Description = "ort: ONNX Runtime; none: our side alone; self: our side with one thread, to see what --threads gives.", DefaultValueFactory = _ => PeerKind.Ort };
        Option<int> threads = Number("--threads", "Threads on both sides.", 1, 1);
        Option<string> filter = new("--filter") { Description = "Only rows whose table/name contains one of these words, separated by commas.", DefaultValueFactory = _ => string.Empty };
        Option<string?> row = new("--row") { Description = "Only the row with exactly this table/name." };
        Option<int> rounds = Number("--rounds", "Counted samples a side; at least 50 for figures to publish.", 60, 1);
        Option<InstructionSet> isa = new("--isa") { Description = "Our kernels.", DefaultValueFactory = _ => InstructionSet.Auto };
        Option<int> core = Number("--core", "The first core to bind to.", 0, 0);
        Option<string> sibling = new("--sibling") { Description = "busy: a second process loads and stores on the core's other hardware thread meanwhile (one thread).", DefaultValueFactory = _ => "alone" };
        sibling.AcceptOnlyFromAmong("alone", "busy");
        Option<FileInfo?> json = new("--json") { Description = "Writes the figures to a file." };
        Option<FileInfo?> svg = new("--svg") { Description = "Draws the figures as a bar chart." };
        Option<DirectoryInfo?> models = new("--models") { Description = "Keeps the ONNX files in this folder." };
        Option<bool> aot = new("--aot") { Description = "Also publishes this benchmark with NativeAOT and measures every row in it, right after the JIT's." };
        Option<bool> bdn = new("--bdn") { Description = "Runs BenchmarkDotNet with its disassembler on some kernels (chosen by --filter) instead." };
        RootCommand command = new(Description) { suite, peer, threads, filter, row, rounds, isa, core, sibling, json, svg, models, aot, bdn };
        command.SetAction(parsed => parsed.GetValue(bdn)
            ? runBenchmarkDotNet(parsed.GetValue(filter)!)
            : run(new BenchmarkOptions
            {
                Suite = parsed.GetValue(suite)!,
                Peer = parsed.GetValue(peer),
                Threads = parsed.GetValue(threads),
                Filter = parsed.GetValue(filter)!,
                Row = parsed.GetValue(row),
                Rounds = parsed.GetValue(rounds),
                InstructionSet = parsed.GetValue(isa),
                Core = parsed.GetValue(core),
                BusySibling = parsed.GetValue(sibling) == "busy",
                Json = parsed.GetValue(json),
                Svg = parsed.GetValue(svg),
                Models = parsed.GetValue(models),
                Aot = parsed.GetValue(aot),
            }));
        return command.Parse(arguments).Invoke();
    }

    private static Option<int> Number(string name, string description, int fallback, int minimum)
    {
        Option<int> option = new(name) { Description = description, DefaultValueFactory = _ => fallback };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < minimum)
                result.AddError($"{name} must be at least {minimum}.");
        });
        return option;
    }
}
