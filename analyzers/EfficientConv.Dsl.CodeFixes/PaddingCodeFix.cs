using System.Composition;
using EfficientConv.Dsl.Compiler.Findings;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>Sets the padding that a kernel needs: to fit, to keep the size, to follow its dilation, to stay smaller than the kernel, to reach the last pixels, to lie along the kernel.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(PaddingCodeFix))]
[Shared]
public sealed class PaddingCodeFix() : ArgumentCodeFix(RuleCatalog.EmptyOutput.Id, RuleCatalog.SizeChanges.Id, RuleCatalog.UndilatedPadding.Id, RuleCatalog.LargePadding.Id, RuleCatalog.UnreadPixels.Id, RuleCatalog.WrongAxis.Id);
