using System.Globalization;

namespace EfficientConv.Dsl;

/// <summary>Data break a rule of the safetensors format, or a tensor cannot be read as asked.</summary>
public sealed class SafetensorsException : Exception
{
    internal SafetensorsException(string source, string what, long? offset, string expected, string found, Exception? inner = null)
        : base(Describe(source, what, offset, expected, found), inner)
    {
        SourceName = source;
        What = what;
        Offset = offset;
        Expected = expected;
        Found = found;
    }

    /// <summary>Another kind of file than safetensors.</summary>
    internal static SafetensorsException OtherKind(string source, string found) => new(source, "kind of file", null, "safetensors", found);

    /// <summary>The file's path, or a word for where the data come from.</summary>
    public string SourceName { get; }

    /// <summary>What is wrong: a part of the header or a tensor.</summary>
    public string What { get; }

    /// <summary>The byte of the file where it stands; null where no single place is to blame.</summary>
    public long? Offset { get; }

    /// <summary>What the format or the caller expects.</summary>
    public string Expected { get; }

    /// <summary>What was found.</summary>
    public string Found { get; }

    private static string Describe(string source, string what, long? offset, string expected, string found)
    {
        string place = offset is { } at ? string.Create(CultureInfo.InvariantCulture, $" at byte {at}") : "";
        return $"{source}: {what}{place}: expected {expected}, found {found}";
    }
}
