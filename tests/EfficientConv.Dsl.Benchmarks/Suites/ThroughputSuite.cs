using System.Diagnostics;
using EfficientConv.Dsl.Benchmarks.Measuring;

namespace EfficientConv.Dsl.Benchmarks.Suites;

/// <summary>
/// No times: the inner loops of whole networks and of all blocks, as the tool's verb of that name shows them (docs/throughput.md). The sources are compiled by the tool, so that a
/// changed compiler needs no build of the zoo. 128-bit vectors are those of a NativeAOT binary for Arm64.
/// </summary>
internal static class ThroughputSuite
{
    public const string Name = "throughput";

    private static readonly string[] s_networks = ["MobileNetV2", "MobileNetV3Small", "ResNet18"];

    /// <summary>Runs the tool; returns its exit code.</summary>
    public static int Run(BenchmarkOptions options)
    {
        bool isArm64 = options.InstructionSet == InstructionSet.Vector128;
        List<string> arguments =
        [
            "run", "-c", "Release", "--project", Path.Combine(Repository.Root, "src", "EfficientConv.Dsl.Cli"), "--", Name,
            .. s_networks.Select(name => Path.Combine(Repository.Root, "src", "EfficientConv.Dsl.Zoo", name + ".cs")), Path.Combine(Repository.Project, "Networks"),
            "--isa", options.InstructionSet.ToString().ToLowerInvariant(),
        ];
        if (isArm64 || options.Aot)
            arguments.AddRange(["--runtime", isArm64 ? "linux-arm64" : "linux-x64"]);
        if (options.Filter.Length > 0)
            arguments.AddRange(["--network", $"*{options.Filter}*"]);
        if (options.Json is not null)
            arguments.Add("--json");
        using Process process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = options.Json is not null })
            ?? throw new InvalidOperationException("dotnet cannot be started.");
        string? text = options.Json is null ? null : process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode == 0 && text is not null)
            File.WriteAllText(options.Json!.FullName, text);
        return process.ExitCode;
    }
}
