using System.Composition;
using EfficientConv.Dsl.Compiler.Findings;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>Removes an activation that does nothing, or harm.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(RemoveLayerCodeFix))]
[Shared]
public sealed class RemoveLayerCodeFix() : TextCodeFix(RuleCatalog.RedundantActivation.Id)
{
    private protected override string? Title(Diagnostic diagnostic) => diagnostic.Properties.ContainsKey(FixProposal.Remove) ? "Remove the activation" : null;

    private protected override IEnumerable<TextChange> Changes(SyntaxNode root, SourceText text, SemanticModel model, IReadOnlyList<Diagnostic> diagnostics)
    {
        HashSet<AttributeSyntax> removed = [.. diagnostics.Select(d => root.FindNode(d.Location.SourceSpan).FirstAncestorOrSelf<AttributeSyntax>()).OfType<AttributeSyntax>()];
        foreach (AttributeListSyntax list in removed.Select(attribute => attribute.Parent).OfType<AttributeListSyntax>().Distinct())
        {
            int kept = list.Attributes.IndexOf(attribute => !removed.Contains(attribute));
            if (kept < 0)
            {
                yield return new TextChange(Line(text, list.Span), string.Empty);
                continue;
            }

            // In front of the first that stays up to that, after it with the comma before.
            if (kept > 0)
                yield return new TextChange(TextSpan.FromBounds(list.Attributes[0].SpanStart, list.Attributes[kept].SpanStart), string.Empty);
            for (int i = kept + 1; i < list.Attributes.Count; i++)
            {
                if (removed.Contains(list.Attributes[i]))
                    yield return new TextChange(TextSpan.FromBounds(list.Attributes.GetSeparator(i - 1).SpanStart, list.Attributes[i].Span.End), string.Empty);
            }
        }
    }

    /// <summary>A span with its whole line where it has one to itself, else with the spaces after it.</summary>
    private static TextSpan Line(SourceText text, TextSpan span)
    {
        TextLine first = text.Lines.GetLineFromPosition(span.Start), last = text.Lines.GetLineFromPosition(span.End);
        bool isAlone = string.IsNullOrWhiteSpace(text.ToString(TextSpan.FromBounds(first.Start, span.Start)))
            && string.IsNullOrWhiteSpace(text.ToString(TextSpan.FromBounds(span.End, last.End)));
        if (isAlone)
            return TextSpan.FromBounds(first.Start, last.EndIncludingLineBreak);
        int end = span.End;
        while (end < last.End && text[end] == ' ')
            end++;
        return TextSpan.FromBounds(span.Start, end);
    }
}
