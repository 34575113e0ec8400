using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Measuring.Onnx;

/// <summary>
/// Writes a layer graph with its weights as an ONNX file, operator by operator as PyTorch's exporter would: batch norm stays a node of its own,
/// which ONNX Runtime folds itself. Tensors are NCHW whatever the network's own layout is.
/// </summary>
internal sealed class OnnxExporter
{
    /// <summary>Name of the model's input.</summary>
    public const string Input = "input";

    /// <summary>Name of the model's output.</summary>
    public const string Output = "output";

    private static readonly string[] s_normTensors = ["weight", "bias", "running_mean", "running_var"];

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
        string[] inputs = [.. layer.Inputs.Select(NameOf)];
        string output = NameOf(layer.Id);
        Shape shape = _graph.Layers[layer.Inputs[0]].Output;
        switch (layer.Operator)
        {
            case ConvolutionOperator convolution:
                AddConvolution(convolution, shape, inputs[0], output);
                break;
            case BatchNormOperator norm:
                string[] tensors = [.. s_normTensors.Select(suffix => AddWeights(norm.Key.With(suffix).Key, [shape.Channels]))];
                _model.AddNode("BatchNormalization", output, [inputs[0], .. tensors], OnnxAttribute.Of("epsilon", (float)norm.Epsilon));
                break;
            case ActivationOperator activation:
                AddActivation(activation.Function, inputs[0], output);
                break;
            case PReLUOperator prelu:
                _model.AddNode("PRelu", output, [inputs[0], AddWeights(prelu.Key.With("weight").Key, [prelu.Parameters, 1, 1])]);
                break;
            case PoolOperator pool:
                AddPool(pool, inputs[0], output);
                break;
            case GlobalAveragePoolOperator:
                _model.AddNode("GlobalAveragePool", output, inputs);
                break;
            case FlattenOperator:
                AddReshape(inputs[0], output, [1, -1, 1, 1]);
                break;
            case ChannelShuffleOperator shuffle:
                AddReshape(inputs[0], output + "_groups", [1, shuffle.Groups, shape.Channels / shuffle.Groups, shape.Height, shape.Width]);
                _model.AddNode("Transpose", output + "_swapped", [output + "_groups"], OnnxAttribute.Of("perm", 0, 2, 1, 3, 4));
                AddReshape(output + "_swapped", output, Dimensions(shape));
                break;
            case ConcatOperator:
                _model.AddNode("Concat", output, inputs, OnnxAttribute.Of("axis", 1L));
                break;
            case SliceOperator slice:
                _model.AddInitializer(output + "_start", [slice.Start]);
                _model.AddInitializer(output + "_end", [slice.Start + slice.Count]);
                _model.AddInitializer(output + "_axis", [1]);
                _model.AddNode("Slice", output, [inputs[0], output + "_start", output + "_end", output + "_axis"]);
                break;
            case LayerNormOperator norm:
                AddLayerNorm(norm, shape, inputs[0], output);
                break;
            case LayerScaleOperator scale:
                _model.AddNode("Mul", output, [inputs[0], AddWeights(scale.Key.Key, [shape.Channels, 1, 1])]);
                break;
            case AddOperator:
                _model.AddNode("Add", output, inputs);
                break;
            case ScaleOperator:
                _model.AddNode("Mul", output, inputs);
                break;
            case SoftmaxOperator:
                _model.AddNode("Softmax", output, inputs, OnnxAttribute.Of("axis", 1L));
                break;
            default:
                throw new NotSupportedException($"{layer.Operator.GetType().Name} of layer {layer.Name} has no ONNX form here.");
        }
    }

    private void AddConvolution(ConvolutionOperator op, Shape input, string source, string output)
    {
        string weight = op.Key.With("weight").Key, bias = op.Key.With("bias").Key;
        if (op.IsLinear)
        {
            // Gemm works on matrices, and the graph's tensors have four dimensions.
            string[] parameters = op.Bias ? [AddWeights(weight, [op.OutChannels, input.Count]), AddWeights(bias, [op.OutChannels])] : [AddWeights(weight, [op.OutChannels, input.Count])];
            _model.AddNode("Flatten", output + "_flat", [source]);
            _model.AddNode("Gemm", output + "_matrix", [output + "_flat", .. parameters], OnnxAttribute.Of("transB", 1L));
            AddReshape(output + "_matrix", output, [1, -1, 1, 1]);
            return;
        }

        List<string> inputs = [source, AddWeights(weight, [op.OutChannels, input.Channels / op.Groups, op.Kernel.Height, op.Kernel.Width])];
        if (op.Bias)
            inputs.Add(AddWeights(bias, [op.OutChannels]));
        _model.AddNode(
            "Conv", output, [.. inputs],
            OnnxAttribute.Of("kernel_shape", op.Kernel.Height, op.Kernel.Width),
            OnnxAttribute.Of("strides", op.Stride.Height, op.Stride.Width),
            OnnxAttribute.Of("pads", op.Padding.Top, op.Padding.Left, op.Padding.Bottom, op.Padding.Right),
            OnnxAttribute.Of("dilations", op.Dilation.Height, op.Dilation.Width),
            OnnxAttribute.Of("group", (long)op.Groups));
    }

    /// <summary>The operator normalises the last axes, so that the channels go there and back.</summary>
    private void AddLayerNorm(LayerNormOperator norm, Shape shape, string source, string output)
    {
        _model.AddNode("Transpose", output + "_last", [source], OnnxAttribute.Of("perm", 0, 2, 3, 1));
        string weight = AddWeights(norm.Key.With("weight").Key, [shape.Channels]), bias = AddWeights(norm.Key.With("bias").Key, [shape.Channels]);
        _model.AddNode(
            "LayerNormalization", output + "_normal", [output + "_last", weight, bias],
            OnnxAttribute.Of("axis", -1L), OnnxAttribute.Of("epsilon", (float)norm.Epsilon));
        _model.AddNode("Transpose", output, [output + "_normal"], OnnxAttribute.Of("perm", 0, 3, 1, 2));
    }

    private void AddPool(PoolOperator pool, string source, string output)
    {
        List<OnnxAttribute> attributes =
        [
            OnnxAttribute.Of("kernel_shape", pool.Kernel.Height, pool.Kernel.Width),
            OnnxAttribute.Of("strides", pool.Stride.Height, pool.Stride.Width),
            OnnxAttribute.Of("pads", pool.Padding.Top, pool.Padding.Left, pool.Padding.Bottom, pool.Padding.Right),
            OnnxAttribute.Of("ceil_mode", pool.CeilMode ? 1L : 0L),
        ];
        if (pool.IsMaximum)
            attributes.Add(OnnxAttribute.Of("dilations", pool.Dilation.Height, pool.Dilation.Width));
        else
            attributes.Add(OnnxAttribute.Of("count_include_pad", pool.CountIncludePad ? 1L : 0L));
        _model.AddNode(pool.IsMaximum ? "MaxPool" : "AveragePool", output, [source], [.. attributes]);
    }

    private void AddActivation(ActivationFunction function, string source, string output)
    {
        switch (function.Kind)
        {
            case ActivationKind.None:
                _model.AddNode("Identity", output, [source]);
                break;
            case ActivationKind.ReLU:
                _model.AddNode("Relu", output, [source]);
                break;
            case ActivationKind.ReLU6:
                _model.AddInitializer(output + "_low", [], [0]);
                _model.AddInitializer(output + "_high", [], [6]);
                _model.AddNode("Clip", output, [source, output + "_low", output + "_high"]);
                break;
            case ActivationKind.SiLU:
                _model.AddNode("Sigmoid", output + "_gate", [source]);
                _model.AddNode("Mul", output, [source, output + "_gate"]);
                break;
            case ActivationKind.HardSigmoid:
                _model.AddNode("HardSigmoid", output, [source], OnnxAttribute.Of("alpha", 1 / 6f), OnnxAttribute.Of("beta", 0.5f));
                break;
            case ActivationKind.LeakyReLU:
                _model.AddNode("LeakyRelu", output, [source], OnnxAttribute.Of("alpha", function.Slope));
                break;
            case ActivationKind.GELU:
                _model.AddNode("Gelu", output, [source]);
                break;
            case ActivationKind.GELUTanh:
                _model.AddNode("Gelu", output, [source], OnnxAttribute.Of("approximate", "tanh"));
                break;
            case ActivationKind.ELU:
                _model.AddNode("Elu", output, [source]);
                break;
            case ActivationKind.HardSwish or ActivationKind.Sigmoid or ActivationKind.Tanh or ActivationKind.Mish:
                _model.AddNode(function.Kind.ToString(), output, [source]);
                break;
            default:
                throw new NotSupportedException($"Activation {function} has no ONNX form here.");
        }
    }

    private void AddReshape(string source, string output, long[] shape)
    {
        _model.AddInitializer(output + "_shape", shape);
        _model.AddNode("Reshape", output, [source, output + "_shape"]);
    }

    private string AddWeights(string key, ReadOnlySpan<long> shape)
    {
        _model.AddInitializer(key, shape, _weights[key]);
        return key;
    }
}
