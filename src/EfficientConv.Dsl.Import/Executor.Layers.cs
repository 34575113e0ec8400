namespace EfficientConv.Dsl.Import;

/// <content>Layers: convolutions, pooling, norms, resizing, products.</content>
internal sealed partial class Executor
{
    /// <summary>A window's sizes on both axes, with the padding that <c>auto_pad</c> stands for.</summary>
    internal readonly record struct WindowSizes(int[] Kernel, int[] Stride, int[] Dilation, int[] Before, int[] After)
    {
        /// <summary>Reads them from a node's attributes.</summary>
        public static WindowSizes Of(Node node, int[] inputDims, int[] kernel)
        {
            if (inputDims.Length != 4 || kernel.Length != 2)
                throw new ImportException($"works on {inputDims.Length} dimensions (expected 4, an image)");
            int[] stride = node.Integers("strides") ?? [1, 1], dilation = node.Integers("dilations") ?? [1, 1], pads = node.Integers("pads") ?? [0, 0, 0, 0];
            int[] before = [pads[0], pads[1]], after = [pads[2], pads[3]];
            string automatic = node.Text("auto_pad", "NOTSET");
            if (stride.Length != 2 || dilation.Length != 2 || kernel.Concat(stride).Concat(dilation).Any(size => size < 1))
                throw new ImportException("has a kernel, stride or dilation that is no pair of numbers of at least 1");
            for (int axis = 0; axis < 2 && automatic is not ("NOTSET" or ""); axis++)
            {
                int size = inputDims[2 + axis], outputs = (size + stride[axis] - 1) / stride[axis];
                int total = automatic == "VALID" ? 0 : Math.Max(((outputs - 1) * stride[axis]) + (dilation[axis] * (kernel[axis] - 1)) + 1 - size, 0);
                before[axis] = automatic == "SAME_LOWER" ? total - (total / 2) : total / 2;
                after[axis] = total - before[axis];
            }

            return new WindowSizes(kernel, stride, dilation, before, after);
        }

        /// <summary>Output rows or columns.</summary>
        public int Outputs(int axis, int size, bool ceil = false)
        {
            int room = size + Before[axis] + After[axis] - (Dilation[axis] * (Kernel[axis] - 1)) - 1;
            if (room < 0)
                throw new ImportException($"has a kernel larger than its padded input of {size + Before[axis] + After[axis]} pixels");
            int outputs = (ceil ? (room + Stride[axis] - 1) / Stride[axis] : room / Stride[axis]) + 1;

            // A window that begins after the input is none.
            return ceil && (outputs - 1) * Stride[axis] >= size + Before[axis] ? outputs - 1 : outputs;
        }
    }

    private const long MostFolded = 1L << 30;

    private Tensor Convolution(Node node, Tensor x)
    {
        Tensor weight = Needed(node, 1);
        Tensor? bias = At(node, 2);
        if (weight.Dims.Length != 4)
            throw new ImportException($"has weights of {weight.Dims.Length} dimensions (expected 4)");
        int groups = (int)node.Integer("group", 1), outs = weight.Dims[0], ins = weight.Dims[1], kh = weight.Dims[2], kw = weight.Dims[3];
        WindowSizes window = WindowSizes.Of(node, x.Dims, [kh, kw]);
        int height = x.Dims[2], width = x.Dims[3], rows = window.Outputs(0, height), columns = window.Outputs(1, width);
        if (groups < 1 || x.Dims[0] != 1 || ins * groups != x.Dims[1] || outs % groups != 0)
            throw new ImportException($"has weights of shape {weight} and {groups} groups for an input of shape {x}");
        int[] dims = [1, outs, rows, columns];
        if (!x.IsKnown || !weight.IsKnown || bias is { IsKnown: false })
            return Tensor.Unknown(dims);
        double[] source = x.Doubles(), result = new double[Tensor.Size(dims)];
        float[] taps = weight.Singles();
        Parallel.For(0, outs, o =>
        {
            Span<double> map = result.AsSpan(o * rows * columns, rows * columns);
            map.Fill(bias is null ? 0 : bias[o]);
            int first = o / (outs / groups) * ins;
            for (int i = 0; i < ins; i++)
            {
                for (int y = 0; y < kh; y++)
                {
                    for (int z = 0; z < kw; z++)
                    {
                        double tap = taps[(((((o * ins) + i) * kh) + y) * kw) + z];
                        for (int r = 0; r < rows; r++)
                        {
                            int from = (r * window.Stride[0]) - window.Before[0] + (y * window.Dilation[0]);
                            if (from < 0 || from >= height)
                                continue;
                            int row = (((first + i) * height) + from) * width, shift = (z * window.Dilation[1]) - window.Before[1];
                            for (int c = 0; c < columns; c++)
                            {
                                int column = (c * window.Stride[1]) + shift;
                                if (column >= 0 && column < width)
                                    map[(r * columns) + c] += tap * source[row + column];
                            }
                        }
                    }
                }
            }
        });
        return Tensor.Of(dims, result);
    }

    private Tensor TransposedConvolution(Node node, Tensor x)
    {
        Tensor weight = Needed(node, 1);
        Tensor? bias = At(node, 2);
        if (weight.Dims.Length != 4)
            throw new ImportException($"has weights of {weight.Dims.Length} dimensions (expected 4)");
        if (node.Integers("output_shape") is not null || node.Text("auto_pad", "NOTSET") != "NOTSET")
            throw new ImportException("gives its output's size instead of its padding");
        int groups = (int)node.Integer("group", 1), ins = weight.Dims[0], outs = weight.Dims[1], kh = weight.Dims[2], kw = weight.Dims[3];
        WindowSizes window = WindowSizes.Of(node, x.Dims, [kh, kw]);
        int[] more = node.Integers("output_padding") ?? [0, 0];
        int height = x.Dims[2], width = x.Dims[3];
        int rows = ((height - 1) * window.Stride[0]) - window.Before[0] - window.After[0] + (window.Dilation[0] * (kh - 1)) + more[0] + 1;
        int columns = ((width - 1) * window.Stride[1]) - window.Before[1] - window.After[1] + (window.Dilation[1] * (kw - 1)) + more[1] + 1;
        if (groups < 1 || x.Dims[0] != 1 || ins != x.Dims[1] || ins % groups != 0 || rows < 1 || columns < 1)
            throw new ImportException($"has weights of shape {weight} and {groups} groups for an input of shape {x}");
        int[] dims = [1, outs * groups, rows, columns];
        if (!x.IsKnown || !weight.IsKnown || bias is { IsKnown: false })
            return Tensor.Unknown(dims);
        double[] source = x.Doubles(), result = new double[Tensor.Size(dims)];
        float[] taps = weight.Singles();
        for (int o = 0; o < outs * groups; o++)
        {
            Span<double> map = result.AsSpan(o * rows * columns, rows * columns);
            map.Fill(bias is null ? 0 : bias[o]);
            for (int i = 0; i < ins / groups; i++)
            {
                int channel = (o / outs * (ins / groups)) + i;
                for (int y = 0; y < kh; y++)
                {
                    for (int z = 0; z < kw; z++)
                    {
                        double tap = taps[(((((channel * outs) + (o % outs)) * kh) + y) * kw) + z];
                        for (int r = 0; r < height; r++)
                        {
                            int to = (r * window.Stride[0]) - window.Before[0] + (y * window.Dilation[0]);
                            for (int c = 0; c < width && to >= 0 && to < rows; c++)
                            {
                                int column = (c * window.Stride[1]) - window.Before[1] + (z * window.Dilation[1]);
                                if (column >= 0 && column < columns)
                                    map[(to * columns) + column] += tap * source[(((channel * height) + r) * width) + c];
                            }
                        }
                    }
                }
            }
        }

        return Tensor.Of(dims, result);
    }

    private static Tensor Pool(Node node, Tensor x)
    {
        WindowSizes window = WindowSizes.Of(node, x.Dims, node.Integers("kernel_shape") ?? throw new ImportException("has no kernel_shape"));
        bool isMaximum = node.Operator == "MaxPool", countsPadding = node.Integer("count_include_pad", 0) != 0, ceil = node.Integer("ceil_mode", 0) != 0;
        int height = x.Dims[2], width = x.Dims[3], rows = window.Outputs(0, height, ceil), columns = window.Outputs(1, width, ceil);
        int[] dims = [x.Dims[0], x.Dims[1], rows, columns];
        if (!x.IsKnown)
            return Tensor.Unknown(dims);
        double[] source = x.Doubles(), result = new double[Tensor.Size(dims)];
        for (int i = 0; i < result.Length; i++)
        {
            int plane = i / (rows * columns) * height * width, top = (i / columns % rows * window.Stride[0]) - window.Before[0], left = (i % columns * window.Stride[1]) - window.Before[1];
            double best = double.NegativeInfinity, sum = 0;
            int inside = 0, counted = 0;
            for (int y = 0; y < window.Kernel[0]; y++)
            {
                for (int z = 0; z < window.Kernel[1]; z++)
                {
                    int row = top + (y * window.Dilation[0]), column = left + (z * window.Dilation[1]);
                    if (row < height + window.After[0] && column < width + window.After[1])
                        counted++;
                    if (row < 0 || row >= height || column < 0 || column >= width)
                        continue;
                    double value = source[plane + (row * width) + column];
                    best = Math.Max(best, value);
                    sum += value;
                    inside++;
                }
            }

            result[i] = isMaximum ? best : sum / (countsPadding ? counted : inside);
        }

        return Tensor.Of(dims, result);
    }

    private Tensor Reduce(Tensor x, int[] axes, bool keepsDimensions, string kind)
    {
        bool isMaximum = kind == "ReduceMax";
        int[] kept = [.. x.Dims.Select((d, i) => axes.Contains(i) ? 1 : d)], dims = keepsDimensions ? kept : [.. x.Dims.Where((_, i) => !axes.Contains(i))];
        if (!x.IsKnown)
            return Tensor.Unknown(dims);
        double[] result = new double[Room(kept)];
        Array.Fill(result, isMaximum ? double.NegativeInfinity : 0);
        double count = kind == "ReduceSum" ? 1 : axes.Aggregate(1.0, (product, axis) => product * x.Dims[axis]);
        Walk(x.Dims, Places(kept, x.Dims), new int[x.Dims.Length], (i, to, _) => result[to] = isMaximum ? Math.Max(result[to], x[i]) : result[to] + (x[i] / count));
        return Tensor.Of(dims, result);
    }

    private Tensor BatchNormalization(Node node, Tensor x)
    {
        Tensor scale = Needed(node, 1), shift = Needed(node, 2), mean = Needed(node, 3), variance = Needed(node, 4);
        if (!x.IsKnown)
            return Tensor.Unknown(x.Dims);
        double epsilon = node.Number("epsilon", 1e-5);
        int plane = x.Count / x.Dims[1];
        double[] result = new double[Room(x.Dims)];
        for (int i = 0; i < result.Length; i++)
        {
            int c = i / plane;
            result[i] = ((x[i] - mean[c]) / Math.Sqrt(variance[c] + epsilon) * scale[c]) + shift[c];
        }

        return Tensor.Of(x.Dims, result);
    }

    private Tensor InstanceNormalization(Node node, Tensor x)
    {
        Tensor scale = Needed(node, 1), shift = Needed(node, 2);
        return Normalized(x, x.Dims[0] * x.Dims[1], node.Number("epsilon", 1e-5), i => i / (x.Count / x.Dims[1]) is var c ? (scale[c], shift[c]) : default);
    }

    private Tensor LayerNormalization(Node node, Tensor x)
    {
        int axis = Axis(node.Integer("axis", -1), x.Dims.Length), length = Tensor.Size(x.Dims[axis..]);
        Tensor scale = Needed(node, 1);
        Tensor? shift = At(node, 2);
        return Normalized(x, x.Count / length, node.Number("epsilon", 1e-5), i => (scale[i % length], shift?[i % length] ?? 0));
    }

    /// <summary>Equal parts of the memory, each to mean 0 and variance 1, then scaled and shifted.</summary>
    private Tensor Normalized(Tensor x, int parts, double epsilon, Func<int, (double Scale, double Shift)> affine)
    {
        if (!x.IsKnown)
            return Tensor.Unknown(x.Dims);
        double[] source = x.Doubles(), result = new double[Room(x.Dims)];
        int length = source.Length / parts;
        for (int part = 0; part < parts; part++)
        {
            double mean = source.Skip(part * length).Take(length).Average(), variance = source.Skip(part * length).Take(length).Average(value => (value - mean) * (value - mean));
            for (int i = part * length; i < (part + 1) * length; i++)
            {
                (double scale, double shift) = affine(i);
                result[i] = ((source[i] - mean) / Math.Sqrt(variance + epsilon) * scale) + shift;
            }
        }

        return Tensor.Of(x.Dims, result);
    }

    private Tensor Softmax(Node node, Tensor x)
    {
        if (!x.IsKnown)
            return Tensor.Unknown(x.Dims);

        // Before opset 13 everything from the axis on is one distribution.
        bool isFlat = _model.Opset < 13;
        int axis = Axis(node.Integer("axis", isFlat ? 1 : -1), x.Dims.Length);
        int inner = isFlat ? 1 : Tensor.Size(x.Dims[(axis + 1)..]), length = isFlat ? Tensor.Size(x.Dims[axis..]) : x.Dims[axis];
        double[] source = x.Doubles(), result = new double[Room(x.Dims)];
        for (int start = 0; start < source.Length; start += length * inner)
        {
            for (int i = 0; i < inner; i++)
            {
                double most = double.NegativeInfinity, sum = 0;
                for (int k = 0; k < length; k++)
                    most = Math.Max(most, source[start + (k * inner) + i]);
                for (int k = 0; k < length; k++)
                    sum += result[start + (k * inner) + i] = Math.Exp(source[start + (k * inner) + i] - most);
                for (int k = 0; k < length; k++)
                    result[start + (k * inner) + i] /= sum;
            }
        }

        return Tensor.Of(x.Dims, result);
    }

    private Tensor Resize(Node node, Tensor x)
    {
        int rank = x.Dims.Length;
        Tensor? scales = node.Operator == "Upsample" ? At(node, 1) : _model.Opset < 11 ? At(node, 1) : At(node, 2), sizes = node.Operator == "Upsample" ? null : At(node, 3);
        int[] dims;
        double[] factors;
        if (sizes is { Count: > 0 })
        {
            dims = Whole(sizes);
            factors = [.. dims.Select((d, i) => d / (double)x.Dims[i])];
        }
        else
        {
            factors = node.Attributes.TryGetValue("scales", out object? given) && given is float[] old ? Array.ConvertAll(old, f => (double)f)
                : scales is { IsKnown: true, Count: > 0 } ? scales.Doubles() : throw new ImportException("has neither scales nor sizes that are known");
            dims = [.. x.Dims.Select((d, i) => (int)Math.Floor(d * factors[i]))];
        }

        if (dims.Length != rank || dims.Any(d => d < 1))
            throw new ImportException($"makes the shape {Tensor.Text(dims)} of {x}");
        string mode = node.Text("mode", "nearest"), transform = node.Text("coordinate_transformation_mode", _model.Opset < 11 ? "asymmetric" : "half_pixel"), rounding = node.Text("nearest_mode", _model.Opset < 11 ? "floor" : "round_prefer_floor");
        if (!x.IsKnown)
            return Tensor.Unknown(dims);
        int[] strides = Strides(x.Dims);
        if (mode == "nearest")
            return Pick(x, dims, index => index.Select((i, d) => Math.Clamp(Round(Source(i, d)), 0, x.Dims[d] - 1) * strides[d]).Sum());
        if (mode is not ("linear" or "bilinear"))
            throw new ImportException($"has mode {mode} (expected nearest or linear)");
        Tensor result = x;
        for (int axis = 0; axis < rank; axis++)
        {
            if (dims[axis] == result.Dims[axis])
                continue;
            int[] wide = [.. result.Dims];
            wide[axis] = dims[axis];
            Tensor from = result;
            int[] steps = Strides(from.Dims);
            int length = from.Dims[axis], a = axis;
            double[] values = new double[Room(wide)];
            int[] index = new int[rank];
            for (int i = 0; i < values.Length; i++)
            {
                double at = Math.Clamp(Source(index[a], a), 0, length - 1);
                int low = (int)Math.Floor(at), high = Math.Min(low + 1, length - 1), rest = index.Select((k, d) => d == a ? 0 : k * steps[d]).Sum();
                values[i] = (from[rest + (low * steps[a])] * (1 - at + low)) + (from[rest + (high * steps[a])] * (at - low));
                for (int d = rank - 1; d >= 0 && ++index[d] == wide[d]; d--)
                    index[d] = 0;
            }

            result = Tensor.Of(wide, values);
        }

        return result;

        double Source(int i, int axis) => transform switch
        {
            "asymmetric" => i / factors[axis],
            "align_corners" => dims[axis] == 1 ? 0 : i * (x.Dims[axis] - 1) / (double)(dims[axis] - 1),
            "pytorch_half_pixel" when dims[axis] == 1 => 0,
            "half_pixel" or "pytorch_half_pixel" => ((i + 0.5) / factors[axis]) - 0.5,
            _ => throw new ImportException($"has coordinates of the kind {transform}"),
        };

        int Round(double at) => (int)(rounding switch
        {
            "floor" => Math.Floor(at),
            "ceil" => Math.Ceiling(at),
            "round_prefer_floor" => Math.Ceiling(at - 0.5),
            "round_prefer_ceil" => Math.Floor(at + 0.5),
            _ => throw new ImportException($"rounds by {rounding}"),
        });
    }

    private Tensor Gemm(Node node, Tensor x)
    {
        if (node.Integer("transA", 0) != 0)
            throw new ImportException("transposes its first input");
        Tensor matrix = Needed(node, 1);
        if (!x.IsKnown)
            matrix = Tensor.Unknown(matrix.Dims);
        Tensor product = MatMul(x, node.Integer("transB", 0) != 0 ? Transpose(matrix, [1, 0]) : matrix);
        double alpha = node.Number("alpha", 1), beta = node.Number("beta", 1);
        product = alpha == 1 ? product : Map(product, value => alpha * value);
        return At(node, 2) is { } bias ? Binary(product, bias, (a, b) => a + (beta * b)) : product;
    }

    private Tensor MatMul(Tensor a, Tensor b)
    {
        if (b.Dims.Length != 2 || a.Dims.Length < 1 || a.Dims[^1] != b.Dims[0])
            throw new ImportException($"multiplies {a} and {b} (expected a matrix of weights)");
        int inner = b.Dims[0], columns = b.Dims[1], rows = a.Count / inner;
        int[] dims = [.. a.Dims[..^1], columns];

        // Products of weights are folded where they are no work that a small file asks for.
        if (!a.IsKnown || !b.IsKnown || (_isFolding && (long)a.Count * columns > MostFolded))
            return Tensor.Unknown(dims);
        double[] result = new double[Room(dims)];
        for (int r = 0; r < rows; r++)
        {
            for (int k = 0; k < inner; k++)
            {
                double value = a[(r * inner) + k];
                for (int c = 0; c < columns; c++)
                    result[(r * columns) + c] += value * b[(k * columns) + c];
            }
        }

        return Tensor.Of(dims, result);
    }

    /// <summary>Whole numbers to the values that they stand for.</summary>
    private Tensor Dequantize(Node node, Tensor x)
    {
        Tensor scale = Needed(node, 1);
        Tensor? zero = At(node, 2);
        if (!x.IsKnown)
            return Tensor.Unknown(x.Dims);
        int axis = scale.Count == 1 ? 0 : Axis(node.Integer("axis", 1), x.Dims.Length), inner = scale.Count == 1 ? x.Count : Tensor.Size(x.Dims[(axis + 1)..]);
        float[] result = new float[Room(x.Dims)];
        for (int i = 0; i < result.Length; i++)
        {
            int channel = scale.Count == 1 ? 0 : i / inner % x.Dims[axis];
            result[i] = (float)((x[i] - (zero?[zero.Count == 1 ? 0 : channel] ?? 0)) * scale[channel]);
        }

        return Tensor.Of(x.Dims, result);
    }

    /// <summary>Activations stay what they are: the network runs in single precision. Constants are rounded, as their other half expects.</summary>
    private Tensor Quantize(Node node, Tensor x)
    {
        Tensor scale = Needed(node, 1);
        double zero = At(node, 2) is { Count: 1 } point ? point[0] : 0;
        return scale.Count != 1 ? throw new ImportException("quantises each channel by itself")
            : x.IsKnown ? Tensor.Of(x.Dims, Array.ConvertAll(x.Doubles(), value => (value / scale[0]) + zero)) : Tensor.Unknown(x.Dims);
    }
}
