using Engine = EfficientConv.Dsl.Runtime.ConvNetEngine<EfficientConv.Dsl.Runtime.Tests.TinyProgram>;

namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>Checkpoints in several files, of other models, and with branches in place of a convolution.</summary>
public sealed class CheckpointFormTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("checkpoint").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Shards_load_through_their_index()
    {
        WriteShards();
        string index = WriteIndex(Map(("a.safetensors", ["0.weight", "0.bias"]), ("b.safetensors", ["1.weight", "1.bias", "1.running_mean", "1.running_var"])));
        Assert.Equal(Run(Engine.Load(SafetensorsBytes.Write(TinyProgram.Checkpoint()))), Run(Engine.Load(index)));
    }

    [Theory]
    [InlineData("../a.safetensors")]
    [InlineData("..")]
    [InlineData("")]
    [InlineData("sub/a.safetensors")]
    [InlineData("sub\\\\a.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("C:a.safetensors")]
    public void Shard_names_must_not_leave_the_folder(string name)
    {
        WriteShards();
        string index = WriteIndex("{\"weight_map\":{\"0.weight\":\"" + name + "\"}}");
        var e = Assert.Throws<SafetensorsException>(() => Engine.Load(index));
        Assert.Equal("names of files in the index's folder", e.Expected);
    }

    [Theory]
    [InlineData("[]", "index")]
    [InlineData("{}", "index")]
    [InlineData("{", "index")]
    [InlineData("""{"weight_map":[]}""", "weight_map")]
    [InlineData("""{"weight_map":{"0.weight":1}}""", "weight_map \"0.weight\"")]
    [InlineData("""{"weight_map":{"0.weight":"a.safetensors","0.weight":"a.safetensors"}}""", "weight_map")]
    [InlineData("""{"weight_map":{},"weight_map":{}}""", "index")]
    [InlineData("""{"weight_map":{}} 1""", "index")]
    [InlineData("""{"weight_map":{"0.weight":"missing.safetensors"}}""", "weight_map")]
    [InlineData("""{"weight_map":{"0.weight":"a.safetensors"}}""", "weight_map")]
    [InlineData("""{"weight_map":{"0.weight":"a.safetensors","0.bias":"a.safetensors","other":"a.safetensors"}}""", "weight_map")]
    public void Broken_index_is_refused(string text, string what)
    {
        WriteShards();
        string index = WriteIndex(text);
        Assert.Equal(what, Assert.Throws<SafetensorsException>(() => Engine.Load(index)).What);
    }

    [Theory]
    [InlineData("features.1.conv.0.0.weight", KeyStyle.TorchvisionMobileNetV2)]
    [InlineData("features.4.block.2.fc1.weight", KeyStyle.TorchvisionMobileNetV3)]
    [InlineData("module.features.1.0.block.0.0.weight", KeyStyle.TorchvisionEfficientNet)]
    [InlineData("layers.8.0.layers.0.weight", KeyStyle.TorchvisionMnasNet)]
    [InlineData("layer1.0.conv1.weight", KeyStyle.TorchvisionResNet)]
    [InlineData("stage2.0.branch2.0.weight", KeyStyle.TorchvisionShuffleNetV2)]
    [InlineData("features.3.squeeze.weight", KeyStyle.TorchvisionSqueezeNet)]
    [InlineData("blocks.1.0.conv_pw.weight", KeyStyle.Timm)]
    [InlineData("stage1.0.rbr_dense.conv.weight", KeyStyle.RepVGG)]
    [InlineData("stage1.0.rbr_conv.0.conv.weight", KeyStyle.MobileOne)]
    [InlineData("encoder.initial_block.conv.weight", KeyStyle.ERFNet)]
    [InlineData("3.block.0.weight", KeyStyle.Tutorial)]
    public void Names_of_another_model_give_a_hint(string name, KeyStyle style)
    {
        var e = Assert.Throws<WeightsException>(() => Engine.Load(SafetensorsBytes.Write((name, [1], [1f]))));
        Assert.Contains($"KeyStyle.{style};", e.Hint, StringComparison.Ordinal);
        Assert.Contains(e.Hint!, e.Message, StringComparison.Ordinal);
        Assert.Contains(e.Problems, p => p.Kind == WeightsProblemKind.Missing && p.Tensor == "0.weight");
        Assert.Contains(e.Problems, p => p.Kind == WeightsProblemKind.Unexpected && p.Tensor == name);
    }

    [Fact]
    public void A_checkpoint_that_only_lacks_something_gets_no_hint() =>
        Assert.Null(Assert.Throws<WeightsException>(() => Engine.Load(SafetensorsBytes.Write(TinyProgram.Checkpoint()[1..]))).Hint);

    /// <summary>Two groups of 1 to 2 channels: dense 3 x 3, 1 x 1 and the input, with numbers that can be worked out by hand.</summary>
    [Fact]
    public void Branches_are_summed()
    {
        TensorSpec weight = new("s.weight", "c.weight", TensorKind.Weight, 2, 1, 3, 3), bias = new("s.bias", "c.bias", TensorKind.Bias, 2);
        var sum = new ReparameterizedConvolution("s.weight", "s.bias", 0, new("d.conv", "d.bn", 3), new("p.conv", "p.bn", 1), new(null, "i", 1));
        float[] kernel = [.. Enumerable.Range(1, 18).Select(i => (float)i)];
        var tensors = new List<(string, int[], float[])> { ("d.conv.weight", [2, 1, 3, 3], kernel), ("p.conv.weight", [2, 1, 1, 1], [10, 20]) };
        foreach ((string name, float scale) in new[] { ("d.bn", 2f), ("p.bn", 1f), ("i", 4f) })
        {
            // gamma / sqrt(4) is scale; beta - mean * scale is 1 - 3 * scale.
            tensors.Add((name + ".weight", [2], [2 * scale, 2 * scale]));
            tensors.Add((name + ".bias", [2], [1, 1]));
            tensors.Add((name + ".running_mean", [2], [3, 3]));
            tensors.Add((name + ".running_var", [2], [4, 4]));
        }

        Dictionary<string, float[]> values = Read(tensors);
        float[] expected = [.. kernel.Select(k => 2 * k)];
        expected[4] += 10 + 4;
        expected[13] += 20 + 4;
        Assert.Equal(expected, values["s.weight"]);
        Assert.Equal([3 - (3 * 7f), 3 - (3 * 7f)], values["s.bias"]);
        Assert.Equal(2, values.Count);

        // The sum itself, by either name.
        (string, int[], float[])[] fused = [("s.weight", [2, 1, 3, 3], kernel), ("c.bias", [2], [5, 6])];
        Assert.Equal(kernel, Read(fused)["s.weight"]);
        Assert.Equal([5f, 6f], Read(fused)["s.bias"]);

        // Both together fit nothing, and neither names the branches.
        Assert.Contains(Assert.Throws<WeightsException>(() => Read([.. tensors, fused[0]])).Problems, p => p.Kind == WeightsProblemKind.Unexpected && p.Tensor == "d.conv.weight");
        Assert.Contains(Assert.Throws<WeightsException>(() => Read(tensors[1..])).Problems, p => p.Kind == WeightsProblemKind.Missing && p.Tensor == "d.conv.weight");

        Dictionary<string, float[]> Read(IEnumerable<(string, int[], float[])> stored)
        {
            using SafetensorsFile file = SafetensorsFile.Read(SafetensorsBytes.Write([.. stored]));
            return Checkpoint.Read("Net", "bytes", [weight, bias], [sum], [file], null);
        }
    }

    private static float[] Run(Engine engine)
    {
        float[] output = new float[TinyProgram.OutputLength];
        engine.Forward([1, 2, 3, 4, 5, 6, 7, 8], output);
        return output;
    }

    private static string Map(params (string File, string[] Tensors)[] shards) =>
        "{\"metadata\":{\"total_size\":1},\"weight_map\":{" + string.Join(",", shards.SelectMany(s => s.Tensors.Select(t => $"\"{t}\":\"{s.File}\""))) + "}}";

    private void WriteShards()
    {
        (string Name, int[] Shape, float[] Values)[] tensors = TinyProgram.Checkpoint();
        SafetensorsWriter.Write(Path.Combine(_folder, "a.safetensors"), tensors[..2]);
        SafetensorsWriter.Write(Path.Combine(_folder, "b.safetensors"), tensors[2..]);
    }

    private string WriteIndex(string text)
    {
        string path = Path.Combine(_folder, "model.safetensors.index.json");
        File.WriteAllText(path, text);
        return path;
    }
}
