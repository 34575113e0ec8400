using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Cli.Input;

/// <summary>A network that the user named.</summary>
/// <param name="Name">Its full name.</param>
/// <param name="Location">Where it was found: file and line, or assembly.</param>
/// <param name="Declaration">Its attributes; null for a class of a built assembly that keeps none.</param>
/// <param name="Type">The compiled class of a built assembly; else null.</param>
internal sealed record NetworkInput(string Name, string Location, NetworkDeclaration? Declaration, Type? Type)
{
    /// <summary>The name without its namespace.</summary>
    public string ShortName => Name[(Name.LastIndexOf('.') + 1)..];

    /// <summary>The layers.</summary>
    /// <exception cref="ToolException">There are no attributes, or they have a mistake.</exception>
    public LayerGraph Graph()
    {
        if (Declaration is null)
        {
            throw new ToolException(
                $"{Location} keeps no attributes of {Name}, which this needs: give its sources or project instead, or build it with the symbol EFFICIENTCONV_KEEP_ATTRIBUTES.");
        }

        ExpansionResult expansion = Expansion.Expand(Declaration);
        return expansion.Graph ?? throw new ToolException($"{Location}: error {expansion.Findings[0].RuleId}: {expansion.Findings[0].Message}", ExitCode.Failed);
    }

    /// <summary>What the compiler's passes make of it.</summary>
    public NetworkAnalysis Analyze(ScheduleOverrides? schedules = null) => NetworkAnalysis.Of(Graph(), Declaration is null ? null : Compiler.Scheduling.ScheduleAttribute.Apply(Declaration, ScheduleSettings.Default), schedules);
}
