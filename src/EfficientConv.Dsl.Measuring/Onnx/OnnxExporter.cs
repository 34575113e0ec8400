using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Measuring.Onnx;

/// <summary>
/// Writes a layer graph with its weights as an ONNX file, each operator in the form that it gives of itself: batch norm stays a node of its own, which ONNX Runtime
/// folds itself. Tensors are NCHW whatever the network's own layout is.
/// </summary>
internal sealed class OnnxExporter
{
    /// <summary>Name of the model's input.</summary>
    public const string Input = "input";

    /// <summary>Name of the model's output.</summary>
    public const string Output = "output";

    private readonly LayerGraph _graph;
    private readonly IReadOnlyDictionary<string, float[]> _weights;
    private readonly OnnxModelWriter _model = new();

    private OnnxExporter(LayerGraph graph, IReadOnlyDictionary<string, float[]> weights)
    {
        _graph = graph;
        _weights = weights;
    }

    /// <summary>The ONNX file of <paramref name="graph"/> for one image.</summary>
    /// <param name="name">The graph's name.</param>
    /// <param name="graph">The layers.</param>
    /// <param name="weights">Tensors by state-dict key.</param>
    /// <exception cref="NotSupportedException">An operator has no form in ONNX.</exception>
    public static byte[] Export(string name, LayerGraph graph, IReadOnlyDictionary<string, float[]> weights)
    {
        OnnxExporter exporter = new(graph, weights);
        foreach (Layer layer in graph.Layers.Skip(1))
            exporter.Add(layer);
        return exporter._model.Build(name, Input, Dimensions(graph.Input), Output, Dimensions(graph.Output));
    }

    private static long[] Dimensions(Shape shape) => [1, shape.Channels, shape.Height, shape.Width];

    private string NameOf(int id) => id == 0 ? Input : id == _graph.Last.Id ? Output : $"t{id}";

    private void Add(Layer layer)
    {
        OnnxForm form = layer.Operator.Onnx([.. layer.Inputs.Select(id => _graph.Layers[id].Output)]);
        if (form.WhyNone is { } reason)
            throw new NotSupportedException($"{layer.Operator.Name} of layer {layer.Name} has no ONNX form: {reason}.");
        string output = NameOf(layer.Id);
        foreach (OnnxNode node in form.Nodes)
        {
            string made = node.Label.Length == 0 ? output : $"{output}_{node.Label}";
            _model.AddNode(node.Type, made, [.. node.Inputs.Select(input => Add(input, layer, output, made))], node.Attributes);
        }
    }

    /// <summary>The name of what a node reads; constants and weights are added to the model.</summary>
    private string Add(OnnxInput input, Layer layer, string output, string made)
    {
        switch (input)
        {
            case OnnxNoInput:
                return string.Empty;
            case OnnxLayerInput read:
                return NameOf(layer.Inputs[read.Index]);
            case OnnxResult result:
                return $"{output}_{result.Label}";
            case OnnxParameter parameter:
                _model.AddInitializer(parameter.Key.Key, parameter.Shape, _weights[parameter.Key.Key]);
                return parameter.Key.Key;
            case OnnxIntegers constant:
                _model.AddInitializer($"{made}_{constant.Label}", [.. constant.Values]);
                return $"{made}_{constant.Label}";
            case OnnxFloats constant:
                _model.AddInitializer($"{made}_{constant.Label}", constant.Shape, [.. constant.Values]);
                return $"{made}_{constant.Label}";
            default:
                throw new InvalidOperationException($"{input} cannot be written.");
        }
    }
}
