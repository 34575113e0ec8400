using System.Composition;
using EfficientConv.Dsl.Compiler.Rules;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>Sets the smallest padding that lets the kernel fit.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(PaddingCodeFix))]
[Shared]
public sealed class PaddingCodeFix() : ArgumentCodeFix([RuleCatalog.EmptyOutput.Id], "padding");
