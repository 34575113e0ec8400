using EfficientConv.Dsl.Tests.Reference;

namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>A compiled network against double precision and against itself.</summary>
internal static class NumericCheck
{
    private const int Images = 2;

    /// <summary>
    /// The network of <paramref name="text"/> agrees with the reference on seeded weights and images, and its bits are the same on every instruction set with 1, 2 and 4 threads,
    /// also in a workspace that NaN went through.
    /// </summary>
    public static void AgreesEverywhere(NetworkFactory factory, string text, int seed)
    {
        IReadOnlyList<(string Name, int[] Shape, float[] Values)> weights = RandomValues.Weights(factory.Parameters, seed);
        float[] input = RandomValues.Image(Images * factory.InputShape.ElementCount, seed), garbage = new float[factory.InputShape.ElementCount];
        Array.Fill(garbage, float.NaN);
        double[] expected = new NaiveNetwork(DeclarationText.Graph(text), weights).RunBatch(input);
        float[]? first = null;
        foreach (InstructionSet set in Numbers.Sets)
        {
            NetworkHandle network = factory.Load(RandomValues.Safetensors(weights), new LoadOptions { InstructionSet = set });
            network.Run(garbage, 1, factory.OutputShape);
            float[] output = network.Run(input, Images, factory.OutputShape);
            Numbers.AssertClose(expected, output, 1e-5, () => $"{set}: {text}");
            first ??= output;
            Numbers.AssertSameBits(first, output, () => $"{set}: {text}");
            Numbers.AssertSameBits(first, network.Run(input, Images, factory.OutputShape, threads: 2), () => $"{set}, two threads: {text}");
            Numbers.AssertSameBits(first, network.Run(input, Images, factory.OutputShape, threads: 4), () => $"{set}, four threads: {text}");
        }
    }
}
