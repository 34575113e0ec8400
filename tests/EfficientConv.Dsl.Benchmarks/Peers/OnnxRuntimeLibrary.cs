using System.Diagnostics;
using System.Runtime.InteropServices;
using EfficientConv.Dsl.Benchmarks.Measuring;

namespace EfficientConv.Dsl.Benchmarks.Peers;

/// <summary>Finds ONNX Runtime's native library, fetching it when it is not there yet.</summary>
internal static class OnnxRuntimeLibrary
{
    private const string Script = "fetch-onnxruntime.sh";

    /// <summary>Path of the library: beside the program when the project was built with OnnxRuntimeFromNuGet, else in the artifacts.</summary>
    /// <exception cref="PeerUnavailableException">It is not there and cannot be fetched; the message says what to do.</exception>
    public static string Locate()
    {
        string folder = Path.Combine(Repository.Artifacts, "onnxruntime");
        if (Find(folder) is { } present)
            return present;
        Fetch(folder);
        return Find(folder) ?? throw new PeerUnavailableException($"npm put no ONNX Runtime library for {PlatformFolder} into {folder}.");
    }

    private static string? Find(string folder)
    {
        string beside = Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native");
        string package = Path.Combine(folder, "node_modules", "onnxruntime-node", "bin");
        string[] names = ["libonnxruntime.so.1", "libonnxruntime.so", "libonnxruntime.1.dylib", "libonnxruntime.dylib", "onnxruntime.dll"];
        IEnumerable<string> folders = Directory.Exists(package)
            ? Directory.EnumerateDirectories(package, "napi-v*").Select(napi => Path.Combine(napi, PlatformFolder))
            : [];
        return folders.Prepend(beside).SelectMany(candidate => names.Select(name => Path.Combine(candidate, name))).FirstOrDefault(File.Exists);
    }

    private static string PlatformFolder => Path.Combine(
        OperatingSystem.IsWindows() ? "win32" : OperatingSystem.IsMacOS() ? "darwin" : "linux",
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64");

    private static void Fetch(string folder)
    {
        string script = Path.Combine(Repository.Project, Script);
        string advice = $"Run {script} {folder} by hand, or build with -p:OnnxRuntimeFromNuGet=true where nuget.org is reachable, or pass --peer none.";
        if (OperatingSystem.IsWindows())
            throw new PeerUnavailableException($"ONNX Runtime is not in {folder}. {advice}");
        Console.Error.WriteLine($"Fetching ONNX Runtime into {folder} ...");
        using Process process = Process.Start(new ProcessStartInfo("sh", [script, folder]) { UseShellExecute = false })
            ?? throw new PeerUnavailableException($"sh cannot be started. {advice}");
        process.WaitForExit();
        const int CommandNotFound = 127;
        if (process.ExitCode == CommandNotFound)
            throw new PeerUnavailableException($"npm was not found, so ONNX Runtime cannot be fetched. Install Node.js. {advice}");
        if (process.ExitCode != 0)
            throw new PeerUnavailableException($"Fetching ONNX Runtime failed with exit code {process.ExitCode}. {advice}");
    }
}

/// <summary>The peer cannot be used; the message is for the user.</summary>
internal sealed class PeerUnavailableException(string message) : Exception(message);
