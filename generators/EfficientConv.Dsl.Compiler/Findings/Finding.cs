using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Findings;

/// <summary>A rule broken by a declaration.</summary>
/// <param name="RuleId">For example <c>ECD0101</c>.</param>
/// <param name="AttributeIndex">Which attribute of the declaration; -1 for the class itself.</param>
/// <param name="Argument">Constructor parameter or property at fault; null when it is the whole attribute.</param>
/// <param name="Message">Thing, place, fact and, in brackets, the rule.</param>
/// <param name="Properties">Data for code fixes, as <see cref="FixProposal"/> writes it.</param>
public sealed record Finding(string RuleId, int AttributeIndex, string? Argument, string Message, EquatableArray<FindingProperty> Properties = default)
{
    /// <summary>Thing, place, fact and, in brackets, the rule: one line, whatever names the user chose.</summary>
    public string Message { get; init; } = PlainText.Of(Message);

    /// <summary>Which of the declaration's <see cref="Declarations.GeneratedType.Members"/> is at fault; -1 for none.</summary>
    public int MemberIndex { get; init; } = -1;

    /// <summary>How serious it is: the rule's own severity, except where a rule has a milder or a graver form.</summary>
    public RuleSeverity Severity { get; init; } = RuleSeverity.Error;
}

/// <summary>A named value that an analyzer hands to a code fix.</summary>
public sealed record FindingProperty(string Name, string Value);
