using System.Composition;
using EfficientConv.Dsl.Compiler.Findings;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>Rounds a channel count up to whole vectors.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(ChannelCountCodeFix))]
[Shared]
public sealed class ChannelCountCodeFix() : ArgumentCodeFix(RuleCatalog.WastedLanes.Id);
