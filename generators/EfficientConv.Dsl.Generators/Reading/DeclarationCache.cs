using System.Runtime.CompilerServices;
using EfficientConv.Dsl.Compiler.Declarations;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Generators.Reading;

/// <summary>
/// Remembers what was read from a class as long as its file stays as it is. After a key stroke in another file the compiler binds every attribute anew, which
/// takes most of a millisecond for a large network; a class whose attributes have only literals and members of the runtime library's enumerations need not
/// be bound again unless the other file declares a name that could come between, or the project's references change. Everything else (constants, aliases, nested
/// templates, base types) is always read anew.
/// The tables are weak: they hold names and constants as long as others hold the syntax, and no syntax themselves.
/// </summary>
internal static class DeclarationCache
{
    private static readonly ConditionalWeakTable<SyntaxNode, Entry> s_entries = new();

    /// <summary>Reads the class declared at <paramref name="node"/>, or remembers it.</summary>
    public static NetworkDeclaration? Read(SyntaxNode node, SemanticModel model, CancellationToken cancellation)
    {
        TypeDeclarationSyntax declaration = (TypeDeclarationSyntax)node;
        ProjectScope scope = ProjectScope.Of(model.Compilation, cancellation);
        if (s_entries.TryGetValue(node, out Entry? entry) && entry.Scope.Equals(scope) && scope.Declarations(SyntaxNames.MetadataName(declaration)) == 1)
            return entry.Declaration;

        if (model.GetDeclaredSymbol(declaration, cancellation) is not { } type)
            return null;
        NetworkDeclaration? read = NetworkReader.ReadAt(type, node, cancellation);
        s_entries.Remove(node);
        if (read is not null && scope.Declarations(SyntaxNames.MetadataName(declaration)) == 1 && IsSelfContained(declaration, read, scope))
            s_entries.GetValue(node, _ => new Entry(read, scope));
        return read;
    }

    /// <summary>Whether nothing but the file, the references and the names that the project declares decides what the class means.</summary>
    private static bool IsSelfContained(TypeDeclarationSyntax declaration, NetworkDeclaration read, ProjectScope scope) =>
        !scope.DeclaresLibraryNames
        && declaration.Parent is BaseNamespaceDeclarationSyntax or CompilationUnitSyntax // Members of types around it would be in scope.
        && declaration.BaseList is null
        && read.Members.All(member => member.Signature is null or "") // Parameters have types, which may lie anywhere.
        && declaration.AttributeLists.SelectMany(list => list.Attributes).All(attribute => IsSelfContained(attribute, scope));

    private static bool IsSelfContained(AttributeSyntax attribute, ProjectScope scope) =>
        IsLibraryName(attribute.Name, scope) && (attribute.ArgumentList is null || attribute.ArgumentList.Arguments.All(argument => IsSelfContained(argument.Expression, scope)));

    private static bool IsSelfContained(ExpressionSyntax expression, ProjectScope scope) => expression switch
    {
        LiteralExpressionSyntax => true,
        PrefixUnaryExpressionSyntax unary => IsSelfContained(unary.Operand, scope),
        BinaryExpressionSyntax binary => IsSelfContained(binary.Left, scope) && IsSelfContained(binary.Right, scope),
        ParenthesizedExpressionSyntax parenthesized => IsSelfContained(parenthesized.Expression, scope),
        MemberAccessExpressionSyntax { Expression: PredefinedTypeSyntax } => true,
        MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax type } => !scope.ImportsMembers && scope.IsLibraryName(type.Identifier.ValueText),
        _ => false,
    };

    /// <summary>Whether every part of a name is one of the library's.</summary>
    private static bool IsLibraryName(NameSyntax name, ProjectScope scope) => name switch
    {
        QualifiedNameSyntax qualified => IsLibraryName(qualified.Left, scope) && IsLibraryName(qualified.Right, scope),
        AliasQualifiedNameSyntax { Alias.Identifier: var alias } qualified => alias.IsKind(SyntaxKind.GlobalKeyword) && IsLibraryName(qualified.Name, scope),
        IdentifierNameSyntax identifier => scope.IsLibraryName(identifier.Identifier.ValueText),
        _ => false,
    };

    private sealed class Entry(NetworkDeclaration declaration, ProjectScope scope)
    {
        public NetworkDeclaration Declaration => declaration;

        public ProjectScope Scope => scope;
    }
}
