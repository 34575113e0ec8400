using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Cost;

/// <summary>
/// The same network with another kind of convolution, so that "does a depthwise separable convolution need more memory?" can be answered for it.
/// </summary>
public static class ConvolutionSwap
{
    /// <summary>
    /// Every depthwise convolution and the 1x1 convolution after it (with the batch norm and activation between them) as one standard convolution of the
    /// depthwise one's window; null where there is none.
    /// </summary>
    public static LayerGraph? WithStandardConvolutions(LayerGraph graph)
    {
        int[] uses = Uses(graph), reader = Readers(graph);
        Dictionary<int, ConvolutionOperator> merged = [];
        HashSet<int> dropped = [];
        foreach (Layer depthwise in graph.Layers.Where(l => IsDepthwise(graph, l)))
        {
            List<int> between = [depthwise.Id];
            Layer? next = Next(depthwise.Id);
            while (next is { Operator: BatchNormOperator or ActivationOperator or PReLUOperator })
            {
                between.Add(next.Id);
                next = Next(next.Id);
            }

            if (next is not { Operator: ConvolutionOperator { Groups: 1, IsLinear: false } pointwise } || pointwise.Kernel != Extent.Square(1) || pointwise.Stride != Extent.Square(1))
                continue;
            ConvolutionOperator window = (ConvolutionOperator)depthwise.Operator;
            merged[next.Id] = window with { Key = pointwise.Key, OutChannels = pointwise.OutChannels, Groups = 1, Bias = pointwise.Bias };
            dropped.UnionWith(between);
        }

        return merged.Count == 0 ? null : Rebuild(graph, layer =>
            dropped.Contains(layer.Id) ? [] : merged.TryGetValue(layer.Id, out ConvolutionOperator? op) ? [(layer.Name, op)] : [(layer.Name, layer.Operator)]);

        Layer? Next(int id) => uses[id] == 1 && reader[id] >= 0 ? graph.Layers[reader[id]] : null;
    }

    /// <summary>
    /// Every standard convolution with a window as a depthwise one, batch norm and activation as after the original, and a 1x1 convolution; null where there is none.
    /// </summary>
    public static LayerGraph? WithSeparableConvolutions(LayerGraph graph)
    {
        int[] uses = Uses(graph), reader = Readers(graph);
        bool any = false;
        LayerGraph result = Rebuild(graph, layer =>
        {
            if (layer.Operator is not ConvolutionOperator { Groups: 1, IsLinear: false } c || c.Kernel == Extent.Square(1) || graph.Layers[layer.Inputs[0]].Output.Channels == 1)
                return [(layer.Name, layer.Operator)];
            any = true;
            int channels = graph.Layers[layer.Inputs[0]].Output.Channels;
            List<(string, Operator)> parts = [(layer.Name + ".depthwise", c with { OutChannels = channels, Groups = channels })];
            Layer? next = uses[layer.Id] == 1 && reader[layer.Id] >= 0 ? graph.Layers[reader[layer.Id]] : null;
            if (next?.Operator is BatchNormOperator norm)
            {
                parts.Add((layer.Name + ".norm", norm));
                next = uses[next.Id] == 1 && reader[next.Id] >= 0 ? graph.Layers[reader[next.Id]] : null;
            }

            if (next?.Operator is ActivationOperator activation)
                parts.Add((layer.Name + ".activation", activation));
            parts.Add((layer.Name, c with { Kernel = Extent.Square(1), Stride = Extent.Square(1), Dilation = Extent.Square(1), Padding = default }));
            return parts;
        });
        return any ? result : null;
    }

    /// <summary>Rebuilds the graph with what <paramref name="replace"/> makes of each layer, one after the other; nothing: the layer's readers read its input.</summary>
    private static LayerGraph Rebuild(LayerGraph graph, Func<Layer, IReadOnlyList<(string Name, Operator Operator)>> replace)
    {
        List<Layer> layers = [graph.Layers[0]];
        int[] now = new int[graph.Layers.Count];
        foreach (Layer layer in graph.Layers.Skip(1))
        {
            int[] inputs = [.. layer.Inputs.Select(id => now[id])];
            now[layer.Id] = inputs[0];
            foreach ((string name, Operator op) in replace(layer))
            {
                now[layer.Id] = layers.Count;
                layers.Add(new Layer(layers.Count, name, op, inputs.ToEquatableArray(), op.Output([.. inputs.Select(id => layers[id].Output)]), layer.Origin));
                inputs = [now[layer.Id]];
            }
        }

        return graph with { Layers = layers.ToEquatableArray(), NamedOutputs = graph.NamedOutputs.Select(o => o with { Layer = now[o.Layer] }).ToEquatableArray() };
    }

    private static bool IsDepthwise(LayerGraph graph, Layer layer) =>
        layer.Operator is ConvolutionOperator { IsLinear: false } c && c.Groups > 1 && c.Groups == c.OutChannels && c.Groups == graph.Layers[layer.Inputs[0]].Output.Channels;

    private static int[] Uses(LayerGraph graph)
    {
        int[] uses = graph.CountUses();
        uses[graph.Last.Id]++;
        return uses;
    }

    /// <summary>The last reader of each layer's output, or -1.</summary>
    private static int[] Readers(LayerGraph graph)
    {
        int[] readers = [.. graph.Layers.Select(_ => -1)];
        foreach (Layer layer in graph.Layers)
        {
            foreach (int input in layer.Inputs)
                readers[input] = layer.Id;
        }

        return readers;
    }
}
