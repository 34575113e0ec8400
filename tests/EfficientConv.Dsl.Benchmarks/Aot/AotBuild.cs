using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using EfficientConv.Dsl.Benchmarks.Measuring;
using EfficientConv.Dsl.Measuring;
using EfficientConv.Dsl.Benchmarks.Reports;
using EfficientConv.Dsl.Benchmarks.Suites;

namespace EfficientConv.Dsl.Benchmarks.Aot;

/// <summary>The same benchmark published with NativeAOT, run as a child for one row at a time.</summary>
internal sealed class AotBuild
{
    private const string ProgramName = "EfficientConv.Dsl.Benchmarks";

    private readonly string _program;

    private AotBuild(string program) => _program = program;

    /// <summary>What to compile for. A program for more than the processor has would not start.</summary>
    private static string TargetInstructionSet =>
        RuntimeInformation.ProcessArchitecture != Architecture.X64 ? "native" : Machine.HasAvx512 ? "x86-64-v4" : "x86-64-v3";

    /// <summary>Publishes it; takes a minute or two.</summary>
    /// <exception cref="InvalidOperationException">The publish failed.</exception>
    public static AotBuild Publish()
    {
        string output = Path.Combine(Repository.Artifacts, "benchmarks", "aot");
        Console.Error.WriteLine($"Publishing with NativeAOT into {output} ...");
        int exitCode = Run("dotnet", "publish", Repository.Project, "-c", "Release", "-p:BenchmarkAot=true", $"-p:IlcInstructionSet={TargetInstructionSet}", "-o", output, "-v", "quiet", "--nologo");
        return exitCode == 0
            ? new AotBuild(Path.Combine(output, OperatingSystem.IsWindows() ? ProgramName + ".exe" : ProgramName))
            : throw new InvalidOperationException($"Publishing with NativeAOT failed with exit code {exitCode}.");
    }

    /// <summary>Measures <paramref name="row"/> in the child and adds its time to the JIT's <paramref name="result"/>.</summary>
    public void Measure(BenchmarkRow row, BenchmarkOptions options, RowResult result)
    {
        string json = Path.Combine(Path.GetTempPath(), $"{ProgramName}.{Environment.ProcessId}.json");
        string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
        try
        {
            int exitCode = Run(
                _program, "--suite", options.Suite, "--row", row.Id, "--peer", options.Peer.ToString().ToLowerInvariant(), "--threads", Text(options.Threads), "--rounds", Text(options.Rounds),
                "--core", Text(options.Core), "--isa", result.Isa!, "--models", options.Models!.FullName, "--json", json);
            RowResult? child = File.Exists(json) ? JsonSerializer.Deserialize(File.ReadAllText(json), RunResultContext.Default.RunResult)?.Rows.FirstOrDefault() : null;
            if (exitCode != 0 || child is not { OursMs: { } milliseconds })
            {
                result.Error = $"NativeAOT: {child?.Error ?? $"exit code {exitCode}"}";
                return;
            }

            result.AotMs = milliseconds;
            double? quotient = result.PercentOfPeak > 0
                ? result.PercentOfPeak / child.PercentOfPeak
                : milliseconds * child.PeakGflops / (result.OursMs * result.PeakGflops);
            result.AotOverJit = Math.Round(quotient ?? 0, 4);
        }
        finally
        {
            File.Delete(json);
        }
    }

    private static int Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true })
            ?? throw new InvalidOperationException($"{program} cannot be started.");
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            Console.Error.WriteLine(text);
        return process.ExitCode;
    }
}
