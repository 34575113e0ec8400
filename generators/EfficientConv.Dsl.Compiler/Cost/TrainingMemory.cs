using EfficientConv.Dsl.Compiler.Graph;

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

    /// <summary>Which of a layer's tensors its backward pass reads.</summary>
    [Flags]
    private enum Kept
    {
        None = 0,
        Inputs = 1,
        Output = 2,
    }

    /// <summary>
    /// Rule T1: a convolution, a norm and pooling keep their input, maximum pooling the places of the maxima as well in 64-bit integers, layer norm mean and scale of
    /// each pixel; an activation keeps what its derivative is written in, its output or its input; a product both factors. A tensor that two layers keep is kept once.
    /// </summary>
    public static SavedTensors Saved(LayerGraph graph)
    {
        int[] root = Roots(graph);
        HashSet<int> byConvolutions = [.. graph.Layers.Where(l => l.Operator is ConvolutionOperator or TransposedConvolutionOperator).Select(l => root[l.Inputs[0]])];
        return new SavedTensors(
            SavedTensorBytes(graph).Sum(),
            byConvolutions.Sum(id => graph.Layers[id].Output.Count * sizeof(float)),
            graph.Layers.Where(l => l.Operator is BatchNormOperator).Sum(l => 2L * l.Output.Channels * sizeof(float)));
    }

    /// <summary>Bytes of each tensor that is kept, for one image, in the order in which they are made.</summary>
    public static IReadOnlyList<long> SavedTensorBytes(LayerGraph graph)
    {
        int[] root = Roots(graph);
        bool[] trained = Trained(graph);
        HashSet<int> kept = [];
        foreach (Layer layer in graph.Layers.Where(l => trained[l.Id]))
        {
            // The gradient of one factor is the other one times what comes back.
            if (layer.Operator is ScaleOperator or MultiplyOperator)
                kept.UnionWith(new[] { (layer.Inputs[0], layer.Inputs[1]), (layer.Inputs[1], layer.Inputs[0]) }.Where(p => trained[p.Item1]).Select(p => root[p.Item2]));
            Kept keeps = KeptBy(layer.Operator);
            if (keeps.HasFlag(Kept.Inputs))
                kept.UnionWith(layer.Inputs.Select(id => root[id]));
            if (keeps.HasFlag(Kept.Output))
                kept.Add(root[layer.Id]);
        }

        List<long> bytes = [];
        foreach (Layer layer in graph.Layers)
        {
            if (kept.Contains(layer.Id))
                bytes.Add(layer.Output.Count * sizeof(float));
            if (layer.Operator is PoolOperator { IsMaximum: true } or AdaptivePoolOperator { IsMaximum: true } && trained[layer.Id])
                bytes.Add(layer.Output.Count * sizeof(long));
            if (layer.Operator is LayerNormOperator)
                bytes.AddRange([layer.Output.Pixels * sizeof(float), layer.Output.Pixels * sizeof(float)]);
        }

        return bytes;
    }

    /// <summary>Rule T2: which layers a gradient flows back through. The input asks for none, so what stands before the first parameter keeps nothing.</summary>
    private static bool[] Trained(LayerGraph graph)
    {
        bool[] trained = new bool[graph.Layers.Count];
        foreach (Layer layer in graph.Layers)
            trained[layer.Id] = layer.Operator is ConvolutionOperator or TransposedConvolutionOperator or BatchNormOperator or PReLUOperator or LayerNormOperator or LayerScaleOperator
                || layer.Inputs.Any(id => trained[id]);
        return trained;
    }

    /// <summary>The layer whose memory each layer's output is: flattening and slicing are other views of the same.</summary>
    private static int[] Roots(LayerGraph graph)
    {
        int[] root = new int[graph.Layers.Count];
        foreach (Layer layer in graph.Layers)
            root[layer.Id] = layer.Operator is FlattenOperator or SliceOperator ? root[layer.Inputs[0]] : layer.Id;
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

    private static Kept KeptBy(Operator op) => op switch
    {
        ConvolutionOperator or TransposedConvolutionOperator or BatchNormOperator or PReLUOperator or LayerNormOperator or LayerScaleOperator => Kept.Inputs,
        PoolOperator or GlobalAveragePoolOperator or AdaptivePoolOperator => Kept.Inputs,
        SoftmaxOperator => Kept.Output,
        ActivationOperator a => a.Function.Kind switch
        {
            ActivationKind.None => Kept.None,
            ActivationKind.ReLU or ActivationKind.LeakyReLU or ActivationKind.ELU or ActivationKind.Sigmoid or ActivationKind.Tanh => Kept.Output,
            _ => Kept.Inputs,
        },
        _ => Kept.None,
    };
}
