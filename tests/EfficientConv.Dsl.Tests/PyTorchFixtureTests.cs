using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Every layer and block against PyTorch's outputs, with the module's own state dict.</summary>
public sealed class PyTorchFixtureTests(PyTorchFixtureTests.Batch batch) : IClassFixture<PyTorchFixtureTests.Batch>
{
    /// <summary>All fixtures compiled together.</summary>
    public sealed class Batch
    {
        public NetworkBatch Networks { get; } = NetworkBatch.Compile(Fixture.All.Select(f => (f.Name, f.Declaration)));
    }

    public static TheoryData<string> Names => [.. Fixture.All.Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Output_AgreesWithPyTorch(string name)
    {
        Fixture fixture = Fixture.All.Single(f => f.Name == name);
        NetworkFactory factory = batch.Networks[name];
        using SafetensorsFile file = SafetensorsFile.Open(Fixture.PathOf(fixture.File));
        float[] input = file.ReadSingle(name + ".input"), expected = file.ReadSingle(name + ".output");
        int images = (int)(input.Length / factory.InputShape.ElementCount);
        byte[] weights = System.IO.File.ReadAllBytes(Fixture.PathOf(fixture.File));

        float[]? first = null;
        foreach (InstructionSet set in new[] { InstructionSet.Avx512, InstructionSet.Avx2, InstructionSet.Vector128, InstructionSet.Scalar }.Where(InstructionSets.IsSupported))
        {
            NetworkHandle network = factory.Load(weights, new LoadOptions { Prefix = name + ".state.", InstructionSet = set });
            float[] output = network.Run(input, images, factory.OutputShape);
            AssertClose(expected, output, set);
            first ??= output;
            AssertSameBits(first, output, set);
        }
    }

    private static void AssertClose(float[] expected, float[] actual, InstructionSet set)
    {
        Assert.Equal(expected.Length, actual.Length);
        double scale = expected.Where(float.IsFinite).Select(v => Math.Abs((double)v)).DefaultIfEmpty(0).Max();
        for (int i = 0; i < expected.Length; i++)
        {
            bool close = float.IsFinite(expected[i]) ? Math.Abs((double)expected[i] - actual[i]) <= 1e-5 * scale : expected[i].Equals(actual[i]);
            Assert.True(close, $"{set}: element {i} is {actual[i]:R}, PyTorch has {expected[i]:R}; the largest is {scale:R}");
        }
    }

    private static void AssertSameBits(float[] expected, float[] actual, InstructionSet set)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            // A NaN is a NaN: its payload is not part of the contract.
            bool same = BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(actual[i]) || (float.IsNaN(expected[i]) && float.IsNaN(actual[i]));
            Assert.True(same, $"{set}: element {i} is {actual[i]:R}, the widest instruction set has {expected[i]:R}");
        }
    }
}
