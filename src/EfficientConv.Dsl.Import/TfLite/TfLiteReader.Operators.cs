namespace EfficientConv.Dsl.Import.TfLite;

/// <content>Operator by operator. Fields of options have the numbers that the published schema gives them.</content>
internal sealed partial class TfLiteReader
{
    /// <summary>Where the file's dimensions of an image stand in ONNX's order.</summary>
    private static readonly int[] s_axes = [0, 2, 3, 1];

    private void Convert(TfLiteOperator op)
    {
        FlatTable? options = op.Options;
        switch (op.Name)
        {
            case "CONV_2D": Convolution(op, isDepthwise: false); break;
            case "DEPTHWISE_CONV_2D": Convolution(op, isDepthwise: true); break;
            case "TRANSPOSE_CONV":
                TransposedConvolution(op, data: 2, bias: 3, (options?.Byte(0) == 0, options?.Integer(1) ?? 0, options?.Integer(2) ?? 0), options?.Byte(3) ?? 0);
                break;
            case "Convolution2DTransposeBias": TransposedConvolution(op, data: 0, bias: 2, CustomStride(op.Custom), activation: 0); break;
            case "FULLY_CONNECTED": FullyConnected(op); break;
            case "BATCH_MATMUL": MatrixProduct(op); break;
            case "AVERAGE_POOL_2D" or "MAX_POOL_2D": Pool(op); break;
            case "ADD": Binary(op, "Add", options?.Byte(0) ?? 0); break;
            case "SUB": Binary(op, "Sub", options?.Byte(0) ?? 0); break;
            case "MUL": Binary(op, "Mul", options?.Byte(0) ?? 0); break;
            case "DIV": Binary(op, "Div", options?.Byte(0) ?? 0); break;
            case "ADD_N" when op.Inputs.Length == 2: Binary(op, "Add", 0); break;
            case "MAXIMUM": Bound(op, "Max", "min"); break;
            case "MINIMUM": Bound(op, "Min", "max"); break;
            case "PRELU": Binary(op, "PRelu", 0); break;
            case "RELU": Unary(op, "Relu"); break;
            case "RELU6": Unary(op, "Relu6"); break;
            case "RELU_N1_TO_1": Unary(op, "Clip", ("min", -1f), ("max", 1f)); break;
            case "RELU_0_TO_1": Unary(op, "Clip", ("min", 0f), ("max", 1f)); break;
            case "LEAKY_RELU": Unary(op, "LeakyRelu", ("alpha", options?.Single(0) ?? 0)); break;
            case "ELU": Unary(op, "Elu"); break;
            case "GELU": Unary(op, "Gelu", ("approximate", options?.Byte(0) is > 0 or < 0 ? "tanh" : "none")); break;
            case "HARD_SWISH": Unary(op, "HardSwish"); break;
            case "LOGISTIC": Unary(op, "Sigmoid"); break;
            case "TANH": Unary(op, "Tanh"); break;
            case "EXP": Unary(op, "Exp"); break;
            case "LOG": Unary(op, "Log"); break;
            case "SQRT": Unary(op, "Sqrt"); break;
            case "ABS": Unary(op, "Abs"); break;
            case "NEG": Unary(op, "Neg"); break;
            case "FLOOR": Unary(op, "Floor"); break;
            case "CEIL": Unary(op, "Ceil"); break;
            case "CAST": Unary(op, "Cast"); break;
            case "QUANTIZE" or "DEQUANTIZE" or "DENSIFY": Same(op); break;
            case "SOFTMAX": Softmax(op, options?.Single(0) ?? 1); break;
            case "MEAN": Reduce(op, "ReduceMean"); break;
            case "SUM": Reduce(op, "ReduceSum"); break;
            case "REDUCE_MAX": Reduce(op, "ReduceMax"); break;
            case "PAD" or "PADV2": Pad(op, "constant", op.Name == "PADV2" ? Number(op, 2) : 0); break;
            case "MIRROR_PAD":
                Pad(op, options?.Byte(0) is 0 or null ? "reflect" : throw new ImportException("it mirrors with the edge, and the DSL's reflection leaves it out"), 0);
                break;
            case "CONCATENATION": Concatenate(op, options?.Integer(0) ?? 0, options?.Byte(1) ?? 0); break;
            case "SPLIT": Split(op, data: 1, Integers(op, 0, "axis")[0], sizes: null); break;
            case "SPLIT_V": Split(op, data: 0, Integers(op, 2, "axis")[0], Integers(op, 1, "sizes")); break;
            case "PACK": Pack(op, options?.Integer(1) ?? 0); break;
            case "RESHAPE": Reshape(op); break;
            case "SQUEEZE":
                Make(op, "Squeeze", [Last(Read(op, 0))], options?.Integers(0) is { Length: > 0 } axes ? new() { ["axes"] = Longs(axes) } : []);
                break;
            case "EXPAND_DIMS": Make(op, "Unsqueeze", [Last(Read(op, 0))], new() { ["axes"] = Longs(Integers(op, 1, "axis")) }); break;
            case "TRANSPOSE": Make(op, "Transpose", [Last(Read(op, 0))], new() { ["perm"] = Longs(Integers(op, 1, "dimensions")) }); break;
            case "SHAPE": Make(op, "Shape", [Last(Read(op, 0))], []); break;
            case "GATHER" when options?.Integer(1) is 0 or null:
                Make(op, "Gather", [Last(Read(op, 0)), Last(Read(op, 1))], new() { ["axis"] = (long)(options?.Integer(0) ?? 0) });
                break;
            case "STRIDED_SLICE": StridedSlice(op); break;
            case "SLICE": Slice(op); break;
            case "RESIZE_BILINEAR": Resize(op, "linear", IsSet(2), IsSet(3), "floor"); break;
            case "RESIZE_NEAREST_NEIGHBOR": Resize(op, "nearest", IsSet(0), IsSet(1), IsSet(0) || IsSet(1) ? "round_prefer_ceil" : "floor"); break;
            case "DEPTH_TO_SPACE":
                MakeFirst(op, "DepthToSpace", [First(Read(op, 0))], new() { ["blocksize"] = (long)(options?.Integer(0) ?? 0), ["mode"] = "DCR" });
                break;
            case "SPACE_TO_DEPTH": SpaceToDepth(op, options?.Integer(0) ?? 0); break;
            default: throw new ImportException("no attribute computes it");
        }

        bool IsSet(int field) => options?.Byte(field) is not (null or 0);
    }

    /// <summary>The tensor that an operator must have at a place.</summary>
    private static int Read(TfLiteOperator op, int index) => index < op.Inputs.Length && op.Inputs[index] >= 0 ? op.Inputs[index]
        : throw new ImportException($"it has no input {index}");

    private float Number(TfLiteOperator op, int index) => IsConstant(Read(op, index)) && Values(Read(op, index)) is { Count: 1 } number ? (float)number[0]
        : throw new ImportException($"its input {index} is no constant number");

    private static long[] Longs(int[] values) => Array.ConvertAll(values, value => (long)value);

    /// <summary>A node whose output has the file's order of dimensions.</summary>
    private void Make(TfLiteOperator op, string kind, string[] inputs, Dictionary<string, object> attributes, int activation = 0)
    {
        Emit(op, kind, inputs, attributes, _file.Tensors[op.Outputs[0]].Name, activation);
        _last.Add(op.Outputs[0]);
    }

    /// <summary>A node whose output is an image in ONNX's order.</summary>
    private void MakeFirst(TfLiteOperator op, string kind, string[] inputs, Dictionary<string, object> attributes, int activation = 0)
    {
        Emit(op, kind, inputs, attributes, _file.Tensors[op.Outputs[0]].Name + ChannelsFirst, activation);
        _first.Add(op.Outputs[0]);
    }

    /// <summary>A node and the activation that was joined to it.</summary>
    private void Emit(TfLiteOperator op, string kind, string[] inputs, Dictionary<string, object> attributes, string output, int activation)
    {
        string? function = activation switch
        {
            0 => null,
            1 => "Relu",
            2 => "Clip",
            3 => "Relu6",
            4 => "Tanh",
            _ => throw new ImportException($"its activation has the number {activation}, which no attribute computes"),
        };
        string linear = function is null ? output : output + ":linear";
        _nodes.Add(new Node(kind, NameOf(op), inputs, [linear], attributes));
        if (function is not null)
            _nodes.Add(new Node(function, $"{NameOf(op)}/{function}", [linear], [output], function == "Clip" ? new Dictionary<string, object> { ["min"] = -1f, ["max"] = 1f }
                : new Dictionary<string, object>()));
    }

    /// <summary>Weights with their dimensions in ONNX's order.</summary>
    private string Weights(int tensor, params int[] order)
    {
        if (!IsConstant(tensor))
            throw new ImportException("its weights are computed from the image");
        string name = $"{_file.Tensors[tensor].Name}:{string.Concat(order)}";
        if (!_constants.ContainsKey(name))
        {
            int source = _same.GetValueOrDefault(tensor, tensor);

            // Most weights are read once, and are in memory in one order.
            _constants[name] = Permuted(_values.GetValueOrDefault(source) ?? _file.Constant(_file.Tensors[source]), order);
        }

        return name;
    }

    private string[] WithBias(TfLiteOperator op, int bias, string data, string weights)
    {
        if (bias >= op.Inputs.Length || op.Inputs[bias] < 0)
            return [data, weights];
        return IsConstant(op.Inputs[bias]) ? [data, weights, Last(op.Inputs[bias])] : throw new ImportException("its bias is computed from the image");
    }

    private static string AutoPad(sbyte padding) => padding switch
    {
        0 => "SAME_UPPER",
        1 => "VALID",
        _ => throw new ImportException($"its padding has the number {padding} (expected 0, same, or 1, valid)"),
    };

    private void Convolution(TfLiteOperator op, bool isDepthwise)
    {
        int data = Read(op, 0), filter = Read(op, 1), more = isDepthwise ? 1 : 0;
        if (op.Options is not { } options || Rank(data) != 4 || Rank(filter) != 4)
            throw new ImportException($"it works on a tensor of shape {Tensor.Text(Dims(data))} with weights of shape {Tensor.Text(Dims(filter))}");
        int ins = Dims(data)[3], own = Dims(filter)[3];
        int groups = isDepthwise ? ins : own > 0 && ins % own == 0 ? ins / own : throw new ImportException($"its weights have {own} channels for an input of {ins}");
        string weights = isDepthwise ? Weights(filter, 3, 0, 1, 2) : Weights(filter, 0, 3, 1, 2);
        MakeFirst(op, "Conv", WithBias(op, 2, First(data), weights), new()
        {
            ["auto_pad"] = AutoPad(options.Byte(0)), ["strides"] = new long[] { options.Integer(2), options.Integer(1) }, ["group"] = (long)groups,
            ["dilations"] = new long[] { options.Integer(5 + more, 1), options.Integer(4 + more, 1) },
        }, options.Byte(3 + more));
    }

    private void TransposedConvolution(TfLiteOperator op, int data, int bias, (bool IsSame, int Width, int Height) window, int activation)
    {
        int x = Read(op, data), filter = Read(op, 1);
        int[] made = data == 2 && IsConstant(Read(op, 0)) ? Integers(op, 0, "sizes") : Dims(op.Outputs[0]);
        if (Rank(x) != 4 || Rank(filter) != 4 || made.Length != 4 || window.Width < 1 || window.Height < 1)
            throw new ImportException($"it makes {Tensor.Text(made)} of {Tensor.Text(Dims(x))} with weights of shape {Tensor.Text(Dims(filter))}");
        long[] pads = new long[4], more = new long[2];
        for (int axis = 0; axis < 2; axis++)
        {
            // The padding is that of the convolution that goes the other way, from the larger image to the smaller one.
            long stride = axis == 0 ? window.Height : window.Width, kernel = Dims(filter)[1 + axis], size = made[1 + axis], from = Dims(x)[1 + axis];
            long smaller = window.IsSame ? (size + stride - 1) / stride : (size + stride - kernel) / stride;
            pads[axis] = Math.Max(((smaller - 1) * stride) + kernel - size, 0) / 2;
            long rest = ((from - 1) * stride) + kernel - pads[axis] - size;
            (pads[2 + axis], more[axis]) = (Math.Max(rest, 0), Math.Max(-rest, 0));
        }

        MakeFirst(op, "ConvTranspose", WithBias(op, bias, First(x), Weights(filter, 3, 0, 1, 2)),
            new() { ["strides"] = new long[] { window.Height, window.Width }, ["pads"] = pads, ["output_padding"] = more }, activation);
    }

    private void FullyConnected(TfLiteOperator op)
    {
        int data = Read(op, 0), matrix = Read(op, 1), activation = op.Options?.Byte(0) ?? 0;
        if (Rank(matrix) != 2 || op.Options?.Byte(1) is not (0 or null))
            throw new ImportException($"its weights have the shape {Tensor.Text(Dims(matrix))} in the format {op.Options?.Byte(1)} (expected a matrix, row by row)");
        int ins = Dims(matrix)[1];
        string x = Last(data), output = _file.Tensors[op.Outputs[0]].Name;
        if (op.Options?.Byte(2) is not (0 or null) && Rank(data) > 2)
        {
            // The last dimension alone: a product with the transposed matrix, whose bias the rewriter takes in.
            string[] inputs = WithBias(op, 2, x, Weights(matrix, 1, 0));
            if (inputs.Length == 2)
            {
                Make(op, "MatMul", inputs, [], activation);
                return;
            }

            _nodes.Add(new Node("MatMul", NameOf(op), inputs[..2], [output + ":product"], new Dictionary<string, object>()));
            Make(op, "Add", [output + ":product", inputs[2]], [], activation);
            return;
        }

        if (Rank(data) != 2 || Dims(data)[1] != ins)
        {
            _nodes.Add(new Node("Reshape", NameOf(op), [x, Constant(output + ":rows", -1, ins)], [output + ":flat"], new Dictionary<string, object>()));
            x = output + ":flat";
        }

        Make(op, "Gemm", WithBias(op, 2, x, Weights(matrix, 0, 1)), new() { ["transB"] = 1L }, activation);
    }

    private void MatrixProduct(TfLiteOperator op)
    {
        int right = Read(op, 1);
        if (op.Options?.Byte(0) is not (0 or null) || !IsConstant(right) || Dims(right).SkipLast(2).Any(size => size != 1) || Rank(right) < 2)
            throw new ImportException($"it multiplies by a tensor of shape {Tensor.Text(Dims(right))} (expected a constant matrix)");
        Tensor matrix = Values(right).Reshape(Dims(right)[^2..]);
        Make(op, "MatMul", [Last(Read(op, 0)), Constant(_file.Tensors[right].Name + ":matrix", op.Options?.Byte(1) is not (0 or null) ? Permuted(matrix, 1, 0) : matrix)], []);
    }

    private void Pool(TfLiteOperator op)
    {
        if (op.Options is not { } options)
            throw new ImportException("it has no options");
        MakeFirst(op, op.Name == "MAX_POOL_2D" ? "MaxPool" : "AveragePool", [First(Read(op, 0))], new()
        {
            ["auto_pad"] = AutoPad(options.Byte(0)), ["strides"] = new long[] { options.Integer(2), options.Integer(1) },
            ["kernel_shape"] = new long[] { options.Integer(4), options.Integer(3) },
        }, options.Byte(5));
    }

    /// <summary>Whether a node on these tensors works on images in ONNX's order: one of them is there in it, and all are images or constants.</summary>
    private bool AreImages(params int[] tensors) => tensors.Any(_first.Contains) && tensors.All(tensor => IsConstant(tensor) || Rank(tensor) == 4);

    private void Binary(TfLiteOperator op, string kind, int activation)
    {
        int left = Read(op, 0), right = Read(op, 1);
        if (AreImages(left, right))
            MakeFirst(op, kind, [First(left), First(right)], [], activation);
        else
            Make(op, kind, [Last(left), Last(right)], [], activation);
    }

    private void Unary(TfLiteOperator op, string kind, params (string Name, object Value)[] attributes) =>
        Unary(op, kind, attributes.ToDictionary(pair => pair.Name, pair => pair.Value));

    private void Unary(TfLiteOperator op, string kind, Dictionary<string, object> attributes)
    {
        int x = Read(op, 0);
        if (AreImages(x))
            MakeFirst(op, kind, [First(x)], attributes);
        else
            Make(op, kind, [Last(x)], attributes);
    }

    /// <summary>The larger or smaller of two tensors; by one number, a bound.</summary>
    private void Bound(TfLiteOperator op, string kind, string bound)
    {
        int left = Read(op, 0), right = Read(op, 1);
        int constant = IsConstant(right) ? right : left, other = constant == right ? left : right;
        if (IsConstant(constant) && !IsConstant(other) && Values(constant) is { Count: 1 } number && Rank(constant) <= Rank(other))
            Unary(op with { Inputs = [other] }, "Clip", (bound, (float)number[0]));
        else
            Binary(op, kind, 0);
    }

    /// <summary>The same numbers in another type: what is quantised stands for real ones everywhere.</summary>
    private void Same(TfLiteOperator op)
    {
        int x = Read(op, 0);
        if (IsConstant(x) && Dims(x).SequenceEqual(Dims(op.Outputs[0])))
            _same[op.Outputs[0]] = _same.GetValueOrDefault(x, x);
        else
            Unary(op, "Identity");
    }

    private void Softmax(TfLiteOperator op, float beta)
    {
        int x = Read(op, 0);
        bool isImage = AreImages(x);
        string data = isImage ? First(x) : Last(x), output = _file.Tensors[op.Outputs[0]].Name;
        if (beta is not (0 or 1))
        {
            _nodes.Add(new Node("Mul", NameOf(op) + "/beta", [data, Constant(output + ":beta", Tensor.Of([], [beta]))], [output + ":scaled"], new Dictionary<string, object>()));
            data = output + ":scaled";
        }

        if (isImage)
            MakeFirst(op, "Softmax", [data], new() { ["axis"] = 1L });
        else
            Make(op, "Softmax", [data], new() { ["axis"] = -1L });
    }

    private void Reduce(TfLiteOperator op, string kind)
    {
        int x = Read(op, 0);
        int[] axes = [.. Integers(op, 1, "axes").Select(axis => axis < 0 ? axis + Rank(x) : axis)];
        if (axes.Any(axis => axis < 0 || axis >= Rank(x)))
            throw new ImportException($"it is over the dimensions {string.Join(", ", axes.Take(8))} of {Tensor.Text(Dims(x))}");
        bool keeps = op.Options?.Byte(0) is not (null or 0);

        // Without its rows and columns an image has one order.
        bool isImage = AreImages(x) && (keeps || (axes.Contains(1) && axes.Contains(2)));
        Dictionary<string, object> attributes = new() { ["axes"] = Longs(isImage ? [.. axes.Select(axis => s_axes[axis])] : axes), ["keepdims"] = keeps ? 1L : 0L };
        if (isImage && keeps)
            MakeFirst(op, kind, [First(x)], attributes);
        else
            Make(op, kind, [isImage ? First(x) : Last(x)], attributes);
    }

    private void Pad(TfLiteOperator op, string mode, float value)
    {
        int x = Read(op, 0), rank = Rank(x);
        int[] pairs = Integers(op, 1, "sizes");
        if (pairs.Length != 2 * rank)
            throw new ImportException($"it pads {rank} dimensions by {pairs.Length} numbers");
        bool isImage = rank == 4 && !IsConstant(x);
        long[] pads = new long[2 * rank];
        for (int axis = 0; axis < rank; axis++)
        {
            int to = isImage ? s_axes[axis] : axis;
            (pads[to], pads[rank + to]) = (pairs[2 * axis], pairs[(2 * axis) + 1]);
        }

        Dictionary<string, object> attributes = new() { ["pads"] = pads, ["mode"] = mode, ["value"] = value };
        if (isImage)
            MakeFirst(op, "Pad", [First(x)], attributes);
        else
            Make(op, "Pad", [Last(x)], attributes);
    }

    private void Concatenate(TfLiteOperator op, int axis, int activation)
    {
        if (op.Inputs.Length == 0 || op.Inputs.Any(input => input < 0))
            throw new ImportException("it joins nothing");
        if (AreImages(op.Inputs) && op.Inputs.All(input => Rank(input) == 4) && axis is >= -4 and < 4)
            MakeFirst(op, "Concat", [.. op.Inputs.Select(First)], new() { ["axis"] = (long)s_axes[(axis + 4) % 4] }, activation);
        else
            Make(op, "Concat", [.. op.Inputs.Select(Last)], new() { ["axis"] = (long)axis }, activation);
    }

    private void Split(TfLiteOperator op, int data, int axis, int[]? sizes)
    {
        int x = Read(op, data);
        bool isImage = AreImages(x) && axis is >= -4 and < 4;
        Dictionary<string, object> attributes = new() { ["axis"] = isImage ? s_axes[(axis + 4) % 4] : (long)axis };
        if (sizes is not null)
        {
            // One size may be what the others leave.
            int own = axis < 0 ? axis + Rank(x) : axis, open = Array.IndexOf(sizes, -1);
            if (open >= 0 && own >= 0 && own < Rank(x))
                sizes[open] = Dims(x)[own] - sizes.Where((_, i) => i != open).Sum();
            attributes["split"] = Longs(sizes);
        }

        string suffix = isImage ? ChannelsFirst : string.Empty;
        _nodes.Add(new Node("Split", NameOf(op), [isImage ? First(x) : Last(x)], [.. op.Outputs.Select(output => _file.Tensors[output].Name + suffix)], attributes));
        (isImage ? _first : _last).UnionWith(op.Outputs);
    }

    /// <summary>Tensors side by side along a new dimension.</summary>
    private void Pack(TfLiteOperator op, int axis)
    {
        string output = _file.Tensors[op.Outputs[0]].Name;
        string[] parts = [.. Enumerable.Range(0, op.Inputs.Length).Select(i => $"{output}:{i}")];
        for (int i = 0; i < parts.Length; i++)
            _nodes.Add(new Node("Unsqueeze", NameOf(op), [Last(Read(op, i))], [parts[i]], new Dictionary<string, object> { ["axes"] = new long[] { axis } }));
        Make(op, "Concat", parts, new() { ["axis"] = (long)axis });
    }

    private void Reshape(TfLiteOperator op)
    {
        int x = Read(op, 0);
        string shape = op.Inputs.Length > 1 && op.Inputs[1] >= 0 ? Last(op.Inputs[1]) : op.Options is { } options
            ? Constant(_file.Tensors[op.Outputs[0]].Name + ":shape", Longs(options.Integers(0))) : throw new ImportException("it has no shape");
        Make(op, "Reshape", [Last(x), shape], new() { ["allowzero"] = 1L });
    }

    private void StridedSlice(TfLiteOperator op)
    {
        int x = Read(op, 0);
        int[] starts = Integers(op, 1, "starts"), ends = Integers(op, 2, "ends"), steps = Integers(op, 3, "steps");
        if (op.Options is not { } options || options.Integer(2) != 0 || options.Integer(3) != 0)
            throw new ImportException("it leaves dimensions out or makes new ones");
        if (starts.Length != ends.Length || starts.Length != steps.Length || starts.Length > Rank(x))
            throw new ImportException($"it cuts {starts.Length} of {Rank(x)} dimensions");
        (int all, int toEnd, int removed) = (options.Integer(0), options.Integer(1), options.Integer(4));
        List<long> gone = [];
        for (int i = 0; i < starts.Length; i++)
        {
            bool isBack = steps[i] < 0;
            if (options.Byte(5) != 0)
                ends[i] += starts[i];
            if ((all >> i & 1) != 0)
                starts[i] = isBack ? int.MaxValue : 0;
            if ((toEnd >> i & 1) != 0)
                ends[i] = isBack ? int.MinValue : int.MaxValue;
            if ((removed >> i & 1) != 0)
            {
                gone.Add(i);
                (ends[i], steps[i]) = (starts[i] == -1 ? int.MaxValue : starts[i] + 1, 1);
            }
        }

        Cut(op, x, starts, ends, steps, gone);
    }

    private void Slice(TfLiteOperator op)
    {
        int[] starts = Integers(op, 1, "starts"), sizes = Integers(op, 2, "sizes");
        if (starts.Length != sizes.Length)
            throw new ImportException($"it has {starts.Length} starts and {sizes.Length} sizes");
        Cut(op, Read(op, 0), starts, [.. starts.Select((start, i) => sizes[i] < 0 ? int.MaxValue : (int)Math.Min((long)start + sizes[i], int.MaxValue))],
            [.. starts.Select(_ => 1)], []);
    }

    private void Cut(TfLiteOperator op, int x, int[] starts, int[] ends, int[] steps, List<long> gone)
    {
        string output = _file.Tensors[op.Outputs[0]].Name;
        string[] inputs =
        [
            Last(x), Constant(output + ":starts", Longs(starts)), Constant(output + ":ends", Longs(ends)),
            Constant(output + ":axes", Longs([.. Enumerable.Range(0, starts.Length)])), Constant(output + ":steps", Longs(steps)),
        ];
        if (gone.Count == 0)
        {
            Make(op, "Slice", inputs, []);
            return;
        }

        _nodes.Add(new Node("Slice", NameOf(op), inputs, [output + ":cut"], new Dictionary<string, object>()));
        Make(op, "Squeeze", [output + ":cut"], new() { ["axes"] = gone.ToArray() });
    }

    private void Resize(TfLiteOperator op, string mode, bool isAligned, bool isHalf, string rounding)
    {
        int x = Read(op, 0);
        int[] sizes = Integers(op, 1, "sizes");
        if (sizes.Length != 2 || Rank(x) != 4)
            throw new ImportException($"it resizes {Tensor.Text(Dims(x))} to {Tensor.Text(sizes)}");
        string data = First(x);
        MakeFirst(op, "Resize", [data, string.Empty, string.Empty, Constant(_file.Tensors[op.Outputs[0]].Name + ":sizes", 1, Dims(x)[3], sizes[0], sizes[1])], new()
        {
            ["mode"] = mode, ["coordinate_transformation_mode"] = isAligned ? "align_corners" : isHalf ? "half_pixel" : "asymmetric", ["nearest_mode"] = rounding,
        });
    }

    /// <summary>Squares of pixels as channels: a convolution that picks one pixel of one channel for each output.</summary>
    private void SpaceToDepth(TfLiteOperator op, int block)
    {
        const int MostWeights = 1 << 20;
        int x = Read(op, 0), channels = Rank(x) == 4 ? Dims(x)[3] : 0;
        if (channels < 1 || block is < 1 or > 16 || (long)channels * channels * block * block * block * block > MostWeights)
            throw new ImportException($"it makes channels of squares of {block} in {Tensor.Text(Dims(x))}");
        int[] dims = [block * block * channels, channels, block, block];
        float[] picks = new float[Tensor.Size(dims)];
        for (int o = 0; o < dims[0]; o++)
            picks[(((o * channels) + (o % channels)) * block * block) + (o / channels)] = 1;
        MakeFirst(op, "Conv", [First(x), Constant(_file.Tensors[op.Outputs[0]].Name + ":picks", Tensor.Of(dims, picks))], new() { ["strides"] = new long[] { block, block } });
    }
}
