using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using EfficientConv.Dsl.Cli.Output;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>
/// Figures of the pages, filled in from the JSON files that <c>docs/performance/measure.sh</c> and <c>bench --page</c> write. A page has a template in a comment that begins with
/// <c>figures</c>, and behind the comment what becomes of it, up to the comment <c>end</c>: "takes {choose-64-128-56 choices.standard.seconds us} us" becomes "takes 2,345 us".
/// <para>
/// A placeholder is a file's name and a path in the file, or in its <c>output</c>. In an array a step is an index, or the name of the one element that is called so.
/// Behind it may stand a unit (us, ms and s of seconds, MB and MiB of bytes, M, G, %) and the digits behind the point, or G3; <c>{a x / b y 2}</c> is a quotient.
/// A line that begins with <c>{each FILE PATH}</c> is there for each element of an array, whose values are <c>{. PATH}</c>; <c>{#}</c> counts.
/// </para>
/// </summary>
internal sealed partial class MeasuredFigures(Func<string, JsonElement> read)
{
    private static readonly Dictionary<string, double> s_units = new()
    {
        ["us"] = 1e6, ["ms"] = 1e3, ["s"] = 1, ["MB"] = 1e-6, ["MiB"] = 1.0 / (1 << 20), ["M"] = 1e-6, ["G"] = 1e-9, ["%"] = 100,
    };

    private readonly Dictionary<string, JsonElement> _files = [];

    /// <summary>What <c>measure.sh</c> has written.</summary>
    public static string[] Files() => [.. Directory.GetFiles(RepositoryFiles.At("docs/performance/measured"), "*.json").Order(StringComparer.Ordinal)];

    /// <summary>A file of <c>measure.sh</c>, or a machine's, by its name.</summary>
    public static JsonElement Read(string name)
    {
        string file = RepositoryFiles.At($"docs/performance/measured/{name}.json");
        return JsonDocument.Parse(File.ReadAllText(File.Exists(file) ? file : RepositoryFiles.At($"docs/performance/{name}.json"))).RootElement;
    }

    /// <summary>The files that a template names.</summary>
    public static IEnumerable<string> Named(string template) => FileName().Matches(template).Select(match => match.Groups[1].Value);

    /// <summary>What <paramref name="template"/> becomes.</summary>
    /// <exception cref="FormatException">A placeholder names what is not there, what is no number, or more than one thing.</exception>
    public string Render(string template) => string.Join('\n', template.Split('\n').SelectMany(line => Each().Match(line) is { Success: true } each
        ? Value(each.Groups[1].Value, each.Groups[2].Value, default).EnumerateArray().Select((element, i) => Fill(each.Groups[3].Value, element, i + 1))
        : [Fill(line, default, 0)]));

    private string Fill(string line, JsonElement element, int number) => Placeholder().Replace(line, match => match.Groups[1].Value switch
    {
        "#" => number.ToString(CultureInfo.InvariantCulture),
        _ => Text(match.Value, match.Groups[1].Value.Split(' '), element),
    });

    /// <summary>A placeholder's words: FILE PATH [/ FILE PATH] [unit] [digits].</summary>
    private string Text(string placeholder, string[] words, JsonElement element)
    {
        JsonElement value = Value(words[0], words[1], element);
        string[] format = words[2..];
        if (value.ValueKind == JsonValueKind.String && format.Length == 0)
            return value.GetString()!;
        double number = Number(placeholder, value);
        if (format is ["/", string file, string path, ..])
        {
            number /= Number(placeholder, Value(file, path, element));
            format = format[3..];
        }

        string unit = format.Length > 0 && s_units.ContainsKey(format[0]) ? format[0] : string.Empty;
        number *= unit.Length > 0 ? s_units[unit] : 1;
        return format[(unit.Length > 0 ? 1 : 0)..] switch
        {
            [] => Figures.Number(number, unit switch { "us" => number < 1000 ? 1 : 0, "ms" or "s" or "MB" or "MiB" => 2, _ => 0 }),
            ["G3"] => number.ToString("G3", CultureInfo.InvariantCulture),
            [string digits] when int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int count) => Figures.Number(number, count),
            _ => throw new FormatException($"{placeholder}: expected a unit ({string.Join(", ", s_units.Keys)}) and digits behind the path."),
        };
    }

    private JsonElement Value(string file, string path, JsonElement element)
    {
        JsonElement at = element;
        if (file != ".")
        {
            if (!_files.TryGetValue(file, out at))
                _files.Add(file, at = read(file));
            if (!at.TryGetProperty(path.Split('.')[0], out _) && at.TryGetProperty("output", out JsonElement output))
                at = output;
        }

        foreach (string step in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            JsonElement[] found = at.ValueKind switch
            {
                JsonValueKind.Object => at.TryGetProperty(step, out JsonElement property) ? [property] : [],
                JsonValueKind.Array when int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out int i) => [.. at.EnumerateArray().Skip(i).Take(1)],
                JsonValueKind.Array => [.. at.EnumerateArray().Where(one => Name(one) == step)],
                _ => [],
            };
            at = found.Length == 1 ? found[0] : throw new FormatException($"{{{file} {path}}}: {found.Length} values are called {step}; expected one.");
        }

        return at;
    }

    /// <summary>How an element of an array is called: its own name, that of its result, or its id.</summary>
    private static string? Name(JsonElement element) =>
        element.ValueKind != JsonValueKind.Object ? null
        : element.TryGetProperty("id", out JsonElement id) ? id.ToString()
        : element.TryGetProperty("name", out JsonElement name) ? name.ToString()
        : element.TryGetProperty("result", out JsonElement result) ? Name(result) : null;

    private static double Number(string placeholder, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw new FormatException($"{placeholder}: {value} is no number.");

    [GeneratedRegex(@"\{(#|[^ {}]+ [^{}]+)\}")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"^\{each (\S+) (\S+)\}(.*)$")]
    private static partial Regex Each();

    [GeneratedRegex(@"(?:\{each |\{|/ )([^ {}#.]+) ")]
    private static partial Regex FileName();
}
