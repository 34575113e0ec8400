using System.Composition;
using EfficientConv.Dsl.Compiler.Findings;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>Sets the stride, the channels or the padding with which a shortcut can be added.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(ShortcutCodeFix))]
[Shared]
public sealed class ShortcutCodeFix() : ArgumentCodeFix(RuleCatalog.ImpossibleShortcut.Id);
