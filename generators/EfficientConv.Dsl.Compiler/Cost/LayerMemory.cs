using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Cost;

/// <summary>
/// Memory of one image: layer by layer as a framework runs it, in rows as an ideal fused kernel would, and as this compiler's plan runs it.
/// The rules are those of docs/memory.md.
/// </summary>
public static class LayerMemory
{
    /// <summary>
    /// Rules M1 and M2: every layer writes a whole tensor; batch norm, activations and reshaping work in place where nothing else reads their input.
    /// </summary>
    /// <param name="graph">The layers.</param>
    /// <param name="inputHeld">Whether the caller keeps the input.</param>
    /// <param name="im2col">Rule M3: whether convolutions first write their windows out as a matrix.</param>
    public static MemoryTimeline Layerwise(LayerGraph graph, bool inputHeld = false, bool im2col = false) =>
        Liveness.Run(Operations(graph, im2col), inputHeld);

    /// <summary>
    /// Rule M4: blocks of expansion, depthwise and projection run row by row, so that of the tensors between them only a ring of expanded rows and one
    /// depthwise row exist. With squeeze-and-excitation the depthwise tensor exists as a whole.
    /// </summary>
    /// <param name="groups">The fused groups.</param>
    /// <param name="stages">The folded network.</param>
    /// <param name="inputHeld">Whether the caller keeps the input.</param>
    /// <param name="fuseStem">Rule M5: whether a convolution with a window that only a block or a pooling layer reads is computed row by row inside that too.</param>
    public static MemoryTimeline FusedRows(StageGraph stages, IReadOnlyList<StageGroup> groups, bool inputHeld = false, bool fuseStem = true)
    {
        if (!fuseStem)
        {
            groups = [.. groups.SelectMany(g => g switch
            {
                DepthwiseGroup { Stem: { } stem } block => (StageGroup[])[new SingleGroup(stem), block.WithoutStem],
                PoolGroup pool => [new SingleGroup(pool.Stem), new SingleGroup(pool.Pool)],
                _ => [g],
            })];
        }

        List<MemoryOperation> operations = [new("input", "Input", [], stages.Stages[0].Output.Count * sizeof(float))];
        Dictionary<int, int> made = new() { [0] = 0 };
        foreach (StageGroup group in groups)
        {
            int[] reads = [.. group.Reads.Select(id => made[id])];
            made[group.Last.Id] = operations.Count;
            OutputMemory writes = group switch
            {
                SingleGroup { Stage: ActivationStage or PReLUStage or BatchNormStage } => OutputMemory.OverInput,
                SingleGroup { Stage: FlattenStage or SliceStage } => OutputMemory.View,
                _ => OutputMemory.New,
            };
            operations.Add(new MemoryOperation(
                group.Parts.First().Name, group is SingleGroup ? NetworkCostModel.NameOf(group.Last) : "fused",
                reads, group.Last.Output.Count * sizeof(float), writes, RowScratch(group),
                stages.Outputs.Contains(group.Last.Id)));
        }

        return Liveness.Run(operations, inputHeld);
    }

    /// <summary>
    /// Rule M6, what the generated code has in memory step by step: the caller's input and output, and of the workspace the tensors alive and the
    /// step's scratch memory. The workspace is one block, so the runtime takes <see cref="NetworkPlan.PeakLength"/> all the time.
    /// </summary>
    /// <param name="graph">The layers.</param>
    /// <param name="plan">The plan.</param>
    public static MemoryTimeline Planned(LayerGraph graph, NetworkPlan plan)
    {
        long spans = (graph.Input.Count + graph.OutputSpan.Count) * sizeof(float);
        return new MemoryTimeline(new(plan.Steps.Select((step, i) => new MemoryPoint(
            step.Parts[0].Name, step.Driver.Title,
            spans + (sizeof(float) * (PlanBuilder.Align(step.ScratchLength) + plan.Tensors.Where(t => t.First <= i && t.Last >= i).Sum(t => (long)t.Length)))))));
    }

    /// <summary>
    /// Rule M6 for a caller who frees the input behind its last reader and makes the output when it is first written: most bytes alive during any step. The
    /// published peaks of networks count so.
    /// </summary>
    /// <param name="graph">The layers.</param>
    /// <param name="plan">The plan.</param>
    public static long PlannedInputFreed(LayerGraph graph, NetworkPlan plan)
    {
        int last = -1, first = int.MaxValue;
        for (int i = 0; i < plan.Steps.Count; i++)
        {
            if (plan.Steps[i].Input.Place == TensorPlace.Input || plan.Steps[i].Residual is { Place: TensorPlace.Input })
                last = i;
            if (plan.Steps[i].Output.Place == TensorPlace.Output)
                first = Math.Min(first, i);
        }

        return Planned(graph, plan).Points
            .Select((point, i) => point.LiveBytes - (sizeof(float) * ((i > last ? graph.Input.Count : 0) + (i < first ? graph.OutputSpan.Count : 0)))).Max();
    }

    /// <summary>The layers as operations.</summary>
    internal static List<MemoryOperation> Operations(LayerGraph graph, bool im2col = false) =>
        [.. graph.Layers.Select(layer => new MemoryOperation(
            layer.Name, layer.Operator.Name, [.. layer.Inputs], layer.Output.Count * sizeof(float), layer.Operator.Writes(layer.Output),
            im2col && layer.Operator is ConvolutionOperator c ? Im2colBytes(c, graph.Layers[layer.Inputs[0]].Output, layer.Output) : 0,
            graph.Outputs.Any(o => o.Layer == layer.Id)))];

    /// <summary>
    /// Rule M3: a convolution as one matrix product needs its windows as columns, <c>in * kh * kw</c> values for each output pixel. A 1x1 convolution
    /// with stride 1 is that product already, and nobody writes a depthwise convolution this way.
    /// </summary>
    public static long Im2colBytes(ConvolutionOperator convolution, Shape input, Shape output)
    {
        bool isProduct = convolution.IsLinear || (convolution.Kernel == Extent.Square(1) && convolution.Stride == Extent.Square(1) && convolution.Padding.IsZero);
        return isProduct || convolution.Groups == input.Channels && convolution.Groups > 1
            ? 0
            : (long)input.Channels * convolution.Kernel.Height * convolution.Kernel.Width * output.Pixels * sizeof(float);
    }

    private static long RowScratch(StageGroup group) => group switch
    {
        DepthwiseGroup block => RowScratch(block),
        PoolGroup { Pool: { Pool: var p, Input: var map } } => (long)ShapeInference.EffectiveKernel(p.Kernel.Height, p.Dilation.Height) * map.Width * map.Channels * sizeof(float),
        _ => 0,
    };

    private static long RowScratch(DepthwiseGroup group)
    {
        ConvolutionOperator c = group.Depthwise.Convolution;
        Shape before = group.Depthwise.Input, after = group.Depthwise.Output;
        long ring = group.Expand is null ? 0 : (long)ShapeInference.EffectiveKernel(c.Kernel.Height, c.Dilation.Height) * before.Width * before.Channels;
        long rows = (long)(group.Squeeze is null ? 1 : after.Height) * after.Width * after.Channels;
        long gate = group.Squeeze is null ? 0 : after.Channels + group.Squeeze.Reduce.OutChannels;
        return (ring + rows + gate) * sizeof(float);
    }
}
