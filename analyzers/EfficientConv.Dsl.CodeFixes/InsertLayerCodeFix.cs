using System.Composition;
using EfficientConv.Dsl.Compiler.Findings;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>Puts a channel shuffle between two grouped convolutions.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(InsertLayerCodeFix))]
[Shared]
public sealed class InsertLayerCodeFix() : TextCodeFix(RuleCatalog.GroupsNeverMix.Id)
{
    private protected override string? Title(Diagnostic diagnostic) =>
        diagnostic.Properties.TryGetValue(FixProposal.InsertBefore, out string? layer) ? $"Insert {layer}" : null;

    private protected override IEnumerable<TextChange> Changes(SyntaxNode root, SourceText text, SemanticModel model, IReadOnlyList<Diagnostic> diagnostics)
    {
        foreach (Diagnostic diagnostic in diagnostics)
        {
            if (root.FindNode(diagnostic.Location.SourceSpan).FirstAncestorOrSelf<AttributeSyntax>() is not { Parent: AttributeListSyntax list } attribute)
                continue;
            string layer = AttributeName(model, attribute.SpanStart, diagnostic.Properties[FixProposal.InsertBefore]!);

            // A list of its own before a list of its own, else a place in the same list.
            yield return list.Attributes[0] == attribute
                ? new TextChange(new TextSpan(list.SpanStart, 0), $"[{layer}]{Separator(text, list)}")
                : new TextChange(new TextSpan(attribute.SpanStart, 0), layer + ", ");
        }
    }
}
