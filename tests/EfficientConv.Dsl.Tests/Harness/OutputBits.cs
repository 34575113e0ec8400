using System.Globalization;
using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>
/// The bits that a network gave when they were written down, on whatever machine: <c>{Class}.bits.txt</c> next to the test has a line for each, its name and a hash. Any change of
/// the compiler or the runtime that moves one bit is seen here. EFFICIENTCONV_ACCEPT=1 in the environment writes what is found.
/// </summary>
internal static class OutputBits
{
    private static readonly Lock s_gate = new();

    /// <summary>Asserts that <paramref name="output"/> has the bits that are written down for <paramref name="name"/>. Without fused multiply-add there is nothing to compare with.</summary>
    /// <param name="name">The network.</param>
    /// <param name="output">What it gave.</param>
    /// <param name="file">The test's file, named as its class.</param>
    public static void Match(string name, ReadOnlySpan<float> output, [CallerFilePath] string file = "")
    {
        if (!Numbers.HasFma)
            return;
        string path = Path.ChangeExtension(file, ".bits.txt"), found = Hash(output).ToString("x16", CultureInfo.InvariantCulture);
        lock (s_gate)
        {
            SortedDictionary<string, string> known = new(StringComparer.Ordinal);
            foreach (string line in File.Exists(path) ? File.ReadLines(path) : [])
                known.Add(line[..^17], line[^16..]);
            if (Environment.GetEnvironmentVariable("EFFICIENTCONV_ACCEPT") == "1" && known.GetValueOrDefault(name) != found)
            {
                known[name] = found;
                File.WriteAllLines(path, known.Select(pair => $"{pair.Key} {pair.Value}"));
            }

            Assert.True(known.TryGetValue(name, out string? expected), $"{Path.GetFileName(path)} has no line for {name} (EFFICIENTCONV_ACCEPT=1 adds it: {found})");
            Assert.True(expected == found, $"{name} gives other bits than those of {Path.GetFileName(path)}: hash {found}, written down {expected}");
        }
    }

    /// <summary>FNV-1a over the elements' bits; all NaNs are one, since processors make different ones.</summary>
    private static ulong Hash(ReadOnlySpan<float> values)
    {
        ulong hash = 14695981039346656037;
        foreach (float value in values)
            hash = unchecked((hash ^ (float.IsNaN(value) ? 0x7fc00000u : BitConverter.SingleToUInt32Bits(value))) * 1099511628211);
        return hash;
    }
}
