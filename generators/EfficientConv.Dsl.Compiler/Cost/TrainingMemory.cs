using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Cost;

/// <summary>What automatic differentiation keeps of one image's forward pass.</summary>
/// <param name="MapBytes">Activations, each tensor once; they grow with the batch.</param>
/// <param name="ConvolutionBytes">Those of them that convolutions and linear layers keep: their inputs, each once.</param>
/// <param name="StatisticsBytes">Mean and scale that each batch norm keeps, whatever the batch.</param>
public sealed record SavedTensors(long MapBytes, long ConvolutionBytes, long StatisticsBytes);

/// <summary>Memory of training, by the rules T1 to T4 of docs/memory.md.</summary>
public static class TrainingMemory
{
    /// <summary>Weights, gradients and Adam's two moments, 4 bytes each.</summary>
    public const int AdamBytesPerParameter = 16;

    /// <summary>
    /// Rule T1: a convolution, a norm and pooling keep their input, maximum pooling the places of the maxima as well in 64-bit integers, layer norm mean and scale of
    /// each pixel; an activation keeps what its derivative is written in, its output or its input; a product both factors. A tensor that two layers keep is kept once.
    /// </summary>
    public static SavedTensors Saved(LayerGraph graph)
    {
        int[] root = Roots(graph);
        HashSet<int> byConvolutions = [.. graph.Layers.Where(l => l.Operator.Kind == OperatorKind.Convolution).Select(l => root[l.Inputs[0]])];
        return new SavedTensors(
            SavedTensorBytes(graph).Sum(),
            byConvolutions.Sum(id => ElementType.Float32.Bytes(graph.Layers[id].Output.Count)),
            StatisticsBytes(graph).Sum());
    }

    /// <summary>Bytes of each tensor that is kept whatever the batch.</summary>
    public static IEnumerable<long> StatisticsBytes(LayerGraph graph)
    {
        bool[] trained = Trained(graph);
        return graph.Layers.Where(l => trained[l.Id]).SelectMany(l => l.Operator.Saves(l.Output).StatisticsBytes);
    }

    /// <summary>Bytes of each tensor that is kept, for one image, in the order in which they are made.</summary>
    public static IReadOnlyList<long> SavedTensorBytes(LayerGraph graph)
    {
        int[] root = Roots(graph);
        bool[] trained = Trained(graph);
        HashSet<int> kept = [];
        foreach (Layer layer in graph.Layers.Where(l => trained[l.Id]))
        {
            BackwardReads reads = layer.Operator.Saves(layer.Output).Reads;
            if (reads.HasFlag(BackwardReads.OtherFactor))
                kept.UnionWith(new[] { (layer.Inputs[0], layer.Inputs[1]), (layer.Inputs[1], layer.Inputs[0]) }.Where(p => trained[p.Item1]).Select(p => root[p.Item2]));
            if (reads.HasFlag(BackwardReads.Inputs))
                kept.UnionWith(layer.Inputs.Select(id => root[id]));
            if (reads.HasFlag(BackwardReads.Output))
                kept.Add(root[layer.Id]);
        }

        List<long> bytes = [];
        foreach (Layer layer in graph.Layers)
        {
            if (kept.Contains(layer.Id))
                bytes.Add(ElementType.Float32.Bytes(layer.Output.Count));
            if (trained[layer.Id])
                bytes.AddRange(layer.Operator.Saves(layer.Output).OwnBytes);
        }

        return bytes;
    }

    /// <summary>Rule T2: which layers a gradient flows back through. The input asks for none, so what stands before the first parameter keeps nothing.</summary>
    private static bool[] Trained(LayerGraph graph)
    {
        bool[] trained = new bool[graph.Layers.Count];
        foreach (Layer layer in graph.Layers)
            trained[layer.Id] = layer.Inputs.Any(id => trained[id] || layer.Operator.ParameterCount(graph.Layers[id].Output) > 0);
        return trained;
    }

    /// <summary>The layer whose memory each layer's output is: a view has its input's.</summary>
    private static int[] Roots(LayerGraph graph)
    {
        int[] root = new int[graph.Layers.Count];
        foreach (Layer layer in graph.Layers)
            root[layer.Id] = layer.Operator.Writes(layer.Output) == OutputMemory.View ? root[layer.Inputs[0]] : layer.Id;
        return root;
    }

    /// <summary>
    /// Rule T4: weights, gradients, Adam's moments, and for each image of the batch what the backward pass needs.
    /// </summary>
    /// <param name="parameters">Parameters.</param>
    /// <param name="saved">What one image keeps.</param>
    /// <param name="batch">Images.</param>
    public static long Bytes(long parameters, SavedTensors saved, int batch) =>
        (parameters * AdamBytesPerParameter) + (saved.MapBytes * batch) + saved.StatisticsBytes;
}
