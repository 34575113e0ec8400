using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Compiler.Rules;

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

    private static readonly string[] Refinements = ["Height", "Width", "Top", "Bottom", "Left", "Right"];

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

    /// <summary>The alternatives among a diagnostic's properties, best first.</summary>
    public static IReadOnlyList<(string Argument, string Value)[]> Read(IEnumerable<KeyValuePair<string, string?>> properties) =>
    [
        .. properties.Where(property => property.Key.StartsWith(Prefix, StringComparison.Ordinal) && property.Value is not null)
            .OrderBy(property => property.Key, StringComparer.Ordinal)
            .Select(property => property.Value!.Split(';').Select(Edit).ToArray()),
    ];

    /// <summary>
    /// Turns one padding into another through the arguments that decide it now: the sides where they are written, else the axis, else all at once.
    /// </summary>
    internal static (string Argument, string Value)[] Padding(AttributeDeclaration attribute, Padding current, Padding wanted)
    {
        List<(string, string)> edits = [];
        Axis("Height", ("Top", current.Top, wanted.Top), ("Bottom", current.Bottom, wanted.Bottom));
        Axis("Width", ("Left", current.Left, wanted.Left), ("Right", current.Right, wanted.Right));
        bool isEqual = wanted == Graph.Padding.Symmetric(wanted.Top, wanted.Top);
        return isEqual && edits.Count > 0 && !Refinements.Any(side => attribute.IsExplicit("Padding" + side)) ? [("padding", Text(wanted.Top))] : [.. edits];

        void Axis(string axis, params (string Name, int Current, int Wanted)[] sides)
        {
            if (sides.All(side => side.Current == side.Wanted))
                return;
            if (sides[0].Wanted == sides[1].Wanted && !sides.Any(side => attribute.IsExplicit("Padding" + side.Name)))
                edits.Add(("Padding" + axis, Text(sides[0].Wanted)));
            else
                edits.AddRange(sides.Where(side => side.Current != side.Wanted).Select(side => ("Padding" + side.Name, Text(side.Wanted))));
        }
    }

    /// <summary>A number as C# text, whatever the machine's culture.</summary>
    internal static string Text(int value) => FormattableString.Invariant($"{value}");

    private static (string Argument, string Value) Edit(string text)
    {
        int equals = text.IndexOf('=');
        return (text.Substring(0, equals), text.Substring(equals + 1));
    }
}
