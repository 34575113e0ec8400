using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>
/// Fixes all diagnostics of a document in one pass over its tree. The batch fixer of the workspaces merges the texts of single fixes,
/// which fails where two of them touch the same class.
/// </summary>
internal sealed class DocumentFixAll(DocumentFixAll.Fixer fix) : DocumentBasedFixAllProvider
{
    /// <summary>Applies the code action with the given key to all <paramref name="diagnostics"/>, or returns the document as it is.</summary>
    public delegate Task<Document> Fixer(Document document, ImmutableArray<Diagnostic> diagnostics, string? equivalenceKey, CancellationToken cancellation);

    /// <inheritdoc/>
    protected override async Task<Document?> FixAllAsync(FixAllContext fixAllContext, Document document, ImmutableArray<Diagnostic> diagnostics) =>
        await fix(document, diagnostics, fixAllContext.CodeActionEquivalenceKey, fixAllContext.CancellationToken).ConfigureAwait(false);
}
