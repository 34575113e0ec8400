using System.Composition;
using EfficientConv.Dsl.Compiler.Findings;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>Gives the hidden channels as a number where the ratio makes a fraction.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(HiddenChannelsCodeFix))]
[Shared]
public sealed class HiddenChannelsCodeFix() : ArgumentCodeFix(RuleCatalog.FractionalChannels.Id);
