using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>
/// Whether all weights and all maps of a network have 32-bit offsets. Each layer by itself has (<see cref="Operator.Check"/>); their sum shows only when
/// memory is planned, so networks that come near are planned to find out.
/// </summary>
internal static class SizeRules
{
    /// <summary>Elements below which no plan can overflow: a plan holds less than eight times the padded elements of all layers.</summary>
    private const long Harmless = int.MaxValue / 8;

    public static Finding? Check(NetworkDeclaration declaration, LayerGraph graph)
    {
        if (graph.Layers.Sum(layer => Elements(graph, layer)) <= Harmless)
            return null;
        try
        {
            StageGraph stages = OperatorFolding.Fold(graph);
            foreach (VectorTarget target in VectorTarget.All)
                Scheduler.Plan(stages, StageFusion.Fuse(stages), target, ScheduleSettings.Default);
            return null;
        }
        catch (OverflowException)
        {
            return new Finding(
                RuleCatalog.InvalidValue.Id, graph.Layers[0].Origin.AttributeIndex, null,
                $"\"{declaration.Name}\" needs more than {int.MaxValue} floats of weights or of workspace (offsets must be 32-bit integers)");
        }
    }

    /// <summary>Elements of a layer's output and weights, channels padded to whole vectors.</summary>
    private static double Elements(LayerGraph graph, Layer layer)
    {
        double map = (double)PlanBuilder.PixelStride(layer.Output) * layer.Output.Height * layer.Output.Width;
        return layer.Operator is ConvolutionOperator c
            ? map + ((double)PlanBuilder.PadChannels(c.OutChannels) * (graph.Layers[layer.Inputs[0]].Output.Channels / c.Groups) * c.Kernel.Height * c.Kernel.Width)
            : map;
    }
}
