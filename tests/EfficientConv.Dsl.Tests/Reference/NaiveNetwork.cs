using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Tests.Reference;

/// <summary>
/// Interprets a layer graph in double precision by the textbook formulas, loop by loop. It shares nothing with the compiler after the expansion
/// of attributes into layers: neither folding nor fusion nor schedules nor layouts.
/// </summary>
internal sealed partial class NaiveNetwork(LayerGraph graph, IEnumerable<(string Name, int[] Shape, float[] Values)> stateDict)
{
    private readonly Dictionary<string, float[]> _tensors = stateDict.ToDictionary(t => t.Name, t => t.Values);

    /// <summary>Runs one image, laid out as the network's spans are.</summary>
    public double[] Run(ReadOnlySpan<float> image)
    {
        double[] input = new double[image.Length];
        for (int i = 0; i < input.Length; i++)
            input[i] = image[i];
        double[][] outputs = new double[graph.Layers.Count][];
        foreach (Layer layer in graph.Layers)
        {
            outputs[layer.Id] = layer.Operator is InputOperator
                ? graph.IsChannelsLast ? ToPlanar(input, layer.Output) : input
                : Evaluate(layer, [.. layer.Inputs.Select(i => outputs[i])]);
            Assert.Equal(layer.Output.Count, outputs[layer.Id].Length);
        }

        return [.. graph.Outputs.SelectMany(output => graph.IsChannelsLast ? FromPlanar(outputs[output.Layer], graph.Layers[output.Layer].Output) : outputs[output.Layer])];
    }

    /// <summary>Runs a batch of images.</summary>
    public double[] RunBatch(float[] images)
    {
        int length = (int)graph.Input.Count;
        return [.. Enumerable.Range(0, images.Length / length).SelectMany(i => Run(images.AsSpan(i * length, length)))];
    }

    private double[] Evaluate(Layer layer, double[][] inputs)
    {
        double[] x = inputs[0];
        Shape input = graph.Layers[layer.Inputs[0]].Output, output = layer.Output;
        return layer.Operator switch
        {
            ConvolutionOperator c => Convolve(c, x, input, output),
            BatchNormOperator b => Normalize(b, x, input),
            ActivationOperator a => [.. x.Select(v => NaiveActivation.Apply(a.Function, v))],
            PReLUOperator p => Rectify(p, x, input),
            PoolOperator p => Pool(p, x, input, output),
            GlobalAveragePoolOperator => [.. Enumerable.Range(0, input.Channels).Select(c => x.AsSpan(c * input.Pixels, input.Pixels).ToArray().Average())],
            FlattenOperator => x,
            ChannelShuffleOperator s => Shuffle(x, input, s.Groups),
            AddOperator => Sum(x, inputs[1]),
            ScaleOperator => [.. x.Select((v, i) => v * inputs[1][i / input.Pixels])],
            SoftmaxOperator => Softmax(x, input),
            ConcatOperator => [.. inputs.SelectMany(i => i)],
            MultiplyOperator => [.. x.Zip(inputs[1], (a, b) => a * b)],
            UpsampleOperator u => Upsample(u, x, input),
            PadOperator p => Pad(p, x, input),
            PixelShuffleOperator p => PixelShuffle(x, input, p.Factor),
            AdaptivePoolOperator a => AdaptivePool(a, x, input),
            TransposedConvolutionOperator t => ConvolveTransposed(t, x, input, output),
            SliceOperator s => x[(s.Start * input.Pixels)..((s.Start + s.Count) * input.Pixels)],
            LayerNormOperator n => NormalizePixels(n, x, input),
            InstanceNormOperator { TracksRunningStatistics: true } n => Normalize(new BatchNormOperator(n.Key, n.Epsilon, n.Affine), x, input),
            InstanceNormOperator n => NormalizeGroups(x, input, input.Channels, n.Epsilon, n.Affine ? n.Key : null),
            GroupNormOperator n => NormalizeGroups(x, input, n.Groups, n.Epsilon, n.Affine ? n.Key : null),
            LayerScaleOperator s => [.. x.Select((v, i) => v * _tensors[s.Key.Key][i / input.Pixels])],
            _ => throw new NotSupportedException(layer.Operator.ToString()),
        };
    }

    private double[] Convolve(ConvolutionOperator c, double[] x, Shape input, Shape output)
    {
        float[] weights = Tensor(c.Key, "weight");
        float[]? bias = c.Bias ? Tensor(c.Key, "bias") : null;
        int inPerGroup = input.Channels / c.Groups, outPerGroup = output.Channels / c.Groups;
        double[] y = new double[output.Count];
        for (int o = 0; o < output.Channels; o++)
        {
            int firstInput = o / outPerGroup * inPerGroup;
            for (int row = 0; row < output.Height; row++)
            {
                for (int column = 0; column < output.Width; column++)
                {
                    double sum = bias?[o] ?? 0;
                    for (int i = 0; i < inPerGroup; i++)
                    {
                        for (int ky = 0; ky < c.Kernel.Height; ky++)
                        {
                            int inRow = (row * c.Stride.Height) - c.Padding.Top + (ky * c.Dilation.Height);
                            if (inRow < 0 || inRow >= input.Height)
                                continue;
                            for (int kx = 0; kx < c.Kernel.Width; kx++)
                            {
                                int inColumn = (column * c.Stride.Width) - c.Padding.Left + (kx * c.Dilation.Width);
                                if (inColumn < 0 || inColumn >= input.Width)
                                    continue;
                                double weight = weights[(((((o * inPerGroup) + i) * c.Kernel.Height) + ky) * c.Kernel.Width) + kx];
                                sum += weight * x[((((firstInput + i) * input.Height) + inRow) * input.Width) + inColumn];
                            }
                        }
                    }

                    y[(((o * output.Height) + row) * output.Width) + column] = sum;
                }
            }
        }

        return y;
    }

    private double[] Normalize(BatchNormOperator b, double[] x, Shape shape)
    {
        float[]? weight = b.Affine ? Tensor(b.Key, "weight") : null, bias = b.Affine ? Tensor(b.Key, "bias") : null;
        float[] mean = Tensor(b.Key, "running_mean"), variance = Tensor(b.Key, "running_var");
        return [.. x.Select((v, i) =>
        {
            int c = i / shape.Pixels;
            return ((v - mean[c]) / Math.Sqrt(variance[c] + b.Epsilon) * (weight?[c] ?? 1)) + (bias?[c] ?? 0);
        })];
    }

    private double[] NormalizePixels(LayerNormOperator n, double[] x, Shape shape)
    {
        float[] weight = Tensor(n.Key, "weight"), bias = Tensor(n.Key, "bias");
        double[] y = new double[x.Length];
        for (int p = 0; p < shape.Pixels; p++)
        {
            double[] values = [.. Enumerable.Range(0, shape.Channels).Select(c => x[(c * shape.Pixels) + p])];
            double mean = values.Average(), deviation = Math.Sqrt(values.Average(v => (v - mean) * (v - mean)) + n.Epsilon);
            for (int c = 0; c < shape.Channels; c++)
                y[(c * shape.Pixels) + p] = ((values[c] - mean) / deviation * weight[c]) + bias[c];
        }

        return y;
    }

    private double[] NormalizeGroups(double[] x, Shape shape, int groups, double epsilon, TensorKey? affine)
    {
        int length = x.Length / groups;
        double[] y = new double[x.Length];
        for (int g = 0; g < groups; g++)
        {
            double[] values = x[(g * length)..((g + 1) * length)];
            double mean = values.Average(), deviation = Math.Sqrt(values.Average(v => (v - mean) * (v - mean)) + epsilon);
            for (int i = 0; i < length; i++)
            {
                int c = ((g * length) + i) / shape.Pixels;
                double normal = (values[i] - mean) / deviation;
                y[(g * length) + i] = affine is { } key ? (normal * Tensor(key, "weight")[c]) + Tensor(key, "bias")[c] : normal;
            }
        }

        return y;
    }

    /// <summary>The channels that the shorter one lacks are zeros.</summary>
    private static double[] Sum(double[] x, double[] y) => [.. Enumerable.Range(0, Math.Max(x.Length, y.Length)).Select(i => x.ElementAtOrDefault(i) + y.ElementAtOrDefault(i))];

    private double[] Rectify(PReLUOperator p, double[] x, Shape shape)
    {
        float[] slopes = Tensor(p.Key, "weight");
        return [.. x.Select((v, i) => v > 0 ? v : slopes[slopes.Length == 1 ? 0 : i / shape.Pixels] * v)];
    }

    /// <summary>As ATen's pooling: the mean's divisor counts padding, but never what ceil mode hangs over after it.</summary>
    private static double[] Pool(PoolOperator p, double[] x, Shape input, Shape output)
    {
        double[] y = new double[output.Count];
        for (int c = 0; c < output.Channels; c++)
        {
            for (int row = 0; row < output.Height; row++)
            {
                for (int column = 0; column < output.Width; column++)
                {
                    int top = (row * p.Stride.Height) - p.Padding.Top, left = (column * p.Stride.Width) - p.Padding.Left;
                    double maximum = double.NegativeInfinity, sum = 0;
                    int inside = 0, padded = 0;
                    for (int ky = 0; ky < p.Kernel.Height; ky++)
                    {
                        for (int kx = 0; kx < p.Kernel.Width; kx++)
                        {
                            int inRow = top + (ky * p.Dilation.Height), inColumn = left + (kx * p.Dilation.Width);
                            if (inRow < input.Height + p.Padding.Bottom && inColumn < input.Width + p.Padding.Right)
                                padded++;
                            if (inRow < 0 || inRow >= input.Height || inColumn < 0 || inColumn >= input.Width)
                                continue;
                            double value = x[(((c * input.Height) + inRow) * input.Width) + inColumn];
                            inside++;
                            sum += value;
                            maximum = Math.Max(maximum, value);
                        }
                    }

                    y[(((c * output.Height) + row) * output.Width) + column] = p.IsMaximum ? maximum : sum / (p.CountIncludePad ? padded : inside);
                }
            }
        }

        return y;
    }

    /// <summary><c>view(groups, C / groups).transpose(0, 1)</c>.</summary>
    private static double[] Shuffle(double[] x, Shape shape, int groups)
    {
        int each = shape.Channels / groups;
        double[] y = new double[x.Length];
        for (int group = 0; group < groups; group++)
        {
            for (int j = 0; j < each; j++)
                Array.Copy(x, ((group * each) + j) * shape.Pixels, y, ((j * groups) + group) * shape.Pixels, shape.Pixels);
        }

        return y;
    }

    private static double[] Softmax(double[] x, Shape shape)
    {
        double[] y = new double[x.Length];
        for (int p = 0; p < shape.Pixels; p++)
        {
            double[] values = [.. Enumerable.Range(0, shape.Channels).Select(c => x[(c * shape.Pixels) + p])];
            double maximum = values.Aggregate(Math.Max), sum = values.Sum(v => Math.Exp(v - maximum));
            for (int c = 0; c < shape.Channels; c++)
                y[(c * shape.Pixels) + p] = Math.Exp(values[c] - maximum) / sum;
        }

        return y;
    }

    private static double[] ToPlanar(double[] x, Shape shape) =>
        [.. Enumerable.Range(0, x.Length).Select(i => x[(i % shape.Pixels * shape.Channels) + (i / shape.Pixels)])];

    private static double[] FromPlanar(double[] x, Shape shape) =>
        [.. Enumerable.Range(0, x.Length).Select(i => x[(i % shape.Channels * shape.Pixels) + (i / shape.Channels)])];

    private float[] Tensor(TensorKey key, string name) => _tensors[key.With(name).Key];
}
