using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace EfficientConv.Dsl.Measuring.Peers;

/// <summary>
/// Finds ONNX Runtime's native library. The managed API alone comes with the tool: the package with the libraries of all platforms has 160 MB, which nobody should
/// download who does not compare. A program that references that package has the library beside it; the tool takes it from NuGet's folder, where one command puts it.
/// </summary>
internal static class OnnxRuntimeLibrary
{
    /// <summary>An environment variable with the library's path, for those who have it elsewhere.</summary>
    public const string EnvironmentVariable = "EFFICIENTCONV_ONNXRUNTIME";

    private const string Package = "Microsoft.ML.OnnxRuntime";

    /// <summary>The version of the managed API that this was built with; its native library is of the same one.</summary>
    private static string Version { get; } = typeof(OnnxRuntimeLibrary).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "OnnxRuntimeVersion").Value!;

    private static string FileName => OperatingSystem.IsWindows() ? "onnxruntime.dll" : OperatingSystem.IsMacOS() ? "libonnxruntime.dylib" : "libonnxruntime.so";

    private static string PortableRuntime =>
        $"{(OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")}-{(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64")}";

    private static readonly Lazy<string> s_loaded = new(() =>
    {
        string path = Locate();
        nint library = NativeLibrary.Load(path);
        OrtEnv.DisableDllImportResolver = true;
        NativeLibrary.SetDllImportResolver(typeof(OrtEnv).Assembly, (name, _, _) => name.Contains("onnxruntime", StringComparison.OrdinalIgnoreCase) ? library : 0);
        return path;
    });

    /// <summary>Loads the library for the managed API, once in a process.</summary>
    /// <exception cref="PeerUnavailableException">It is not there; the message says what to do.</exception>
    public static void Load() => _ = s_loaded.Value;

    /// <summary>Path of the library: what the environment variable names, beside the program, or in NuGet's folder of packages.</summary>
    /// <exception cref="PeerUnavailableException">It is not there; the message says what to do.</exception>
    public static string Locate()
    {
        if (Environment.GetEnvironmentVariable(EnvironmentVariable) is { Length: > 0 } given)
            return File.Exists(given) ? given : throw new PeerUnavailableException($"{EnvironmentVariable} names {given}, which does not exist.");
        return Candidates().FirstOrDefault(File.Exists) ?? throw new PeerUnavailableException(
            $"ONNX Runtime was not found. dotnet package download {Package}@{Version} puts it where the tool finds it (160 MB); or set {EnvironmentVariable} to its library ({FileName}).");
    }

    private static IEnumerable<string> Candidates()
    {
        string native = Path.Combine("runtimes", PortableRuntime, "native", FileName);
        yield return Path.Combine(AppContext.BaseDirectory, FileName);
        yield return Path.Combine(AppContext.BaseDirectory, native);
        string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } chosen
            ? chosen : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
#pragma warning disable CA1308 // NuGet's folders have lower case.
        yield return Path.Combine(packages, Package.ToLowerInvariant(), Version, native);
#pragma warning restore CA1308
    }
}

/// <summary>The peer cannot be used; the message is for the user.</summary>
internal sealed class PeerUnavailableException(string message) : Exception(message);
