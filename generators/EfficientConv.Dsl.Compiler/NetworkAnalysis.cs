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
    /// <summary>Runs the passes behind the expansion; measured schedules in <paramref name="overrides"/> go before the cost model.</summary>
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
