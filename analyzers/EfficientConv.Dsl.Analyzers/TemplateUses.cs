using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Analyzers;

/// <summary>Finds <c>Use&lt;T&gt;</c> attributes. What a file's text says is remembered as long as the file lives, so a key stroke costs one file.</summary>
internal static class TemplateUses
{
    private static readonly ConditionalWeakTable<SyntaxTree, string[]> s_namesByTree = new();

    /// <summary>Whether an attribute somewhere in <paramref name="compilation"/> uses <paramref name="template"/>.</summary>
    public static bool IsUsed(INamedTypeSymbol template, Compilation compilation, CancellationToken cancellation)
    {
        foreach (SyntaxTree tree in compilation.SyntaxTrees)
        {
            cancellation.ThrowIfCancellationRequested();
            string[] names = s_namesByTree.GetValue(tree, Scan);
            if (names.Contains(template.Name, StringComparer.Ordinal) || names.Any(name => IsAliasOf(name, template, tree, cancellation)))
                return true;
        }

        return false;
    }

    /// <summary>Last identifiers of the types that the file's <c>Use</c> attributes name; another template of that name counts as this one.</summary>
    private static string[] Scan(SyntaxTree tree) =>
    [
        .. tree.GetRoot().DescendantNodes(static node => node is CompilationUnitSyntax or MemberDeclarationSyntax or AttributeListSyntax or AttributeSyntax or QualifiedNameSyntax or AliasQualifiedNameSyntax)
            .OfType<GenericNameSyntax>()
            .Where(static name => name.FirstAncestorOrSelf<AttributeSyntax>() is not null && name.Identifier.ValueText is "Use" or "UseAttribute")
            .SelectMany(static name => name.TypeArgumentList.Arguments)
            .Select(static type => type.GetLastToken().ValueText)
            .Distinct(),
    ];

    private static bool IsAliasOf(string name, INamedTypeSymbol template, SyntaxTree tree, CancellationToken cancellation) =>
        tree.GetRoot(cancellation).DescendantNodes(static node => node is CompilationUnitSyntax or BaseNamespaceDeclarationSyntax).OfType<UsingDirectiveSyntax>()
            .Any(alias => alias.Alias?.Name.Identifier.ValueText == name && alias.NamespaceOrType.GetLastToken().ValueText == template.Name);
}
