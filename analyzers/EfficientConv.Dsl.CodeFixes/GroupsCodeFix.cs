using System.Composition;
using EfficientConv.Dsl.Compiler.Findings;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace EfficientConv.Dsl.CodeFixes;

/// <summary>Sets groups to a count that divides the channels; the nearest ones are offered.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(GroupsCodeFix))]
[Shared]
public sealed class GroupsCodeFix() : ArgumentCodeFix(RuleCatalog.GroupsInput.Id, RuleCatalog.GroupsOutput.Id, RuleCatalog.ShuffleGroups.Id);
