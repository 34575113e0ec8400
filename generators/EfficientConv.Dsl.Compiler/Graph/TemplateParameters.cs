using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>The parameters of templates: what stands in a template's attributes in place of a number, and is what the <c>Use</c> that places it gives.</summary>
internal static class TemplateParameters
{
    /// <summary>The attribute that places a template.</summary>
    public const string Use = "Use";

    private const int First = AttributeDeclaration.Unset + 1;

    /// <summary>The arguments of <c>Use</c>, in the order of the constants that replace them: numbered as the runtime's <c>Template</c>.</summary>
    public static EquatableArray<string> Names { get; } = EquatableArray.Of("outChannels", "hiddenChannels", "kernelSize", "stride", "padding", "dilation", "groups");

    /// <summary>The constant that stands for an argument of <c>Use</c>.</summary>
    public static int Constant(string name) => First + Array.IndexOf([.. Names], name);

    /// <summary>The parameter that <paramref name="value"/> stands for; null for what is a value.</summary>
    public static string? Find(object? value) => value is int number && number >= First && number < First + Names.Count ? Names[number - First] : null;

    /// <summary>The parameter as it is written.</summary>
    public static string Text(string name) => $"Template.{char.ToUpperInvariant(name[0])}{name.Substring(1)}";

    /// <summary>A <c>Use</c> whose template has the values in its attributes, and theirs in those of the templates inside; every other attribute as it is.</summary>
    public static AttributeDeclaration Bind(AttributeDeclaration attribute)
    {
        if (attribute.Kind != Use || attribute.Template is not { Problem: null } template)
            return attribute;
        string[] taken = [.. template.Attributes.SelectMany(Parameters).Distinct()], given = [.. Names.Where(name => attribute.Int(name) != AttributeDeclaration.Unset)];
        return attribute with
        {
            Template = taken.OrderBy(name => name).SequenceEqual(given.OrderBy(name => name))
                ? template with { Attributes = template.Attributes.Select(inner => Bind(With(inner, attribute))).ToEquatableArray() }
                : template with { Problem = $"takes {List(taken)}, where {List(given)} {(given.Length > 1 ? "are" : "is")} given" },
        };
    }

    /// <summary>The parameters that stand in an attribute; those of a template inside are its own <c>Use</c>'s.</summary>
    public static IEnumerable<string> Parameters(AttributeDeclaration attribute) => attribute.Arguments.Select(argument => Find(argument.Value)).OfType<string>();

    private static AttributeDeclaration With(AttributeDeclaration inner, AttributeDeclaration use) => inner with
    {
        Arguments = inner.Arguments.Select(argument => Find(argument.Value) is { } name ? argument with { Value = use.Int(name) } : argument).ToEquatableArray(),
    };

    private static string List(string[] names) => names.Length == 0 ? "no parameter" : string.Join(", ", names);
}
