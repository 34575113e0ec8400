using System.Collections.Immutable;
using System.Globalization;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Generators.Reading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

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
        context.RegisterAdditionalFileAction(AnalyzeFile);
    }

    /// <summary>A file of schedules that cannot be read; the build goes on without it.</summary>
    private static void AnalyzeFile(AdditionalFileAnalysisContext context)
    {
        if (!ScheduleFile.Is(context.AdditionalFile) || context.AdditionalFile.GetText(context.CancellationToken) is not { } text || ScheduleFile.Read(text.ToString()).Error is not { } error)
            return;
        TextSpan place = new(error.Position, 0);
        context.ReportDiagnostic(Diagnostic.Create(
            Descriptors.Of(RuleCatalog.UnreadableSchedules.Id), Location.Create(context.AdditionalFile.Path, place, text.Lines.GetLinePositionSpan(place)),
            $"{ScheduleOverrides.FileName} is not used: {error.Message} (a file is needed that efficientconv tune wrote; the compiler's own choice is used instead)"));
    }

    private static void AnalyzeType(SymbolAnalysisContext context)
    {
        INamedTypeSymbol type = (INamedTypeSymbol)context.Symbol;
        if (type.TypeKind is not (TypeKind.Class or TypeKind.Struct or TypeKind.Interface))
            return;
        if (NetworkAttributes.FindMarker(type, context.CancellationToken) is not { Declaration: { } declaration } marker)
        {
            AnalyzeLayersWithoutInput(context, type);
            return;
        }

        ImmutableArray<NetworkAttribute> attributes = NetworkAttributes.Of(type, marker, context.CancellationToken);
        if (NetworkAttributes.IsBroken(type, attributes))
            return; // The compiler has said it already, and what follows from it is no mistake.

        NetworkDeclaration network = NetworkReader.Read(type, attributes);
        bool timesSteps = ProjectSettings.TimesSteps(context.Options.AnalyzerConfigOptionsProvider.GlobalOptions);
        foreach (Finding finding in NetworkCompiler.Check(network, timesSteps, ProjectSettings.Read(context.Options.AnalyzerConfigOptionsProvider.GlobalOptions)).Concat(ScheduleFindings(network, context)))
        {
            Location location = finding switch
            {
                { AttributeIndex: >= 0 } => Locate(attributes[finding.AttributeIndex], finding.Argument),
                { MemberIndex: >= 0 } => NetworkReader.MembersInTheWay(type).ElementAt(finding.MemberIndex).Locations[0],
                _ => declaration.Identifier.GetLocation(),
            };
            ImmutableDictionary<string, string?> properties = finding.Properties.ToImmutableDictionary(property => property.Name, property => (string?)property.Value);

            // A fix changes the attribute at fault unless the finding names another.
            Location[]? elsewhere = properties.TryGetValue(FixProposal.Place, out string? place)
                ? [attributes[int.Parse(place, NumberStyles.None, CultureInfo.InvariantCulture)].Syntax.GetLocation()]
                : null;
            context.ReportDiagnostic(Diagnostic.Create(
                Descriptors.Of(finding.RuleId), location, Descriptors.Severity(finding.Severity), elsewhere, properties, finding.Message));
        }
    }

    /// <summary>What of the project's measured schedules does not fit the network; nothing is planned where the project has none.</summary>
    private static EquatableArray<Finding> ScheduleFindings(NetworkDeclaration network, SymbolAnalysisContext context)
    {
        AdditionalText? file = context.Options.AdditionalFiles.FirstOrDefault(ScheduleFile.Is);
        if (file?.GetText(context.CancellationToken) is not { } text)
            return [];
        return NetworkCompiler.CheckSchedules(network, ProjectSettings.Read(context.Options.AnalyzerConfigOptionsProvider.GlobalOptions), ScheduleFile.Read(text.ToString()).Overrides);
    }

    /// <summary>Layers on a class without an input shape are a template, if somebody uses it.</summary>
    private static void AnalyzeLayersWithoutInput(SymbolAnalysisContext context, INamedTypeSymbol type)
    {
        if (type.TypeKind != TypeKind.Class || type.GetAttributes().FirstOrDefault(NetworkAttributes.IsLayer) is not { } layer
            || NetworkAttributes.HasUnknown(type) || TemplateUses.IsUsed(type, context.Compilation, context.CancellationToken)
            || layer.ApplicationSyntaxReference?.GetSyntax(context.CancellationToken).FirstAncestorOrSelf<TypeDeclarationSyntax>() is not { } declaration)
            return;
        context.ReportDiagnostic(Diagnostic.Create(
            Descriptors.Of(RuleCatalog.NoInputShape.Id), declaration.Identifier.GetLocation(),
            $"\"{type.Name}\" has layer attributes and no InputShape, and no Use<{type.Name}> places it in a network (a network needs an InputShape, a template somebody who uses it)"));
    }

    /// <summary>The argument called <paramref name="argument"/>, or the whole attribute where the source leaves it out.</summary>
    private static Location Locate(NetworkAttribute attribute, string? argument) =>
        (argument is null ? null : AttributeArguments.FindNode(attribute.Syntax, attribute.Data.AttributeConstructor, argument))?.GetLocation() ?? attribute.Syntax.GetLocation();
}
