using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler;

/// <summary>What the passes make of a network, for tools that show it.</summary>
/// <param name="Graph">The layers.</param>
/// <param name="Stages">The layers folded.</param>
/// <param name="Groups">The stages fused.</param>
/// <param name="Cost">What it costs.</param>
/// <param name="Plans">A plan for each instruction set, the widest first.</param>
public sealed record NetworkAnalysis(
    LayerGraph Graph, StageGraph Stages, EquatableArray<StageGroup> Groups, NetworkCost Cost, EquatableArray<NetworkPlan> Plans)
{
    /// <summary>Elements below which no plan can overflow: a plan holds less than eight times the padded elements of all layers.</summary>
    private const long Harmless = int.MaxValue / 8;

    /// <summary>
    /// Whether weights or maps may be too many for 32-bit offsets. Each layer by itself has them (<see cref="Operator.Check"/>); their sum shows only when memory is planned.
    /// </summary>
    internal static bool IsHuge(LayerGraph graph) => graph.Layers.Sum(layer => Elements(graph, layer)) > Harmless;

    /// <summary>Runs the passes; null where weights or workspace are too many for 32-bit offsets.</summary>
    internal static NetworkAnalysis? TryOf(LayerGraph graph, ScheduleSettings settings, ScheduleOverrides? overrides = null)
    {
        try
        {
            return Of(graph, settings, overrides);
        }
        catch (OverflowException) when (IsHuge(graph))
        {
            return null;
        }
    }

    /// <summary>Elements of a layer's output and weights, the first two dimensions of each, channels mostly, padded to whole vectors.</summary>
    private static double Elements(LayerGraph graph, Layer layer)
    {
        double map = (double)PlanBuilder.PixelStride(layer.Output) * layer.Output.Height * layer.Output.Width;
        return layer.Inputs.Count == 0 ? map : map + layer.Operator.Tensors(graph.Layers[layer.Inputs[0]].Output)
            .Sum(tensor => tensor.Shape.Select((dimension, i) => (double)(i < 2 ? PlanBuilder.PadChannels(dimension) : dimension)).Aggregate(1.0, (product, dimension) => product * dimension));
    }

    /// <summary>Runs the passes after the expansion; measured schedules in <paramref name="overrides"/> go before the cost model.</summary>
    public static NetworkAnalysis Of(LayerGraph graph, ScheduleSettings? settings = null, ScheduleOverrides? overrides = null)
    {
        StageGraph stages = OperatorFolding.Fold(graph);
        EquatableArray<StageGroup> groups = StageFusion.Fuse(stages);
        return new NetworkAnalysis(
            graph, stages, groups, NetworkCostModel.Measure(graph), VectorTarget.All.Select(target => Scheduler.Plan(stages, groups, target, settings ?? ScheduleSettings.Default, overrides)).Select(plan => ImageScheduling.Schedule(plan, graph)).ToEquatableArray());
    }

    /// <summary>The plan for <paramref name="target"/>.</summary>
    public NetworkPlan PlanFor(VectorTarget target) => Plans.First(p => p.Target == target);
}
