using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace EfficientConv.Dsl.Cli.Output;

/// <summary>Figures as text. MiB are 1,048,576 bytes; a multiply-add is one MAC, and M is a million.</summary>
internal static class Figures
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    public static string Mebibytes(long bytes, int digits = 2) => (bytes / 1048576.0).ToString("N" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <summary>Bytes of which there may be more than a 64-bit number holds.</summary>
    public static string Bytes(double bytes) => bytes < 10L << 30 ? Bytes((long)bytes) : Number(bytes / (1L << 30), 1) + " GiB";

    /// <summary>Bytes with the unit that suits them.</summary>
    public static string Bytes(long bytes) => bytes >= 1 << 20
        ? Mebibytes(bytes, bytes >= 100L << 20 ? 1 : 2) + " MiB"
        : bytes >= 1024 ? (bytes / 1024.0).ToString("N1", CultureInfo.InvariantCulture) + " KiB" : Count(bytes) + " B";

    /// <summary>Multiply-adds in millions.</summary>
    public static string Macs(long macs) => macs == 0 ? "-" : (macs / 1e6).ToString(macs >= 99_950_000 ? "N1" : macs >= 9_995_000 ? "N2" : "N3", CultureInfo.InvariantCulture) + " M";

    public static string Number(double value, int digits) => value.ToString("N" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <summary>Seconds as microseconds.</summary>
    public static string Microseconds(double seconds) => Number(seconds * 1e6, seconds >= 1e-3 ? 0 : 1);

    /// <summary>At most <paramref name="length"/> characters, dots for what is left out.</summary>
    public static string Short(string text, int length) => text.Length <= length ? text : text[..(length - 2)] + "..";

    /// <summary>An instruction set as options and tables name it.</summary>
    public static string Word(InstructionSet set) => set.ToString().ToLowerInvariant();

    /// <summary>JSON with camel-case names.</summary>
    public static string Json(object value) => JsonSerializer.Serialize(value, value.GetType(), s_json);

    /// <summary>What <see cref="Json"/> wrote.</summary>
    public static T FromJson<T>(string text) => JsonSerializer.Deserialize<T>(text, s_json)!;
}
