using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Generators.Tests.Harness;

/// <summary>
/// Compares a text with a file next to the test, by Verify's conventions: <c>{Class}.{Method}.verified.txt</c> is what is expected, and
/// <c>{Class}.{Method}.received.txt</c> is written when it differs. With EFFICIENTCONV_ACCEPT=1 in the environment the text becomes the expectation.
/// </summary>
internal static class Snapshot
{
    private const string AcceptVariable = "EFFICIENTCONV_ACCEPT";

    /// <summary>Asserts that <paramref name="actual"/> is the verified text; line ends do not matter.</summary>
    /// <param name="actual">The text.</param>
    /// <param name="name">Distinguishes several texts of one test: <c>{Class}.{Method}#{name}.verified.txt</c>.</param>
    /// <param name="file">The test's file, named as its class.</param>
    /// <param name="method">The test's method.</param>
    public static void Match(string actual, string? name = null, [CallerFilePath] string file = "", [CallerMemberName] string method = "")
    {
        string stem = Path.Combine(Path.GetDirectoryName(file)!, $"{Path.GetFileNameWithoutExtension(file)}.{method}{(name is null ? string.Empty : "#" + name)}");
        string verified = stem + ".verified.txt", received = stem + ".received.txt";
        actual = Normalize(actual);
        string? expected = File.Exists(verified) ? Normalize(File.ReadAllText(verified)) : null;
        if (expected != actual && Environment.GetEnvironmentVariable(AcceptVariable) == "1")
        {
            File.WriteAllText(verified, actual);
            expected = actual;
        }

        if (expected == actual)
        {
            File.Delete(received);
            return;
        }

        File.WriteAllText(received, actual);
        Assert.Fail($"{Path.GetFileName(verified)}: {Difference(expected, actual)} ({AcceptVariable}=1 accepts it)");
    }

    private static string Difference(string? expected, string actual)
    {
        if (expected is null)
            return "nothing is verified yet";
        string[] expectedLines = expected.Split('\n'), actualLines = actual.Split('\n');
        int line = 0;
        while (line < Math.Min(expectedLines.Length, actualLines.Length) && expectedLines[line] == actualLines[line])
            line++;
        return $"first difference in line {line + 1}\nexpected: {Line(expectedLines)}\nfound:    {Line(actualLines)}\n";

        string Line(string[] lines) => line < lines.Length ? lines[line] : "(end)";
    }

    private static string Normalize(string text) => text.Replace("\r\n", "\n", StringComparison.Ordinal);
}
