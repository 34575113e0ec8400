using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Cost;

/// <summary>"Forward/backward pass size" as two well-known summaries print it: twice the bytes of what they count, the second half for gradients.</summary>
public static class PassSize
{
    /// <summary>torchinfo counts the outputs of layers that have parameters.</summary>
    public static long Torchinfo(NetworkCost cost) => 2 * ElementType.Float32.Size * cost.Layers.Where(l => l.Parameters > 0).Sum(l => l.Output.Count);

    /// <summary>torchsummary counts the outputs of all modules, and those of blocks that are modules of their own once more.</summary>
    public static long Torchsummary(LayerGraph graph, NetworkCost cost) =>
        2 * ElementType.Float32.Size * (cost.OutputSum + graph.Layers.Where(l => l.Origin.Role.Length > 0).GroupBy(l => (l.Origin.AttributeIndex, l.Block)).Sum(block => block.Last().Output.Count));
}
