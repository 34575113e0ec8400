using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Import;

/// <content>Node by node.</content>
internal sealed partial class GraphMapper
{
    private void Map(Node node)
    {
        switch (node.Operator)
        {
            case "Conv": Convolution(node); break;
            case "ConvTranspose": TransposedConvolution(node); break;
            case "Gemm" or "MatMul": Product(node); break;
            case "BatchNormalization": BatchNormalization(node); break;
            case "LayerNormalization": LayerNormalization(node); break;
            case "InstanceNormalization": InstanceNormalization(node); break;
            case "Pad": Pad(node); break;
            case "PRelu": PRelu(node); break;
            case "MaxPool" or "AveragePool": Pool(node); break;
            case "GlobalAveragePool" or "ReduceMean" or "ReduceSum" or "ReduceMax": Reduce(node); break;
            case "GlobalMaxPool":
                SetMap(node, Layer(node, Name(node), new AdaptivePoolOperator(true, Extent.Square(1)), MapOf(ViewOf(node, 0))));
                break;
            case "Add" or "Sub" or "Mul" or "Div" or "Sum": Arithmetic(node); break;
            case "Concat": Concat(node); break;
            case "Slice" or "Split": Slices(node); break;
            case "Transpose": Transpose(node); break;
            case "Reshape" or "Flatten" or "Squeeze" or "Unsqueeze": Reshape(node); break;
            case "Resize" or "Upsample": Resize(node); break;
            case "DepthToSpace": DepthToSpace(node); break;
            case "Softmax": Softmax(node); break;
            default: Activation(node); break;
        }
    }

    private void Activation(Node node)
    {
        ActivationFunction function = node.Operator switch
        {
            "Identity" or "Dropout" or "Cast" or "DequantizeLinear" when DimsOf(node.Output).SequenceEqual(DimsOf(node.Inputs[0])) => Of(ActivationKind.None),
            "Relu" => Of(ActivationKind.ReLU),
            "Relu6" => Of(ActivationKind.ReLU6),
            "Sigmoid" => Of(ActivationKind.Sigmoid),
            "SiLU" => Of(ActivationKind.SiLU),
            "HardSwish" => Of(ActivationKind.HardSwish),
            "HardSigmoid" when Math.Abs(node.Number("alpha", 0.2) - (1 / 6.0)) < 1e-6 && Math.Abs(node.Number("beta", 0.5) - 0.5) < 1e-6 => Of(ActivationKind.HardSigmoid),
            "HardSigmoid" => throw new ImportException($"its slope is {node.Number("alpha", 0.2)} (1/6 is PyTorch's, and another one goes into a convolution right before it)"),
            "Clip" => new ActivationFunction(ActivationKind.Hardtanh, EquatableArray.Of(Bound(1, "min", float.MinValue), Bound(2, "max", float.MaxValue))),
            "Softplus" => new ActivationFunction(ActivationKind.Softplus, EquatableArray.Of(1f, 20f)),
            "Tanh" => Of(ActivationKind.Tanh),
            "Mish" => Of(ActivationKind.Mish),
            "Elu" when node.Number("alpha", 1) == 1 => Of(ActivationKind.ELU),
            "Gelu" => Of(node.Text("approximate", "none") == "tanh" ? ActivationKind.GELUTanh : ActivationKind.GELU),
            "LeakyRelu" => new ActivationFunction(ActivationKind.LeakyReLU, EquatableArray.Of((float)node.Number("alpha", 0.01))),
            _ => throw new ImportException("no attribute computes it"),
        };
        View view = ViewOf(node, 0);

        // Element by element: several maps one after the other stay so.
        _views[node.Output] = view with { Layers = [.. view.Layers.Select(layer => Layer(node, Name(node), new ActivationOperator(function), layer))], Dims = DimsOf(node.Output) };

        static ActivationFunction Of(ActivationKind kind) => new(kind);

        // No bound is the largest number that an attribute may have.
        float Bound(int input, string name, float none) =>
            (float)Math.Clamp(node.Input(input) is null ? node.Number(name, none) : Weights(node, input)[0], float.MinValue, float.MaxValue);
    }

    private void Convolution(Node node)
    {
        int source = MapOf(ViewOf(node, 0));
        Tensor weight = Weights(node, 1);
        int groups = (int)node.Integer("group", 1);
        Executor.WindowSizes window = Executor.WindowSizes.Of(node, _views[node.Inputs[0]].Dims, weight.Dims[2..]);
        string name = Name(node, node.Inputs[1]);
        SetMap(node, Layer(node, name, new ConvolutionOperator(
            Key(name), weight.Dims[0], Of(window.Kernel), Of(window.Stride), PaddingOf(window), Of(window.Dilation), groups, node.Input(2) is not null), source));
        Weight(name + ".weight", weight.Dims, weight.Singles());
        if (node.Input(2) is not null)
            Weight(name + ".bias", [weight.Dims[0]], Weights(node, 2).Singles());
    }

    private void TransposedConvolution(Node node)
    {
        int source = MapOf(ViewOf(node, 0));
        Tensor weight = Weights(node, 1);
        int groups = (int)node.Integer("group", 1), outChannels = weight.Dims[1] * groups;
        int[] more = node.Integers("output_padding") ?? [0, 0];
        Executor.WindowSizes window = Executor.WindowSizes.Of(node, _views[node.Inputs[0]].Dims, weight.Dims[2..]);
        string name = Name(node, node.Inputs[1]);
        SetMap(node, Layer(node, name, new TransposedConvolutionOperator(
            Key(name), outChannels, Of(window.Kernel), Of(window.Stride), PaddingOf(window), Of(more), Of(window.Dilation), groups, node.Input(2) is not null), source));
        Weight(name + ".weight", weight.Dims, weight.Singles());
        if (node.Input(2) is not null)
            Weight(name + ".bias", [outChannels], Weights(node, 2).Singles());
    }

    /// <summary>A matrix of weights: a linear layer of all elements, or a 1x1 convolution where the channels come last.</summary>
    private void Product(Node node)
    {
        View view = ViewOf(node, 0);
        Tensor matrix = Weights(node, 1);
        if (matrix.Dims.Length != 2 || node.Integer("transA", 0) != 0)
            throw new ImportException($"it multiplies by a tensor of shape {matrix} (expected a matrix)");
        bool isByRow = node.Operator == "Gemm" && node.Integer("transB", 0) != 0;
        int ins = matrix.Dims[isByRow ? 1 : 0], outs = matrix.Dims[isByRow ? 0 : 1];
        double alpha = node.Operator == "Gemm" ? node.Number("alpha", 1) : 1, beta = node.Operator == "Gemm" ? node.Number("beta", 1) : 1;
        Shape shape = ShapeOf(view);
        bool isLinear = Tensor.Size(view.Dims[..^1]) == 1 && shape.Count == ins;
        if (!isLinear && ChannelAxis(view) != view.Dims.Length - 1)
            throw new ImportException($"it multiplies the last dimension of a tensor of shape {Tensor.Text(view.Dims)}, which is no channel");

        // The elements of a map that came with its channels last stand in another order than a linear layer reads them.
        bool isReordered = isLinear && view.IsChannelsLast && shape.Pixels > 1;
        float[]? given = alpha != 1 || isReordered ? null : isByRow ? matrix.Singles() : matrix.Transposed?.Singles();
        float[] rows = given ?? Rows(matrix.Singles());
        string name = Name(node, node.Inputs[1]);
        bool hasBias = node.Input(2) is not null;
        Extent one = Extent.Square(1);
        int source = view.Layer;
        if (isLinear && shape.Pixels > 1)
            source = Layer(node, Name(node), new FlattenOperator(), source);
        Shape read = _builder.ShapeOf(source);
        int layer = Layer(node, name, isLinear
            ? new ConvolutionOperator(Key(name), outs, new Extent(read.Height, read.Width), one, default, one, 1, hasBias, IsLinear: true)
            : new ConvolutionOperator(Key(name), outs, one, one, default, one, 1, hasBias), source);
        _views[node.Output] = new View([layer], !isLinear && view.IsChannelsLast, DimsOf(node.Output));
        Weight(name + ".weight", isLinear ? [outs, ins] : [outs, ins, 1, 1], rows);
        if (hasBias)
        {
            Tensor bias = Weights(node, 2);
            Weight(name + ".bias", [outs], [.. Enumerable.Range(0, outs).Select(i => (float)(beta * bias[bias.Count == 1 ? 0 : i]))]);
        }

        float[] Rows(float[] values)
        {
            float[] rows = new float[values.Length];
            for (int o = 0; o < outs; o++)
            {
                for (int i = 0; i < ins; i++)
                {
                    int from = isReordered ? (i % (int)shape.Pixels * shape.Channels) + (i / (int)shape.Pixels) : i;
                    rows[(o * ins) + i] = (float)(alpha * values[isByRow ? (o * ins) + from : (from * outs) + o]);
                }
            }

            return rows;
        }
    }

    private void BatchNormalization(Node node)
    {
        View view = ViewOf(node, 0);
        int source = MapOf(view), channels = ShapeOf(view).Channels;
        string name = Name(node, node.Inputs[1]);
        SetMap(node, Layer(node, name, new BatchNormOperator(Key(name), WrittenAs(node.Number("epsilon", 1e-5))), source));
        foreach ((string part, int input) in new[] { ("weight", 1), ("bias", 2), ("running_mean", 3), ("running_var", 4) })
            Weight($"{name}.{part}", [channels], Weights(node, input).Singles());
    }

    private void LayerNormalization(Node node)
    {
        View view = ViewOf(node, 0);
        int axis = (int)node.Integer("axis", -1), channels = ShapeOf(view).Channels;
        axis = axis < 0 ? axis + view.Dims.Length : axis;
        if (axis != view.Dims.Length - 1 || ChannelAxis(view) != axis)
            throw new ImportException("it normalises more than the channels of each pixel");
        string name = Name(node, node.Inputs[1]);
        Set(node, Layer(node, name, new LayerNormOperator(Key(name), WrittenAs(node.Number("epsilon", 1e-5))), view.Layer), view);
        Weight(name + ".weight", [channels], Weights(node, 1).Singles());
        Weight(name + ".bias", [channels], node.Input(2) is null ? new float[channels] : Weights(node, 2).Singles());
    }

    /// <summary>Each channel by itself; where the channels were gathered into groups, a group norm.</summary>
    private void InstanceNormalization(Node node)
    {
        View view = ViewOf(node, 0);
        Shape shape = ShapeOf(view);
        Tensor scale = Weights(node, 1), shift = Weights(node, 2);
        double epsilon = WrittenAs(node.Number("epsilon", 1e-5));
        int groups = view.Dims.Length > 1 ? view.Dims[1] : 0;
        string name = Name(node, node.Inputs[1]);
        if (groups == shape.Channels && !view.IsChannelsLast)
        {
            Set(node, Layer(node, name, new InstanceNormOperator(Key(name), epsilon, Affine: true, TracksRunningStatistics: false), view.Layer), view);
            Weight(name + ".weight", [groups], scale.Singles());
            Weight(name + ".bias", [groups], shift.Singles());
        }
        else if (!view.IsChannelsLast && view.Dims[0] == 1 && groups > 0 && shape.Channels % groups == 0 && scale.Singles().All(v => v == 1) && shift.Singles().All(v => v == 0))
        {
            Set(node, Layer(node, name, new GroupNormOperator(Key(name), groups, epsilon, Affine: false), view.Layer), view);
        }
        else
        {
            throw new ImportException($"it normalises {groups} parts of {shape.Channels} channels");
        }
    }

    private void Pad(Node node)
    {
        View view = ViewOf(node, 0);
        int source = MapOf(view);
        int[] pads = node.Integers("pads") ?? Array.ConvertAll(Weights(node, 1).Integers(), value => (int)value);
        if (node.Input(3) is not null || pads.Length != 8 || pads[0] != 0 || pads[4] != 0 || pads.Any(pad => pad < 0))
            throw new ImportException($"it pads by {string.Join(", ", pads)} (channels, rows and columns can be added)");
        Compiler.Graph.PadMode mode = node.Text("mode", "constant") switch
        {
            "constant" => Compiler.Graph.PadMode.Constant,
            "reflect" => Compiler.Graph.PadMode.Reflect,
            "edge" => Compiler.Graph.PadMode.Replicate,
            var other => throw new ImportException($"it pads by {other}"),
        };
        float value = mode != Compiler.Graph.PadMode.Constant ? 0 : node.Input(2) is null ? (float)node.Number("value", 0) : (float)Weights(node, 2)[0];
        if (mode == Compiler.Graph.PadMode.Constant && value == 0 && pads is [_, 0, 0, 0, _, _, 0, 0] && IsOnlyAdded(node.Output))
        {
            _narrow.Add(node.Output);
            _views[node.Output] = view with { Dims = DimsOf(node.Output) };
            return;
        }

        if (pads[1] + pads[5] > 0)
            source = ChannelPad(node, source, pads[1], pads[5], mode, value);
        Padding padding = new(pads[2], pads[6], pads[3], pads[7]);
        SetMap(node, padding.IsZero ? source : Layer(node, Name(node), new PadOperator(padding, mode, value), source));
    }

    /// <summary>Whether all that read a tensor add it to another map, which then need not have the channels of zeros.</summary>
    private bool IsOnlyAdded(string tensor) => !_model.Outputs.Contains(tensor) && _model.Nodes.Where(node => node.Inputs.Contains(tensor)).ToArray() is { Length: > 0 } readers
        && readers.All(node => node.Operator == "Add" && node.Inputs.Count == 2 && node.Inputs.Count(input => input == tensor || _narrow.Contains(input)) == 1
            && !node.Inputs.Any(IsConstant) && node.Inputs.All(input => DimsOf(input).SequenceEqual(DimsOf(tensor))));

    /// <summary>Channels of zeros before and after a map's own: a 1x1 convolution by the identity and rows of zeros.</summary>
    private int ChannelPad(Node node, int source, int before, int after, Compiler.Graph.PadMode mode, float value)
    {
        if (mode != Compiler.Graph.PadMode.Constant || value != 0)
            throw new ImportException("it adds channels that are no zeros");
        const int MostWeights = 1 << 22;
        int channels = _builder.ShapeOf(source).Channels, padded = Tensor.Size([before + channels + after]);
        if (Tensor.Size([padded, channels]) > MostWeights)
            throw new ImportException($"it makes {padded:N0} channels of {channels:N0}");
        float[] identity = new float[padded * channels];
        for (int c = 0; c < channels; c++)
            identity[((before + c) * channels) + c] = 1;
        string name = Name(node);
        Extent one = Extent.Square(1);
        int layer = Layer(node, name, new ConvolutionOperator(Key(name), padded, one, one, default, one, 1, Bias: false), source);
        Weight(name + ".weight", [padded, channels, 1, 1], identity);
        return layer;
    }

    private void PRelu(Node node)
    {
        View view = ViewOf(node, 0);
        Tensor slope = Weights(node, 1);
        int channels = ShapeOf(view).Channels, axis = ChannelAxis(view);
        int own = axis - view.Dims.Length + slope.Dims.Length;
        if (slope.Count != 1 && (axis < 0 || slope.Count != channels || own < 0 || slope.Dims[own] != channels))
            throw new ImportException($"its slopes have the shape {slope} (expected one, or one for each of {channels} channels)");
        string name = Name(node, node.Inputs[1]);
        Set(node, Layer(node, name, new PReLUOperator(Key(name), slope.Count), view.Layer), view);
        Weight(name + ".weight", [slope.Count], slope.Singles());
    }

    private void Pool(Node node)
    {
        View view = ViewOf(node, 0);
        int source = MapOf(view);
        if (node.Outputs.Count > 1 && node.Outputs[1].Length > 0)
            throw new ImportException("it gives the places of the maxima");
        bool isMaximum = node.Operator == "MaxPool", ceil = node.Integer("ceil_mode", 0) != 0;
        Executor.WindowSizes window = Executor.WindowSizes.Of(node, view.Dims, node.Integers("kernel_shape")!);
        Shape shape = ShapeOf(view);
        Padding padding = PaddingOf(window);
        bool isWhole = !isMaximum && padding.IsZero && Of(window.Kernel) == new Extent(shape.Height, shape.Width) && Of(window.Dilation) == Extent.Square(1);
        int[] made = DimsOf(node.Output);

        // The last window may hang over the edge only where it would.
        bool needsCeil = ceil && (made[2] != window.Outputs(0, shape.Height) || made[3] != window.Outputs(1, shape.Width));

        // Exporters of old opsets write that as padding, of which the last window reaches only a part.
        Executor.WindowSizes even = window with { After = window.Before };
        bool isSame = made[2] == even.Outputs(0, shape.Height, ceil: true) && made[3] == even.Outputs(1, shape.Width, ceil: true);
        if (!ceil && isMaximum && isSame && (IsBeyond(0, shape.Height) || IsBeyond(1, shape.Width)))
            (padding, needsCeil) = (PaddingOf(even), true);
        SetMap(node, Layer(node, Name(node), isWhole
            ? new GlobalAveragePoolOperator()
            : new PoolOperator(isMaximum, Of(window.Kernel), Of(window.Stride), padding, Of(window.Dilation), needsCeil, isMaximum || padding.IsZero || node.Integer("count_include_pad", 0) != 0), source));

        bool IsBeyond(int axis, int size)
        {
            int reached = ((made[2 + axis] - 1) * window.Stride[axis]) + (window.Dilation[axis] * (window.Kernel[axis] - 1)) + 1;
            return window.After[axis] > window.Before[axis] && size + window.Before[axis] + window.After[axis] > reached;
        }
    }

    private void Reduce(Node node)
    {
        View view = ViewOf(node, 0);
        Shape shape = ShapeOf(view);
        int[] dims = DimsOf(node.Output);
        int axis = ChannelAxis(view);
        bool isByChannel = axis >= 0 && Tensor.Size(dims) == shape.Channels && dims.Contains(shape.Channels) && Tensor.Size(view.Dims) == shape.Count;
        if (!isByChannel || (shape.Channels == 1 && dims.Length != view.Dims.Length) || (shape.Pixels > 1 && view.Dims[axis] != shape.Channels))
            throw new ImportException($"it is over other dimensions than rows and columns: {Tensor.Text(view.Dims)} to {Tensor.Text(dims)}");
        bool isMaximum = node.Operator == "ReduceMax";
        Operator reduction = isMaximum ? new AdaptivePoolOperator(true, Extent.Square(1)) : new GlobalAveragePoolOperator();
        View reduced = new([shape.Pixels == 1 ? view.Layer : Layer(node, Name(node), reduction, view.Layer)], false, dims);
        _views[node.Output] = reduced;

        // A sum is the mean times the number of pixels.
        if (node.Operator == "ReduceSum" && shape.Pixels > 1)
            Affine(node with { Operator = "Mul" }, reduced, Tensor.Of([], [(float)shape.Pixels]), isFirst: false);
    }

    private void Arithmetic(Node node)
    {
        if (node.Inputs.Count != 2)
            throw new ImportException($"it has {node.Inputs.Count} inputs (expected 2)");
        int constant = IsConstant(node.Inputs[1]) ? 1 : IsConstant(node.Inputs[0]) ? 0 : -1;
        if (constant >= 0)
        {
            Affine(node, ViewOf(node, 1 - constant), Constant(node.Inputs[constant]), isFirst: constant == 0);
            return;
        }

        if (node.Operator is "Sub" or "Div")
            throw new ImportException("it works on two computed tensors");
        View left = ViewOf(node, 0), right = ViewOf(node, 1);

        // What was computed last is read as it is, and the other by its name.
        if (right.Layers.Count == 1 && right.Layer == _builder.Current)
            (left, right) = (right, left);
        if (left.Dims.SequenceEqual(right.Dims) && ShapeOf(left) == ShapeOf(right) && (left.IsChannelsLast == right.IsChannelsLast || ShapeOf(left).Pixels == 1))
        {
            Set(node, Layer(node, Name(node), node.Operator == "Mul" ? new MultiplyOperator() : new AddOperator(), left.Layer, right.Layer), left);
            return;
        }

        if (node.Inputs.Any(_narrow.Contains) && !left.IsChannelsLast && !right.IsChannelsLast)
        {
            SetMap(node, Layer(node, Name(node), new AddOperator(PadsChannels: true), left.Layer, right.Layer));
            return;
        }

        (View map, View factors) = Tensor.Size(left.Dims) >= Tensor.Size(right.Dims) ? (left, right) : (right, left);
        int axis = ChannelAxis(map), own = axis - map.Dims.Length + factors.Dims.Length;
        Shape shape = ShapeOf(map);
        if (node.Operator != "Mul" || axis < 0 || own < 0 || ShapeOf(factors) != new Shape(shape.Channels, 1, 1) || factors.Dims[own] != shape.Channels || !DimsOf(node.Output).SequenceEqual(map.Dims))
            throw new ImportException($"it repeats one of two tensors: {Tensor.Text(left.Dims)} and {Tensor.Text(right.Dims)} (a product with one factor for each channel can be said)");
        Set(node, Layer(node, Name(node), new ScaleOperator(), map.Layer, factors.Layer), map);
    }

    /// <summary>A constant factor or summand that no convolution in front takes: a layer scale, or a depthwise 1x1 convolution with a bias.</summary>
    private void Affine(Node node, View view, Tensor constant, bool isFirst)
    {
        Shape shape = ShapeOf(view);
        int axis = ChannelAxis(view), own = axis - view.Dims.Length + constant.Dims.Length;
        if (isFirst && node.Operator == "Div")
            throw new ImportException("it divides a constant by a computed tensor");
        if (constant.Count != 1 && (axis < 0 || own < 0 || constant.Count != shape.Channels || constant.Dims[own] != shape.Channels))
            throw new ImportException($"its constant has the shape {constant} (expected one value, or one for each of {shape.Channels} channels)");
        float[] values = [.. Enumerable.Range(0, shape.Channels).Select(c => (float)constant[constant.Count == 1 ? 0 : c])];
        (Func<float, float> scale, Func<float, float> shift) = node.Operator switch
        {
            "Mul" => ((Func<float, float>)(v => v), (Func<float, float>)(_ => 0)),
            "Div" => (v => 1 / v, _ => 0),
            "Add" => (_ => 1, v => v),
            "Sub" => isFirst ? (_ => -1, v => v) : (_ => 1, v => -v),
            _ => throw new ImportException("it has a constant among its inputs"),
        };
        Extent one = Extent.Square(1);
        string name = Name(node);
        if (node.Operator is "Mul" or "Div")
        {
            Set(node, Layer(node, name, new LayerScaleOperator(Key(name + ".gamma")), view.Layer), view);
            Weight(name + ".gamma", [shape.Channels], Array.ConvertAll(values, value => scale(value)));
            return;
        }

        Set(node, Layer(node, name, new ConvolutionOperator(Key(name), shape.Channels, one, one, default, one, shape.Channels, Bias: true), view.Layer), view);
        Weight(name + ".weight", [shape.Channels, 1, 1, 1], Array.ConvertAll(values, value => scale(value)));
        Weight(name + ".bias", [shape.Channels], Array.ConvertAll(values, value => shift(value)));
    }

    /// <summary>The parts of a concatenation, the first of them as one where they are joined already: DenseNet's layers join all that came before them.</summary>
    private IEnumerable<int> WithEarlier(int[] parts) => _builder.Layers.Where(layer => layer.Operator is ConcatOperator && layer.Inputs.Count < parts.Length && layer.Inputs.SequenceEqual(parts.Take(layer.Inputs.Count)))
        .MaxBy(layer => layer.Inputs.Count) is { } earlier ? WithEarlier([earlier.Id, .. parts.Skip(earlier.Inputs.Count)]) : parts;

    private void Concat(Node node)
    {
        View[] parts = [.. node.Inputs.Select((name, i) => IsConstant(name) ? throw new ImportException("it joins a constant to computed tensors") : ViewOf(node, i))];
        int[] dims = DimsOf(node.Output);
        int axis = (int)node.Integer("axis", 1);
        axis = axis < 0 ? axis + dims.Length : axis;
        if (parts.Length == 1)
        {
            _views[node.Output] = parts[0];
            return;
        }

        // Channels of one map size; else blocks of memory, one after the other.
        if (parts.All(part => part.Layers.Count == 1 && ChannelAxis(part) == axis && ShapeOf(part).Pixels == ShapeOf(parts[0]).Pixels && (part.IsChannelsLast == parts[0].IsChannelsLast || ShapeOf(part).Pixels == 1)))
            Set(node, Layer(node, Name(node), new ConcatOperator(), [.. WithEarlier([.. parts.Select(part => part.Layer)])]), parts[0]);
        else if (Tensor.Size(dims[..axis]) == 1)
            _views[node.Output] = new View([.. parts.SelectMany(part => part.Layers)], parts.Any(part => part.IsChannelsLast), OneOrder(parts, dims));
        else
            throw new ImportException($"it joins along dimension {axis} of {Tensor.Text(dims)}, which is not the channels");
    }

    private int[] OneOrder(View[] parts, int[] dims)
    {
        bool[] orders = [.. parts.Where(part => part.Layers.Any(layer => _builder.ShapeOf(layer) is { Pixels: > 1, Channels: > 1 })).Select(part => part.IsChannelsLast).Distinct()];
        return orders.Length > 1 ? throw new ImportException("it joins tensors with their channels first and last") : dims;
    }

    private void Slices(Node node)
    {
        View view = ViewOf(node, 0);
        int axis = ChannelAxis(view);
        int[][] parts = [.. node.Outputs.Select(DimsOf)];
        if (axis < 0 || parts.Any(part => part.Length != view.Dims.Length || part.Where((d, i) => i != axis && d != view.Dims[i]).Any()))
            throw new ImportException($"it cuts rows or columns: {Tensor.Text(view.Dims)} to {string.Join(" and ", parts.Select(part => Tensor.Text(part)))}");

        const int MostChannels = 1 << 20;
        if (view.Dims[axis] > MostChannels)
            throw new ImportException($"it cuts {view.Dims[axis]:N0} channels");

        // Where a part begins is seen by what the node does to numbers in a row; of the dimensions that it leaves whole two places are enough.
        int[] dims = [.. view.Dims.Select((d, i) => i == axis ? d : Math.Min(d, 2))];
        Tensor numbered = Tensor.Of(dims, Enumerable.Range(0, Tensor.Size(dims)).Select(i => (long)i).ToArray());
        Model alone = _model with { Nodes = [node], Input = node.Inputs[0], Outputs = node.Outputs, Constants = _model.Constants.Where(pair => node.Inputs.Contains(pair.Key)).ToDictionary() };
        IReadOnlyDictionary<string, Tensor> cut = Executor.Run(alone, numbered, out _);
        int inner = Tensor.Size(dims[(axis + 1)..]);
        for (int i = 0; i < parts.Length; i++)
        {
            Tensor part = cut[node.Outputs[i]];
            int count = parts[i][axis], start = (int)part[0] / inner;
            if ((int)part[0] % inner != 0 || start + count > dims[axis] || (count > 1 && (int)part[inner] - (int)part[0] != inner))
                throw new ImportException("it takes channels with a step, or in another order");
            int layer = count == view.Dims[axis] ? view.Layer : Layer(node, Name(node), new SliceOperator(start, count), view.Layer);
            _views[node.Outputs[i]] = new View([layer], view.IsChannelsLast, parts[i]);
        }
    }

    private void Transpose(Node node)
    {
        View view = ViewOf(node, 0);
        int[] order = node.Integers("perm") ?? [.. Enumerable.Range(0, view.Dims.Length).Reverse()], dims = DimsOf(node.Output);

        // Dimensions of 1 may go anywhere.
        int[] moved = [.. order.Where(axis => view.Dims[axis] != 1)];
        if (moved.SequenceEqual(moved.Order()))
        {
            _views[node.Output] = view with { Dims = dims };
            return;
        }

        Shape shape = ShapeOf(view);
        int[] sizes = [.. view.Dims.Where(d => d != 1)], places = [.. moved.Select(axis => view.Dims.Take(axis).Count(d => d != 1))];
        if (!view.IsChannelsLast && IsMoved(first: true) && sizes[0] == shape.Channels)
            _views[node.Output] = new View(view.Layers, true, dims);
        else if (view.IsChannelsLast && IsMoved(first: false) && sizes[^1] == shape.Channels)
            _views[node.Output] = new View(view.Layers, false, dims);
        else if (!view.IsChannelsLast && places is [1, 0, ..] && places.Skip(2).SequenceEqual(Enumerable.Range(2, places.Length - 2)) && sizes[0] * sizes[1] == shape.Channels)
            _views[node.Output] = new View([Layer(node, Name(node), new ChannelShuffleOperator(sizes[0]), view.Layer)], false, dims);
        else if (!view.IsChannelsLast && places is [0, 3, 1, 4, 2] && sizes[1] == sizes[2] && sizes[0] * sizes[1] * sizes[2] == shape.Channels && sizes[3] == shape.Height)
            _views[node.Output] = new View([Layer(node, Name(node), new PixelShuffleOperator(sizes[1]), view.Layer)], false, dims);
        else
            throw new ImportException($"it orders the dimensions {Tensor.Text(view.Dims)} as {string.Join(", ", order)}, which is neither channels first or last nor a shuffle");

        bool IsMoved(bool first) => first ? places.SequenceEqual([.. Enumerable.Range(1, places.Length - 1), 0]) : places.SequenceEqual([places.Length - 1, .. Enumerable.Range(0, places.Length - 1)]);
    }

    /// <summary>The same memory in another shape.</summary>
    private void Reshape(Node node)
    {
        View view = ViewOf(node, 0);
        int[] dims = DimsOf(node.Output);
        Shape shape = view.Layers.Count == 1 ? ShapeOf(view) : default;
        bool isVector = view.Layers.Count == 1 && shape.Pixels > 1 && dims.Length >= 2 && dims[0] == 1 && dims[1] == shape.Count;
        _views[node.Output] = isVector && !view.IsChannelsLast
            ? new View([Layer(node, Name(node), new FlattenOperator(), view.Layer)], false, dims)
            : view with { Dims = dims };
    }

    private void Resize(Node node)
    {
        View view = ViewOf(node, 0);
        int source = MapOf(view);
        int[] dims = DimsOf(node.Output);
        if (dims.Length != 4 || dims[0] != 1 || dims[1] != view.Dims[1])
            throw new ImportException($"it makes {Tensor.Text(dims)} of {Tensor.Text(view.Dims)}");
        Shape shape = ShapeOf(view);
        bool isOld = _model.Opset < 11;
        string mode = node.Text("mode", "nearest"), transform = node.Text("coordinate_transformation_mode", isOld ? "asymmetric" : "half_pixel"), rounding = node.Text("nearest_mode", isOld ? "floor" : "round_prefer_floor");
        bool isWhole = dims[2] % shape.Height == 0 && dims[3] % shape.Width == 0, isNearest = mode == "nearest", isSame = dims[2] == shape.Height && dims[3] == shape.Width;
        bool isLinear = mode is "linear" or "bilinear" && transform is "half_pixel" or "pytorch_half_pixel" or "align_corners";
        if (isSame)
        {
            SetMap(node, source);
            return;
        }

        bool isFloor = isNearest && (transform == "asymmetric" ? rounding == "floor" : isWhole && transform is "half_pixel" or "pytorch_half_pixel" && rounding is "round_prefer_floor" or "round_prefer_ceil");
        if (!isFloor && !isLinear)
            throw new ImportException($"it resizes by {mode}, {transform}, {rounding} (nearest pixels by floor, and linear ones by half pixels or aligned corners, can be said)");
        double rows = Scale(0), columns = Scale(1);
        if (rows > 0 && columns > 0 && rows != columns)
            throw new ImportException($"it resizes rows by {rows} and columns by {columns}, and neither gives a whole size");

        // Where both axes are whole multiples, the factor says it shorter.
        if (rows == 0 && columns == 0 && isWhole && dims[2] / shape.Height == dims[3] / shape.Width)
            rows = columns = dims[2] / shape.Height;
        SetMap(node, Layer(node, Name(node), new UpsampleOperator(
            new Extent(dims[2], dims[3]), isNearest ? InterpolationMode.Nearest : InterpolationMode.Bilinear, !isNearest && transform == "align_corners", rows, columns), source));

        // The step from pixel to pixel follows from the scale where that is no quotient of the sizes.
        double Scale(int axis)
        {
            string? name = node.Operator == "Upsample" || isOld ? node.Input(1) : node.Input(2);
            double scale = name is not null && IsConstant(name) && Constant(name) is { Count: 4 } scales ? WrittenAs(scales[2 + axis])
                : node.Attributes.TryGetValue("scales", out object? given) && given is float[] { Length: 4 } old ? WrittenAs(old[2 + axis]) : 0;
            return scale * view.Dims[2 + axis] == dims[2 + axis] ? 0 : scale;
        }
    }

    private void DepthToSpace(Node node)
    {
        int source = MapOf(ViewOf(node, 0)), block = (int)node.Integer("blocksize", 1);

        // In the other order the square's pixels come first: a shuffle puts them last.
        if (node.Text("mode", "DCR") == "DCR" && block > 1)
            source = Layer(node, Name(node), new ChannelShuffleOperator(block * block), source);
        SetMap(node, Layer(node, Name(node), new PixelShuffleOperator(block), source));
    }

    private void Softmax(Node node)
    {
        View view = ViewOf(node, 0);
        int axis = (int)node.Integer("axis", _model.Opset < 13 ? 1 : -1);
        axis = axis < 0 ? axis + view.Dims.Length : axis;
        bool isAll = _model.Opset < 13 && Tensor.Size(view.Dims[..axis]) == 1 && ShapeOf(view).Pixels == 1;
        if (!isAll && (ChannelAxis(view) != axis || (_model.Opset < 13 && axis != view.Dims.Length - 1)))
            throw new ImportException($"it is over dimension {axis} of {Tensor.Text(view.Dims)}, which is not the channels");
        Set(node, Layer(node, Name(node), new SoftmaxOperator(), view.Layer), view);
    }

    private Tensor Weights(Node node, int index) => node.Input(index) is { } name && IsConstant(name) ? Constant(name) : throw new ImportException("its weights are computed from the image");

    private static Extent Of(int[] pair) => new(pair[0], pair[1]);

    private static Padding PaddingOf(Executor.WindowSizes window) => new(window.Before[0], window.After[0], window.Before[1], window.After[1]);

    /// <summary>The number in single precision as its shortest text is read: 1e-5 and not 9.99999974737875e-06.</summary>
    private static double WrittenAs(double value) => double.Parse(((float)value).ToString("R", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture);
}
