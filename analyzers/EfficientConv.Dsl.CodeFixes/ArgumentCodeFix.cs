using System.Collections.Immutable;
using System.Globalization;
using EfficientConv.Dsl.Compiler.Findings;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>
/// Sets arguments of the attribute at fault to the values that the rule proposes (<see cref="FixProposal"/>). Each alternative is a code action;
/// fixing all takes the one of the same rank everywhere.
/// </summary>
public abstract class ArgumentCodeFix : CodeFixProvider
{
    private readonly DocumentFixAll _fixAll;

    /// <summary>Fixes one rule or several.</summary>
    private protected ArgumentCodeFix(params string[] ruleIds)
    {
        FixableDiagnosticIds = [.. ruleIds];
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
            if (await AttributeEdit.FindAsync(context.Document, diagnostic, context.CancellationToken).ConfigureAwait(false) is not { } edit)
                continue;
            IReadOnlyList<(string Argument, string Value)[]> alternatives = FixProposal.Read(diagnostic.Properties);
            for (int rank = 0; rank < alternatives.Count; rank++)
            {
                if (!edit.Takes(alternatives[rank]))
                    continue;
                string key = EquivalenceKey(rank);
                string title = "Set " + string.Join(" and ", alternatives[rank].Select(change => $"{edit.NameOf(change.Argument)} to {change.Value}"));
                context.RegisterCodeFix(CodeAction.Create(title, cancellation => ApplyAsync(context.Document, [diagnostic], key, cancellation), key), diagnostic);
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
            IReadOnlyList<(string Argument, string Value)[]> alternatives = FixProposal.Read(diagnostic.Properties);
            if (alternatives.Count == 0 || await AttributeEdit.FindAsync(document, diagnostic, cancellation).ConfigureAwait(false) is not { } edit)
                continue;
            (string Argument, string Value)[] changes = alternatives[Math.Min(Rank(equivalenceKey), alternatives.Count - 1)];
            if (!edit.Takes(changes))
                continue;

            // An attribute may have several findings.
            AttributeSyntax attribute = rewritten.TryGetValue(edit.Attribute, out AttributeSyntax? before) ? before : edit.Attribute;
            foreach ((string argument, string value) in changes)
                attribute = edit.Set(attribute, argument, value);
            rewritten[edit.Attribute] = attribute;
        }

        return document.WithSyntaxRoot(root.ReplaceNodes(rewritten.Keys, (original, _) => rewritten[original]));
    }

    private string EquivalenceKey(int rank) => FormattableString.Invariant($"{GetType().Name}/{rank}");

    private int Rank(string? equivalenceKey) => int.Parse(equivalenceKey!.Substring(GetType().Name.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture);
}
