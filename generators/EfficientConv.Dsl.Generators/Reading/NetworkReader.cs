using System.Collections.Immutable;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Emission;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Generators.Reading;

/// <summary>
/// Reads a class into a <see cref="NetworkDeclaration"/>: names and constants. It judges nothing but the class itself, because it runs
/// for every network after every key stroke.
/// </summary>
internal static class NetworkReader
{
    private const string AttributeSuffix = "Attribute";

    /// <summary>
    /// Reads <paramref name="type"/> when <paramref name="node"/> is the declaration that carries its marker; null elsewhere, so that
    /// a class marked twice (an error of the compiler's) is generated once.
    /// </summary>
    public static NetworkDeclaration? ReadAt(INamedTypeSymbol type, SyntaxNode node, CancellationToken cancellation) =>
        type.Name.Length > 0 && NetworkAttributes.FindMarker(type, cancellation) is { } marker && marker.Declaration == node
            ? Read(type, NetworkAttributes.Of(type, marker, cancellation))
            : null;

    /// <summary>Reads <paramref name="type"/> with its <see cref="NetworkAttributes.Of">network attributes</see>, which it numbers as they come.</summary>
    public static NetworkDeclaration Read(INamedTypeSymbol type, ImmutableArray<NetworkAttribute> attributes)
    {
        INamedTypeSymbol[] outerTypes = [.. OuterTypes(type).Reverse()];
        return new NetworkDeclaration(
            NamespaceName(type.ContainingNamespace),
            outerTypes.Select(outer => new ContainingType(Keyword(outer), NameWithTypeParameters(outer))).ToEquatableArray(),
            Identifiers.Escape(type.Name),
            Keyword(type),
            outerTypes.Append(type).All(t => t.DeclaredAccessibility == Accessibility.Public),
            attributes.Select(attribute => ReadAttribute(attribute, [type])).ToEquatableArray(),
            FindProblems(type, outerTypes, attributes).ToEquatableArray())
        {
            Members = MembersInTheWay(type).Select(ReadMember).ToEquatableArray(),
        };
    }

    /// <summary>Members of the user's that generated ones may clash with, in the order of <see cref="GeneratedType.Members"/>; the compiler core knows which do.</summary>
    public static IEnumerable<ISymbol> MembersInTheWay(INamedTypeSymbol type) => type.GetMembers().Where(member => !member.IsImplicitlyDeclared && member is not IMethodSymbol { AssociatedSymbol: not null }
        && (member is IMethodSymbol { MethodKind: MethodKind.Constructor } or IPropertySymbol { IsRequired: true } or IFieldSymbol { IsRequired: true } || GeneratedMembers.MayClash(member.Name)));

    private static OwnMember ReadMember(ISymbol member) => new(
        member.Name,
        member is IMethodSymbol method ? $"{(method.Arity == 0 ? string.Empty : "`" + method.Arity)}{string.Join(", ", method.Parameters.Select(TypeOf))}" : null,
        member is IPropertySymbol { IsRequired: true } or IFieldSymbol { IsRequired: true });

    private static string TypeOf(IParameterSymbol parameter) => (parameter.RefKind == RefKind.None ? string.Empty : "ref ") + parameter.Type.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat);

    private static string NamespaceName(INamespaceSymbol space) =>
        space.IsGlobalNamespace ? string.Empty : (space.ContainingNamespace.IsGlobalNamespace ? string.Empty : NamespaceName(space.ContainingNamespace) + ".") + Identifiers.Escape(space.Name);

    private static string NameWithTypeParameters(INamedTypeSymbol type) =>
        Identifiers.Escape(type.Name) + (type.Arity == 0 ? string.Empty : $"<{string.Join(", ", type.TypeParameters.Select(parameter => Identifiers.Escape(parameter.Name)))}>");

    /// <summary>Reads one attribute; <paramref name="users"/> are the classes around a template's, outermost first.</summary>
    private static AttributeDeclaration ReadAttribute(NetworkAttribute attribute, ImmutableArray<INamedTypeSymbol> users)
    {
        AttributeData data = attribute.Data;
        HashSet<string> written = AttributeArguments.WrittenParameters(attribute.Syntax, data.AttributeConstructor);
        ImmutableArray<IParameterSymbol> parameters = data.AttributeConstructor?.Parameters ?? [];
        IEnumerable<AttributeArgument> byConstructor = parameters
            .Zip(data.ConstructorArguments, (parameter, value) => new AttributeArgument(parameter.Name, Constant(value), written.Contains(parameter.Name)));
        IEnumerable<AttributeArgument> byProperty = data.NamedArguments
            .Select(pair => new AttributeArgument(pair.Key, Constant(pair.Value), IsExplicit: true));

        string name = data.AttributeClass!.Name;
        string kind = name.EndsWith(AttributeSuffix, StringComparison.Ordinal) ? name.Substring(0, name.Length - AttributeSuffix.Length) : name;
        TemplateDeclaration? template = NetworkAttributes.TemplateOf(data) is { } type ? ReadTemplate(type, users) : null;
        return new AttributeDeclaration(kind, byConstructor.Concat(byProperty).ToEquatableArray(), template);
    }

    /// <summary>Copies a template's attributes, so that nothing after the reader needs the class.</summary>
    private static TemplateDeclaration ReadTemplate(INamedTypeSymbol type, ImmutableArray<INamedTypeSymbol> users)
    {
        string name = type.ToDisplayString(SymbolDisplayFormat.CSharpShortErrorMessageFormat);
        if (users.Contains(type, SymbolEqualityComparer.Default))
            return new TemplateDeclaration(name, [], $"contains itself ({string.Join(" in ", users.Reverse().Select(user => user.Name).Prepend(type.Name))})");
        ImmutableArray<NetworkAttribute> layers = NetworkAttributes.OfTemplate(type);
        string? problem = layers.Select(layer => layer.Declaration).Distinct().Count() > 1 ? "has its layers on several partial declarations" : null;
        return new TemplateDeclaration(name, layers.Select(layer => ReadAttribute(layer, users.Add(type))).ToEquatableArray(), problem);
    }

    /// <summary>The value itself, a list of numbers or of names as texts; types, which no argument of a network attribute is, are read as null.</summary>
    private static object? Constant(TypedConstant constant) => constant.Kind switch
    {
        TypedConstantKind.Primitive or TypedConstantKind.Enum => constant.Value,
        TypedConstantKind.Array when !constant.IsNull && constant.Type is IArrayTypeSymbol { ElementType.SpecialType: SpecialType.System_Double } =>
            constant.Values.Select(value => value.Value is double number ? number : double.NaN).ToEquatableArray(),
        TypedConstantKind.Array when !constant.IsNull => constant.Values.Select(value => value.Value as string ?? string.Empty).ToEquatableArray(),
        _ => null,
    };

    /// <summary>What is wrong with the class, the gravest first.</summary>
    private static IEnumerable<TargetProblem> FindProblems(INamedTypeSymbol type, INamedTypeSymbol[] outerTypes, ImmutableArray<NetworkAttribute> attributes)
    {
        TypeDeclarationSyntax? declaration = attributes[0].Declaration; // Those of the marked declaration come first.
        if (Unsuitability(type, outerTypes, declaration) is { } unsuitability)
            yield return new TargetProblem(RuleCatalog.UnsuitableClass.Id, unsuitability);

        // Where another declaration of the same type lacks the keyword, the compiler says so (CS0260).
        if (declaration is not null && !declaration.Modifiers.Any(SyntaxKind.PartialKeyword))
            yield return new TargetProblem(RuleCatalog.NotPartial.Id, "is not partial");
        else if (declaration?.Ancestors().OfType<TypeDeclarationSyntax>().FirstOrDefault(outer => !outer.Modifiers.Any(SyntaxKind.PartialKeyword)) is { } outer)
            yield return new TargetProblem(RuleCatalog.NotPartial.Id, $"its containing type {outer.Identifier.ValueText} is not partial");

        int declarations = attributes.Select(attribute => attribute.Declaration).Distinct().Count();
        if (declarations > 1)
            yield return new TargetProblem(RuleCatalog.SpreadAttributes.Id, FormattableString.Invariant($"{declarations} partial declarations"));
    }

    private static string? Unsuitability(INamedTypeSymbol type, INamedTypeSymbol[] outerTypes, TypeDeclarationSyntax? declaration) => type switch
    {
        { TypeKind: TypeKind.Interface } => "an interface",
        { TypeKind: TypeKind.Struct, IsRecord: true } => "a record struct",
        { TypeKind: TypeKind.Struct } => "a struct",
        { IsStatic: true } => "static",
        { IsAbstract: true } => "abstract",
        { IsGenericType: true, Arity: > 0 } => "generic",
        _ when outerTypes.Append(type).Any(t => t.IsFileLocal) => "file-local",
        { BaseType: { SpecialType: not SpecialType.System_Object, TypeKind: not TypeKind.Error } ancestor } => $"derived from {ancestor.ToDisplayString(SymbolDisplayFormat.CSharpShortErrorMessageFormat)}",
        _ when declaration?.ParameterList is not null => "declared with a primary constructor",
        _ => null,
    };

    private static IEnumerable<INamedTypeSymbol> OuterTypes(INamedTypeSymbol type)
    {
        for (INamedTypeSymbol? outer = type.ContainingType; outer is not null; outer = outer.ContainingType)
            yield return outer;
    }

    private static string Keyword(INamedTypeSymbol type) => type switch
    {
        { TypeKind: TypeKind.Interface } => "interface",
        { TypeKind: TypeKind.Struct, IsRecord: true } => "record struct",
        { TypeKind: TypeKind.Struct } => "struct",
        { IsRecord: true } => "record",
        _ => "class",
    };
}
