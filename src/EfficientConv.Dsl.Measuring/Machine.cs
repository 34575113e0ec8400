namespace EfficientConv.Dsl.Measuring;

/// <summary>What the benchmark runs on.</summary>
internal static class Machine
{
    /// <summary>The processor's name, and how many cores the process may use.</summary>
    public static string Processor { get; } = $"{Field("model name") ?? System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString()}, {CoreAffinity.Allowed.Count} core(s)";

    /// <summary>Whether the processor has AVX-512, whatever this process may use of it.</summary>
    public static bool HasAvx512 { get; } = Field("flags")?.Split(' ').Contains("avx512f") == true;

    private static string? Field(string name)
    {
        const string File = "/proc/cpuinfo";
        return System.IO.File.Exists(File)
            ? System.IO.File.ReadLines(File).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[^1].Trim()
            : null;
    }
}
