using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Every network of the zoo against the published model: figures, state-dict keys, logits.</summary>
public sealed class ZooTests
{
    private const long QuickMultiplyAdds = 400_000_000;

    public static TheoryData<string> Names => [.. ZooNetwork.All.Keys];

    [Fact]
    public void EveryNetwork_HasAFixture() => Assert.Equal(ZooNetwork.All.Keys.Order(), ZooFixture.All.Keys.Order());

    [Theory]
    [MemberData(nameof(Names))]
    public void Figures_AreThePublishedOnes(string name)
    {
        ZooFixture fixture = ZooFixture.All[name];
        NetworkCost cost = ZooNetwork.All[name].Cost;
        Assert.Equal((fixture.Parameters, fixture.MultiplyAdds, fixture.Activations), (cost.Parameters, cost.MultiplyAdds, cost.ActivationSum));
    }

    /// <summary>Figures that papers and model pages print, beside those that the script counts.</summary>
    [Theory]
    [InlineData("MobileNetV1", 4_231_976, 568_740_352)]
    [InlineData("MobileNetV2", 3_504_872, 300_774_272)]
    [InlineData("MobileNetV2Width035", 1_677_128, 59_285_808)]
    [InlineData("MobileNetV3Large", 5_483_032, 216_589_760)]
    [InlineData("MobileNetV3Small", 2_542_856, 56_510_400)]
    [InlineData("MobileNetV4ConvSmall", 3_774_024, 186_005_568)]
    [InlineData("EfficientNetB0", 5_288_548, 385_814_752)]
    [InlineData("EfficientNetLite0", 4_652_008, 385_187_552)]
    [InlineData("MnasNet10", 4_383_312, 314_415_872)]
    [InlineData("ResNet18", 11_689_512, 1_814_073_344)]
    [InlineData("ResNet50", 25_557_032, 4_089_184_256)]
    [InlineData("MobileOneS1", 4_764_840, 825_057_024)]
    [InlineData("RepVGGA0", 8_309_384, 1_361_451_008)]
    [InlineData("ERFNet", 2_066_836, 26_612_727_808)]
    public void ParametersAndMultiplyAdds_AreTheWellKnownOnes(string name, long parameters, long multiplyAdds)
    {
        NetworkCost cost = ZooNetwork.All[name].Cost;
        Assert.Equal((parameters, multiplyAdds), (cost.Parameters, cost.MultiplyAdds));
    }

    /// <summary>The memory that the constants claim for an instruction set is what an instance takes that runs it; the first call allocates the workspace and no more.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void ClaimedPeak_IsWhatTheRuntimeTakes(string name)
    {
        ZooNetwork network = ZooNetwork.All[name];
        foreach (InstructionSet set in Numbers.Sets)
        {
            RunMemory memory = network.Cost.MemoryOn(set);
            (long bytes, long packed, _) = network.CreateRandom(set);
            Assert.Equal((bytes, packed, bytes + ((network.Input.ElementCount + network.Output.ElementCount) * sizeof(float))), (memory.WorkspaceBytes, memory.PackedWeightBytes, memory.PeakBytes));
        }

        (long workspace, _, Action<float[], float[]> forward) = network.CreateRandom(InstructionSet.Auto);
        Assert.Equal(network.Cost.MemoryOn().WorkspaceBytes, workspace);

        // An array with its header, and up to a cache line more to begin on one. What the runtime itself allocates when it translates a method is over
        // with another instance's first call; a collection meanwhile counts what is left of the thread's allocation context, so the least of some calls is taken.
        float[] input = new float[network.Input.ElementCount], output = new float[network.Output.ElementCount];
        forward(input, output);
        long least = long.MaxValue;
        for (int call = 0; call < 4 && least > workspace + 1024; call++)
        {
            (_, _, Action<float[], float[]> warm) = network.CreateRandom(InstructionSet.Auto);
            long before = GC.GetAllocatedBytesForCurrentThread();
            warm(input, output);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.InRange(least, workspace, workspace + 1024);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void PublishedStateDict_LoadsByNameAndGivesPyTorchsLogits(string name)
    {
        ZooFixture fixture = ZooFixture.All[name];
        ZooNetwork network = ZooNetwork.All[name];
        byte[] weights = fixture.StateDict();
        float[] image = ZooFixture.Image(network.Input.ElementCount);
        double[] expected = [.. fixture.Logits.Select(v => (double)v)];
        float[]? first = null;
        foreach (InstructionSet set in Numbers.Sets.Take(network.Cost.MultiplyAdds <= QuickMultiplyAdds ? Numbers.Sets.Count : 1))
        {
            float[] logits = network.Run(network.Load(weights, new LoadOptions { InstructionSet = set }), image);
            Numbers.AssertClose(expected, ZooFixture.Stored(logits), 1e-4, () => $"{name}, {set}");
            first ??= logits;
            Numbers.AssertSameBits(first, logits, () => $"{name}, {set}");
        }

        OutputBits.Match(name, first!);
    }

    /// <summary>With PyTorch on the machine: a state dict as the model itself makes and saves it, with weights that only PyTorch knows.</summary>
    [TorchTheory]
    [MemberData(nameof(Names))]
    public void StateDictThatPyTorchWrites_LoadsUnchangedAndAgrees(string name)
    {
        string path = Path.Combine(Path.GetTempPath(), $"zoo-{name}-{Guid.NewGuid():N}.safetensors");
        try
        {
            Torch.Run("scripts/zoo/make_zoo_fixtures.py", "--state", name, path);
            using SafetensorsFile file = SafetensorsFile.Open(path);
            ZooNetwork network = ZooNetwork.All[name];
            float[] logits = network.Run(network.Load(File.ReadAllBytes(path), new LoadOptions { Prefix = "state" }), file.ReadSingle("input"));
            Numbers.AssertClose([.. file.ReadSingle("logits").Select(v => (double)v)], ZooFixture.Stored(logits), 1e-4, () => name);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
