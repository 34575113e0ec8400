using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Generators.Reading;

/// <summary>Names that the syntax alone tells.</summary>
internal static class SyntaxNames
{
    /// <summary>The name under which a compilation knows a declared type.</summary>
    public static string MetadataName(TypeDeclarationSyntax declaration)
    {
        string name = Nested(declaration);
        foreach (SyntaxNode parent in declaration.Ancestors())
        {
            if (parent is TypeDeclarationSyntax outer)
                name = Nested(outer) + "+" + name;
            else if (parent is BaseNamespaceDeclarationSyntax space)
                name = string.Join(".", Parts(space)) + "." + name;
        }

        return name;

        static string Nested(TypeDeclarationSyntax type) =>
            type.TypeParameterList is { Parameters.Count: var arity } ? FormattableString.Invariant($"{type.Identifier.ValueText}`{arity}") : type.Identifier.ValueText;
    }

    /// <summary>The parts of a namespace's name.</summary>
    public static IEnumerable<string> Parts(BaseNamespaceDeclarationSyntax space) =>
        space.Name.DescendantTokens().Where(static token => token.IsKind(SyntaxKind.IdentifierToken)).Select(static token => token.ValueText);
}
