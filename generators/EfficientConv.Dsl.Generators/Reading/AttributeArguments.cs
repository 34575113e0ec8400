using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Generators.Reading;

/// <summary>Which written argument sets which constructor parameter or property of an attribute.</summary>
internal static class AttributeArguments
{
    /// <summary>The argument that sets <paramref name="name"/>, or null when the source leaves it out. An element of a list is called <c>name[index]</c>.</summary>
    public static AttributeArgumentSyntax? Find(AttributeSyntax attribute, IMethodSymbol? constructor, string name) =>
        Named(attribute, constructor).FirstOrDefault(pair => pair.Name == name).Argument;

    /// <summary>Names of the constructor parameters that the source sets itself.</summary>
    public static HashSet<string> WrittenParameters(AttributeSyntax attribute, IMethodSymbol? constructor) =>
        [.. Named(attribute, constructor).Where(pair => pair.Argument.NameEquals is null).Select(pair => pair.Name.Split('[')[0])];

    private static IEnumerable<(string Name, AttributeArgumentSyntax Argument)> Named(AttributeSyntax attribute, IMethodSymbol? constructor)
    {
        if (attribute.ArgumentList is null)
            yield break;
        int position = 0;
        foreach (AttributeArgumentSyntax argument in attribute.ArgumentList.Arguments)
        {
            if (argument.NameEquals is { } property)
            {
                yield return (property.Name.Identifier.ValueText, argument);
                continue;
            }

            // A positional argument behind a named one is only allowed where the named one stands in its own place, so counting suffices.
            if (argument.NameColon is { } parameter)
                yield return (parameter.Name.Identifier.ValueText, argument);
            else if (constructor?.Parameters.LastOrDefault() is { IsParams: true } list && position >= list.Ordinal)
                yield return (FormattableString.Invariant($"{list.Name}[{position - list.Ordinal}]"), argument);
            else if (constructor is not null && position < constructor.Parameters.Length)
                yield return (constructor.Parameters[position].Name, argument);
            position++;
        }
    }
}
