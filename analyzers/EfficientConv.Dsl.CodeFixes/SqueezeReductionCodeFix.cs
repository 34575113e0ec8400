using System.Composition;
using EfficientConv.Dsl.Compiler.Findings;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>Sets a reduction that divides the channels; the nearest ones are offered.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(SqueezeReductionCodeFix))]
[Shared]
public sealed class SqueezeReductionCodeFix() : ArgumentCodeFix(RuleCatalog.SqueezeReduction.Id);
