using System.Globalization;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Cli.Running;

/// <summary>
/// Whether this machine can hold what a verb is about to allocate. It is asked before any work: a system that promises more memory than it has would end the
/// process later, without a word.
/// </summary>
internal static class MemoryBound
{
    /// <summary>Memory that can be had: what the system has free, and no more than the process's limit.</summary>
    public static long Available => Math.Min(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, Free() ?? long.MaxValue);

    /// <summary>Throws where <paramref name="what"/> needs more than there is.</summary>
    /// <param name="what">The subject of the message.</param>
    /// <param name="bytes">What it needs; a floating-point number does not overflow.</param>
    /// <exception cref="ToolException">It needs more.</exception>
    public static void Check(string what, double bytes)
    {
        long available = Available;
        if (bytes > available)
            throw new ToolException($"{what} needs {Figures.Bytes(bytes)} of memory; {Figures.Bytes(available)} are free.");
    }

    /// <summary>Bytes of <paramref name="copies"/> instances of a network with their weights, as loaded from a checkpoint in memory, and of their calls.</summary>
    public static double Bytes(NetworkPlan plan, long parameters, int batch = 1, int threads = 1, int copies = 1) => (double)copies
        * ((3.0 * parameters * sizeof(float)) + plan.PackedBytes + ((double)threads * plan.WorkspaceBytes) + ((double)batch * (plan.PeakBytes - plan.WorkspaceBytes)));

    /// <summary>What Linux could give without taking it from others.</summary>
    private static long? Free()
    {
        const string File = "/proc/meminfo", Name = "MemAvailable:";
        return System.IO.File.Exists(File) && System.IO.File.ReadLines(File).FirstOrDefault(l => l.StartsWith(Name, StringComparison.Ordinal)) is { } line
            && long.TryParse(line.AsSpan(Name.Length).Trim().ToString().Split(' ')[0], CultureInfo.InvariantCulture, out long kibibytes) ? kibibytes << 10 : null;
    }
}
