using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Generators.Reading;

/// <summary>Which written argument sets which constructor parameter or property of an attribute.</summary>
internal static class AttributeArguments
{
    /// <summary>The argument that sets <paramref name="name"/>, or null when the source leaves it out. An element of a list is called <c>name[index]</c>.</summary>
    public static AttributeArgumentSyntax? Find(AttributeSyntax attribute, IMethodSymbol? constructor, string name) =>
        Named(attribute, constructor).FirstOrDefault(pair => pair.Name == name).Argument;

    /// <summary>
    /// The expression that sets <paramref name="name"/>, or null when the source leaves it out. An element of a list may stand in an array that is one argument.
    /// </summary>
    public static ExpressionSyntax? FindExpression(AttributeSyntax attribute, IMethodSymbol? constructor, string name) => FindElement(attribute, constructor, name) ?? Find(attribute, constructor, name)?.Expression;

    /// <summary>What to mark for <paramref name="name"/>: the argument with its name, or the element of an array; null when the source leaves it out.</summary>
    public static SyntaxNode? FindNode(AttributeSyntax attribute, IMethodSymbol? constructor, string name)
    {
        ExpressionSyntax? element = FindElement(attribute, constructor, name);
        return element?.Parent is AttributeArgumentSyntax argument ? argument : element is not null ? element : Find(attribute, constructor, name);
    }

    /// <summary>An element called <c>name[index]</c> whose list is written as one argument: an array, or a single element under the parameter's name.</summary>
    private static ExpressionSyntax? FindElement(AttributeSyntax attribute, IMethodSymbol? constructor, string name)
    {
        int bracket = name.IndexOf('[');
        if (bracket < 0)
            return null;
        string list = name.Substring(0, bracket);
        ExpressionSyntax? expression = (Find(attribute, constructor, list) ?? Find(attribute, constructor, list + "[0]"))?.Expression;
        ExpressionSyntax?[]? elements = expression switch
        {
            ArrayCreationExpressionSyntax { Initializer: { } initializer } => [.. initializer.Expressions],
            ImplicitArrayCreationExpressionSyntax array => [.. array.Initializer.Expressions],
            CollectionExpressionSyntax collection => [.. collection.Elements.Select(element => (element as ExpressionElementSyntax)?.Expression)],
            _ => null,
        };
        int index = int.Parse(name.Substring(bracket + 1).TrimEnd(']'), NumberStyles.None, CultureInfo.InvariantCulture);
        if (elements is not null)
            return index < elements.Length ? elements[index] : expression;
        return index == 0 ? Find(attribute, constructor, list)?.Expression : null;
    }

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

            // A positional argument after a named one is only allowed where the named one stands in its own place, so counting suffices.
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
