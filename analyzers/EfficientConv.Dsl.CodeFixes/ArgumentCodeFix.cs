using System.Collections.Immutable;
using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>
/// Sets an argument of the attribute at fault to a value that the rule proposes: the diagnostic's property of the argument's name holds the
/// values, best first, divided by commas. Each is a code action; fixing all takes the one of the same rank everywhere.
/// </summary>
public abstract class ArgumentCodeFix : CodeFixProvider
{
    private readonly DocumentFixAll _fixAll;
    private readonly string[] _arguments;

    /// <summary>Fixes one rule or several.</summary>
    /// <param name="ruleIds">The rules.</param>
    /// <param name="arguments">Names under which a finding may propose values; each is that of a constructor parameter.</param>
    private protected ArgumentCodeFix(IEnumerable<string> ruleIds, params string[] arguments)
    {
        FixableDiagnosticIds = [.. ruleIds];
        _arguments = arguments;
        _fixAll = new DocumentFixAll(ApplyAsync);
    }

    /// <inheritdoc/>
    public sealed override ImmutableArray<string> FixableDiagnosticIds { get; }

    /// <inheritdoc/>
    public sealed override FixAllProvider GetFixAllProvider() => _fixAll;

    /// <inheritdoc/>
    public sealed override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        foreach (Diagnostic diagnostic in context.Diagnostics)
        {
            if (Proposal(diagnostic) is not { } proposal
                || await AttributeEdit.FindAsync(context.Document, diagnostic, proposal.Argument, context.CancellationToken).ConfigureAwait(false) is not { } edit)
                continue;
            for (int rank = 0; rank < proposal.Values.Length; rank++)
            {
                string key = EquivalenceKey(rank);
                context.RegisterCodeFix(
                    CodeAction.Create(
                        $"Set {edit.Argument} to {proposal.Values[rank]}",
                        cancellation => ApplyAsync(context.Document, [diagnostic], key, cancellation),
                        key),
                    diagnostic);
            }
        }
    }

    private async Task<Document> ApplyAsync(Document document, ImmutableArray<Diagnostic> diagnostics, string? equivalenceKey, CancellationToken cancellation)
    {
        if (await document.GetSyntaxRootAsync(cancellation).ConfigureAwait(false) is not { } root)
            return document;
        Dictionary<AttributeSyntax, AttributeSyntax> rewritten = [];
        foreach (Diagnostic diagnostic in diagnostics)
        {
            if (Proposal(diagnostic) is not { } proposal
                || await AttributeEdit.FindAsync(document, diagnostic, proposal.Argument, cancellation).ConfigureAwait(false) is not { } edit)
                continue;

            rewritten[edit.Attribute] = edit.Set(proposal.Values[Math.Min(Rank(equivalenceKey), proposal.Values.Length - 1)]);
        }

        return document.WithSyntaxRoot(root.ReplaceNodes(rewritten.Keys, (original, _) => rewritten[original]));
    }

    private (string Argument, int[] Values)? Proposal(Diagnostic diagnostic)
    {
        foreach (string argument in _arguments)
        {
            if (diagnostic.Properties.TryGetValue(argument, out string? values) && values is { Length: > 0 })
                return (argument, [.. values.Split(',').Select(value => int.Parse(value, NumberStyles.Integer, CultureInfo.InvariantCulture))]);
        }

        return null;
    }

    private string EquivalenceKey(int rank) => FormattableString.Invariant($"{GetType().Name}/{rank}");

    private int Rank(string? equivalenceKey) => int.Parse(equivalenceKey!.Substring(GetType().Name.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture);
}
