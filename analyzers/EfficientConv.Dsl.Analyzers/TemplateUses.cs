using System.Runtime.CompilerServices;
using EfficientConv.Dsl.Generators.Reading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Analyzers;

/// <summary>
/// Finds <c>Use&lt;T&gt;</c> attributes. What a file's text says is remembered as long as the file lives, so a key stroke costs one file; only the classes that
/// carry such an attribute are bound.
/// </summary>
internal static class TemplateUses
{
    /// <summary>Of each <c>Use</c> the last identifier of what it places, and the class that carries it.</summary>
    private static readonly ConditionalWeakTable<SyntaxTree, (string Template, string? User)[]> s_usesByTree = new();

    /// <summary>Whether an attribute somewhere in <paramref name="compilation"/> uses <paramref name="template"/>.</summary>
    public static bool IsUsed(INamedTypeSymbol template, Compilation compilation, CancellationToken cancellation)
    {
        List<(string Template, string? User)> underOtherNames = [];
        foreach (SyntaxTree tree in compilation.SyntaxTrees)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach ((string Template, string? User) use in s_usesByTree.GetValue(tree, Scan))
            {
                if (use.Template != template.Name)
                    underOtherNames.Add(use);
                else if (Uses(use, template, compilation))
                    return true;
            }
        }

        // Another name may be an alias, of this file or of the project.
        return underOtherNames.Any(use => use.User is not null && Uses(use, template, compilation));
    }

    /// <summary>What the class's attributes really mean; a class that cannot be looked up is believed.</summary>
    private static bool Uses((string Template, string? User) use, INamedTypeSymbol template, Compilation compilation) =>
        use.User is null || compilation.Assembly.GetTypeByMetadataName(use.User) is not { } user
            ? use.Template == template.Name
            : user.GetAttributes().Any(attribute => SymbolEqualityComparer.Default.Equals(NetworkAttributes.TemplateOf(attribute)?.OriginalDefinition, template));

    private static (string Template, string? User)[] Scan(SyntaxTree tree) =>
    [
        .. tree.GetRoot().DescendantNodes(static node => node is CompilationUnitSyntax or MemberDeclarationSyntax or AttributeListSyntax or AttributeSyntax or NameSyntax or UsingDirectiveSyntax)
            .OfType<GenericNameSyntax>()
            .Where(static name => name.Identifier.ValueText is "Use" or "UseAttribute" && name.FirstAncestorOrSelf<SyntaxNode>(static node => node is AttributeSyntax or UsingDirectiveSyntax) is not null)
            .SelectMany(static name => name.TypeArgumentList.Arguments.Select(type => (type.GetLastToken().ValueText, MetadataName(name.FirstAncestorOrSelf<TypeDeclarationSyntax>()))))
            .Distinct(),
    ];

    /// <summary>The name under which a compilation knows a declared class; null for the alias of an attribute, which stands outside of classes.</summary>
    private static string? MetadataName(TypeDeclarationSyntax? declaration) => declaration is null ? null : SyntaxNames.MetadataName(declaration);
}
