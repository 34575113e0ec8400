using EfficientConv.Dsl.Generators.Reading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>Sets arguments of an attribute; everything else, comments too, stays as it was.</summary>
internal sealed class AttributeEdit
{
    private const string Namespace = "EfficientConv.Dsl";

    private readonly IMethodSymbol _constructor;
    private readonly SemanticModel _model;

    private AttributeEdit(AttributeSyntax attribute, IMethodSymbol constructor, SemanticModel model) => (Attribute, _constructor, _model) = (attribute, constructor, model);

    /// <summary>The attribute as it stands.</summary>
    public AttributeSyntax Attribute { get; }

    /// <summary>Finds the attribute that a fix of <paramref name="diagnostic"/> changes: the one that it is about, or the one that it points to.</summary>
    public static async Task<AttributeEdit?> FindAsync(Document document, Diagnostic diagnostic, CancellationToken cancellation)
    {
        SyntaxNode? root = await document.GetSyntaxRootAsync(cancellation).ConfigureAwait(false);
        SemanticModel? model = await document.GetSemanticModelAsync(cancellation).ConfigureAwait(false);
        Location location = diagnostic.AdditionalLocations.Count > 0 ? diagnostic.AdditionalLocations[0] : diagnostic.Location;
        return root?.FindNode(location.SourceSpan).FirstAncestorOrSelf<AttributeSyntax>() is { } attribute
            && model?.GetSymbolInfo(attribute, cancellation).Symbol is IMethodSymbol constructor
            ? new AttributeEdit(attribute, constructor, model)
            : null;
    }

    /// <summary>
    /// The name under which the attribute takes an argument: a constructor parameter's or, where the constructor has none, a property's (<c>Padding</c> for
    /// <c>padding</c>); null where it has neither.
    /// </summary>
    public string? NameOf(string argument)
    {
        if (_constructor.Parameters.Any(parameter => parameter.Name == argument) || AttributeArguments.FindExpression(Attribute, _constructor, argument) is not null)
            return argument;
        string property = char.ToUpperInvariant(argument[0]) + argument.Substring(1);
        for (INamedTypeSymbol? type = _constructor.ContainingType; type is not null; type = type.BaseType)
        {
            if (type.GetMembers(property).OfType<IPropertySymbol>().Any(p => p.SetMethod is not null))
                return property;
        }

        return null;
    }

    /// <summary>Whether the attribute takes all <paramref name="edits"/>.</summary>
    public bool Takes(IEnumerable<(string Argument, string Value)> edits) => edits.All(edit => NameOf(edit.Argument) is not null);

    /// <summary><paramref name="attribute"/>, which is this one or an edited form of it, with one argument set to a C# expression.</summary>
    public AttributeSyntax Set(AttributeSyntax attribute, string argument, string value)
    {
        string name = NameOf(argument)!;
        bool isProperty = _constructor.Parameters.All(parameter => parameter.Name != name);
        ExpressionSyntax expression = SyntaxFactory.ParseExpression(Qualify(value));
        if (AttributeArguments.FindExpression(attribute, _constructor, name) is { } existing)
            return attribute.ReplaceNode(existing, expression.WithTriviaFrom(existing));

        AttributeArgumentSyntax added = isProperty
            ? SyntaxFactory.AttributeArgument(
                SyntaxFactory.NameEquals(SyntaxFactory.IdentifierName(name).WithTrailingTrivia(SyntaxFactory.Space), Spaced(SyntaxKind.EqualsToken)), null, expression)
            : SyntaxFactory.AttributeArgument(
                null, SyntaxFactory.NameColon(SyntaxFactory.IdentifierName(name), Spaced(SyntaxKind.ColonToken)), expression);

        // Without a list the name carries what stands after the attribute.
        AttributeArgumentListSyntax list = attribute.ArgumentList ?? SyntaxFactory.AttributeArgumentList().WithTrailingTrivia(attribute.Name.GetTrailingTrivia());
        return (attribute.ArgumentList is null ? attribute.WithName(attribute.Name.WithoutTrailingTrivia()) : attribute)
            .WithArgumentList(list.WithArguments(Insert(list.Arguments, added, isProperty)));
    }

    /// <summary>A member of an enumeration of the runtime library gets its namespace where the file does not import it.</summary>
    private string Qualify(string value)
    {
        int dot = value.IndexOf('.');
        return dot < 0 || !char.IsLetter(value[0]) || IsVisible(_model, Attribute.SpanStart, value.Substring(0, dot)) ? value : $"global::{Namespace}.{value}";
    }

    /// <summary>Whether <paramref name="name"/> alone means the runtime library's type at <paramref name="position"/>.</summary>
    public static bool IsVisible(SemanticModel model, int position, string name) =>
        model.LookupNamespacesAndTypes(position, name: name).Any(symbol => symbol.ContainingNamespace?.ToDisplayString() == Namespace);

    /// <summary>Inserts a constructor argument after the others of its kind, and a property at the very end, as the language demands.</summary>
    private static SeparatedSyntaxList<AttributeArgumentSyntax> Insert(SeparatedSyntaxList<AttributeArgumentSyntax> arguments, AttributeArgumentSyntax added, bool isProperty)
    {
        if (arguments.Count == 0)
            return arguments.Add(added);

        List<SyntaxNodeOrToken> items = [.. arguments.GetWithSeparators()];
        int position = isProperty ? arguments.Count : arguments.TakeWhile(argument => argument.NameEquals is null).Count();
        if (position == 0)
        {
            items[0] = arguments[0].WithoutLeadingTrivia();
            items.InsertRange(0, [added.WithLeadingTrivia(arguments[0].GetLeadingTrivia()), Spaced(SyntaxKind.CommaToken)]);
            return SyntaxFactory.SeparatedList<AttributeArgumentSyntax>(items);
        }

        AttributeArgumentSyntax before = arguments[position - 1];
        SyntaxTriviaList trailing = before.GetTrailingTrivia();
        if (trailing.Any(SyntaxKind.EndOfLineTrivia))
        {
            // Every argument has its own line, and so has the closing parenthesis: the new one gets its own too.
            items[items.Count - 1] = before.WithoutTrailingTrivia();
            items.Add(SyntaxFactory.Token(SyntaxKind.CommaToken).WithTrailingTrivia(trailing));
            items.Add(added.WithLeadingTrivia(before.GetLeadingTrivia().Where(trivia => trivia.IsKind(SyntaxKind.WhitespaceTrivia)))
                .WithTrailingTrivia(trailing.First(trivia => trivia.IsKind(SyntaxKind.EndOfLineTrivia))));
        }
        else
        {
            items.InsertRange((2 * position) - 1, [Spaced(SyntaxKind.CommaToken), added]);
        }

        return SyntaxFactory.SeparatedList<AttributeArgumentSyntax>(items);
    }

    private static SyntaxToken Spaced(SyntaxKind kind) => SyntaxFactory.Token(kind).WithTrailingTrivia(SyntaxFactory.Space);
}
