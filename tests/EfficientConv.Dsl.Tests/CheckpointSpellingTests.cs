using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Generated networks load every spelling that a checkpoint of theirs may have, and give the same bits.</summary>
public sealed class CheckpointSpellingTests
{
    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(
    [
        ("Factorized", "[InputShape(8, 9, 9)] [FactorizedConv2d(30, kernelSize: 7)]"),
        ("FactorizedInList", "[InputShape(3, 9, 9)] [Conv2d(8, bias: false), BatchNorm, ReLU] [FactorizedConv2d(12, kernelSize: 7)]"),
        ("Bottleneck", "[InputShape(8, 9, 9)] [Bottleneck(4, 16)]"),
        ("Separable", "[InputShape(8, 9, 9)] [DepthwiseSeparable(16)]"),
        ("Inverted", "[InputShape(8, 9, 9)] [InvertedResidual(16, expansion: 2, squeezeReduction: 4)]"),
        ("Slope", "[InputShape(8, 9, 9)] [Conv2d(4), PReLU]"),
        ("Doubled", "[InputShape(1, 1, 3)] [Upsample(2.3)]"),
    ]));

    private static readonly string[] s_pair =
        ["0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var", "3.weight", "4.weight", "4.bias", "4.running_mean", "4.running_var"];

    /// <summary>The tutorial's pair of k x 1 and 1 x k convolutions is a plain <c>nn.Sequential</c>.</summary>
    [Fact]
    public void FactorizedPair_LoadsAsAPlainSequential()
    {
        Assert.Equal(s_pair, Renamed("Factorized", key => key.Replace("net.", "", StringComparison.Ordinal)).Select(t => t.Name));
        Assert.Contains(Renamed("FactorizedInList", key => key.Replace("3.net.", "3.", StringComparison.Ordinal)), t => t.Name == "3.4.running_var");
    }

    [Theory]
    [InlineData("Factorized", "net.")]
    [InlineData("FactorizedInList", "net.")]
    [InlineData("Bottleneck", "net.")]
    [InlineData("Separable", "net.")]
    [InlineData("Inverted", "block.")]
    [InlineData("Slope", "-")]
    public void Spellings_GiveTheSameBits(string name, string member)
    {
        float[] expected = Run(name, Renamed(name, key => key));
        foreach (string wrapper in new[] { "", "module.", "net.", "model._orig_mod." })
        {
            Numbers.AssertSameBits(expected, Run(name, Renamed(name, key => wrapper + key)), () => $"{name} behind \"{wrapper}\"");
            float[] plain = Run(name, Renamed(name, key => wrapper + key.Replace(member, "", StringComparison.Ordinal)));
            Numbers.AssertSameBits(expected, plain, () => $"plain {name} behind \"{wrapper}\"");
        }

        Dictionary<string, string> canonical = s_batch.Value[name].Parameters.ToDictionary(p => p.Key, p => p.CanonicalKey);
        Numbers.AssertSameBits(expected, Run(name, Renamed(name, key => "ema." + canonical[key])), () => $"{name} by canonical names");
    }

    [Fact]
    public void PReLU_TakesAScalar()
    {
        (string Name, int[] Shape, float[] Values)[] tensors = Renamed("Slope", key => key);
        float[] expected = Run("Slope", tensors);
        int slope = Array.FindIndex(tensors, t => t.Name == "1.weight");
        Assert.Equal([1], tensors[slope].Shape);
        tensors[slope].Shape = [];
        Numbers.AssertSameBits(expected, Run("Slope", tensors), () => "a scalar slope");
    }

    /// <summary>PyTorch's answer to three pixels of one channel: 2.3 times three is six, twice the size.</summary>
    [Fact]
    public void UpsampleToTwiceTheSize_TakesEveryPixelTwice()
    {
        NetworkFactory factory = s_batch.Value["Doubled"];
        foreach (InstructionSet set in Numbers.Sets)
            Assert.Equal([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2], factory.CreateRandom(1, new LoadOptions { InstructionSet = set }).Run([0, 1, 2], 1, factory.OutputShape));
    }

    private static (string Name, int[] Shape, float[] Values)[] Renamed(string name, Func<string, string> rename) =>
        [.. RandomValues.Weights(s_batch.Value[name].Parameters, 7).Select(t => (rename(t.Name), t.Shape, t.Values))];

    private static float[] Run(string name, IEnumerable<(string Name, int[] Shape, float[] Values)> tensors)
    {
        NetworkFactory factory = s_batch.Value[name];
        return factory.Load(RandomValues.Safetensors(tensors), new LoadOptions()).Run(RandomValues.Image(factory.InputShape.ElementCount, 7), 1, factory.OutputShape);
    }
}
