using System.Composition;
using EfficientConv.Dsl.Compiler.Findings;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>Gives a class with layers the input shape that most published networks have.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(AddInputShapeCodeFix))]
[Shared]
public sealed class AddInputShapeCodeFix() : TextCodeFix(RuleCatalog.NoInputShape.Id)
{
    private const string Marker = "InputShape(3, 224, 224)";

    private protected override string? Title(Diagnostic diagnostic) => "Add " + Marker;

    private protected override IEnumerable<TextChange> Changes(SyntaxNode root, SourceText text, SemanticModel model, IReadOnlyList<Diagnostic> diagnostics)
    {
        foreach (Diagnostic diagnostic in diagnostics)
        {
            if (root.FindNode(diagnostic.Location.SourceSpan).FirstAncestorOrSelf<TypeDeclarationSyntax>() is { AttributeLists: { Count: > 0 } lists })
                yield return new TextChange(new TextSpan(lists[0].SpanStart, 0), $"[{AttributeName(model, lists[0].SpanStart, Marker)}]{Separator(text, lists[0])}");
        }
    }
}
