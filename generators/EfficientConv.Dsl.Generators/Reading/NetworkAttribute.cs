using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.Generators.Reading;

/// <summary>One attribute of a network: its values and its text. It must not outlive the step that reads it.</summary>
internal sealed class NetworkAttribute(AttributeData data, AttributeSyntax syntax)
{
    public AttributeData Data => data;

    public AttributeSyntax Syntax => syntax;

    /// <summary>The declaration of the class that carries it.</summary>
    public TypeDeclarationSyntax? Declaration => syntax.FirstAncestorOrSelf<TypeDeclarationSyntax>();

    /// <summary>
    /// Whether the compiler could not make sense of the arguments. It says so itself; the values that are left would only lead to
    /// mistakes that follow from it.
    /// </summary>
    public bool IsBroken =>
        data.AttributeConstructor is not { } constructor
        || constructor.Parameters.Length != data.ConstructorArguments.Length
        || data.ConstructorArguments.Any(value => value.Kind == TypedConstantKind.Error)
        || data.NamedArguments.Any(pair => pair.Value.Kind == TypedConstantKind.Error);
}
