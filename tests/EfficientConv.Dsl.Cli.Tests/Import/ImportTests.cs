using System.Reflection;
using System.Runtime.Loader;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Cli.Tests.Onnx;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Import;
using EfficientConv.Dsl.Import.Onnx.Messages;
using EfficientConv.Dsl.Measuring.Onnx;

namespace EfficientConv.Dsl.Cli.Tests.Import;

/// <summary>Models of other tools become networks that compute the same.</summary>
public sealed class ImportTests
{
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "fixtures", "onnx");

    /// <summary>Not to be imported as they are: sizes left open, and operators that no attribute says.</summary>
    private static readonly string[] s_special = ["open_size", "unknown"];

    private static readonly Lazy<Dictionary<string, ImportedModel>> s_models = new(() => Models.ToDictionary(row => row, row => ModelImport.Import(Request(PathOf(row)))));

    private static readonly Lazy<Assembly> s_compiled = new(() => Compile(s_models.Value));

    public static TheoryData<string> Names => [.. Models];

    private static IEnumerable<string> Models => Directory.GetFiles(s_folder, "*.onnx").Select(path => Path.GetFileNameWithoutExtension(path)).Except(s_special).Order();

    [Theory]
    [MemberData(nameof(Names))]
    public void Model_AgreesWithPyTorch(string name)
    {
        ImportedModel model = s_models.Value[name];
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(AppContext.BaseDirectory, "fixtures", "onnx_models.safetensors"));
        float[] input = file.ReadSingle(name + ".input"), expected = file.ReadSingle(name + ".output");
        double largest = expected.Max(value => Math.Abs((double)value));

        // The reference that other models are checked against, and the network.
        double[] reference = model.Reference(input);
        Assert.Equal(expected.Length, reference.Length);
        Assert.All(expected, (value, i) => Assert.InRange(reference[i], value - (2e-6 * largest), value + (2e-6 * largest)));
        float[] output = Run(s_compiled.Value, name, model, input);
        Assert.Equal(expected.Length, output.Length);
        Assert.All(expected, (value, i) => Assert.InRange(output[i], value - (1e-5 * largest), value + (1e-5 * largest)));
    }

    /// <summary>Whatever exporters spell out is one layer again.</summary>
    [Theory]
    [InlineData("activations_13", "HardSwish|SiLU|HardSigmoid|GELU|Tanh|Sigmoid|Activation(Activation.ELU)")]
    [InlineData("hard_swish_9", "HardSwish")]
    [InlineData("mish_16", "Activation(Activation.Mish)")]
    [InlineData("prelu_written_out_16", "PReLU(6")]
    [InlineData("prelu_by_abs_16", "PReLU(6")]
    [InlineData("layer_norm_16", "LayerNorm2d|GELU")]
    [InlineData("shuffle_9", "ChannelShuffle(4)")]
    [InlineData("pixel_shuffle_9", "PixelShuffle(2)")]
    [InlineData("depth_to_space", "ChannelShuffle(4|PixelShuffle(2)")]
    [InlineData("pad_9", "PaddingTop = 2|PaddingRight = 1")]
    [InlineData("auto_pad", "PaddingTop = 1|PaddingLeft = 1|PaddingRight = 1")]
    [InlineData("flat_head_9", "Flatten|Linear(20")]
    [InlineData("head_9", "GlobalAvgPool|Linear(10|Softmax")]
    [InlineData("upsample_11", "Upsample|Upsample(mode: Interpolation.Bilinear, Height = 30, Width = 31)|alignCorners: true")]
    [InlineData("training_16", "[Conv2d(12, padding: 1, bias: false), BatchNorm, ReLU]|Conv2d(6, padding: 1)")]
    [InlineData("channels_last_16", "Layout = TensorLayout.NHWC")]
    [InlineData("residual_16", "Add(\"input\")")]
    [InlineData("affine_16", "ReLU, BatchNorm(Name = \"Add\")|ReLU, PointwiseConv2d(6, groups: 2")]
    [InlineData("narrow_16", "Add(\"input\", padChannels: true), ReLU")]
    [InlineData("pads_16", "Pad2d(mode: PadMode.Reflect, PaddingTop = 2, PaddingBottom = 3, PaddingLeft = 1|Pad2d(1, mode: PadMode.Replicate|value: 2.5")]
    [InlineData("clamped_9", "Hardtanh(-0.5, maxVal: 0.75)|Softplus")]
    [InlineData("norms_16", "InstanceNorm2d(affine: true|GroupNorm(3, affine: false")]
    [InlineData("ceil_pool_9", "MaxPool2d(3, stride: 2, ceilMode: true)|MaxPool2d(3, stride: 2, padding: 1, ceilMode: true)")]
    [InlineData("linear_from_first", "Pad2d(mode: PadMode.Replicate, PaddingBottom = 1, PaddingRight = 1)|KernelHeight = 5, KernelWidth = 3, StrideHeight = 3, StrideWidth = 2")]
    [InlineData("scaled_channels_last_16", "[InputShape(3, 12, 10, Layout = TensorLayout.NHWC)]|BatchNorm")]
    [InlineData("scaled_channels_last_9", "[InputShape(3, 12, 10, Layout = TensorLayout.NHWC)]|BatchNorm")]
    [InlineData("dense_16", "file sealed class DenseBlock;|From(\"input\"), Concat(\"2\")|Use<DenseBlock>(4, Name = \"layers\")")]
    [InlineData("repeated_16", "FoldedBatchNorm = true|DepthwiseSeparable(|Template.OutChannels|Use<")]
    [InlineData("several", "Output(\"a_b_0\")|Output(\"second\")")]
    public void Text_SaysIt(string name, string expected) => Assert.All(expected.Split('|'), part => Assert.Contains(part, s_models.Value[name].Text, StringComparison.Ordinal));

    /// <summary>What the exporter writes comes back, but for forms that ONNX itself takes apart.</summary>
    [Fact]
    public void Exports_ComeBack()
    {
        string folder = Directory.CreateTempSubdirectory("import-tests").FullName;
        try
        {
            Dictionary<string, ImportedModel> models = [];
            List<string> refused = [];
            foreach (OnnxCase item in OnnxCases.All.Values)
            {
                string path = Path.Combine(folder, item.Name + ".onnx");
                File.WriteAllBytes(path, OnnxExporter.Export(item.Name, item.Graph, Weights(item)));
                try
                {
                    models[item.Name] = ModelImport.Import(Request(path));
                }
                catch (ImportException exception) when (exception.Problems.Count > 0)
                {
                    refused.Add(item.Attributes);
                }
            }

            // Windows of several sizes are slices, and steps that no size says are gathered.
            Assert.All(refused, attributes => Assert.Matches(@"Adaptive|Upsample\(\d*\.\d|AvgPool2d\(2, stride: 1, D", attributes));
            Assert.InRange(models.Count, OnnxCases.All.Count - 12, OnnxCases.All.Count);
            Assembly compiled = Compile(models);
            foreach ((string name, ImportedModel model) in models)
            {
                float[] input = [.. Enumerable.Range(0, (int)model.Mapped.Graph.Input.Count).Select(i => MathF.Sin(i) * 3)], output = Run(compiled, name, model, input);
                double[] expected = model.Reference(input);
                double largest = expected.Max(Math.Abs);
                Assert.All(expected, (value, i) => Assert.True(Math.Abs(output[i] - value) <= 1e-5 * largest, $"{name} ({OnnxCases.All.Values.Single(c => c.Name == name).Attributes}): {output[i]:R} at {i}, expected {value:R}"));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Verb_WritesAClassThatOtherVerbsTake()
    {
        using Tool tool = new();
        ToolResult result = Tool.Run("import", PathOf("squeeze_16"), "-o", tool.At("nets"), "--name", "Squeeze", "--namespace", "My.Nets", "--explain").Succeeded();
        Assert.Contains("agrees", result.Output, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(tool.At("nets"), "Squeeze.cs"), result.Output, StringComparison.Ordinal);
        Assert.Contains("namespace My.Nets;", File.ReadAllText(tool.At("nets/Squeeze.cs")), StringComparison.Ordinal);
        Tool.Run("report", tool.At("nets"), "--peak", "100", "--bandwidth", "80", "30", "15").Succeeded();
        Tool.Run("validate", tool.At("nets"), "-w", tool.At("nets/Squeeze.safetensors")).Succeeded();
    }

    /// <summary>Half as many bytes, which load; what rounding costs is told, and is more than without.</summary>
    [Fact]
    public void Verb_WritesHalfPrecision()
    {
        using Tool tool = new();
        double[] errors = [.. new[] { "f32", "f16" }.Select(weights => Tool.Run("import", PathOf("training_16"), "-o", tool.At(weights), "--name", "Net", "--weights", weights, "--json").Succeeded().Json
            .GetProperty("checks").EnumerateArray().Max(check => check.GetProperty("relative").GetDouble()))];
        Assert.InRange(errors[1], Math.Max(1e-5, errors[0]), 1e-2);
        using SafetensorsFile single = SafetensorsFile.Open(tool.At("f32/Net.safetensors")), half = SafetensorsFile.Open(tool.At("f16/Net.safetensors"));
        string[] names = [.. single.Tensors.Select(tensor => tensor.Name)];
        Assert.Equal(names.Order(), half.Tensors.Select(tensor => tensor.Name).Order());
        Assert.All(names, name => Assert.Equal(single.ReadSingle(name).Select(value => (float)(Half)value), half.ReadSingle(name)));
        Assert.InRange(new FileInfo(tool.At("f16/Net.safetensors")).Length, 1, new FileInfo(tool.At("f32/Net.safetensors")).Length - 1);
        Tool.Run("validate", tool.At("f16"), "-w", tool.At("f16/Net.safetensors")).Succeeded();
    }

    [Fact]
    public void Verb_SaysAllInJson()
    {
        using Tool tool = new();
        System.Text.Json.JsonElement json = Tool.Run("import", PathOf("detector_16"), "-o", tool.At("."), "--json").Succeeded().Json;
        Assert.True(json.GetProperty("written").GetBoolean());
        Assert.Equal(2, json.GetProperty("checks").GetArrayLength());
        Assert.All(json.GetProperty("checks").EnumerateArray(), check => Assert.InRange(check.GetProperty("relative").GetDouble(), 0, 1e-5));
        Assert.True(File.Exists(tool.At("Detector16.cs")) && File.Exists(tool.At("Detector16.safetensors")));
    }

    /// <summary>In front of a softmax the network is compared too, and what differs there is no agreement.</summary>
    [Theory]
    [InlineData("head_9")]
    [InlineData("head_16")]
    public void FinalActivations_AreTakenOff(string name)
    {
        ImportedModel model = s_models.Value[name];
        FinalActivations final = FinalActivations.Of(model)!;
        float[] image = [.. Enumerable.Range(0, Tensor.Size(model.Source.InputDims)).Select(i => MathF.Sin(i * 0.7f))];
        double[] logits = final.Reference(Tensor.Of(model.Source.InputDims, image), model.Run(image)), expected = model.Reference(image);
        double sum = logits.Sum(Math.Exp);
        Assert.True(Assert.Single(final.IsFinal));
        Assert.All(expected, (value, i) => Assert.Equal(Math.Exp(logits[i]) / sum, value, 1e-12));
        string text = ModelImport.Import(Request(PathOf(name)), final.Model).Text, whole = model.Text;
        Assert.Equal(Attributes(whole).Replace(", Softmax", string.Empty, StringComparison.Ordinal), Attributes(text));
        Assert.Null(FinalActivations.Of(s_models.Value["plain_16"]));

        static string Attributes(string text) => string.Join('\n', text.Split('\n').Where(line => line.StartsWith('[')));
    }

    [Fact]
    public void Check_LooksInFrontOfASoftmaxAndAtThePeer()
    {
        using Tool tool = new();
        System.Text.Json.JsonElement check = Tool.Run("import", PathOf("head_16"), "-o", tool.At("."), "--json").Succeeded().Json.GetProperty("checks")[0];
        Assert.InRange(check.GetProperty("logitRelative").GetDouble(), 1e-12, 1e-5);
        Assert.Contains("logits", Tool.Run("import", PathOf("head_16"), "-o", tool.At(".")).Succeeded().Output, StringComparison.Ordinal);
        OutputCheck right = new("y", 1, 1, 0, 0, 1e-4) { LogitRelative = 1e-5, PeerRelative = 1e-5 };
        Assert.True(right.IsWithin);
        Assert.False((right with { LogitRelative = 2e-4 }).IsWithin);
        Assert.False((right with { PeerRelative = 2e-3 }).IsWithin);
        Assert.False((right with { Relative = double.PositiveInfinity }).IsWithin);

        // After the softmax ten times as much; and what rounding moves counts in both.
        Assert.True((right with { Relative = 9e-4, PeerRelative = 9e-4 }).IsWithin);
        Assert.False((right with { Relative = 9e-4, LogitRelative = null }).IsWithin);
        Assert.False((right with { Relative = 1.1e-3 }).IsWithin);
        Assert.True((right with { Relative = 1.1e-3, LogitRelative = 1e-3, Rounding = 4e-5 }) is { IsWithin: true, IsRounding: true });
        Assert.False((right with { Relative = 1.1e-3, LogitRelative = 1e-3, Rounding = 1e-5 }).IsWithin);
        Assert.False((right with { Rounding = 4e-5 }).IsRounding);
    }

    /// <summary>A weight that is written wrong is found.</summary>
    [Fact]
    public void Check_FindsAWrongWeight()
    {
        ImportedModel model = s_models.Value["plain_16"];
        (string name, int[] shape, float[] values) = model.Mapped.Weights[0];
        float[] wrong = [.. values.Select((value, i) => i == 0 ? value + 1 : value)];
        ImportedModel changed = model with { Mapped = model.Mapped with { Weights = [(name, shape, wrong), .. model.Mapped.Weights.Skip(1)] } };
        Assert.All(new ImportCheck(Request(PathOf("plain_16")), model).Compare(), check => Assert.True(check.IsWithin));
        Assert.All(new ImportCheck(Request(PathOf("plain_16")), changed).Compare(), check =>
        {
            Assert.False(check.IsWithin);
            Assert.InRange(check.Rounding!.Value, 1e-10, 1e-6);
        });
    }

    [Fact]
    public void Peer_AgreesAndIsTimed()
    {
        using Tool tool = new();
        System.Text.Json.JsonElement json = Tool.Run("import", PathOf("detector_16"), "-o", tool.At("."), "--peer", "ort", "--json").Succeeded().Json;
        Assert.All(json.GetProperty("checks").EnumerateArray(), check => Assert.InRange(check.GetProperty("peerRelative").GetDouble(), 0, 1e-5));
        System.Text.Json.JsonElement peer = json.GetProperty("peer");
        double ours = peer.GetProperty("ours").GetProperty("p50").GetDouble(), theirs = peer.GetProperty("theirs").GetProperty("p50").GetDouble();
        Assert.Equal(theirs / ours, peer.GetProperty("ratio").GetDouble(), 1e-9);
        Assert.Contains("of the medians", Tool.Run("import", PathOf("detector_16"), "-o", tool.At("."), "--peer", "ort").Succeeded().Output, StringComparison.Ordinal);
    }

    /// <summary>Weights may lie in a file that no array could hold; what is said of a wrong place has its numbers.</summary>
    [Fact]
    public void ExternalWeights_LieAnywhereInALargeFile()
    {
        const long Start = 3L << 30;
        using Tool tool = new();
        ModelProto model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(PathOf("plain_16")));
        using (FileStream file = File.Create(tool.At("weights.bin")))
        {
            file.Position = Start;
            foreach (TensorProto tensor in model.Graph.Initializer)
            {
                Place(tensor, file.Position, tensor.RawData.Length);
                tensor.RawData.WriteTo(file);
                tensor.RawData = Google.Protobuf.ByteString.Empty;
            }
        }

        File.WriteAllBytes(tool.At("large.onnx"), Google.Protobuf.MessageExtensions.ToByteArray(model));
        (string Name, int[] Shape, float[] Values)[] found = [.. ModelImport.Import(Request(tool.At("large.onnx"))).Weights], expected = [.. s_models.Value["plain_16"].Weights];
        Assert.Equal(expected.Select(weight => weight.Name), found.Select(weight => weight.Name));
        Assert.All(expected, (weight, i) => Assert.Equal(weight.Values, found[i].Values));

        Place(model.Graph.Initializer[0], Start + (1L << 30), 4);
        File.WriteAllBytes(tool.At("large.onnx"), Google.Protobuf.MessageExtensions.ToByteArray(model));
        ToolResult refused = Tool.Run("import", tool.At("large.onnx"), "-o", tool.At("."));
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("4 bytes at 4,294,967,296 of weights.bin", refused.Error, StringComparison.Ordinal);

        // More than one message may be is refused at once.
        using (FileStream file = File.Create(tool.At("huge.onnx")))
            file.SetLength(Start);
        Assert.Contains("has 3,221,225,472 bytes, more than one message", Tool.Run("import", tool.At("huge.onnx"), "-o", tool.At(".")).Error, StringComparison.Ordinal);

        static void Place(TensorProto tensor, long offset, long length)
        {
            tensor.DataLocation = 1;
            tensor.ExternalData.Clear();
            foreach ((string key, string value) in new[]
            {
                ("location", "weights.bin"), ("offset", FormattableString.Invariant($"{offset}")), ("length", FormattableString.Invariant($"{length}")),
            })
                tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
        }
    }

    /// <summary>A file's weights are copied once out of it and once out of its messages; those that lie beside the file once.</summary>
    [Theory]
    [InlineData("Gemm", false, 2)]
    [InlineData("MatMul", false, 2)]
    [InlineData("Gemm", true, 1)]
    public void Memory_FollowsTheFile(string product, bool isExternal, double copies)
    {
        const int Side = 2048;
        using Tool tool = new();
        byte[] values = new byte[Side * Side * sizeof(float)];
        new Random(1).NextBytes(values);
        TensorProto weights = new() { Name = "w", DataType = 1, Dims = { Side, Side } };
        if (isExternal)
        {
            File.WriteAllBytes(tool.At("w.bin"), values);
            weights.DataLocation = 1;
            weights.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "w.bin" });
        }
        else
        {
            weights.RawData = Google.Protobuf.ByteString.CopyFrom(values);
        }

        TypeProto type = new() { TensorType = new() { ElemType = 1, Shape = new() { Dim = { new TensorShapeProto.Types.Dimension { DimValue = 1 } } } } };
        type.TensorType.Shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = Side });
        ModelProto model = new() { OpsetImport = { new OperatorSetIdProto { Version = 16 } }, Graph = new() { Name = "g", Initializer = { weights } } };
        model.Graph.Input.Add(new ValueInfoProto { Name = "x", Type = type });
        model.Graph.Output.Add(new ValueInfoProto { Name = "y", Type = type });
        NodeProto node = new() { Name = "fc", OpType = product, Input = { "x", product == "Gemm" ? "w" : "t" }, Output = { "y" } };
        AttributeProto order = product == "Gemm" ? new() { Name = "transB", Type = 2, I = 1 } : new() { Name = "perm", Type = 7, Ints = { 1, 0 } };
        if (product == "Gemm")
            node.Attribute.Add(order);
        else
            model.Graph.Node.Add(new NodeProto { Name = "turn", OpType = "Transpose", Input = { "w" }, Output = { "t" }, Attribute = { order } });
        model.Graph.Node.Add(node);
        File.WriteAllBytes(tool.At("large.onnx"), Google.Protobuf.MessageExtensions.ToByteArray(model));
        ModelImport.Import(Request(PathOf("flat_head_9")));
        long before = GC.GetAllocatedBytesForCurrentThread();
        ImportedModel imported = ModelImport.Import(Request(tool.At("large.onnx")));
        float[] found = Assert.Single(imported.Weights).Values;
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / (double)values.Length, copies, copies + 0.1);
        Assert.Equal(values, System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(found).ToArray());
    }

    [Fact]
    public void OpenSizes_AreAskedFor()
    {
        using Tool tool = new();
        ToolResult refused = Tool.Run("import", PathOf("open_size"), "-o", tool.At("."));
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("leaves sizes open (--input-shape CxHxW sets them)", refused.Error, StringComparison.Ordinal);
        Tool.Run("import", PathOf("open_size"), "-o", tool.At("."), "--input-shape", "3x16x20").Succeeded();
        Assert.Contains("[InputShape(3, 16, 20)]", File.ReadAllText(tool.At("OpenSize.cs")), StringComparison.Ordinal);
    }

    /// <summary>Every part that cannot be said is listed with its shapes, why, and the nearest way; nothing is written; the way works.</summary>
    [Fact]
    public void UnknownOperators_AreAllListed()
    {
        using Tool tool = new();
        ToolResult refused = Tool.Run("import", PathOf("unknown"), "-o", tool.At("new"));
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("Einsum \"e\" (1 x 4 x 7 x 6 -> ?): Einsum is not known; --until c cuts the model in front of it.", refused.Error, StringComparison.Ordinal);
        Assert.Contains("LpPool \"l\" (1 x 4 x 7 x 6 -> ?)", refused.Error, StringComparison.Ordinal);
        Assert.Contains("unknown.onnx has 2 node(s) that no attribute says; 2 of 5 nodes lie behind them. Nothing is written.", refused.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(tool.At("new")));
        Tool.Run("import", PathOf("unknown"), "-o", tool.At("."), "--until", "c").Succeeded();
        Assert.Contains("// Cut behind c.", File.ReadAllText(tool.At("Unknown.cs")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nothing.onnx", "", "nothing.onnx holds no graph: it is no ONNX model")]
    [InlineData("page.onnx", "<!DOCTYPE html><html></html>", "no ONNX model")]
    public void OtherFiles_AreRefused(string name, string content, string expected)
    {
        using Tool tool = new();
        File.WriteAllText(tool.At(name), content);
        ToolResult result = Tool.Run("import", tool.At(name), "-o", tool.At("."));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("does not exist", "missing.onnx")]
    [InlineData("is no name of C#", "{0}", "--name", "1x")]
    [InlineData("is no name of C#", "{0}", "--namespace", "a..b")]
    [InlineData("expected channels, height and width", "{0}", "--input-shape", "3x0x4")]
    [InlineData("has no tensor \"none\"", "{0}", "--until", "none")]
    [InlineData("leave --no-check out", "{0}", "--peer", "ort", "--no-check")]
    [InlineData("leave --until out", "{0}", "--peer", "ort", "--until", "y")]
    [InlineData("--core is 9999", "{0}", "--core", "9999")]
    public void WrongArguments_AreNamed(string expected, params string[] arguments)
    {
        using Tool tool = new();
        ToolResult result = Tool.Run(["import", .. arguments.Select(a => a == "{0}" ? PathOf("plain_16") : a), "-o", tool.At(".")]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
    }

    private static string PathOf(string name) => Path.Combine(s_folder, name + ".onnx");

    private static ImportRequest Request(string path) => new() { Path = path, Name = "Net" };

    private static Dictionary<string, float[]> Weights(OnnxCase item) => Compiler.Graph.ParameterTable.Of(item.Graph).Select((tensor, i) => (tensor, i)).ToDictionary(
        row => row.tensor.Key.Key, row => Enumerable.Range(0, (int)row.tensor.Count).Select(k => row.tensor.Kind == Compiler.Graph.ParameterKind.RunningVariance ? 0.5f + (k % 3) : MathF.Cos((k * 1.7f) + row.i)).ToArray());

    internal static Assembly Compile(Dictionary<string, ImportedModel> models) => AssemblyLoadContext.Default.LoadFromStream(new MemoryStream(NetworkBuild.Emit(models.SelectMany(pair =>
    {
        CompilationResult result = NetworkCompiler.Compile(new NetworkDeclaration("Imported", [], pair.Key, "class", true, pair.Value.Written.Attributes, []), CompilerOptions.Default);
        Assert.Empty(result.Findings);
        return result.Sources.Select(source => source.Text);
    }))));

    internal static float[] Run(Assembly compiled, string name, ImportedModel model, float[] input)
    {
        using MemoryStream stream = new();
        SafetensorsWriter.Write(stream, [.. model.Weights]);
        RunnableNetwork network = RunnableNetwork.Of(compiled.GetType("Imported." + name, throwOnError: true)!);
        float[] output = new float[network.OutputShape.ElementCount];
        network.Load(stream.ToArray(), new LoadOptions()).ForwardOne(model.NetworkInput(input), output);
        return output;
    }
}
