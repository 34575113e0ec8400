using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.RandomNetworks;

namespace EfficientConv.Dsl.Tests;

/// <summary>The same bits on every instruction set, for every batch and thread count, and whatever ran before.</summary>
[Trait("Duration", "long")]
public sealed class BitEqualityTests
{
    public static TheoryData<int, string> Configurations => RandomCase.Theory;

    [Theory]
    [MemberData(nameof(Configurations))]
    public void InstructionSets_GiveTheSameBits(int index, string declaration)
    {
        RandomCase item = RandomCase.All[index];
        Assert.Equal(declaration, item.Declaration);
        foreach (InstructionSet set in Numbers.Sets)
        {
            NetworkHandle network = item.Load(set);
            Assert.Equal(set, network.InstructionSet);
            Numbers.AssertSameBits(item.Output, network.Run(item.Input, RandomCase.Images, item.Factory.OutputShape), () => item.Describe(set.ToString()));
        }
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void BatchAndThreads_GiveTheSameBits(int index, string declaration)
    {
        const int Images = 5;
        RandomCase item = RandomCase.All[index];
        Assert.Equal(declaration, item.Declaration);
        int inputLength = (int)item.Factory.InputShape.ElementCount;
        float[] input = RandomValues.Image(Images * inputLength, index + 1000);
        NetworkHandle network = item.Load(Numbers.Sets[0]);
        float[] oneByOne = [.. Enumerable.Range(0, Images).SelectMany(i => network.Run(input.AsSpan(i * inputLength, inputLength), 1, item.Factory.OutputShape))];
        for (int threads = 1; threads <= 3; threads++)
        {
            int count = threads;
            Numbers.AssertSameBits(oneByOne, network.Run(input, Images, item.Factory.OutputShape, threads), () => item.Describe($"{Images} images, {count} threads"));
        }
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void ThreadsOnOneImage_GiveTheSameBits(int index, string declaration)
    {
        RandomCase item = RandomCase.All[index];
        Assert.Equal(declaration, item.Declaration);
        float[] input = item.Input, expected = item.Output;
        int inputLength = (int)item.Factory.InputShape.ElementCount, outputLength = (int)item.Factory.OutputShape.ElementCount;

        // Scalar code runs the same text as 128 bits.
        foreach (InstructionSet set in Numbers.Sets.Where(s => s != InstructionSet.Scalar))
        {
            NetworkHandle network = item.Load(set);
            foreach (int threads in new[] { 2, 3 })
                Numbers.AssertSameBits(expected.AsSpan(0, outputLength), network.Run(input.AsSpan(0, inputLength), 1, item.Factory.OutputShape, threads), () => item.Describe($"{set}, one image, {threads} threads"));
        }
    }

    /// <summary>A workspace holds what its last user left, here NaN wherever a NaN can get to.</summary>
    [Theory]
    [MemberData(nameof(Configurations))]
    public void StaleWorkspace_DoesNotMatter(int index, string declaration)
    {
        RandomCase item = RandomCase.All[index];
        Assert.Equal(declaration, item.Declaration);
        float[] garbage = item.Input;
        Array.Fill(garbage, float.NaN);
        foreach (InstructionSet set in Numbers.Sets)
        {
            NetworkHandle network = item.LoadFresh(set);
            network.Run(garbage, RandomCase.Images, item.Factory.OutputShape);
            network.Run(garbage.AsSpan(0, (int)item.Factory.InputShape.ElementCount), 1, item.Factory.OutputShape, 2);
            Numbers.AssertSameBits(item.Output, network.Run(item.Input, RandomCase.Images, item.Factory.OutputShape), () => item.Describe($"{set} after NaN"));
            Numbers.AssertSameBits(
                item.Output.AsSpan(0, (int)item.Factory.OutputShape.ElementCount),
                network.Run(item.Input.AsSpan(0, (int)item.Factory.InputShape.ElementCount), 1, item.Factory.OutputShape, 2),
                () => item.Describe($"{set} after NaN, two threads"));
        }
    }
}
