using System.Composition;
using EfficientConv.Dsl.Compiler.Findings;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>Takes the nearest name where a name is unknown.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(TensorNameCodeFix))]
[Shared]
public sealed class TensorNameCodeFix() : ArgumentCodeFix(RuleCatalog.UnknownName.Id);
