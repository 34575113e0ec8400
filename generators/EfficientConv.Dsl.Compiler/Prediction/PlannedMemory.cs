using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Prediction;

/// <summary>Memory of one image as a plan runs it. The rules are those of docs/memory.md.</summary>
public static class PlannedMemory
{
    /// <summary>
    /// Rule M6, what the generated code has in memory step by step: the caller's input and output, and of the workspace the tensors alive and the
    /// step's scratch memory. The workspace is one block, so the runtime takes <see cref="NetworkPlan.PeakBytes"/> all the time.
    /// </summary>
    /// <param name="graph">The layers.</param>
    /// <param name="plan">The plan.</param>
    public static MemoryTimeline Of(LayerGraph graph, NetworkPlan plan)
    {
        long spans = ElementType.Float32.Bytes(graph.Input.Count + graph.OutputSpan.Count);
        Arena arena = new(plan.Target.Caches.LineBytes);
        return new MemoryTimeline(new(plan.Steps.Select((step, i) => new MemoryPoint(
            step.Parts[0].Name, step.Nest.Title,
            spans + arena.Align(step.ScratchBytes) + plan.Tensors.Where(t => t.First <= i && t.Last >= i).Sum(t => t.Bytes)))));
    }

    /// <summary>
    /// Rule M6 for a caller who frees the input after its last reader and makes the output when it is first written: most bytes alive during any step. The
    /// published peaks of networks count so.
    /// </summary>
    /// <param name="graph">The layers.</param>
    /// <param name="plan">The plan.</param>
    public static long InputFreed(LayerGraph graph, NetworkPlan plan)
    {
        int last = -1, first = int.MaxValue;
        for (int i = 0; i < plan.Steps.Count; i++)
        {
            if (plan.Steps[i].Input.Place == TensorPlace.Input || plan.Steps[i].Residual is { Place: TensorPlace.Input })
                last = i;
            if (plan.Steps[i].Output.Place == TensorPlace.Output)
                first = Math.Min(first, i);
        }

        return Of(graph, plan).Points
            .Select((point, i) => point.LiveBytes - ElementType.Float32.Bytes((i > last ? graph.Input.Count : 0) + (i < first ? graph.OutputSpan.Count : 0))).Max();
    }
}
