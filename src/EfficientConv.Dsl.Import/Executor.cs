namespace EfficientConv.Dsl.Import;

/// <summary>
/// Runs a model as it stands in the file, node by node, in double precision and by simple loops: what the imported network is compared with. Without values for the input
/// it finds the shapes of all tensors, and the values of those that follow from constants and shapes alone.
/// </summary>
internal sealed partial class Executor
{
    private readonly Model _model;
    private readonly Dictionary<string, Tensor> _tensors;

    /// <summary>Whether only what does not depend on the image is computed.</summary>
    private readonly bool _isFolding;

    /// <summary>Elements that may still be computed of constants: a small file may ask for any number of them.</summary>
    private long _room;

    private Executor(Model model, Tensor input)
    {
        (_model, _tensors, _isFolding) = (model, new Dictionary<string, Tensor>(model.Constants) { [string.Empty] = Tensor.Unknown([]), [model.Input] = input }, !input.IsKnown);
        _room = (2 * model.Constants.Values.Sum(constant => (long)constant.Count)) + (1 << 20);
    }

    /// <summary>Every tensor of <paramref name="model"/> for <paramref name="input"/>, whose values may be unknown. Nodes that cannot be run are left out, and so are those after them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="input">The image.</param>
    /// <param name="failed">What is said of nodes that cannot be run.</param>
    /// <param name="isRounded">Whether what each node makes is rounded to single precision.</param>
    public static IReadOnlyDictionary<string, Tensor> Run(Model model, Tensor input, out IReadOnlyDictionary<Node, string> failed, bool isRounded = false)
    {
        Executor executor = new(model, input);
        Dictionary<Node, string> failures = new(ReferenceEqualityComparer.Instance);
        foreach (Node node in model.Nodes)
        {
            if (node.Inputs.Any(name => !executor._tensors.ContainsKey(name)))
                continue;
            try
            {
                Tensor[] outputs = executor.Run(node);
                for (int i = 0; i < Math.Min(outputs.Length, node.Outputs.Count); i++)
                    executor._tensors[node.Outputs[i]] = isRounded && outputs[i] is { IsKnown: true, IsInteger: false } ? Tensor.Of(outputs[i].Dims, outputs[i].Singles()) : outputs[i];
            }
            catch (Exception exception) when (exception is ImportException or ArgumentException or IndexOutOfRangeException or OverflowException or InvalidOperationException or DivideByZeroException)
            {
                failures[node] = exception is ImportException ? exception.Message : "its inputs do not fit it";
            }
        }

        failed = failures;
        return executor._tensors;
    }

    /// <summary>Elements of a tensor that is about to be computed.</summary>
    private int Room(int[] dims)
    {
        int count = Tensor.Size(dims);
        return !_isFolding || (_room -= count) >= 0 ? count : throw new ImportException($"it computes {count:N0} more constants, and the model would have far more of them than its file");
    }

    private Tensor[] Run(Node node)
    {
        Tensor x = At(node, 0) ?? (node.Operator is "Constant" ? Tensor.Unknown([]) : throw new ImportException($"{node} reads nothing."));
        // Layers on constants are none of a network's, and cost more than their size.
        if (_isFolding && node.Operator is ("Conv" or "ConvTranspose" or "MaxPool" or "AveragePool"))
            x = Tensor.Unknown(x.Dims);
        return node.Operator switch
        {
            "Constant" => [Constant(node)],
            "Identity" or "Dropout" or "Cast" => [x],
            "Shape" => [Tensor.Of([x.Dims.Length], Array.ConvertAll(x.Dims, d => (long)d))],
            "Size" => [Tensor.Of([], [(long)x.Count])],
            "ConstantOfShape" => [Filled(node, x)],
            "Conv" => [Convolution(node, x)],
            "ConvTranspose" => [TransposedConvolution(node, x)],
            "MaxPool" or "AveragePool" => [Pool(node, x)],
            "GlobalAveragePool" => [Reduce(x, [2, 3], true, "ReduceMean")],
            "GlobalMaxPool" => [Reduce(x, [2, 3], true, "ReduceMax")],
            "ReduceMean" or "ReduceMax" or "ReduceSum" => [Reduce(x, Axes(node, 1, x) ?? [.. Enumerable.Range(0, x.Dims.Length)], node.Integer("keepdims", 1) != 0, node.Operator)],
            "BatchNormalization" => [BatchNormalization(node, x)],
            "InstanceNormalization" => [InstanceNormalization(node, x)],
            "LayerNormalization" => [LayerNormalization(node, x)],
            "Softmax" => [Softmax(node, x)],
            "PRelu" => [Binary(x, Needed(node, 1), (value, slope) => value < 0 ? value * slope : value)],
            "Add" => [Binary(x, Needed(node, 1), (a, b) => a + b)],
            "Sub" => [Binary(x, Needed(node, 1), (a, b) => a - b)],
            "Mul" => [Binary(x, Needed(node, 1), (a, b) => a * b)],
            "Div" => [Binary(x, Needed(node, 1), x.IsInteger && Needed(node, 1).IsInteger ? (a, b) => Math.Truncate(a / b) : (a, b) => a / b)],
            "Pow" => [Binary(x, Needed(node, 1), Math.Pow)],
            "Max" => [node.Inputs.Skip(1).Select((_, i) => Needed(node, i + 1)).Aggregate(x, (a, b) => Binary(a, b, Math.Max))],
            "Min" => [node.Inputs.Skip(1).Select((_, i) => Needed(node, i + 1)).Aggregate(x, (a, b) => Binary(a, b, Math.Min))],
            "Sum" => [node.Inputs.Skip(1).Select((_, i) => Needed(node, i + 1)).Aggregate(x, (a, b) => Binary(a, b, (one, other) => one + other))],
            "Equal" => [Binary(x, Needed(node, 1), (a, b) => a == b ? 1 : 0)],
            "Where" => [Where(x, Needed(node, 1), Needed(node, 2))],
            "Concat" => [Concat([x, .. node.Inputs.Skip(1).Select((_, i) => Needed(node, i + 1))], Axis(node.Integer("axis", 1), x.Dims.Length))],
            "Slice" => [Slice(node, x)],
            "Split" => Split(node, x),
            "Gather" => [Gather(x, Needed(node, 1), Axis(node.Integer("axis", 0), x.Dims.Length))],
            "Range" => [Range(x, Needed(node, 1), Needed(node, 2))],
            "Expand" => [Binary(x, Tensor.Of(Whole(Needed(node, 1)), new double[Room(Whole(Needed(node, 1)))]), (a, _) => a)],
            "Reshape" => [Reshape(x, node.Integers("shape") ?? Whole(Needed(node, 1)), node.Integer("allowzero", 0) != 0)],
            "Flatten" => [x.Reshape([Tensor.Size(x.Dims[..(int)node.Integer("axis", 1)]), Tensor.Size(x.Dims[(int)node.Integer("axis", 1)..])])],
            "Squeeze" => [Squeeze(x, Axes(node, 1, x))],
            "Unsqueeze" => [Unsqueeze(x, node.Integers("axes") ?? Whole(Needed(node, 1)))],
            "Transpose" => [Transpose(x, node.Integers("perm") ?? [.. Enumerable.Range(0, x.Dims.Length).Reverse()])],
            "Resize" or "Upsample" => [Resize(node, x)],
            "Pad" => [Pad(node, x)],
            "DepthToSpace" => [DepthToSpace(node, x)],
            "Gemm" => [Gemm(node, x)],
            "MatMul" => [MatMul(x, Needed(node, 1))],
            "DequantizeLinear" => [Dequantize(node, x)],
            "QuantizeLinear" => [Quantize(node, x)],
            _ => [Map(x, Function(node))],
        };
    }

    /// <summary>A function of one number, element by element.</summary>
    private Func<double, double> Function(Node node)
    {
        double alpha;
        switch (node.Operator)
        {
            case "Relu": return x => x > 0 ? x : 0;
            case "Relu6": return x => Math.Clamp(x, 0, 6);
            case "SiLU": return x => x * Sigmoid(x);
            case "LeakyRelu":
                alpha = node.Number("alpha", 0.01);
                return x => x < 0 ? alpha * x : x;
            case "Sigmoid": return Sigmoid;
            case "HardSigmoid":
                alpha = node.Number("alpha", 0.2);
                double beta = node.Number("beta", 0.5);
                return x => Math.Clamp((alpha * x) + beta, 0, 1);
            case "HardSwish": return x => x * Math.Clamp((x / 6) + 0.5, 0, 1);
            case "Tanh": return Math.Tanh;
            case "Elu":
                alpha = node.Number("alpha", 1);
                return x => x < 0 ? alpha * (Math.Exp(x) - 1) : x;
            case "Softplus": return Softplus;
            case "Mish": return x => x * Math.Tanh(Softplus(x));
            case "Gelu": return node.Text("approximate", "none") == "tanh" ? x => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))) : x => 0.5 * x * (1 + ErrorFunction(x / Math.Sqrt(2)));
            case "Clip":
                double low = At(node, 1) is { } min ? min[0] : node.Number("min", double.NegativeInfinity), high = At(node, 2) is { } max ? max[0] : node.Number("max", double.PositiveInfinity);
                return x => Math.Min(Math.Max(x, low), high);
            case "Erf": return ErrorFunction;
            case "Exp": return Math.Exp;
            case "Log": return Math.Log;
            case "Sqrt": return Math.Sqrt;
            case "Reciprocal": return x => 1 / x;
            case "Neg": return x => -x;
            case "Abs": return Math.Abs;
            case "Floor": return Math.Floor;
            case "Ceil": return Math.Ceiling;
            default: throw new ImportException(node.Text("why", $"{node.Operator} is not known."));
        }
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double Softplus(double x) => x > 30 ? x : Math.Log(1 + Math.Exp(x));

    /// <summary>The error function by its series near 0 and its continued fraction elsewhere, to double precision (Abramowitz and Stegun 1964, 7.1.5 and 7.1.14).</summary>
    private static double ErrorFunction(double x)
    {
        double size = Math.Abs(x);
        if (size < 2.5)
        {
            double term = size, sum = size;
            for (int n = 1; n < 200 && Math.Abs(term) > 1e-18; n++)
            {
                term *= -size * size / n;
                sum += term / ((2 * n) + 1);
            }

            return Math.Sign(x) * 2 / Math.Sqrt(Math.PI) * sum;
        }

        double fraction = 0;
        for (int n = 60; n > 0; n--)
            fraction = n / 2.0 / (size + fraction);
        return double.IsNaN(x) ? x : Math.Sign(x) * (1 - (Math.Exp(-size * size) / Math.Sqrt(Math.PI) / (size + fraction)));
    }

    private Tensor? At(Node node, int index) => node.Input(index) is { } name ? _tensors[name] : null;

    private Tensor Needed(Node node, int index) => At(node, index) ?? throw new ImportException($"{node} has no input {index}.");

    private static int[] Whole(Tensor tensor) => tensor.IsKnown ? Array.ConvertAll(tensor.Integers(), value => (int)Math.Clamp(value, int.MinValue, int.MaxValue))
        : throw new ImportException("a shape or an axis depends on the image, so that sizes are not fixed");

    private static int Axis(long axis, int rank) => axis >= -rank && axis < rank ? (int)(axis < 0 ? axis + rank : axis) : throw new ImportException($"axis {axis} of {rank} dimensions");

    private int[]? Axes(Node node, int input, Tensor x) => (node.Integers("axes") ?? (At(node, input) is { } axes ? Whole(axes) : null)) is { } found
        ? [.. found.Select(axis => Axis(axis, x.Dims.Length))]
        : null;

    /// <summary>Elements of each dimension in memory order.</summary>
    private static int[] Strides(int[] dims)
    {
        int[] strides = new int[dims.Length];
        for (int i = dims.Length - 1, step = 1; i >= 0; step *= dims[i--])
            strides[i] = step;
        return strides;
    }

    private Tensor Map(Tensor x, Func<double, double> function)
    {
        if (!x.IsKnown)
            return Tensor.Unknown(x.Dims);
        double[] result = new double[Room(x.Dims)];
        for (int i = 0; i < result.Length; i++)
            result[i] = function(x[i]);
        return x.IsInteger ? Tensor.Of(x.Dims, Array.ConvertAll(result, value => (long)value)) : Tensor.Of(x.Dims, result);
    }

    /// <summary>Two tensors of which either may be repeated along dimensions of 1.</summary>
    private Tensor Binary(Tensor a, Tensor b, Func<double, double, double> function)
    {
        int[] dims = Broadcast(a.Dims, b.Dims);
        if (!a.IsKnown || !b.IsKnown)
            return Tensor.Unknown(dims);
        double[] result = new double[Room(dims)];
        int[] left = Places(a.Dims, dims), right = Places(b.Dims, dims);
        Walk(dims, left, right, (i, l, r) => result[i] = function(a[l], b[r]));
        return a.IsInteger && b.IsInteger ? Tensor.Of(dims, Array.ConvertAll(result, value => (long)value)) : Tensor.Of(dims, result);
    }

    private Tensor Where(Tensor condition, Tensor a, Tensor b)
    {
        int[] dims = Broadcast(Broadcast(condition.Dims, a.Dims), b.Dims);
        if (!condition.IsKnown || !a.IsKnown || !b.IsKnown)
            return Tensor.Unknown(dims);
        Tensor ones = Binary(condition, Tensor.Of(dims, new double[Room(dims)]), (c, _) => c), wide = Binary(a, ones, (value, _) => value),
            other = Binary(b, ones, (value, _) => value);
        long[] result = new long[ones.Count];
        double[] exact = new double[ones.Count];
        for (int i = 0; i < exact.Length; i++)
            result[i] = (long)(exact[i] = ones[i] != 0 ? wide[i] : other[i]);
        return a.IsInteger && b.IsInteger ? Tensor.Of(dims, result) : Tensor.Of(dims, exact);
    }

    private static int[] Broadcast(int[] a, int[] b)
    {
        int[] dims = new int[Math.Max(a.Length, b.Length)];
        for (int i = 0; i < dims.Length; i++)
        {
            int left = i < dims.Length - a.Length ? 1 : a[i - dims.Length + a.Length], right = i < dims.Length - b.Length ? 1 : b[i - dims.Length + b.Length];
            dims[i] = left == right || right == 1 ? left : left == 1 ? right : throw new ImportException($"shapes {Tensor.Text(a)} and {Tensor.Text(b)} do not fit each other");
        }

        return dims;
    }

    /// <summary>Steps of a tensor's own memory along the dimensions of a wider one; 0 where it is repeated.</summary>
    private static int[] Places(int[] own, int[] wide)
    {
        int[] strides = Strides(own), places = new int[wide.Length];
        for (int i = 0; i < own.Length; i++)
            places[i + wide.Length - own.Length] = own[i] == 1 ? 0 : strides[i];
        return places;
    }

    /// <summary>Every element of <paramref name="dims"/> in memory order with its place in two other memories.</summary>
    private static void Walk(int[] dims, int[] left, int[] right, Action<int, int, int> visit)
    {
        int count = Tensor.Size(dims);
        int[] index = new int[dims.Length];
        for (int i = 0, l = 0, r = 0; i < count; i++)
        {
            visit(i, l, r);
            for (int d = dims.Length - 1; d >= 0; d--)
            {
                l += left[d];
                r += right[d];
                if (++index[d] < dims[d])
                    break;
                l -= left[d] * dims[d];
                r -= right[d] * dims[d];
                index[d] = 0;
            }
        }
    }

    /// <summary>A tensor whose element at an index is that of <paramref name="x"/> at a place of its memory; unknown places (-1) are <paramref name="fill"/>.</summary>
    private Tensor Pick(Tensor x, int[] dims, Func<int[], int> place, double fill = 0)
    {
        if (!x.IsKnown)
            return Tensor.Unknown(dims);
        int count = Room(dims);
        long[] whole = new long[x.IsInteger ? count : 0];
        float[] single = new float[x.IsSingle ? count : 0];
        double[] exact = new double[x.IsInteger || x.IsSingle ? 0 : count];
        int[] index = new int[dims.Length];
        for (int i = 0; i < count; i++)
        {
            int from = place(index);
            double value = from < 0 ? fill : x[from];
            if (x.IsInteger)
                whole[i] = (long)value;
            else if (x.IsSingle)
                single[i] = (float)value;
            else
                exact[i] = value;
            for (int d = dims.Length - 1; d >= 0 && ++index[d] == dims[d]; d--)
                index[d] = 0;
        }

        return x.IsInteger ? Tensor.Of(dims, whole) : x.IsSingle ? Tensor.Of(dims, single) : Tensor.Of(dims, exact);
    }
}
