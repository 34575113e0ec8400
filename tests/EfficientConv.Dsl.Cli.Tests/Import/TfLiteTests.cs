using System.Reflection;
using EfficientConv.Dsl.Import;
using EfficientConv.Dsl.Import.TfLite;

namespace EfficientConv.Dsl.Cli.Tests.Import;

/// <summary>TensorFlow Lite's operators become networks that compute what their definitions say.</summary>
public sealed class TfLiteTests
{
    private const int Height = 7, Width = 6, Channels = 4;

    private static readonly int[] s_image = [1, Height, Width, Channels];

    private static readonly (int, object) s_same = (0, (sbyte)0), s_valid = (0, (sbyte)1);

    private static readonly Dictionary<string, (Func<TfLiteWriter, int[]> Write, Func<Pixels, Pixels[]> Expected)> s_cases = Cases().ToDictionary(item => item.Name, item =>
        (item.Write, item.Expected));

    private static readonly Lazy<Dictionary<string, ImportedModel>> s_models = new(() =>
        s_cases.Select(item => (item.Key, Model: Import(item.Key, item.Value.Write))).Where(item => item.Model is not null).ToDictionary(item => item.Key, item => item.Model!));

    /// <summary>What was said of the models that were refused, each of which fails its own test alone.</summary>
    private static readonly Dictionary<string, string> s_refused = [];

    private static readonly Lazy<Assembly> s_compiled = new(() => ImportTests.Compile(s_models.Value));

    public static TheoryData<string> Names => [.. s_cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Operator_ComputesWhatItsDefinitionSays(string name)
    {
        Assert.True(s_models.Value.ContainsKey(name), s_refused.GetValueOrDefault(name));
        float[] image = Numbers(Height * Width * Channels, 3, 3);
        double[] expected = [.. s_cases[name].Expected(new Pixels(Height, Width, Channels, Array.ConvertAll(image, value => (double)value))).SelectMany(output => output.Values)];
        double largest = expected.Max(Math.Abs);
        double[] reference = s_models.Value[name].Reference(image);
        Assert.Equal(expected.Length, reference.Length);
        Assert.All(expected, (value, i) => Assert.InRange(reference[i], value - (1e-6 * largest), value + (1e-6 * largest)));
        float[] output = ImportTests.Run(s_compiled.Value, name, s_models.Value[name], image);
        Assert.Equal(expected.Length, output.Length);
        Assert.All(expected, (value, i) => Assert.InRange(output[i], value - (2e-5 * largest), value + (2e-5 * largest)));
    }

    [Theory]
    [InlineData("conv_same", "[InputShape(4, 7, 6, Layout = TensorLayout.NHWC)]|Conv2d(5, stride: 2, |PaddingRight = 1|ReLU6")]
    [InlineData("conv_even", "kernelSize: 4, PaddingTop = 1, PaddingBottom = 2, PaddingLeft = 1, PaddingRight = 2")]
    [InlineData("pad_conv", "padding: 1")]
    [InlineData("int8", "// Quantised weights became the numbers that they stand for")]
    [InlineData("softmax_written_out", "Softmax|// softmax of ReduceMax, Sub, Exp, ReduceSum, Div")]
    [InlineData("leaky_relu_written_out", "LeakyReLU(0.25")]
    [InlineData("bounds", "Hardtanh(-0.5, maxVal: 0.75)")]
    [InlineData("half", "// Weights in half precision became single precision.")]
    [InlineData("sparse", "// Sparse weights became dense.")]
    [InlineData("mean_gate", "GlobalAvgPool|Sigmoid")]
    public void Text_SaysIt(string name, string expected) => Assert.All(expected.Split('|'), part => Assert.Contains(part, s_models.Value[name].Text, StringComparison.Ordinal));

    /// <summary>Every operator that cannot be said is listed by TensorFlow Lite's name, and a file is known by its first bytes alone.</summary>
    [Fact]
    public void UnknownOperators_AreAllListed()
    {
        using Tool tool = new();
        TfLiteWriter writer = new();
        int image = writer.Input(s_image), relu = writer.Add("RELU", [image], s_image), sine = writer.Add("SIN", [relu], s_image),
            other = writer.Add("TFLite_Detection_PostProcess", [relu], s_image);
        File.WriteAllBytes(tool.At("model.bin"), writer.Write(sine, other));
        ToolResult refused = Tool.Run("import", tool.At("model.bin"), "-o", tool.At("new"));
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("SIN \"t2\" (1 x 7 x 6 x 4 -> ?): no attribute computes it; --until t1 cuts the model in front of it.", refused.Error, StringComparison.Ordinal);
        Assert.Contains("TFLite_Detection_PostProcess \"t3\"", refused.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(tool.At("new")));
        Tool.Run("import", tool.At("model.bin"), "-o", tool.At("."), "--until", "t1", "--name", "Cut").Succeeded();
        Assert.Contains("[ReLU", File.ReadAllText(tool.At("Cut.cs")), StringComparison.Ordinal);
    }

    [Fact]
    public void OpenSizes_AreAskedFor()
    {
        using Tool tool = new();
        TfLiteWriter writer = new();
        int image = writer.Tensor("image", [1, 1, 1, 3], signature: [-1, -1, -1, 3]);
        File.WriteAllBytes(tool.At("open.tflite"), writer.Write(writer.Add("RELU", [image], [1, 1, 1, 3])));
        Assert.Contains("leaves sizes open (--input-shape CxHxW sets them)", Tool.Run("import", tool.At("open.tflite"), "-o", tool.At(".")).Error, StringComparison.Ordinal);
        Tool.Run("import", tool.At("open.tflite"), "-o", tool.At("."), "--input-shape", "3x5x8").Succeeded();
        Assert.Contains("[InputShape(3, 5, 8, Layout = TensorLayout.NHWC)]", File.ReadAllText(tool.At("Open.cs")), StringComparison.Ordinal);
    }

    /// <summary>What a hostile file may say, each in one message.</summary>
    [Theory]
    [InlineData("has the shape 1 x -7 x 6 x 4", "negative")]
    [InlineData("more elements than are supported", "large")]
    [InlineData("more values than 4 for each", "shared")]
    [InlineData("has 8 bytes (expected 16)", "short")]
    [InlineData("indices outside of its shape", "sparse")]
    [InlineData("which nothing before it makes", "cycle")]
    [InlineData("has the tensor 99 of", "reference")]
    [InlineData("points out of the file", "cut")]
    public void HostileFiles_AreRefused(string expected, string kind)
    {
        using Tool tool = new();
        TfLiteWriter writer = new();
        int image = writer.Input(kind == "negative" ? [1, -7, 6, 4] : s_image), made = 0;
        switch (kind)
        {
            case "large": made = writer.Add("ADD", [image, writer.Constant([int.MaxValue, int.MaxValue, int.MaxValue], 1)], s_image); break;
            case "shared":
                // One buffer of 8 kB that fifty tensors have as their own: each of them is a constant of the model.
                made = image;
                int first = writer.Quantized("q", [8192], TfLiteType.SByte, new byte[8192], [1], [0]);
                for (int i = 0; i < 50; i++)
                    made = writer.Add("RELU", [writer.Alias(first, $"q{i}", [8192])], [8192]);
                break;
            case "short": made = writer.Add("ADD", [image, writer.Constant([4], 1, 2)], s_image); break;
            case "sparse": made = writer.Add("ADD", [image, writer.Sparse([4], [0], [], [(0, [0, 1], [9])], 1)], s_image); break;
            case "cycle": made = writer.Node("ADD", [image, 2], [writer.Tensor("a", s_image)], []); writer.Node("RELU", [made], [writer.Tensor("b", s_image)], []); break;
            case "reference": made = writer.Add("RELU", [99], s_image); break;
            default: made = writer.Add("RELU", [image], s_image); break;
        }

        byte[] bytes = writer.Write(made);
        File.WriteAllBytes(tool.At("hostile.tflite"), kind == "cut" ? bytes[..^40] : bytes);
        ToolResult result = Tool.Run("import", tool.At("hostile.tflite"), "-o", tool.At("new"));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
        Assert.False(Directory.Exists(tool.At("new")));
    }

    /// <summary>What an import allocates, garbage included: the file's bytes and its weights, and those of kernels once more in the order of the framework's.</summary>
    [Fact]
    public void LargeFiles_TakeThreeTimesTheirSizeAtMost()
    {
        float[] kernels = Numbers(512 * 9 * 512, 0.1f, 41), points = Numbers(512 * 4096, 0.1f, 42);
        TfLiteWriter writer = new();
        int image = writer.Input(1, 8, 8, 512), layer = writer.Add("CONV_2D", [image, writer.Constant([512, 3, 3, 512], kernels)], [1, 8, 8, 512], s_same, (1, 1), (2, 1));
        byte[] bytes = writer.Write(writer.Add("CONV_2D", [layer, writer.Constant([4096, 1, 1, 512], points)], [1, 8, 8, 4096], s_same, (1, 1), (2, 1)));
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, bytes);
            long before = GC.GetAllocatedBytesForCurrentThread();
            ImportedModel model = ModelImport.Import(new ImportRequest { Path = path, Name = "Net" });
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, bytes.Length, 3.2 * bytes.Length);
            Assert.Equal(kernels.Length + points.Length, model.Mapped.Weights.Sum(weight => weight.Values.Length));
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Files for <see cref="ImportMutationTests"/>.</summary>
    internal static IEnumerable<byte[]> Files() => s_cases.Values.Select(item => Bytes(item.Write));

    private static IEnumerable<(string Name, Func<TfLiteWriter, int[]> Write, Func<Pixels, Pixels[]> Expected)> Cases()
    {
        float[] bias = Numbers(5, 2, 7);
        float[] dense = Numbers(5 * 9 * 4, 1, 11), grouped = Numbers(6 * 9 * 2, 1, 12), even = Numbers(5 * 16 * 4, 1, 13), wise = Numbers(9 * 8, 1, 14), eight = Numbers(8, 1, 15);
        yield return One("conv_same", w => w.Add("CONV_2D", [0, w.Constant([5, 3, 3, 4], dense), w.Constant([5], bias)], [1, 4, 3, 5], s_same, (1, 2), (2, 2), (3, (sbyte)3)),
            x => x.Convolution(dense, 5, 3, bias, 2, true).Each(v => Math.Clamp(v, 0, 6)));
        yield return One("conv_valid", w => w.Add("CONV_2D", [0, w.Constant([5, 3, 3, 4], dense), -1], [1, 3, 2, 5], s_valid, (1, 2), (2, 2), (3, (sbyte)1)), x =>
            x.Convolution(dense, 5, 3, null, 2, false).Each(v => Math.Max(v, 0)));
        yield return One("conv_dilated", w => w.Add("CONV_2D", [0, w.Constant([5, 3, 3, 4], dense), w.Constant([5], bias)], [1, 7, 6, 5], s_same, (1, 1), (2, 1), (3, (sbyte)4),
            (4, 2), (5, 2)),
            x => x.Convolution(dense, 5, 3, bias, 1, true, dilation: 2).Each(Math.Tanh));
        yield return One("conv_grouped", w => w.Add("CONV_2D", [0, w.Constant([6, 3, 3, 2], grouped)], [1, 7, 6, 6], s_same, (1, 1), (2, 1), (3, (sbyte)2)), x =>
            x.Convolution(grouped, 6, 3, null, 1, true, groups: 2).Each(v => Math.Clamp(v, -1, 1)));
        yield return One("conv_even", w => w.Add("CONV_2D", [0, w.Constant([5, 4, 4, 4], even), w.Constant([5], bias)], [1, 7, 6, 5], s_same, (1, 1), (2, 1)), x =>
            x.Convolution(even, 5, 4, bias, 1, true));
        yield return One("depthwise", w => w.Add("DEPTHWISE_CONV_2D", [0, w.Constant([1, 3, 3, 8], wise), w.Constant([8], eight)], [1, 4, 3, 8], s_same, (1, 2), (2, 2), (3, 2),
            (4, (sbyte)1)),
            x => x.Depthwise(wise, 3, eight, 2, true, 2).Each(v => Math.Max(v, 0)));
        yield return One("transpose_conv_same", w => w.Add("TRANSPOSE_CONV", [w.Integers(1, 14, 12, 5), w.Constant([5, 3, 3, 4], dense), 0, w.Constant([5], bias)], [1, 14, 12, 5],
            s_same, (1, 2), (2, 2), (3, (sbyte)1)),
            x => x.TransposedConvolution(dense, 5, 3, bias, 2, true, 14, 12).Each(v => Math.Max(v, 0)));
        yield return One("transpose_conv_valid", w => w.Add("TRANSPOSE_CONV", [w.Integers(1, 15, 13, 5), w.Constant([5, 3, 3, 4], dense), 0], [1, 15, 13, 5], s_valid, (1, 2),
            (2, 2)), x => x.TransposedConvolution(dense, 5, 3, null, 2, false, 15, 13));
        yield return One("transpose_conv_bias", w => w.Node("Convolution2DTransposeBias", [0, w.Constant([5, 4, 4, 4], even), w.Constant([5], bias)],
            [w.Tensor("up", [1, 14, 12, 5])], [], Words(1, 2, 2)),
            x => x.TransposedConvolution(even, 5, 4, bias, 2, true, 14, 12));

        float[] matrix = Numbers(3 * Height * Width * Channels, 0.2f, 21), three = Numbers(3, 1, 22), small = Numbers(3 * 4, 1, 23);
        yield return One("fully_connected", w => w.Add("FULLY_CONNECTED", [w.Add("RESHAPE", [0, w.Integers(1, -1)], [1, 168]), w.Constant([3, 168], matrix),
            w.Constant([3], three)], [1, 3], (0, (sbyte)1)),
            x => Pixels.Of(1, 1, 3, (_, _, o) => Math.Max(0, three[o] + x.Values.Select((v, i) => v * matrix[(o * 168) + i]).Sum())));
        yield return One("fully_connected_image", w => w.Add("FULLY_CONNECTED", [0, w.Constant([3, 168], matrix), -1], [1, 3]), x =>
            Pixels.Of(1, 1, 3, (_, _, o) => x.Values.Select((v, i) => v * matrix[(o * 168) + i]).Sum()));
        yield return One("fully_connected_pixels", w => w.Add("FULLY_CONNECTED", [0, w.Constant([3, 4], small), w.Constant([3], three)], [1, 7, 6, 3], (0, (sbyte)3), (2, true)),
            x => x.Convolution(small, 3, 1, three, 1, false).Each(v => Math.Clamp(v, 0, 6)));
        yield return One("batch_matmul", w => w.Add("BATCH_MATMUL", [0, w.Constant([1, 1, 3, 4], small)], [1, 7, 6, 3], (1, true)), x =>
            x.Convolution(small, 3, 1, null, 1, false));

        float[] four = [1.5f, -0.5f, 2, 0.25f];
        yield return One("arithmetic", w =>
        {
            int scaled = w.Add("MUL", [0, w.Constant([1, 1, 4], four)], s_image), moved = w.Add("SUB", [w.Constant([4], four), scaled], s_image),
                shared = w.Add("DIV", [moved, w.Constant([], 3)], s_image, (0, (sbyte)1));
            return w.Add("ADD", [shared, scaled], s_image, (0, (sbyte)4));
        }, x => x.Each((v, c) => Math.Tanh(Math.Max(0, (four[c] - (v * four[c])) / 3) + (v * four[c]))));
        yield return One("bounds", w => w.Add("MINIMUM", [w.Constant([1], 0.75f), w.Add("MAXIMUM", [0, w.Constant([], -0.5f)], s_image)], s_image), x =>
            x.Each(v => Math.Clamp(v, -0.5, 0.75)));
        yield return One("mean_gate", w => w.Add("MUL", [0, w.Add("LOGISTIC", [w.Add("MEAN", [0, w.Integers(1, 2)], [1, 1, 1, 4], (0, true))], [1, 1, 1, 4])], s_image), x =>
            x.With(x.Mean().Each(Sigmoid), (a, b) => a * b));
        yield return One("sum", w => w.Add("SUM", [0, w.Integers(2, -3)], [1, 4]), x => x.Mean().Each(v => v * Height * Width));
        yield return One("reduce_max", w => w.Add("REDUCE_MAX", [0, w.Integers(1, 2)], [1, 1, 1, 4], (0, true)), x =>
            Pixels.Of(1, 1, 4, (_, _, c) => Enumerable.Range(0, 42).Max(i => x.Values[(i * 4) + c])));
        foreach ((string kind, Func<double, double> function) in new (string, Func<double, double>)[]
        {
            ("RELU", v => Math.Max(v, 0)), ("RELU6", v => Math.Clamp(v, 0, 6)), ("RELU_N1_TO_1", v => Math.Clamp(v, -1, 1)), ("RELU_0_TO_1", v => Math.Clamp(v, 0, 1)),
                ("HARD_SWISH", v => v * Math.Clamp(v + 3, 0, 6) / 6),
            ("LOGISTIC", Sigmoid), ("TANH", Math.Tanh), ("ELU", v => v < 0 ? Math.Exp(v) - 1 : v), ("GELU", v => v * Normal(v)),
        })
            yield return One(kind.ToLowerInvariant(), w => w.Add(kind, [0], s_image), x => x.Each(function));

        yield return One("gelu_tanh", w => w.Add("GELU", [0], s_image, (0, true)), x => x.Each(v => 0.5 * v * (1 + Math.Tanh(0.7978845608028654 * (v + (0.044715 * v * v * v))))));
        yield return One("leaky_relu", w => w.Add("LEAKY_RELU", [0], s_image, (0, 0.125f)), x => x.Each(v => v < 0 ? v / 8 : v));
        yield return One("prelu", w => w.Add("PRELU", [0, w.Constant([1, 1, 4], four)], s_image), x => x.Each((v, c) => v < 0 ? v * four[c] : v));
        yield return One("softmax", w => w.Add("SOFTMAX", [0], s_image, (0, 1f)), x => x.Softmax(1));
        yield return One("softmax_written_out", w =>
        {
            int exp = w.Add("EXP", [w.Add("SUB", [0, w.Add("REDUCE_MAX", [0, w.Integers(3)], [1, 7, 6, 1], (0, true))], s_image)], s_image);
            return w.Add("DIV", [exp, w.Add("SUM", [exp, w.Integers(-1)], [1, 7, 6, 1], (0, true))], s_image);
        }, x => x.Softmax(1));
        yield return One("leaky_relu_written_out", w => w.Add("MAXIMUM", [w.Add("MUL", [0, w.Constant([], 0.25f)], s_image), 0], s_image), x => x.Each(v => v < 0 ? v / 4 : v));
        yield return One("softmax_beta", w => w.Add("SOFTMAX", [w.Add("MEAN", [0, w.Integers(1, 2)], [1, 4])], [1, 4], (0, 2f)), x => x.Mean().Softmax(2));

        yield return One("max_pool", w => w.Add("MAX_POOL_2D", [0], [1, 4, 3, 4], s_same, (1, 2), (2, 2), (3, 3), (4, 3), (5, (sbyte)1)), x =>
            x.Maximum(3, 2, true).Each(v => Math.Max(v, 0)));
        yield return One("average_pool_same", w => w.Add("AVERAGE_POOL_2D", [0], [1, 4, 3, 4], s_same, (1, 2), (2, 2), (3, 3), (4, 3)), x => x.Average(3, 2, true));
        yield return One("average_pool_valid", w => w.Add("AVERAGE_POOL_2D", [0], [1, 3, 3, 4], s_valid, (1, 2), (2, 2), (3, 2), (4, 2)), x => x.Average(2, 2, false));

        yield return One("pad_conv", w => w.Add("CONV_2D", [w.Add("PAD", [0, Pairs(w, 0, 0, 1, 1, 1, 1, 0, 0)], [1, 9, 8, 4]), w.Constant([5, 3, 3, 4], dense)], [1, 7, 6, 5],
            s_valid, (1, 1), (2, 1)), x => x.Convolution(dense, 5, 3, null, 1, true));
        yield return One("pad_value", w => w.Add("PADV2", [0, Pairs(w, 0, 0, 1, 2, 0, 1, 0, 0), w.Constant([], 2.5f)], [1, 10, 7, 4]), x =>
            Pixels.Of(10, 7, 4, (r, s, c) => r is > 0 and < 8 && s < 6 ? x[r - 1, s, c] : 2.5));
        yield return One("pad_channels", w => w.Add("ADD", [w.Add("PAD", [0, Pairs(w, 0, 0, 0, 0, 0, 0, 1, 2)], [1, 7, 6, 7]), w.Constant([7], Numbers(7, 1, 31))], [1, 7, 6, 7]),
            x => Pixels.Of(7, 6, 7, (r, s, c) => (c is > 0 and < 5 ? x[r, s, c - 1] : 0) + Numbers(7, 1, 31)[c]));
        yield return One("mirror_pad", w => w.Add("MIRROR_PAD", [0, Pairs(w, 0, 0, 2, 1, 1, 2, 0, 0)], [1, 10, 9, 4]), x =>
            Pixels.Of(10, 9, 4, (r, s, c) => x[6 - Math.Abs(6 - Math.Abs(r - 2)), 5 - Math.Abs(5 - Math.Abs(s - 1)), c]));

        yield return One("joined", w => w.Add("CONCATENATION", [w.Add("RELU", [0], s_image), 0], [1, 7, 6, 8], (0, -1), (1, (sbyte)3)), x =>
            Pixels.Of(7, 6, 8, (r, s, c) => Math.Clamp(x[r, s, c % 4], 0, 6)));
        yield return ("split", w =>
        {
            int[] parts = [w.Tensor("left", [1, 7, 6, 2]), w.Tensor("right", [1, 7, 6, 2])], uneven = [w.Tensor("one", [1, 7, 6, 1]), w.Tensor("rest", [1, 7, 6, 3])];
            w.Node("SPLIT", [w.Integer(3), 0], parts, [(0, 2)]);
            w.Node("SPLIT_V", [0, w.Integers(1, -1), w.Integer(-1)], uneven, [(0, 2)]);
            return [w.Add("ADD", [parts[0], parts[1]], [1, 7, 6, 2]), w.Add("TANH", [uneven[1]], [1, 7, 6, 3])];
        }, x => [x.Slice(0, 2).With(x.Slice(2, 2), (a, b) => a + b), x.Slice(1, 3).Each(Math.Tanh)]);
        yield return ("slices", w => [
            w.Add("TANH", [w.Add("STRIDED_SLICE", [0, w.Integers(0, 0, 0, 1), w.Integers(0, 0, 0, 3), w.Integers(1, 1, 1, 1)], [1, 7, 6, 2], (0, 7), (1, 7))], [1, 7, 6, 2]),
            w.Add("TANH", [w.Add("SLICE", [0, w.Integers(0, 0, 0, 2), w.Integers(-1, -1, -1, -1)], [1, 7, 6, 2])], [1, 7, 6, 2]),
        ], x => [x.Slice(1, 2).Each(Math.Tanh), x.Slice(2, 2).Each(Math.Tanh)]);
        yield return One("bilinear_half", w => w.Add("RESIZE_BILINEAR", [0, w.Integers(14, 12)], [1, 14, 12, 4], (3, true)), x =>
            x.Bilinear(14, 12, (i, from, to) => ((i + 0.5) * from / to) - 0.5));
        yield return One("bilinear_from_first", w => w.Add("RESIZE_BILINEAR", [0, w.Integers(14, 12)], [1, 14, 12, 4]), x =>
            x.Bilinear(14, 12, (i, from, to) => Math.Min(i * from / (double)to, from - 1)));
        yield return One("bilinear_aligned", w => w.Add("RESIZE_BILINEAR", [0, w.Integers(13, 11)], [1, 13, 11, 4], (2, true)), x =>
            x.Bilinear(13, 11, (i, from, to) => i * (from - 1) / (double)(to - 1)));
        yield return One("nearest", w => w.Add("RESIZE_NEAREST_NEIGHBOR", [0, w.Integers(14, 12)], [1, 14, 12, 4]), x => Pixels.Of(14, 12, 4, (r, s, c) => x[r / 2, s / 2, c]));
        yield return One("nearest_half", w => w.Add("RESIZE_NEAREST_NEIGHBOR", [0, w.Integers(21, 18)], [1, 21, 18, 4], (1, true)), x =>
            Pixels.Of(21, 18, 4, (r, s, c) => x[(int)((r + 0.5) / 3), (int)((s + 0.5) / 3), c]));
        yield return One("depth_to_space", w => w.Add("DEPTH_TO_SPACE", [0], [1, 14, 12, 1], (0, 2)), x =>
            Pixels.Of(14, 12, 1, (r, s, _) => x[r / 2, s / 2, (r % 2 * 2) + (s % 2)]));
        yield return One("space_to_depth", w => w.Add("SPACE_TO_DEPTH", [w.Add("PAD", [0, Pairs(w, 0, 0, 0, 1, 0, 0, 0, 0)], [1, 8, 6, 4])], [1, 4, 3, 16], (0, 2)),
            x => Pixels.Of(4, 3, 16, (r, s, c) => (2 * r) + (c / 8) < 7 ? x[(2 * r) + (c / 8), (2 * s) + (c / 4 % 2), c % 4] : 0));
        yield return One("shapes", w =>
        {
            // The size of a reshaped tensor as Keras writes it: from the batch that comes in.
            int mean = w.Add("MEAN", [0, w.Integers(1, 2)], [1, 4]), size = w.Node("SHAPE", [mean], [w.Tensor("size", [2], TfLiteType.Int32)], []);
            int batch = w.Node("STRIDED_SLICE", [size, w.Integers(0), w.Integers(1), w.Integers(1)], [w.Tensor("batch", [], TfLiteType.Int32)], [(4, 1)]);
            int shape = w.Node("PACK", [batch, w.Integer(1), w.Integer(1), w.Integer(4)], [w.Tensor("shape", [4], TfLiteType.Int32)], [(0, 4)]);
            return w.Add("TANH", [w.Add("SQUEEZE", [w.Add("EXPAND_DIMS", [w.Add("RESHAPE", [mean, shape], [1, 1, 1, 4]), w.Integer(1)], [1, 1, 1, 1, 4])], [1, 4],
                (0, new[] { 1, 2, 3 }))], [1, 4]);
        }, x => x.Mean().Each(Math.Tanh));
        yield return One("anchors", w => w.Add("CONCATENATION", [w.Add("RESHAPE", [w.Add("TANH", [0], s_image), w.Integers(1, 84, 2)], [1, 84, 2]),
            w.Add("RESHAPE", [w.Add("RELU", [0], s_image), w.Integers(1, 84, 2)], [1, 84, 2])], [1, 168, 2], (0, 1)),
            x => new Pixels(1, 168, 2, [.. x.Each(Math.Tanh).Values, .. x.Each(v => Math.Max(v, 0)).Values]));
        yield return One("transposed", w => w.Add("TRANSPOSE", [w.Add("RELU", [w.Add("TRANSPOSE", [0, w.Integers(0, 3, 1, 2)], [1, 4, 7, 6])], [1, 4, 7, 6]),
            w.Integers(0, 2, 3, 1)], s_image), x => x.Each(v => Math.Max(v, 0)));

        sbyte[] whole = [.. Enumerable.Range(0, 5 * 36).Select(i => (sbyte)((i * 37 % 255) - 127))];
        float[] scales = [0.01f, 0.02f, 0.005f, 0.04f, 0.01f], real = [.. whole.Select((v, i) => v * scales[i / 36])];
        yield return One("int8", w =>
        {
            int image = w.Node("QUANTIZE", [0], [w.Quantized("q0", s_image, TfLiteType.SByte, null, [0.1f], [3])], []);
            int weights = w.Quantized("w", [5, 3, 3, 4], TfLiteType.SByte, [.. whole.Select(v => (byte)v)], scales, [0, 0, 0, 0, 0]);
            int added = w.Quantized("b", [5], TfLiteType.Int32, Words(100, -200, 300, 0, 50), [.. scales.Select(s => s * 0.1f)], [0, 0, 0, 0, 0]);
            return w.Add("DEQUANTIZE", [w.Node("CONV_2D", [image, weights, added], [w.Quantized("q1", [1, 7, 6, 5], TfLiteType.SByte, null, [0.2f], [-4])],
                [s_same, (1, 1), (2, 1), (3, (sbyte)1)])], [1, 7, 6, 5]);
        }, x => x.Convolution(real, 5, 3, [.. new[] { 100, -200, 300, 0, 50 }.Select((v, i) => v * scales[i] * 0.1f)], 1, true).Each(v => Math.Max(v, 0)));
        yield return One("uint8_weights", w => w.Add("CONV_2D", [0, w.Quantized("w", [5, 3, 3, 4], TfLiteType.Byte, [.. whole.Select(v => (byte)(v + 128))], [0.01f], [128])],
            [1, 7, 6, 5], s_same, (1, 1), (2, 1)),
            x => x.Convolution([.. whole.Select(v => v * 0.01f)], 5, 3, null, 1, true));
        yield return One("int4_weights", w => w.Add("CONV_2D", [0, w.Quantized("w", [3, 1, 1, 4], TfLiteType.Int4, [0x21, 0x7F, 0x80, 0x53, 0xC4, 0x0E], [0.5f], [0])],
            [1, 7, 6, 3], s_same, (1, 1), (2, 1)),
            x => x.Convolution([0.5f, 1, -0.5f, 3.5f, 0, -4, 1.5f, 2.5f, 2, -2, -1, 0], 3, 1, null, 1, true));
        yield return One("half", w => w.Add("CONV_2D", [0, w.Add("DEQUANTIZE", [w.Half([5, 3, 3, 4], dense)], [5, 3, 3, 4])], [1, 7, 6, 5], s_same, (1, 1), (2, 1)), x =>
            x.Convolution(Array.ConvertAll(dense, v => (float)(Half)v), 5, 3, null, 1, true));

        // Outputs 0 to 5 by channels 0 to 3 in blocks of two outputs: the second block has no channel 1 alone.
        float[] block = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        float[] spread = new float[24];
        (int Row, int Column)[] stored = [(0, 0), (0, 3), (1, 1), (2, 0), (2, 2)];
        for (int i = 0; i < stored.Length; i++)
            (spread[(stored[i].Row * 8) + stored[i].Column], spread[(stored[i].Row * 8) + 4 + stored[i].Column]) = (block[2 * i], block[(2 * i) + 1]);
        yield return One("sparse", w => w.Add("CONV_2D", [0, w.Add("DENSIFY", [w.Sparse([6, 1, 1, 4], [0, 1, 2, 3, 4], [0],
            [(3, null, null), (1, null, null), (1, null, null), (0, [0, 2, 3, 5], [0, 3, 1, 0, 2]), (2, null, null)], block)], [6, 1, 1, 4])],
            [1, 7, 6, 6], s_same, (1, 1), (2, 1)), x => x.Convolution(spread, 6, 1, null, 1, true));

        static (string, Func<TfLiteWriter, int[]>, Func<Pixels, Pixels[]>) One(string name, Func<TfLiteWriter, int> write, Func<Pixels, Pixels> expected) =>
            (name, w => [write(w)], x => [expected(x)]);

        static int Pairs(TfLiteWriter writer, params int[] sizes) => writer.Tensor(FormattableString.Invariant($"pads{sizes.Length}"), [4, 2], TfLiteType.Int32, Words(sizes));
    }

    /// <summary>The normal distribution's integral by Simpson's rule.</summary>
    private static double Normal(double value)
    {
        const int Steps = 2000;
        double step = value / Steps, sum = 0;
        for (int i = 0; i <= Steps; i++)
            sum += Math.Exp(-0.5 * i * step * i * step) * (i is 0 or Steps ? 1 : i % 2 == 0 ? 2 : 4);
        return 0.5 + (sum * step / 3 / Math.Sqrt(2 * Math.PI));
    }

    private static byte[] Words(params int[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private static double Sigmoid(double value) => 1 / (1 + Math.Exp(-value));

    private static float[] Numbers(int count, float range, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => ((random.NextSingle() * 2) - 1) * range)];
    }

    private static byte[] Bytes(Func<TfLiteWriter, int[]> write)
    {
        TfLiteWriter writer = new();
        writer.Input(s_image);
        return writer.Write(write(writer));
    }

    private static ImportedModel? Import(string name, Func<TfLiteWriter, int[]> write)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, Bytes(write));
            return ModelImport.Import(new ImportRequest { Path = path, Name = "Net" });
        }
        catch (ImportException exception)
        {
            s_refused[name] = $"{exception.Message} {string.Join("; ", exception.Problems)}";
            return null;
        }
        finally
        {
            File.Delete(path);
        }
    }
}
