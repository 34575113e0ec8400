using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.Reference;

namespace EfficientConv.Dsl.Tests;

/// <summary>Networks at the sizes that people use, MobileNetV2 at 224 pixels among them, against the naive reference.</summary>
public sealed class SampleNetworkTests
{
    public static TheoryData<string> Names => [.. SampleNetworks.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Output_AgreesWithNaiveReferenceAndHasTheSameBitsEverywhere(string name)
    {
        NetworkFactory factory = SampleNetworks.Batch[name];
        IReadOnlyList<(string Name, int[] Shape, float[] Values)> weights = RandomValues.Weights(factory.Parameters, 5);
        byte[] safetensors = RandomValues.Safetensors(weights);
        float[] image = RandomValues.Image(factory.InputShape.ElementCount, 5);
        double[] expected = new NaiveNetwork(DeclarationText.Graph(SampleNetworks.All[name]), weights).Run(image);
        float[]? first = null;
        foreach (InstructionSet set in Numbers.Sets)
        {
            float[] output = factory.Load(safetensors, new LoadOptions { InstructionSet = set }).Run(image, 1, factory.OutputShape);
            Numbers.AssertClose(expected, output, name == "MobileNetV2" ? 1e-4 : 2e-5, () => $"{name}, {set}");
            first ??= output;
            Numbers.AssertSameBits(first, output, () => $"{name}, {set}");
        }

        OutputBits.Match(name, first!);
    }
}
