using System.Composition;
using EfficientConv.Dsl.Compiler.Findings;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>Leaves a bias out that batch norm takes away.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(BiasCodeFix))]
[Shared]
public sealed class BiasCodeFix() : ArgumentCodeFix(RuleCatalog.BiasBeforeNorm.Id);
