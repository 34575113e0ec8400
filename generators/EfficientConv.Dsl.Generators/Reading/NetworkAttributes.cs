using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Generators.Reading;

/// <summary>Finds the attributes of a class that make up its network.</summary>
internal static class NetworkAttributes
{
    /// <summary>Full name of the attribute that marks a network.</summary>
    public const string MarkerMetadataName = "EfficientConv.Dsl." + MarkerName;

    private const string MarkerName = "InputShapeAttribute";
    private const string ShortMarkerName = "InputShape";
    private const string LayerName = "LayerAttribute";
    private const string ScheduleName = "ScheduleAttribute";
    private const string BudgetName = "BudgetAttribute";
    private const string ImageName = "ImageInputAttribute";
    private const string TemplateName = "UseAttribute";

    /// <summary>The attribute that makes <paramref name="type"/> a network, or null. Of several (an error of the compiler's) the first counts.</summary>
    public static NetworkAttribute? FindMarker(INamedTypeSymbol type, CancellationToken cancellation)
    {
        AttributeData? marker = type.GetAttributes().FirstOrDefault(IsMarker);
        return marker is null ? null : Locate(marker, cancellation);
    }

    /// <summary>
    /// The marker, the layers and what else the compiler core reads, in source order. Layers on another partial declaration than the marker's come last;
    /// their order among each other says nothing, and the reader reports them.
    /// </summary>
    public static ImmutableArray<NetworkAttribute> Of(INamedTypeSymbol type, NetworkAttribute marker, CancellationToken cancellation) =>
    [
        .. type.GetAttributes().Where(attribute => IsLayer(attribute) || IsNamed(attribute, BudgetName) || IsNamed(attribute, ScheduleName) || IsNamed(attribute, ImageName)).Select(layer => Locate(layer, cancellation)).OfType<NetworkAttribute>().Append(marker)
            .OrderBy(attribute => attribute.Declaration == marker.Declaration ? 0 : 1)
            .ThenBy(attribute => attribute.Syntax.SpanStart),
    ];

    /// <summary>Whether <paramref name="node"/> is a type with an attribute that is written as the marker, with or without namespace and suffix.</summary>
    public static bool HasMarkerName(SyntaxNode node)
    {
        if (node is not TypeDeclarationSyntax { AttributeLists: { Count: > 0 } lists })
            return false;
        foreach (AttributeListSyntax list in lists)
        {
            foreach (AttributeSyntax attribute in list.Attributes)
            {
                SimpleNameSyntax? name = attribute.Name switch
                {
                    QualifiedNameSyntax qualified => qualified.Right,
                    AliasQualifiedNameSyntax alias => alias.Name,
                    SimpleNameSyntax simple => simple,
                    _ => null,
                };
                if (name?.Identifier.ValueText is MarkerName or ShortMarkerName)
                    return true;
            }
        }

        return false;
    }

    /// <summary>The layers of a template in source order; it may have a marker of its own, which says nothing here.</summary>
    public static ImmutableArray<NetworkAttribute> OfTemplate(INamedTypeSymbol type) =>
    [
        .. type.GetAttributes().Where(IsLayer).Select(layer => Locate(layer, CancellationToken.None)).OfType<NetworkAttribute>().OrderBy(attribute => attribute.Syntax.SpanStart),
    ];

    /// <summary>The class that <c>Use</c> places, or null for other attributes.</summary>
    public static INamedTypeSymbol? TemplateOf(AttributeData attribute) =>
        attribute.AttributeClass is { Name: TemplateName, Arity: 1 } use && use.TypeArguments[0] is INamedTypeSymbol { TypeKind: not TypeKind.Error } type ? type : null;

    /// <summary>Whether the compiler could not make sense of an attribute of <paramref name="type"/> or of a template in it.</summary>
    public static bool IsBroken(INamedTypeSymbol type, ImmutableArray<NetworkAttribute> attributes) => IsBroken(type, attributes, []);

    private static bool IsBroken(INamedTypeSymbol type, ImmutableArray<NetworkAttribute> attributes, HashSet<ISymbol> seen) =>
        HasUnknown(type) || attributes.Any(attribute => attribute.IsBroken
            || (TemplateOf(attribute.Data) is { } template && seen.Add(template) && IsBroken(template, OfTemplate(template), seen)));

    /// <summary>Whether an attribute's class, or its type argument, does not exist: a misspelt layer leaves a network that nobody meant.</summary>
    public static bool HasUnknown(INamedTypeSymbol type) => type.GetAttributes().Any(attribute => attribute.AttributeClass is null or { TypeKind: TypeKind.Error }
        || attribute.AttributeClass.TypeArguments.Any(argument => argument.TypeKind == TypeKind.Error));

    private static NetworkAttribute? Locate(AttributeData attribute, CancellationToken cancellation) =>
        attribute.ApplicationSyntaxReference?.GetSyntax(cancellation) is AttributeSyntax syntax ? new NetworkAttribute(attribute, syntax) : null;

    private static bool IsMarker(AttributeData attribute) => IsNamed(attribute, MarkerName);

    private static bool IsNamed(AttributeData attribute, string name) =>
        attribute.AttributeClass is { } type && type.Name == name && IsRuntimeNamespace(type.ContainingNamespace);

    /// <summary>Whether an attribute is a layer of the runtime library.</summary>
    public static bool IsLayer(AttributeData attribute)
    {
        for (INamedTypeSymbol? type = attribute.AttributeClass?.BaseType; type is not null; type = type.BaseType)
        {
            // A class of another assembly that derives from the base is nothing that the compiler core knows.
            if (type.Name == LayerName && IsRuntimeNamespace(type.ContainingNamespace))
                return SymbolEqualityComparer.Default.Equals(type.ContainingAssembly, attribute.AttributeClass!.ContainingAssembly);
        }

        return false;
    }

    private static bool IsRuntimeNamespace(INamespaceSymbol? symbol) =>
        symbol is { Name: "Dsl", ContainingNamespace: { Name: "EfficientConv", ContainingNamespace.IsGlobalNamespace: true } };
}
