using System.Diagnostics;
using EfficientConv.Dsl.Package.Tests;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>The tool as a package: packed, installed from a folder, run in an empty one.</summary>
public sealed class InstallationTests
{
#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif

    [Fact]
    public async Task PackedTool_InstallsAndRuns()
    {
        using Tool tool = new();
        string file = tool.Write("empty/Networks.cs", Tool.MobileNetV2), folder = Path.GetDirectoryName(file)!;
        (await DotnetCommand.RunAsync(folder, "pack", RepositoryFiles.At("src/EfficientConv.Dsl.Cli/EfficientConv.Dsl.Cli.csproj"), "--no-build", "-c", Configuration, "-o", tool.At("feed"))).Succeeded();
        string package = Path.GetFileNameWithoutExtension(Assert.Single(Directory.GetFiles(tool.At("feed"), "EfficientConv.Dsl.Cli.*.nupkg")));
        string version = package["EfficientConv.Dsl.Cli.".Length..];
        (await DotnetCommand.RunAsync(folder, "tool", "install", "EfficientConv.Dsl.Cli", "--version", version, "--add-source", tool.At("feed"), "--tool-path", tool.At("tools"), "--no-cache")).Succeeded();

        CommandResult help = await RunAsync(tool, folder, "--help");
        Assert.All((string[])["report", "memory", "bench", "choose", "generate", "throughput", "validate", "tune"], verb => Assert.Contains(verb, help.Succeeded().Output, StringComparison.Ordinal));
        CommandResult report = await RunAsync(tool, folder, ["report", "Networks.cs", "--network", "MobileNetV2", .. Tool.Machine]);
        Assert.Contains("3,504,872", report.Succeeded().Output, StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync(tool, folder, "report", "Nowhere.cs")).ExitCode);

        // No native library is in the tool's package; it takes the one in NuGet's folder, and says how it gets there.
        Assert.InRange(new FileInfo(tool.At($"feed/{package}.nupkg")).Length, 1, 40_000_000);
        Assert.DoesNotContain(Directory.EnumerateFiles(tool.At("tools"), "*onnxruntime*.so", SearchOption.AllDirectories), _ => true);
        string[] bench = ["bench", "Networks.cs", "--network", "MobileNetV2", "--count", "1", "--peer", "ort", .. Tool.Machine];
        CommandResult missing = await RunAsync(tool, folder, bench, packages: tool.At("empty"));
        Assert.Equal(2, missing.ExitCode);
        Assert.StartsWith("error: ONNX Runtime was not found. dotnet package download Microsoft.ML.OnnxRuntime@1.", missing.Output, StringComparison.Ordinal);
        Assert.Contains("ONNX Runtime 1.", (await RunAsync(tool, folder, bench)).Succeeded().Output, StringComparison.Ordinal);
    }

    private static Task<CommandResult> RunAsync(Tool tool, string folder, params string[] arguments) => RunAsync(tool, folder, arguments, packages: null);

    private static async Task<CommandResult> RunAsync(Tool tool, string folder, string[] arguments, string? packages)
    {
        ProcessStartInfo start = new(tool.At(OperatingSystem.IsWindows() ? "tools/efficientconv.exe" : "tools/efficientconv"), arguments)
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment.Remove("EFFICIENTCONV_ONNXRUNTIME");
        if (packages is not null)
            start.Environment["NUGET_PACKAGES"] = packages;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new CommandResult(process.ExitCode, await output + await error);
    }
}
