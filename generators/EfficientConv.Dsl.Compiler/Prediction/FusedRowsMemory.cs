using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Prediction;

/// <summary>Memory of one image in rows, as an ideal fused kernel would run it. The rules are those of docs/memory.md.</summary>
public static class FusedRowsMemory
{
    /// <summary>
    /// Rule M4: blocks of expansion, depthwise and projection run row by row, so that of the tensors between them only a ring of expanded rows and one
    /// depthwise row exist. With squeeze-and-excitation the depthwise tensor exists as a whole.
    /// </summary>
    /// <param name="groups">The fused groups.</param>
    /// <param name="stages">The folded network.</param>
    /// <param name="inputHeld">Whether the caller keeps the input.</param>
    /// <param name="fuseStem">Rule M5: whether a convolution with a window that only a block or a pooling layer reads is computed row by row inside that too.</param>
    public static MemoryTimeline Of(StageGraph stages, IReadOnlyList<StageGroup> groups, bool inputHeld = false, bool fuseStem = true)
    {
        if (!fuseStem)
        {
            groups = [.. groups.SelectMany(g => g switch
            {
                DepthwiseGroup { Stem: { } stem } block => (StageGroup[])[new SingleGroup(stem), block.WithoutStem],
                PoolGroup pool => [new SingleGroup(pool.Stem), new SingleGroup(pool.Pool)],
                DepthwiseGroup or SingleGroup => [g],
                _ => throw new InvalidOperationException($"{g} has no rule."),
            })];
        }

        List<MemoryOperation> operations = [new("input", "Input", [], ElementType.Float32.Bytes(stages.Stages[0].Output.Count))];
        Dictionary<int, int> made = new() { [0] = 0 };
        foreach (StageGroup group in groups)
        {
            int[] reads = [.. group.Reads.Select(id => made[id])];
            made[group.Last.Id] = operations.Count;
            OutputMemory writes = group switch
            {
                SingleGroup { Stage: ActivationStage or PReLUStage or BatchNormStage } => OutputMemory.OverInput,
                SingleGroup { Stage: FlattenStage or SliceStage } => OutputMemory.View,
                SingleGroup or DepthwiseGroup or PoolGroup => OutputMemory.New,
                _ => throw new InvalidOperationException($"{group} has no rule."),
            };
            operations.Add(new MemoryOperation(
                group.Parts.First().Name, group is SingleGroup ? NameOf(group.Last) : "fused",
                reads, ElementType.Float32.Bytes(group.Last.Output.Count), writes, RowScratch(group),
                stages.Outputs.Contains(group.Last.Id)));
        }

        return Liveness.Run(operations, inputHeld);
    }

    private static string NameOf(Stage stage) => stage switch
    {
        ConvolutionStage s => s.Convolution.Name,
        SqueezeStage => "SqueezeExcitation",
        PoolStage s => s.Pool.Name,
        ActivationStage s => s.Function.ToString(),
        _ => stage.GetType().Name.Replace("Stage", string.Empty),
    };

    private static long RowScratch(StageGroup group) => group switch
    {
        DepthwiseGroup block => RowScratch(block),
        PoolGroup { Pool: { Pool: var p, Input: var map } } => ElementType.Float32.Bytes((long)ShapeInference.EffectiveKernel(p.Kernel.Height, p.Dilation.Height) * map.Width * map.Channels),
        SingleGroup => 0,
        _ => throw new InvalidOperationException($"{group} has no memory of rows."),
    };

    private static long RowScratch(DepthwiseGroup group)
    {
        ConvolutionOperator c = group.Depthwise.Convolution;
        Shape before = group.Depthwise.Input, after = group.Depthwise.Output;
        long ring = group.Expand is null ? 0 : (long)ShapeInference.EffectiveKernel(c.Kernel.Height, c.Dilation.Height) * before.Width * before.Channels;
        long rows = (long)(group.Squeeze is null ? 1 : after.Height) * after.Width * after.Channels;
        long gate = group.Squeeze is null ? 0 : after.Channels + group.Squeeze.Reduce.OutChannels;
        return ElementType.Float32.Bytes(ring + rows + gate);
    }
}
