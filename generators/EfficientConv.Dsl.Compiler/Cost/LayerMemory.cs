using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Cost;

/// <summary>Memory of one image layer by layer, as a framework runs it. The rules are those of docs/memory.md.</summary>
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

    /// <summary>The layers as operations.</summary>
    internal static List<MemoryOperation> Operations(LayerGraph graph, bool im2col = false) =>
        [.. graph.Layers.Select(layer => new MemoryOperation(
            layer.Name, layer.Operator.Name, [.. layer.Inputs], ElementType.Float32.Bytes(layer.Output.Count), layer.Operator.Writes(layer.Output),
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
            : ElementType.Float32.Bytes((long)input.Channels * convolution.Kernel.Height * convolution.Kernel.Width * output.Pixels);
    }
}
