namespace EfficientConv.Dsl.Runtime.Tests;

using Engine = ConvNetEngine<TinyProgram>;

public class WeightsTests
{
    private static readonly float[] Input = [1, -2, 3, -4, 0.5f, 6, -7, 8];

    [Fact]
    public void All_sources_give_the_same_network()
    {
        byte[] bytes = SafetensorsBytes.Write(TinyProgram.Checkpoint());
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, bytes);
            float[] expected = Run(Engine.Load(bytes));
            Assert.Equal(expected, Run(Engine.Load(path)));
            Assert.Equal(expected, Run(Engine.Load(new MemoryStream(bytes))));
            Assert.Equal(expected, Run(Engine.LoadResource(typeof(WeightsTests).Assembly, "tiny.safetensors")));
            // (1 * 1 + 2 * 0.5 + 0.5 - 0.5) / sqrt(1 + 1e-5) is the first output.
            Assert.Equal(2 / Math.Sqrt(1 + 1e-5), expected[0], 6);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Missing_resource_is_named_with_those_that_exist()
    {
        var e = Assert.Throws<FileNotFoundException>(() => Engine.LoadResource(typeof(WeightsTests).Assembly, "none"));
        Assert.Contains("tiny.safetensors", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("module.")]
    [InlineData("model.")]
    [InlineData("module.model.")]
    public void Wrappers_of_training_frameworks_are_taken_off(string wrapper) =>
        Assert.Equal(
            Run(Engine.Load(SafetensorsBytes.Write(TinyProgram.Checkpoint()))),
            Run(Engine.Load(SafetensorsBytes.Write(TinyProgram.Checkpoint(wrapper)))));

    [Theory]
    [InlineData("backbone")]
    [InlineData("backbone.")]
    public void Prefix_selects_a_part_of_the_file(string prefix)
    {
        byte[] bytes = SafetensorsBytes.Write([.. TinyProgram.Checkpoint("backbone."), ("head.weight", [1], [1f]), ("backbones.0.weight", [1], [1f])]);
        Assert.Equal(
            Run(Engine.Load(SafetensorsBytes.Write(TinyProgram.Checkpoint()))),
            Run(Engine.Load(bytes, new LoadOptions { Prefix = prefix })));
    }

    [Fact]
    public void Canonical_names_and_missing_trailing_dimensions_are_accepted()
    {
        (string Name, int[] Shape, float[] Values)[] tensors = TinyProgram.Checkpoint();
        for (int i = 0; i < tensors.Length; i++)
            tensors[i].Name = tensors[i].Name.Replace("0.", "conv.", StringComparison.Ordinal).Replace("1.", "bn.", StringComparison.Ordinal);
        tensors[0].Shape = [3, 2];
        Assert.Equal(
            Run(Engine.Load(SafetensorsBytes.Write(TinyProgram.Checkpoint()))),
            Run(Engine.Load(SafetensorsBytes.Write(tensors))));
    }

    [Fact]
    public void All_problems_are_reported_together()
    {
        byte[] bytes = SafetensorsBytes.Write(
            ("0.weight", [2, 3], [1, 2, 3, 4, 5, 6]),
            ("0.bias", [3, 1], [1, 2, 3]),
            ("1.weight", [3], [1, float.NaN, float.PositiveInfinity]),
            ("bn.weight", [3], [1, 1, 1]),
            ("1.running_mean", [3], [0, 0, float.NegativeInfinity]),
            ("1.running_var", [3], [1, 0, -0.25f]),
            ("2.weight", [1], [1]),
            ("9.num_batches_tracked", [1], [1]));
        var e = Assert.Throws<WeightsException>(() => Engine.Load(bytes));
        Assert.Equal(
            [
                new(WeightsProblemKind.Unexpected, "2.weight", "nothing by this name", "F32 [1]"),
                new(WeightsProblemKind.Ambiguous, "bn.weight", "one tensor for 1.weight", "\"1.weight\" as well"),
                new(WeightsProblemKind.Misshaped, "0.weight", "[3, 2, 1, 1]", "[2, 3]"),
                new(WeightsProblemKind.Misshaped, "0.bias", "[3]", "[3, 1]"),
                new(WeightsProblemKind.NonFinite, "1.weight", "finite values", "NaN at flat index 1"),
                new(WeightsProblemKind.Missing, "1.bias", "[3]", "nothing by this name"),
                new(WeightsProblemKind.NonFinite, "1.running_mean", "finite values", "-Infinity at flat index 2"),
                new(WeightsProblemKind.NegativeVariance, "1.running_var", "values of at least 0", "-0.25 at flat index 2"),
            ],
            e.Problems);
        foreach (WeightsProblem problem in e.Problems)
            Assert.Contains(problem.ToString(), e.Message, StringComparison.Ordinal);
        Assert.StartsWith("bytes does not fit Tiny (8 problems):", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unsupported_type_and_a_double_beyond_single_are_reported()
    {
        const string header = """
            {"0.weight":{"dtype":"I32","shape":[3,2,1,1],"data_offsets":[0,24]},"0.bias":{"dtype":"F64","shape":[3],"data_offsets":[24,48]}}
            """;
        byte[] data = new byte[48];
        BitConverter.TryWriteBytes(data.AsSpan(32), 1e300);
        var e = Assert.Throws<WeightsException>(() => Engine.Load(SafetensorsBytes.Create(header, data)));
        Assert.Contains(new(WeightsProblemKind.UnsupportedType, "0.weight", "F32, F16, BF16 or F64", "I32"), e.Problems);
        Assert.Contains(new(WeightsProblemKind.NonFinite, "0.bias", "finite values", "Infinity at flat index 1"), e.Problems);
    }

    [Fact]
    public void Message_is_cut_after_twenty_problems()
    {
        var tensors = TinyProgram.Checkpoint().ToList();
        for (int i = 0; i < 25; i++)
            tensors.Add(($"extra{i:d2}", [1], [1f]));
        var e = Assert.Throws<WeightsException>(() => Engine.Load(SafetensorsBytes.Write([.. tensors])));
        Assert.Equal(25, e.Problems.Count);
        Assert.EndsWith("\n  ... and 5 more unexpected", e.Message, StringComparison.Ordinal);
        Assert.Equal(22, e.Message.Split('\n').Length);
    }

    [Fact]
    public void Random_weights_are_stable()
    {
        // These values must never change: published benchmarks and snapshots depend on them.
        Dictionary<string, float[]> values = RandomWeights.Create(TinyProgram.Parameters, 42);
        string[] bits = [.. values.Values.Select(v => BitConverter.SingleToUInt32Bits(v[^1]).ToString("x8", null))];
        Assert.Equal(["3e4370f2", "bcddcd27", "3f601d19", "bda6ec44", "3d8ec0a9", "3f750541"], bits);

        Assert.All(values["0.weight"], v => Assert.InRange(v, -MathF.Sqrt(3), MathF.Sqrt(3)));
        Assert.All(values["1.running_var"], v => Assert.InRange(v, 0.5f, 1.5f));
        Assert.All(values["1.weight"], v => Assert.InRange(v, 0.8f, 1.2f));
        Assert.Equal(Run(Engine.CreateRandom(7)), Run(Engine.CreateRandom(7)));
        Assert.NotEqual(Run(Engine.CreateRandom(7)), Run(Engine.CreateRandom(8)));
    }

    private static float[] Run(Engine engine)
    {
        float[] output = new float[TinyProgram.OutputLength];
        engine.Forward(Input, output);
        return output;
    }
}
