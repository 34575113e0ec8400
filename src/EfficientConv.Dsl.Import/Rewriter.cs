namespace EfficientConv.Dsl.Import;

/// <summary>
/// What exporters spell out becomes one node again, and constants next to a convolution a part of it. Each rule is a small rewrite of the model's own graph, tried on every node until none
/// applies any more.
/// </summary>
internal sealed class Rewriter
{
    /// <summary>The rules that the others' order of dimensions comes from.</summary>
    private static readonly (string Name, Func<Rewriter, Node, bool> Apply)[] s_orderRules =
        [("a transposition to channels first goes in front of arithmetic with constants", (r, n) => r.TransposeFirst(n))];

    /// <summary>The rules by name, in the order in which they are tried.</summary>
    private static readonly (string Name, Func<Rewriter, Node, bool> Apply)[] s_rules =
    [
        ("identity", (r, n) => r.Identity(n)),
        ("two bounds in a row are one", (r, n) => r.Bounds(n)),
        ("clip is ReLU or ReLU6", (r, n) => r.Clip(n)),
        ("hard sigmoid of Add, Clip, Div", (r, n) => r.HardSigmoid(n)),
        ("x * sigmoid(x) is SiLU, x * hardsigmoid(x) is HardSwish, x * tanh(softplus(x)) is Mish", (r, n) => r.Gated(n)),
        ("HardSwish of Add, Clip, Mul, Div", (r, n) => r.HardSwish(n)),
        ("two constant factors in a row are one", (r, n) => r.Factors(n)),
        ("GELU of Div, Erf, Add, Mul, Mul", (r, n) => r.Gelu(n)),
        ("PReLU of Relu, Neg, Relu, Mul, Add", (r, n) => r.PRelu(n)),
        ("slope of a hard sigmoid into the convolution before it", (r, n) => r.HardSigmoidSlope(n)),
        ("layer norm of ReduceMean, Sub, Pow, ReduceMean, Add, Sqrt, Div, Mul, Add", (r, n) => r.LayerNorm(n)),
        ("softmax of ReduceMax, Sub, Exp, ReduceSum, Div", (r, n) => r.Softmax(n)),
        ("the larger of x and a share of x is leaky ReLU", (r, n) => r.LeakyRelu(n)),
        ("channels of zeros joined to others are padding", (r, n) => r.ZeroChannels(n)),
        ("linear resizing from the first pixel on (opset 9) is a transposed convolution by a triangle", (r, n) => r.LinearResize(n)),
        ("padding into the convolution behind it", (r, n) => r.Padding(n)),
        ("constant factor or summand into the convolution before it", (r, n) => r.Affine(n)),
        ("constant factor or summand into the convolution behind it", (r, n) => r.AffineInput(n)),
        ("constant factor and summand of a channel are a batch norm", (r, n) => r.ScaleAndShift(n)),
    ];

    private readonly List<Node> _nodes;
    private readonly Dictionary<string, Tensor> _constants;
    private readonly Dictionary<string, Tensor> _tensors;
    private readonly HashSet<string> _outputs;
    private readonly int _opset;
    private readonly Dictionary<string, Node> _makers = [];
    private readonly Dictionary<string, List<Node>> _readers = [];
    private readonly List<string> _explained = [];

    private Rewriter(Model model, IReadOnlyDictionary<string, Tensor> tensors)
    {
        // What is known without an image is a constant: shapes, and weights that were reordered or computed.
        _constants = tensors.Where(pair => pair.Value.IsKnown).ToDictionary(pair => pair.Key, pair => pair.Value);
        _nodes = [.. model.Nodes.Where(node => !node.Outputs.All(output => output.Length == 0 || _constants.ContainsKey(output)))];
        (_tensors, _outputs, _opset) = (tensors.ToDictionary(), [.. model.Outputs], model.Opset);
        int folded = model.Nodes.Count(node => node.Operator != "Constant") - _nodes.Count;
        if (folded > 0)
            _explained.Add($"constants: {folded} nodes compute what does not depend on the image");
        foreach (Node node in _nodes)
            Add(node);
    }

    /// <summary>The model rewritten.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tensors">Shapes of all tensors, and the values of those that do not depend on the image.</param>
    /// <param name="explained">What was found and what it became.</param>
    public static Model Rewrite(Model model, IReadOnlyDictionary<string, Tensor> tensors, out IReadOnlyList<string> explained)
    {
        Rewriter rewriter = new(model, tensors);
        rewriter.Apply(s_orderRules);
        rewriter.Apply(s_rules);
        explained = rewriter._explained;
        return model with { Nodes = rewriter._nodes, Constants = rewriter._constants };
    }

    private void Apply((string Name, Func<Rewriter, Node, bool> Apply)[] rules)
    {
        for (bool isChanged = true; isChanged;)
        {
            isChanged = false;
            foreach (Node node in _nodes.ToArray())
            {
                // What cannot be run has no shape that a rule could look at.
                if (!_nodes.Contains(node) || node.Outputs.Any(output => output.Length > 0 && !_tensors.ContainsKey(output)))
                    continue;
                foreach ((string name, Func<Rewriter, Node, bool> apply) in rules)
                {
                    if (!apply(this, node))
                        continue;
                    _explained.Add($"{name}: {node}");
                    isChanged = true;
                    break;
                }
            }
        }
    }

    private bool Identity(Node node)
    {
        bool isEmptyPad = node.Operator == "Pad" && _tensors[node.Output].Dims.SequenceEqual(_tensors[node.Inputs[0]].Dims);
        if ((!isEmptyPad && node.Operator is not ("Identity" or "Dropout" or "Cast" or "QuantizeLinear" or "DequantizeLinear")) || node.Input(0) is not { } input)
            return false;

        // An output under two names, or the image itself as an output, is a layer.
        if (_outputs.Contains(node.Output) && (Maker(input) is null || _outputs.Contains(input)))
            return false;
        Remove(node);
        Rename(node.Output, input);
        return true;
    }

    /// <summary>What images of channels last get before they are ordered (x / 127.5 - 1), in the order of the layers after it.</summary>
    private bool TransposeFirst(Node node)
    {
        if (node.Operator != "Transpose" || node.Integers("perm") is not [0, 3, 1, 2] || Only(node.Inputs[0]) is not { Operator: "Add" or "Sub" or "Mul" or "Div", Inputs.Count: 2 } arithmetic)
            return false;
        int side = _constants.ContainsKey(arithmetic.Inputs[0]) ? 0 : 1, channels = _tensors[node.Output].Dims[1];
        string image = arithmetic.Inputs[1 - side], name = arithmetic.Inputs[side];
        if (!_constants.TryGetValue(name, out Tensor? constant) || !_tensors[image].Dims.SequenceEqual(_tensors[arithmetic.Output].Dims) || !IsOfTheImage(image))
            return false;
        if (constant.Count > 1)
        {
            if (constant.Count != channels || constant.Dims[^1] != channels)
                return false;
            name = New(name + ".channels", Tensor.Of([channels, 1, 1], constant.Singles()));
        }

        Node first = node with { Inputs = [image], Outputs = [node.Output + ".image"] };
        Replace(arithmetic, first);
        Replace(node, arithmetic with { Inputs = side == 0 ? [name, first.Output] : [first.Output, name], Outputs = node.Outputs });
        _tensors[first.Output] = Tensor.Unknown(_tensors[node.Output].Dims);
        return true;
    }

    /// <summary>Whether a tensor is the image, or arithmetic of it with constants.</summary>
    private bool IsOfTheImage(string tensor) => Maker(tensor) is not { } maker
        || (maker.Operator is "Add" or "Sub" or "Mul" or "Div" && maker.Inputs.Where(input => !_constants.ContainsKey(input)).ToArray() is [var other] && IsOfTheImage(other));

    private (double Low, double High) BoundsOf(Node clip) => (
        clip.Input(1) is { } min ? Scalar(min) ?? double.NaN : clip.Number("min", double.NegativeInfinity),
        clip.Input(2) is { } max ? Scalar(max) ?? double.NaN : clip.Number("max", double.PositiveInfinity));

    private bool Bounds(Node node)
    {
        if (node.Operator != "Clip" || Only(node.Inputs[0], "Clip") is not { } inner)
            return false;
        (double low, double high) = BoundsOf(node);
        (double first, double last) = BoundsOf(inner);
        if (!(low <= high && first <= last))
            return false;
        Remove(inner);
        Dictionary<string, object> both = new() { ["min"] = (float)Math.Clamp(first, low, high), ["max"] = (float)Math.Clamp(last, low, high) };
        Replace(node, node with { Inputs = [inner.Inputs[0]], Attributes = both });
        return true;
    }

    private bool Clip(Node node)
    {
        if (node.Operator != "Clip")
            return false;
        (double low, double high) = BoundsOf(node);
        if (low <= 0 && high == 6 && Only(node.Inputs[0], "Relu") is { } relu)
        {
            // What is not below 0 already needs the upper bound alone.
            Remove(relu);
            Replace(node, node with { Operator = "Relu6", Inputs = [relu.Inputs[0]], Attributes = None });
            return true;
        }

        if (low != 0 || (high != 6 && high < float.MaxValue))
            return false;
        Replace(node, node with { Operator = high == 6 ? "Relu6" : "Relu", Inputs = [node.Inputs[0]], Attributes = None });
        return true;
    }

    /// <summary>relu6(x + 3) / 6.</summary>
    private bool HardSigmoid(Node node)
    {
        if (Scaled(node, 1 / 6.0) is not { } clip || Only(clip, "Relu6") is not { } relu || Only(relu.Inputs[0], "Add") is not { } add || Constant(add, 3) is not { } x)
            return false;
        Remove(relu, add);
        Replace(node, node with { Operator = "HardSigmoid", Inputs = [x], Attributes = SixthAndHalf });
        return true;
    }

    private bool Gated(Node node)
    {
        if (node.Operator != "Mul" || node.Inputs.Count != 2)
            return false;
        for (int side = 0; side < 2; side++)
        {
            string x = node.Inputs[side];
            if (Only(node.Inputs[1 - side]) is not { } gate)
                continue;
            Node[] parts;
            string name;
            if (gate.Operator == "Sigmoid" && gate.Inputs[0] == x)
                (parts, name) = ([gate], "SiLU");
            else if (gate.Operator == "HardSigmoid" && gate.Inputs[0] == x && IsSixthAndHalf(gate))
                (parts, name) = ([gate], "HardSwish");
            else if (gate.Operator == "Tanh" && Only(gate.Inputs[0], "Softplus") is { } softplus && softplus.Inputs[0] == x)
                (parts, name) = ([gate, softplus], "Mish");
            else
                continue;
            Remove(parts);
            Replace(node, node with { Operator = name, Inputs = [x], Attributes = None });
            return true;
        }

        return false;
    }

    /// <summary>x * relu6(x + 3) / 6, the product first.</summary>
    private bool HardSwish(Node node)
    {
        if (Scaled(node, 1 / 6.0) is not { } product || Only(product, "Mul") is not { } mul)
            return false;
        for (int side = 0; side < 2; side++)
        {
            if (Only(mul.Inputs[1 - side], "Relu6") is not { } relu || Only(relu.Inputs[0], "Add") is not { } add || Constant(add, 3) != mul.Inputs[side])
                continue;
            Remove(mul, relu, add);
            Replace(node, node with { Operator = "HardSwish", Inputs = [mul.Inputs[side]], Attributes = None });
            return true;
        }

        return false;
    }

    private bool Factors(Node node)
    {
        if (node.Operator != "Mul" || Split(node) is not var (inner, outer) || Only(inner, "Mul") is not { } before || Split(before) is not var (x, own) || (own.Count != 1 && outer.Count != 1))
            return false;
        (Tensor many, double one) = own.Count == 1 ? (outer, own[0]) : (own, outer[0]);
        Remove(before);
        Replace(node, node with { Inputs = [x, New(node.Name + ".factor", Tensor.Of(many.Dims, Array.ConvertAll(many.Doubles(), value => (float)(value * one))))] });
        return true;

        (string Computed, Tensor Constant)? Split(Node product) => product.Inputs.Count != 2 ? null
            : _constants.TryGetValue(product.Inputs[1], out Tensor? right) ? (product.Inputs[0], right) : _constants.TryGetValue(product.Inputs[0], out Tensor? left) ? (product.Inputs[1], left) : null;
    }

    /// <summary>x * (1 + erf(x / sqrt(2))) * 0.5 in the orders that exporters write.</summary>
    private bool Gelu(Node node)
    {
        if (node.Operator != "Erf" || !IsOnlyRead(node.Output) || Maker(node.Inputs[0]) is not { } inner || Scaled(inner, 1 / Math.Sqrt(2)) is not { } x || !IsOnlyRead(inner.Output)
            || Reader(node) is not { Operator: "Add" } add || Constant(add, 1) != node.Output || !IsOnlyRead(add.Output) || Reader(add) is not { Operator: "Mul" } first || !IsOnlyRead(first.Output))
            return false;
        string other = first.Inputs[0] == add.Output ? first.Inputs[1] : first.Inputs[0];
        Node? half = other == x ? Reader(first) : Scaled(Maker(other), 0.5) == x && IsOnlyRead(other) ? Maker(other) : null;
        Node? last = other == x ? half : first;
        if (half is null || last is null || (other == x && Scaled(half, 0.5) != first.Output))
            return false;
        Remove(node, inner, add, other == x ? first : half);
        Replace(last, last with { Operator = "Gelu", Inputs = [x], Attributes = None });
        return true;
    }

    /// <summary>relu(x) + slope * relu(-x), where the slope is the negative of what the product has, or relu(x) + slope * (x - |x|).</summary>
    private bool PRelu(Node node)
    {
        if (node.Operator is not ("Add" or "Sub") || node.Inputs.Count != 2)
            return false;
        for (int side = 0; side < (node.Operator == "Sub" ? 1 : 2); side++)
        {
            if (Only(node.Inputs[side], "Relu") is not { } relu || Only(node.Inputs[1 - side], "Mul") is not { } product)
                continue;
            string x = relu.Inputs[0];
            int constant = _constants.ContainsKey(product.Inputs[0]) ? 0 : _constants.ContainsKey(product.Inputs[1]) ? 1 : -1;
            if (constant < 0)
                continue;
            Tensor slope = _constants[product.Inputs[constant]];
            List<Node> parts = [relu, product];
            double factor = node.Operator == "Sub" ? 1 : -1;
            Node? inner = Only(product.Inputs[1 - constant]);
            if (inner is { Operator: "Neg" })
            {
                parts.Add(inner);
                factor = -factor;
                inner = Only(inner.Inputs[0]);
            }

            if (inner is { Operator: "Relu" } && Only(inner.Inputs[0], "Neg") is { } negated && negated.Inputs[0] == x)
                parts.AddRange([inner, negated]);
            else if (inner is { Operator: "Sub" } && inner.Inputs[0] == x && Only(inner.Inputs[1], "Abs") is { } size && size.Inputs[0] == x)
                (parts, factor) = ([.. parts, inner, size], -2 * factor);
            else
                continue;
            Remove([.. parts]);
            Replace(node, node with { Operator = "PRelu", Inputs = [x, New(node.Name + ".slope", Tensor.Of(slope.Dims, Array.ConvertAll(slope.Singles(), value => (float)(value * factor))))], Attributes = None });
            return true;
        }

        return false;
    }

    /// <summary>clip(a * x + 0.5) as clip((6 a x) / 6 + 0.5).</summary>
    private bool HardSigmoidSlope(Node node)
    {
        if (node.Operator != "HardSigmoid" || IsSixthAndHalf(node) || Math.Abs(node.Number("beta", 0.5) - 0.5) > 1e-6 || Only(node.Inputs[0]) is not { } layer || !Scale(layer, [6 * node.Number("alpha", 0.2)], [0]))
            return false;
        Replace(node, node with { Attributes = SixthAndHalf });
        return true;
    }

    /// <summary>(x - mean) / sqrt(mean((x - mean)^2) + eps) * weight + bias over the last dimension.</summary>
    private bool LayerNorm(Node node)
    {
        if (node.Operator != "Div" || node.Inputs.Count != 2 || Maker(node.Inputs[0]) is not { Operator: "Sub" } centred || Only(node.Inputs[1], "Sqrt") is not { } root || Only(root.Inputs[0], "Add") is not { } sum)
            return false;
        int side = Scalar(sum.Inputs[0]) is null ? 1 : 0;
        if (Scalar(sum.Inputs[side]) is not { } epsilon || Only(sum.Inputs[1 - side], "ReduceMean") is not { } variance || Only(variance.Inputs[0], "Pow") is not { } square || Scalar(square.Inputs[1]) != 2
            || square.Inputs[0] != centred.Output || Only(centred.Inputs[1], "ReduceMean") is not { } mean || mean.Inputs[0] != centred.Inputs[0] || !IsOverLast(mean) || !IsOverLast(variance)
            || !IsOnlyRead(node.Output) || Reader(node) is not { Operator: "Mul" } scale || !IsOnlyRead(scale.Output) || Reader(scale) is not { Operator: "Add" } shift)
            return false;
        string? weight = scale.Inputs.FirstOrDefault(_constants.ContainsKey), bias = shift.Inputs.FirstOrDefault(_constants.ContainsKey);
        if (weight is null || bias is null || _readers.GetValueOrDefault(centred.Output) is not { Count: 2 } || _outputs.Contains(centred.Output))
            return false;
        Remove(mean, centred, square, variance, sum, root, node, scale);
        Replace(shift, shift with
        {
            Operator = "LayerNormalization", Inputs = [centred.Inputs[0], weight, bias], Attributes = new Dictionary<string, object> { ["axis"] = -1L, ["epsilon"] = (float)epsilon },
        });
        return true;

        bool IsOverLast(Node reduce)
        {
            int rank = _tensors[reduce.Inputs[0]].Dims.Length;
            int[]? axes = reduce.Integers("axes") ?? (reduce.Input(1) is { } name && _constants.TryGetValue(name, out Tensor? found) ? Array.ConvertAll(found.Integers(), axis => (int)axis) : null);
            return axes is [var axis] && (axis == -1 || axis == rank - 1) && reduce.Integer("keepdims", 1) != 0;
        }
    }

    /// <summary>exp(x - max(x)) / sum(exp(x - max(x))) along one dimension; without the largest value it is the same number.</summary>
    private bool Softmax(Node node)
    {
        if (node.Operator != "Div" || node.Inputs.Count != 2 || Maker(node.Inputs[0]) is not { Operator: "Exp" } exp || Only(node.Inputs[1], "ReduceSum") is not { } sum
            || sum.Inputs[0] != exp.Output
            || _outputs.Contains(exp.Output) || _readers[exp.Output].Count != 2 || AxisOf(sum) is not { } axis || (_opset < 13 && axis != _tensors[node.Output].Dims.Length - 1))
            return false;
        List<Node> parts = [exp, sum];
        string x = exp.Inputs[0];
        if (Only(x, "Sub") is { } centred && Only(centred.Inputs[1], "ReduceMax") is { } largest && largest.Inputs[0] == centred.Inputs[0] && AxisOf(largest) == axis)
        {
            parts.AddRange([centred, largest]);
            x = centred.Inputs[0];
        }

        Remove([.. parts]);
        Replace(node, node with { Operator = "Softmax", Inputs = [x], Attributes = new Dictionary<string, object> { ["axis"] = (long)axis } });
        return true;

        int? AxisOf(Node reduce)
        {
            int rank = _tensors[reduce.Inputs[0]].Dims.Length;
            int[]? axes = reduce.Integers("axes") ?? (reduce.Input(1) is { } name && _constants.TryGetValue(name, out Tensor? found)
                ? Array.ConvertAll(found.Integers(), value => (int)value) : null);
            return axes is [var one] && reduce.Integer("keepdims", 1) != 0 ? one < 0 ? one + rank : one : null;
        }
    }

    /// <summary>max(x, slope * x) with a slope from 0 to 1.</summary>
    private bool LeakyRelu(Node node)
    {
        if (node.Operator != "Max" || node.Inputs.Count != 2)
            return false;
        for (int side = 0; side < 2; side++)
        {
            if (Only(node.Inputs[1 - side], "Mul") is not { Inputs.Count: 2 } product)
                continue;
            int constant = Scalar(product.Inputs[0]) is null ? 1 : 0;
            if (product.Inputs[1 - constant] != node.Inputs[side] || Scalar(product.Inputs[constant]) is not (>= 0 and <= 1 and var slope))
                continue;
            Remove(product);
            Replace(node, node with { Operator = "LeakyRelu", Inputs = [node.Inputs[side]], Attributes = new Dictionary<string, object> { ["alpha"] = (float)slope } });
            return true;
        }

        return false;
    }

    /// <summary>An image joined to constant channels of zeros.</summary>
    private bool ZeroChannels(Node node)
    {
        if (node.Operator != "Concat" || !_tensors.TryGetValue(node.Output, out Tensor? made) || made.Dims.Length != 4 || node.Integer("axis", 1) is not (1 or -3)
            || node.Inputs.Where(input => !_constants.ContainsKey(input)).ToArray() is not [var image])
            return false;
        int at = node.Inputs.ToList().IndexOf(image);
        if (node.Inputs.Count == 1 || node.Inputs.Any(input => input != image && _constants[input].Singles().Any(value => value != 0)))
            return false;
        int Channels(IEnumerable<string> inputs) => inputs.Sum(input => _constants[input].Dims[1]);
        long[] pads = [0, Channels(node.Inputs.Take(at)), 0, 0, 0, Channels(node.Inputs.Skip(at + 1)), 0, 0];
        Replace(node, node with { Operator = "Pad", Inputs = [image], Attributes = new Dictionary<string, object> { ["pads"] = pads } });
        return true;
    }

    /// <summary>
    /// Linear resizing by whole factors that keeps the first pixel's place (opset 9 knew no other): each pixel spreads as a triangle, and those after the last are as the last.
    /// </summary>
    private bool LinearResize(Node node)
    {
        const int MostWeights = 1 << 20;
        if (node.Operator is not ("Upsample" or "Resize") || node.Text("mode", "nearest") is not ("linear" or "bilinear")
            || node.Text("coordinate_transformation_mode", _opset < 11 ? "asymmetric" : "half_pixel") != "asymmetric")
            return false;
        int[] from = _tensors[node.Inputs[0]].Dims, to = _tensors[node.Output].Dims;
        if (from is not [1, var channels, _, _] || to is not [1, _, _, _] || to[1] != channels)
            return false;
        int rows = to[2] / from[2], columns = to[3] / from[3];
        string? factors = node.Operator == "Upsample" || _opset < 11 ? node.Input(1) : node.Input(2);
        float[]? scales = factors is not null ? _constants.GetValueOrDefault(factors)?.Singles() : node.Attributes.GetValueOrDefault("scales") as float[];
        if (rows * columns < 2 || rows * from[2] != to[2] || columns * from[3] != to[3] || (scales is { Length: 4 } && (scales[2] != rows || scales[3] != columns)))
            return false;
        if (from[2] * from[3] == 1)
        {
            string same = New(node.Output + ".scales", Tensor.Of([4], new float[] { 1, 1, rows, columns }));
            Replace(node, node with { Operator = "Upsample", Inputs = [node.Inputs[0], same], Attributes = None });
            return true;
        }

        if ((long)rows * columns * 4 * channels > MostWeights)
            return false;
        int height = (2 * rows) - 1, width = (2 * columns) - 1;
        float[] triangle = new float[channels * height * width];
        for (int i = 0; i < triangle.Length; i++)
        {
            double row = Math.Abs((i / width % height) - rows + 1) / (double)rows, column = Math.Abs((i % width) - columns + 1) / (double)columns;
            triangle[i] = (float)((1 - row) * (1 - column));
        }

        Dictionary<string, object> edge = new() { ["mode"] = "edge", ["pads"] = new long[] { 0, 0, 0, 0, 0, 0, 1, 1 } };
        Node pad = new("Pad", node.Name + ".pad", [node.Inputs[0]], [node.Output + ".pad"], edge);
        _nodes.Insert(_nodes.IndexOf(node), pad);
        string weights = New(node.Output + ".triangle", Tensor.Of([channels, 1, height, width], triangle));
        Dictionary<string, object> attributes = new()
        {
            ["strides"] = new long[] { rows, columns }, ["pads"] = new long[] { rows - 1, columns - 1, rows, columns }, ["group"] = (long)channels,
        };
        Replace(node, node with { Operator = "ConvTranspose", Inputs = [pad.Output, weights], Attributes = attributes });
        Add(pad);
        return true;
    }

    private bool Padding(Node node)
    {
        if (node.Operator != "Conv" || Only(node.Inputs[0], "Pad") is not { } pad || pad.Text("mode", "constant") != "constant" || node.Text("auto_pad", "NOTSET") is not ("NOTSET" or "" or "VALID"))
            return false;
        int[]? pads = pad.Integers("pads") ?? (pad.Input(1) is { } name && _constants.TryGetValue(name, out Tensor? found) ? Array.ConvertAll(found.Integers(), value => (int)value) : null);
        double fill = pad.Input(2) is { } value && _constants.TryGetValue(value, out Tensor? constant) && constant.Count == 1 ? constant[0] : pad.Number("value", 0);
        if (pads is not { Length: 8 } || pad.Input(3) is not null || fill != 0 || pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0 || pads.Any(p => p < 0))
            return false;
        int[] own = node.Integers("pads") ?? [0, 0, 0, 0];
        Dictionary<string, object> attributes = new(node.Attributes) { ["pads"] = new long[] { own[0] + pads[2], own[1] + pads[3], own[2] + pads[6], own[3] + pads[7] } };
        attributes.Remove("auto_pad");
        Remove(pad);
        Replace(node, node with { Inputs = [pad.Inputs[0], .. node.Inputs.Skip(1)], Attributes = attributes });
        return true;
    }

    private bool Affine(Node node)
    {
        if (node.Operator is not ("Mul" or "Div" or "Add" or "Sub") || node.Inputs.Count != 2)
            return false;
        int constant = _constants.ContainsKey(node.Inputs[1]) ? 1 : node.Operator is "Mul" or "Add" && _constants.ContainsKey(node.Inputs[0]) ? 0 : -1;
        if (constant < 0 || Only(node.Inputs[1 - constant]) is not { } layer || !_tensors.TryGetValue(layer.Output, out Tensor? made) || Channels(_constants[node.Inputs[constant]], made.Dims, layer.Operator) is not { } values)
            return false;
        (double[] scale, double[] shift) = AsAffine(node.Operator, values);
        if (scale.Any(value => !double.IsFinite(value)) || !Scale(layer, scale, shift))
            return false;
        Remove(node);
        Rename(node.Output, layer.Output);
        return true;
    }

    /// <summary>A factor or summand after an activation, before a convolution that reads it alone: a summand only where no zeros are around the map.</summary>
    private bool AffineInput(Node node)
    {
        if (Constants(node) is not var (x, scale, shift) || !IsOnlyRead(node.Output) || Reader(node) is not { Operator: "Conv" } layer || layer.Inputs[0] != node.Output
            || !_constants.TryGetValue(layer.Inputs[1], out Tensor? weight) || (layer.Input(2) is { } given && !_constants.ContainsKey(given)) || !_tensors.ContainsKey(layer.Output))
            return false;
        bool isShifted = shift.Any(value => value != 0);
        bool isPadded = layer.Text("auto_pad", "NOTSET") is not ("NOTSET" or "" or "VALID") || (layer.Integers("pads") ?? []).Any(pad => pad != 0);
        if (isShifted && isPadded)
            return false;
        int outs = weight.Dims[0], ins = weight.Dims[1], taps = weight.Count / (outs * ins), outsOfGroup = outs / (int)layer.Integer("group", 1);
        float[] values = weight.Singles(), scaled = new float[values.Length];
        double[] bias = layer.Input(2) is { } name ? [.. _constants[name].Doubles()] : new double[outs];
        for (int i = 0; i < values.Length; i++)
        {
            int o = i / (ins * taps), channel = (o / outsOfGroup * ins) + (i / taps % ins);
            scaled[i] = (float)(values[i] * At(scale, channel));
            bias[o] += values[i] * At(shift, channel);
        }

        List<string> inputs = [x, New(layer.Inputs[1], Tensor.Of(weight.Dims, scaled))];
        if (layer.Input(2) is not null || isShifted)
            inputs.Add(New(layer.Input(2) ?? layer.Inputs[1] + ".shift", Tensor.Of([outs], Array.ConvertAll(bias, value => (float)value))));
        Replace(layer, layer with { Inputs = inputs });
        Remove(node);
        return true;
    }

    /// <summary>x * scale + shift for each channel, which is what a batch norm computes at inference.</summary>
    private bool ScaleAndShift(Node node)
    {
        if (Constants(node) is not var (between, one, shift) || Only(between) is not { } product || Constants(product) is not var (x, scale, offset))
            return false;

        // What stands in front may take it in yet.
        if (Maker(x) is { Operator: "Conv" or "ConvTranspose" or "Gemm" or "MatMul" } && IsOnlyRead(x))
            return false;
        const float Epsilon = 1e-5f;
        const int MostChannels = 1 << 20;
        int channels = _tensors[node.Output].Dims[1];
        if (channels > MostChannels)
            return false;
        Remove(product);
        Replace(node, node with
        {
            Operator = "BatchNormalization", Attributes = new Dictionary<string, object> { ["epsilon"] = Epsilon },
            Inputs =
            [
                x, Part("scale", i => At(scale, i) * At(one, i)), Part("shift", i => (At(offset, i) * At(one, i)) + At(shift, i)), Part("mean", _ => 0),
                Part("variance", _ => 1 - (double)Epsilon),
            ],
        });
        return true;

        string Part(string part, Func<int, double> value) => New($"{node.Name}.{part}", Tensor.Of([channels], [.. Enumerable.Range(0, channels).Select(i => (float)value(i))]));
    }

    /// <summary>What a node multiplies and adds, one value or one for each channel of an image; null where it is none such.</summary>
    private (string Input, double[] Scale, double[] Shift)? Constants(Node node)
    {
        if (node.Operator is not ("Mul" or "Div" or "Add" or "Sub") || node.Inputs.Count != 2 || !_tensors.TryGetValue(node.Output, out Tensor? made) || made.Dims.Length != 4)
            return null;
        int constant = _constants.ContainsKey(node.Inputs[1]) ? 1 : node.Operator is "Mul" or "Add" && _constants.ContainsKey(node.Inputs[0]) ? 0 : -1;
        if (constant < 0 || Channels(_constants[node.Inputs[constant]], made.Dims, "Conv") is not { } values || !_tensors.TryGetValue(node.Inputs[1 - constant], out Tensor? read) || !read.Dims.SequenceEqual(made.Dims))
            return null;
        (double[] scale, double[] shift) = AsAffine(node.Operator, values);
        return scale.All(double.IsFinite) ? (node.Inputs[1 - constant], scale, shift) : null;
    }

    /// <summary>An operation with constants as a factor and a summand.</summary>
    private static (double[] Scale, double[] Shift) AsAffine(string op, double[] values) => (
        op switch { "Mul" => values, "Div" => Array.ConvertAll(values, v => 1 / v), _ => [1] },
        op switch { "Add" => values, "Sub" => Array.ConvertAll(values, v => -v), _ => [0] });

    private static double At(double[] values, int i) => values[values.Length == 1 ? 0 : i];

    /// <summary>A constant as one value, or one for each channel that a layer makes; null where it has another shape.</summary>
    private static double[]? Channels(Tensor constant, int[] dims, string layer)
    {
        if (constant.Count == 1)
            return [constant[0]];
        int axis = layer is "Gemm" or "MatMul" ? dims.Length - 1 : 1, own = axis - dims.Length + constant.Dims.Length;
        return own >= 0 && constant.Count == dims[axis] && constant.Dims[own] == dims[axis] ? constant.Doubles() : null;
    }

    /// <summary>Makes scale times its output plus shift the output of a layer with weights; false where it has none or its weights are shared.</summary>
    private bool Scale(Node layer, double[] scale, double[] shift)
    {
        bool isProduct = layer.Operator is "Gemm" or "MatMul", isTransposed = layer.Operator == "ConvTranspose";
        if ((!isProduct && !isTransposed && layer.Operator != "Conv") || layer.Input(1) is not { } name || !_constants.TryGetValue(name, out Tensor? weight) || (layer.Input(2) is { } b && !_constants.ContainsKey(b))
            || (isTransposed && layer.Integer("group", 1) != 1) || layer.Number("beta", 1) != 1)
            return false;
        bool isByRow = layer.Operator == "Conv" || (layer.Operator == "Gemm" && layer.Integer("transB", 0) != 0);
        int outs = isByRow ? weight.Dims[0] : weight.Dims[1], inner = isByRow ? weight.Count / outs : isTransposed ? weight.Dims[2] * weight.Dims[3] : 1;
        bool isShifted = shift.Any(value => value != 0);
        if (layer.Operator == "MatMul" && isShifted && weight.Dims.Length != 2)
            return false;
        double[] bias = layer.Input(2) is { } given ? Enumerable.Range(0, outs).Select(i => _constants[given] is { Count: 1 } one ? one[0] : _constants[given][i]).ToArray() : new double[outs];
        List<string> inputs = [layer.Inputs[0], scale.All(value => value == 1) ? name : New(name, Tensor.Of(weight.Dims, ScaledWeights()))];
        if (layer.Input(2) is not null || isShifted)
            inputs.Add(New(layer.Input(2) ?? name + ".shift", Tensor.Of([outs], bias.Select((value, i) => (float)((value * At(scale, i)) + At(shift, i))).ToArray())));

        // A product with a bias is ONNX's Gemm, over the last dimension as the product was.
        Replace(layer, layer with { Inputs = inputs });
        return true;

        float[] ScaledWeights()
        {
            float[] values = [.. weight.Singles()];
            for (int i = 0; i < values.Length; i++)
                values[i] = (float)(values[i] * At(scale, isByRow ? i / inner : i / inner % outs));
            return values;
        }
    }

    private static IReadOnlyDictionary<string, object> None { get; } = new Dictionary<string, object>();

    private static IReadOnlyDictionary<string, object> SixthAndHalf { get; } = new Dictionary<string, object> { ["alpha"] = 1 / 6f, ["beta"] = 0.5f };

    private static bool IsSixthAndHalf(Node node) => Math.Abs(node.Number("alpha", 0.2) - (1 / 6.0)) < 1e-6 && Math.Abs(node.Number("beta", 0.5) - 0.5) < 1e-6;

    /// <summary>What a node multiplies by a constant factor, or divides by its reciprocal; null where it does not.</summary>
    private string? Scaled(Node? node, double factor) => node switch
    {
        { Operator: "Mul" } => Constant(node, factor),
        { Operator: "Div", Inputs.Count: 2 } when Scalar(node.Inputs[1]) is { } divisor && Near(1 / divisor, factor) => node.Inputs[0],
        _ => null,
    };

    /// <summary>The other input of a node that has a constant of <paramref name="value"/>.</summary>
    private string? Constant(Node node, double value)
    {
        for (int side = 0; side < 2 && node.Inputs.Count == 2; side++)
        {
            if (Scalar(node.Inputs[side]) is { } found && Near(found, value))
                return node.Inputs[1 - side];
        }

        return null;
    }

    private static bool Near(double found, double value) => Math.Abs(found - value) <= 1e-6 * Math.Abs(value);

    private double? Scalar(string name) => _constants.TryGetValue(name, out Tensor? tensor) && tensor.Count == 1 ? tensor[0] : null;

    private Node? Maker(string tensor) => _makers.GetValueOrDefault(tensor);

    private bool IsOnlyRead(string tensor) => !_outputs.Contains(tensor) && _readers.GetValueOrDefault(tensor) is { Count: 1 };

    private Node? Reader(Node node) => _readers.GetValueOrDefault(node.Output) is [{ } reader] ? reader : null;

    /// <summary>Who makes a tensor that is read once; with an operator only where that made it.</summary>
    private Node? Only(string tensor, string? kind = null) => IsOnlyRead(tensor) && Maker(tensor) is { } maker && (kind is null || maker.Operator == kind) ? maker : null;

    private string New(string name, Tensor tensor)
    {
        // Another layer may share the weights. The name stays recognisable.
        string free = name;
        for (int i = 2; _constants.ContainsKey(free) && _readers.GetValueOrDefault(free) is { Count: > 1 }; i++)
            free = $"{name}.{i}";
        _constants[free] = tensor;
        return free;
    }

    private void Add(Node node)
    {
        foreach (string output in node.Outputs)
            _makers[output] = node;
        foreach (string input in node.Inputs)
            (_readers.TryGetValue(input, out List<Node>? readers) ? readers : _readers[input] = []).Add(node);
    }

    private void Forget(Node node)
    {
        foreach (string output in node.Outputs)
            _makers.Remove(output);
        foreach (string input in node.Inputs)
            _readers[input].Remove(node);
    }

    private void Remove(params Node[] nodes)
    {
        foreach (Node node in nodes)
        {
            Forget(node);
            _nodes.Remove(node);
        }
    }

    private void Replace(Node node, Node other)
    {
        Forget(node);
        _nodes[_nodes.IndexOf(node)] = other;
        Add(other);
    }

    /// <summary>Whoever read a tensor reads another one; an output keeps its name.</summary>
    private void Rename(string tensor, string other)
    {
        if (_outputs.Contains(tensor) && Maker(other) is { } maker && !_outputs.Contains(other))
        {
            // The other one gets the output's name.
            Replace(maker, maker with { Outputs = [.. maker.Outputs.Select(output => output == other ? tensor : output)] });
            (tensor, other) = (other, tensor);
        }

        // A node that reads it twice (x * x) is among the readers twice.
        foreach (Node reader in (_readers.GetValueOrDefault(tensor) ?? []).Distinct().ToArray())
            Replace(reader, reader with { Inputs = [.. reader.Inputs.Select(input => input == tensor ? other : input)] });
    }
}
