using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using EfficientConv.Dsl.Benchmarks.Aot;
using EfficientConv.Dsl.Benchmarks.Measuring;
using EfficientConv.Dsl.Measuring;
using EfficientConv.Dsl.Measuring.Peers;
using Microsoft.ML.OnnxRuntime;
using EfficientConv.Dsl.Benchmarks.Reports;
using EfficientConv.Dsl.Benchmarks.Suites;

namespace EfficientConv.Dsl.Benchmarks;

/// <summary>The benchmark tool. Exit code 0: measured; 1: a row failed, its error is told; 2: it could not begin.</summary>
internal static class Program
{
    private static int Main(string[] arguments) =>
        arguments is [BusySibling.Verb, ..] ? BusySibling.Run(arguments) : CommandLine.Invoke(arguments, Run, RunBenchmarkDotNet);

    /// <summary>The program's own file; under the just-in-time compiler the host that the SDK makes for it.</summary>
    private static ProcessStartInfo Itself => new(Environment.ProcessPath!, Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : []);

    private static int Run(BenchmarkOptions options)
    {
        try
        {
            return options.Suite == ThroughputSuite.Name ? ThroughputSuite.Run(options) : Measure(options);
        }
        catch (Exception exception) when (exception is PeerUnavailableException or OnnxRuntimeException or InvalidOperationException or ArgumentException or PlatformNotSupportedException or IOException)
        {
            Console.Error.WriteLine(exception.Message);
            return 2;
        }
    }

    private static int Measure(BenchmarkOptions options)
    {
        BenchmarkRow[] rows = [.. SuiteCatalog.Select(options.Suite, options.Filter).Where(row => options.Row is null || row.Id == options.Row)];
        if (rows.Length == 0)
            throw new ArgumentException($"No row of the suite {options.Suite} matches.");
        if (options.Aot)
            options = options with { Models = options.Models ?? new DirectoryInfo(Path.Combine(Repository.Artifacts, "benchmarks", "models")) };
        options.Models?.Create();
        AotBuild? aot = options.Aot ? AotBuild.Publish() : null;
        if (options is { BusySibling: true, Threads: > 1 })
            throw new ArgumentException("--sibling busy measures one thread on one core; leave --threads out.");
        using BusySibling? busy = options.BusySibling ? BusySibling.Start(options.Core, Itself) : null;

        CoreAffinity.Pin(options.Threads, options.Core);
        using OnnxRuntimePeer? peer = options.Peer == PeerKind.Ort ? new OnnxRuntimePeer(options.Threads) : null;
        RunResult run = Describe(options, peer);
        RowRunner runner = new(options, peer);
        foreach (BenchmarkRow row in rows)
        {
            RowResult result = runner.Run(row);
            if (result.Error is null)
                aot?.Measure(row, options, result);
            run.Rows.Add(result);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{row.Id}{(RuntimeFeature.IsDynamicCodeSupported ? string.Empty : " (NativeAOT)")}: ours {result.OursMs:F4} ms, peer {result.PeerMs:F4} ms, {result.PercentOfPeak:F1} % {result.Error}"));
        }

        if (peer is not null && Machine.HasAvx512 && run.Rows.Any(row => row.Isa is not null and not "avx512"))
            run.Note = "Our side runs without AVX-512 and ONNX Runtime with it (it chooses for itself), so the ratios are not comparable; percent is of our instruction set's peak.";
        Report(options, run);
        return run.Rows.Any(row => row.Error is not null) ? 1 : 0;
    }

    private static RunResult Describe(BenchmarkOptions options, OnnxRuntimePeer? peer) => new()
    {
        Suite = options.Suite,
        Peer = options.Peer == PeerKind.Self ? "ourselves with one thread" : peer?.Name,
        Processor = Machine.Processor,
        System = RuntimeInformation.OSDescription,
        Runtime = RuntimeInformation.FrameworkDescription + (RuntimeFeature.IsDynamicCodeSupported ? " JIT" : " NativeAOT"),
        Threads = options.Threads,
        BusySibling = options.BusySibling,
    };

    private static void Report(BenchmarkOptions options, RunResult run)
    {
        // The NativeAOT build leaves the table, which needs reflection, to its parent; by itself its lines tell the figures.
        if (RuntimeFeature.IsDynamicCodeSupported)
            TableReport.Print(run);
        if (options.Json is { } json)
            File.WriteAllText(json.FullName, JsonSerializer.Serialize(run, RunResultContext.Default.RunResult) + "\n");
        if (options.Svg is { } svg)
            File.WriteAllText(svg.FullName, SvgChart.Draw(run));
    }

    private static int RunBenchmarkDotNet(string filter)
    {
#if BENCHMARK_DOTNET
        return Bdn.KernelBenchmarks.RunAll(filter);
#else
        Console.Error.WriteLine("This build has no BenchmarkDotNet.");
        return 2;
#endif
    }
}
