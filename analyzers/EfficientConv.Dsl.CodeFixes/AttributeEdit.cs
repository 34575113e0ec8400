using EfficientConv.Dsl.Generators.Reading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>An attribute and the argument of it that a fix is going to set.</summary>
internal sealed class AttributeEdit
{
    private readonly AttributeArgumentSyntax? _existing;
    private readonly bool _isProperty;

    private AttributeEdit(AttributeSyntax attribute, string argument, bool isProperty, AttributeArgumentSyntax? existing) =>
        (Attribute, Argument, _isProperty, _existing) = (attribute, argument, isProperty, existing);

    /// <summary>The attribute as it stands.</summary>
    public AttributeSyntax Attribute { get; }

    /// <summary>The argument's name: a constructor parameter's or, where the constructor has none, a property's (<c>Padding</c> for <c>padding</c>).</summary>
    public string Argument { get; }

    /// <summary>
    /// Finds the attribute that <paramref name="diagnostic"/> is about. Null when it has no such argument, or
    /// when a property overrides the argument (<c>PaddingTop</c> for <c>padding</c>), so that setting it would change nothing.
    /// </summary>
    public static async Task<AttributeEdit?> FindAsync(Document document, Diagnostic diagnostic, string argument, CancellationToken cancellation)
    {
        SyntaxNode? root = await document.GetSyntaxRootAsync(cancellation).ConfigureAwait(false);
        SemanticModel? model = await document.GetSemanticModelAsync(cancellation).ConfigureAwait(false);
        if (root?.FindNode(diagnostic.Location.SourceSpan).FirstAncestorOrSelf<AttributeSyntax>() is not { } attribute
            || model?.GetSymbolInfo(attribute, cancellation).Symbol is not IMethodSymbol constructor)
            return null;

        bool isProperty = constructor.Parameters.All(parameter => parameter.Name != argument);
        string name = isProperty ? char.ToUpperInvariant(argument[0]) + argument.Substring(1) : argument;
        if (isProperty && !constructor.ContainingType.GetMembers(name).OfType<IPropertySymbol>().Any(property => property.SetMethod is not null))
            return null;

        return AttributeArguments.FindRefinement(attribute, constructor, name) is null
            ? new AttributeEdit(attribute, name, isProperty, AttributeArguments.Find(attribute, constructor, name))
            : null;
    }

    /// <summary>The attribute with the argument set to <paramref name="value"/>; everything else, comments too, stays as it was.</summary>
    public AttributeSyntax Set(int value)
    {
        ExpressionSyntax literal = SyntaxFactory.LiteralExpression(SyntaxKind.NumericLiteralExpression, SyntaxFactory.Literal(value));
        if (_existing is not null)
            return Attribute.ReplaceNode(_existing.Expression, literal.WithTriviaFrom(_existing.Expression));

        AttributeArgumentSyntax added = _isProperty
            ? SyntaxFactory.AttributeArgument(
                SyntaxFactory.NameEquals(SyntaxFactory.IdentifierName(Argument).WithTrailingTrivia(SyntaxFactory.Space), Spaced(SyntaxKind.EqualsToken)), null, literal)
            : SyntaxFactory.AttributeArgument(
                null, SyntaxFactory.NameColon(SyntaxFactory.IdentifierName(Argument), Spaced(SyntaxKind.ColonToken)), literal);
        AttributeArgumentListSyntax list = Attribute.ArgumentList ?? SyntaxFactory.AttributeArgumentList();
        return Attribute.WithArgumentList(list.WithArguments(Insert(list.Arguments, added)));
    }

    /// <summary>Inserts a constructor argument behind the others of its kind, and a property at the very end, as the language demands.</summary>
    private SeparatedSyntaxList<AttributeArgumentSyntax> Insert(SeparatedSyntaxList<AttributeArgumentSyntax> arguments, AttributeArgumentSyntax added)
    {
        if (arguments.Count == 0)
            return arguments.Add(added);

        List<SyntaxNodeOrToken> items = [.. arguments.GetWithSeparators()];
        int position = _isProperty ? arguments.Count : arguments.TakeWhile(argument => argument.NameEquals is null).Count();
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
