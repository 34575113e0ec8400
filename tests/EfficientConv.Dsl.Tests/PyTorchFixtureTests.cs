using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Every layer and block against PyTorch's outputs, with the module's own state dict.</summary>
public sealed class PyTorchFixtureTests
{
    public static TheoryData<string> Names => [.. Fixture.All.Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Output_AgreesWithPyTorch(string name)
    {
        Fixture fixture = Fixture.All.Single(f => f.Name == name);
        NetworkFactory factory = Fixture.Batch[name];
        using SafetensorsFile file = SafetensorsFile.Open(Fixture.PathOf(fixture.File));
        float[] input = file.ReadSingle(name + ".input"), expected = file.ReadSingle(name + ".output");
        int images = (int)(input.Length / factory.InputShape.ElementCount);
        byte[] weights = System.IO.File.ReadAllBytes(Fixture.PathOf(fixture.File));

        float[]? first = null;
        foreach (InstructionSet set in Numbers.Sets)
        {
            NetworkHandle network = factory.Load(weights, new LoadOptions { Prefix = name + ".state.", InstructionSet = set });
            float[] output = network.Run(input, images, factory.OutputShape);
            Numbers.AssertClose([.. expected.Select(v => (double)v)], output, 1e-5, () => $"{set}, {fixture.Declaration}");
            first ??= output;
            Numbers.AssertSameBits(first, output, () => $"{set}, {fixture.Declaration}");
            float[] together = network.Run(input.AsSpan(0, (int)factory.InputShape.ElementCount), 1, factory.OutputShape, 3);
            Numbers.AssertSameBits(output.AsSpan(0, together.Length), together, () => $"{set}, three threads on one image, {fixture.Declaration}");
        }

        OutputBits.Match(name, first!);
    }
}
