using System.Collections.Immutable;
using EfficientConv.Dsl.Compiler.Findings;
using Microsoft.CodeAnalysis;

namespace EfficientConv.Dsl.Analyzers;

/// <summary>The compiler core's rules as Roslyn knows them.</summary>
public static class Descriptors
{
    /// <summary>Category of every rule, for <c>dotnet_analyzer_diagnostic.category-EfficientConv.Dsl.severity</c>.</summary>
    public const string Category = "EfficientConv.Dsl";

    private const string HelpFolder = "https://github.com/efficientconv/efficientconv-dsl/blob/main/docs/diagnostics/";

    private static readonly ImmutableDictionary<string, DiagnosticDescriptor> ById = RuleCatalog.All.ToImmutableDictionary(rule => rule.Id, Describe);

    /// <summary>All of them, in the order of their ids.</summary>
    public static ImmutableArray<DiagnosticDescriptor> All { get; } = [.. RuleCatalog.All.Select(rule => ById[rule.Id])];

    /// <summary>The descriptor of a rule.</summary>
    /// <param name="ruleId">For example <c>ECD0101</c>.</param>
    public static DiagnosticDescriptor Of(string ruleId) => ById[ruleId];

    // The catalog is the only list of rules. The messages are whole sentences of figures, made by the rule itself.
    private static DiagnosticDescriptor Describe(Rule rule) => new(
        rule.Id, rule.Title, "{0}", Category, Severity(rule.Severity), isEnabledByDefault: true, helpLinkUri: HelpFolder + rule.Id + ".md");

    /// <summary>Roslyn's name of a severity.</summary>
    internal static DiagnosticSeverity Severity(RuleSeverity severity) => severity switch
    {
        RuleSeverity.Error => DiagnosticSeverity.Error,
        RuleSeverity.Warning => DiagnosticSeverity.Warning,
        _ => DiagnosticSeverity.Info,
    };
}
