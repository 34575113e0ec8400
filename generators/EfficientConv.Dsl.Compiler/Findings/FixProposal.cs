namespace EfficientConv.Dsl.Compiler.Findings;

/// <summary>
/// What a finding tells a code fix: alternatives <c>fix.0</c>, <c>fix.1</c>, ... best first, each a list of arguments and their new values as C# text,
/// <c>stride=1;outChannels=24</c>; or one of the edits of whole attributes, <see cref="Remove"/> and <see cref="InsertBefore"/>.
/// </summary>
public static class FixProposal
{
    /// <summary>Property that asks for the attribute to be removed.</summary>
    public const string Remove = "remove";

    /// <summary>Property whose value is an attribute to insert before the one at fault.</summary>
    public const string InsertBefore = "insertBefore";

    /// <summary>Property whose value is the index of the attribute that the fix changes, where that is not the one at fault.</summary>
    public const string Place = "at";

    private const string Prefix = "fix.";

    /// <summary>One alternative that sets some arguments.</summary>
    /// <param name="rank">0 for the best alternative.</param>
    /// <param name="edits">Names of constructor parameters or properties, and C# expressions.</param>
    public static FindingProperty Set(int rank, params (string Argument, string Value)[] edits) =>
        new(FormattableString.Invariant($"{Prefix}{rank}"), string.Join(";", edits.Select(edit => edit.Argument + "=" + edit.Value)));

    /// <summary>The fix changes the attribute number <paramref name="attributeIndex"/>.</summary>
    public static FindingProperty At(int attributeIndex) => new(Place, Text(attributeIndex));

    /// <summary>Alternatives for one argument, best first.</summary>
    public static FindingProperty[] Alternatives(string argument, IEnumerable<int> values) =>
        Alternatives(argument, values.Select(Text));

    /// <summary>Alternatives for one argument as C# expressions, best first.</summary>
    public static FindingProperty[] Alternatives(string argument, IEnumerable<string> values) =>
        [.. values.Select((value, rank) => Set(rank, (argument, value)))];

    /// <summary>The two numbers nearest to <paramref name="wrong"/> that divide <paramref name="channels"/>, as alternatives for one argument.</summary>
    internal static FindingProperty[] Divisors(string argument, int channels, int wrong) =>
        Alternatives(argument, Nearest(wrong, channels, candidate => channels % candidate == 0, 2));

    /// <summary>The numbers from 1 to <paramref name="largest"/> nearest to <paramref name="wrong"/> that suit.</summary>
    internal static IEnumerable<int> Nearest(int wrong, int largest, Func<int, bool> suits, int count) =>
        Enumerable.Range(1, largest).Where(suits).OrderBy(value => Math.Abs((long)value - wrong)).ThenBy(value => value).Take(count);

    /// <summary>The alternatives among a diagnostic's properties, best first.</summary>
    public static IReadOnlyList<(string Argument, string Value)[]> Read(IEnumerable<KeyValuePair<string, string?>> properties) =>
    [
        .. properties.Where(property => property.Key.StartsWith(Prefix, StringComparison.Ordinal) && property.Value is not null)
            .OrderBy(property => property.Key, StringComparer.Ordinal)
            .Select(property => property.Value!.Split(';').Select(Edit).ToArray()),
    ];

    /// <summary>A number as C# text, whatever the machine's culture.</summary>
    internal static string Text(int value) => FormattableString.Invariant($"{value}");

    private static (string Argument, string Value) Edit(string text)
    {
        int equals = text.IndexOf('=');
        return (text.Substring(0, equals), text.Substring(equals + 1));
    }
}
