using System.Collections.Immutable;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Rules;
using EfficientConv.Dsl.Generators.Reading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace EfficientConv.Dsl.Analyzers;

/// <summary>Reports, at the argument that is wrong, every rule that a network's attributes break.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NetworkAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => Descriptors.All;

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        // A network in generated code fails at run time as any other, so its mistakes are reported too.
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.Analyze | GeneratedCodeAnalysisFlags.ReportDiagnostics);
        context.EnableConcurrentExecution();
        context.RegisterSymbolAction(AnalyzeType, SymbolKind.NamedType);
    }

    private static void AnalyzeType(SymbolAnalysisContext context)
    {
        INamedTypeSymbol type = (INamedTypeSymbol)context.Symbol;
        if (type.TypeKind is not (TypeKind.Class or TypeKind.Struct or TypeKind.Interface)
            || NetworkAttributes.FindMarker(type, context.CancellationToken) is not { Declaration: { } declaration } marker)
            return;

        ImmutableArray<NetworkAttribute> attributes = NetworkAttributes.Of(type, marker, context.CancellationToken);
        if (NetworkAttributes.IsBroken(type, attributes))
            return; // The compiler has said it already, and what follows from it is no mistake.

        foreach (Finding finding in NetworkCompiler.Check(NetworkReader.Read(type, attributes)))
        {
            Location location = finding.AttributeIndex < 0
                ? declaration.Identifier.GetLocation()
                : Locate(attributes[finding.AttributeIndex], finding.Argument);
            ImmutableDictionary<string, string?> properties = finding.Properties.ToImmutableDictionary(property => property.Name, property => (string?)property.Value);
            context.ReportDiagnostic(Diagnostic.Create(Descriptors.Of(finding.RuleId), location, properties, finding.Message));
        }
    }

    /// <summary>
    /// The argument called <paramref name="argument"/>; where it is left out, the property that sets it for one axis or side, or else the whole attribute.
    /// </summary>
    private static Location Locate(NetworkAttribute attribute, string? argument)
    {
        IMethodSymbol? constructor = attribute.Data.AttributeConstructor;
        AttributeArgumentSyntax? syntax = argument is null
            ? null
            : AttributeArguments.Find(attribute.Syntax, constructor, argument) ?? AttributeArguments.FindRefinement(attribute.Syntax, constructor, argument);
        return syntax?.GetLocation() ?? attribute.Syntax.GetLocation();
    }
}
