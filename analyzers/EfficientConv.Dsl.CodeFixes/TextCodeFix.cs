using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>A fix that inserts or removes whole attributes, as changes of the text: what stands around them stays to the last space.</summary>
public abstract class TextCodeFix : CodeFixProvider
{
    private readonly DocumentFixAll _fixAll;

    /// <summary>Fixes one rule.</summary>
    private protected TextCodeFix(string ruleId)
    {
        FixableDiagnosticIds = [ruleId];
        _fixAll = new DocumentFixAll((document, diagnostics, _, cancellation) => ApplyAsync(document, diagnostics, cancellation));
    }

    /// <inheritdoc/>
    public sealed override ImmutableArray<string> FixableDiagnosticIds { get; }

    /// <inheritdoc/>
    public sealed override FixAllProvider GetFixAllProvider() => _fixAll;

    /// <inheritdoc/>
    public sealed override Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        foreach (Diagnostic diagnostic in context.Diagnostics)
        {
            if (Title(diagnostic) is { } title)
            {
                context.RegisterCodeFix(
                    CodeAction.Create(title, cancellation => ApplyAsync(context.Document, [diagnostic], cancellation), GetType().Name), diagnostic);
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>What the fix does to <paramref name="diagnostic"/>, or null where it can do nothing.</summary>
    private protected abstract string? Title(Diagnostic diagnostic);

    /// <summary>The changes of the text for some diagnostics of one file, which do not overlap.</summary>
    private protected abstract IEnumerable<TextChange> Changes(SyntaxNode root, SourceText text, SemanticModel model, IReadOnlyList<Diagnostic> diagnostics);

    /// <summary>The name of an attribute of the runtime library as it must be written at <paramref name="position"/>.</summary>
    private protected static string AttributeName(SemanticModel model, int position, string text)
    {
        int end = text.IndexOf('(');
        string name = end < 0 ? text : text.Substring(0, end);
        return AttributeEdit.IsVisible(model, position, name + "Attribute") ? text : "global::EfficientConv.Dsl." + text;
    }

    /// <summary>What stands between an attribute list and one inserted before it: a new line with the same indentation, or a space where it shares its line.</summary>
    private protected static string Separator(SourceText text, AttributeListSyntax list)
    {
        TextLine line = text.Lines.GetLineFromPosition(list.SpanStart);
        string indentation = text.ToString(TextSpan.FromBounds(line.Start, list.SpanStart));
        bool hasOwnLine = indentation.Trim().Length == 0 && text.Lines.GetLineFromPosition(list.Parent!.Span.End).LineNumber > line.LineNumber
            && list.GetLastToken().GetNextToken().SpanStart > line.End;
        string lineBreak = text.ToString(TextSpan.FromBounds(line.End, line.EndIncludingLineBreak));
        return hasOwnLine ? lineBreak + indentation : " ";
    }

    private async Task<Document> ApplyAsync(Document document, ImmutableArray<Diagnostic> diagnostics, CancellationToken cancellation)
    {
        if (await document.GetSyntaxRootAsync(cancellation).ConfigureAwait(false) is not { } root
            || await document.GetSemanticModelAsync(cancellation).ConfigureAwait(false) is not { } model)
            return document;
        SourceText text = await document.GetTextAsync(cancellation).ConfigureAwait(false);
        return document.WithText(text.WithChanges(Changes(root, text, model, [.. diagnostics.Where(diagnostic => Title(diagnostic) is not null)]).OrderBy(change => change.Span.Start)));
    }
}
