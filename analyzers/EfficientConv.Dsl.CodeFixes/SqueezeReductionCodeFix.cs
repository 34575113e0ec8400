using System.Composition;
using EfficientConv.Dsl.Compiler.Rules;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>Sets the largest reduction that leaves a hidden channel.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(SqueezeReductionCodeFix))]
[Shared]
public sealed class SqueezeReductionCodeFix() : ArgumentCodeFix([RuleCatalog.SqueezeEmpty.Id], "reduction", "squeezeReduction");
