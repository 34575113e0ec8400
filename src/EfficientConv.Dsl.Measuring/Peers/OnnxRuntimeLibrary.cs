using System.Diagnostics;
using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Measuring.Peers;

/// <summary>Finds ONNX Runtime's native library, fetching it when it is not there yet.</summary>
internal static class OnnxRuntimeLibrary
{
    /// <summary>An environment variable with the library's path, for those who have it elsewhere.</summary>
    public const string EnvironmentVariable = "EFFICIENTCONV_ONNXRUNTIME";

    /// <summary>
    /// Path of the library: what the environment variable names, beside the program when the project was built with OnnxRuntimeFromNuGet, or in the
    /// checkout's artifacts, where it is fetched to if need be.
    /// </summary>
    /// <exception cref="PeerUnavailableException">It is not there and cannot be fetched; the message says what to do.</exception>
    public static string Locate()
    {
        if (Environment.GetEnvironmentVariable(EnvironmentVariable) is { Length: > 0 } given)
            return File.Exists(given) ? given : throw new PeerUnavailableException($"{EnvironmentVariable} names {given}, which does not exist.");
        string? checkout = Checkout.Root;
        string folder = Path.Combine(checkout ?? AppContext.BaseDirectory, "artifacts", "onnxruntime");
        if (Find(folder) is { } present)
            return present;
        if (checkout is null)
        {
            throw new PeerUnavailableException(
                $"ONNX Runtime was not found. Set {EnvironmentVariable} to its library (libonnxruntime.so, onnxruntime.dll), for example from the npm package onnxruntime-node or the NuGet package Microsoft.ML.OnnxRuntime.");
        }

        Fetch(folder, Path.Combine(checkout, Checkout.FetchScript));
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

    private static void Fetch(string folder, string script)
    {
        string advice = $"Run {script} {folder} by hand, or set {EnvironmentVariable} to a library, or pass --peer none.";
        if (OperatingSystem.IsWindows())
            throw new PeerUnavailableException($"ONNX Runtime is not in {folder}. {advice}");
        Console.Error.WriteLine($"Fetching ONNX Runtime into {folder} ...");

        // Standard output is for results, which may be JSON.
        using Process process = Process.Start(new ProcessStartInfo("sh", [script, folder]) { UseShellExecute = false, RedirectStandardOutput = true })
            ?? throw new PeerUnavailableException($"sh cannot be started. {advice}");
        Console.Error.Write(process.StandardOutput.ReadToEnd());
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
