using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>What <c>Forward</c> promises: no allocation, safe from many threads, nothing written when the spans are wrong.</summary>
public sealed class ForwardContractTests
{
    private const float Sentinel = -12345.5f;

    public static TheoryData<string> Networks => [.. SampleNetworks.All.Keys.Where(name => name != "MobileNetV2")];

    [Theory]
    [MemberData(nameof(Networks))]
    public void Forward_AllocatesNothingOnceWarm(string name)
    {
        (NetworkFactory factory, NetworkHandle network) = Create(name);
        float[] input = RandomValues.Image(4 * factory.InputShape.ElementCount, 1), output = new float[4 * factory.OutputShape.ElementCount];
        int inputLength = (int)factory.InputShape.ElementCount, outputLength = (int)factory.OutputShape.ElementCount;
        // Which round first has all three threads inside at once is up to the scheduler: until then a workspace may be missing.
        long one = 0, batch = 0, threaded = long.MaxValue;
        for (int round = 0; round < 5; round++)
        {
            long start = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10; i++)
                network.ForwardOne(input.AsSpan(0, inputLength), output.AsSpan(0, outputLength));
            one = GC.GetAllocatedBytesForCurrentThread() - start;
            for (int i = 0; i < 10; i++)
                network.Forward(4, input, output, 1);
            batch = GC.GetAllocatedBytesForCurrentThread() - start - one;
            for (int i = 0; i < 10; i++)
                network.Forward(4, input, output, 3);
            threaded = Math.Min(threaded, GC.GetAllocatedBytesForCurrentThread() - start - one - batch);
        }

        Assert.Equal((0, 0, 0), (one, batch, threaded));
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void EightThreadsAtOnce_GiveTheRightBits(string name)
    {
        const int Threads = 8, Rounds = 6;
        (NetworkFactory factory, NetworkHandle network) = Create(name);
        float[][] inputs = [.. Enumerable.Range(0, Threads).Select(i => RandomValues.Image(factory.InputShape.ElementCount, i))];
        float[][] expected = [.. inputs.Select(input => network.Run(input, 1, factory.OutputShape))];
        using Barrier barrier = new(Threads);
        Exception?[] failures = new Exception?[Threads];
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(t => new Thread(() => failures[t] = Record.Exception(() =>
        {
            float[] output = new float[factory.OutputShape.ElementCount];
            for (int round = 0; round < Rounds; round++)
            {
                barrier.SignalAndWait();
                int image = (t + round) % Threads;
                network.ForwardOne(inputs[image], output);
                Numbers.AssertSameBits(expected[image], output, () => $"{name}, thread {t}, round {round}");
            }
        })))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.All(failures, Assert.Null);
    }

    [Theory]
    [InlineData(-1, 0, 1, 1, "input")]
    [InlineData(1, 0, 1, 1, "input")]
    [InlineData(0, -1, 1, 1, "output")]
    [InlineData(0, 1, 1, 1, "output")]
    [InlineData(0, 0, 2, 1, "input")]
    [InlineData(0, 0, 0, 1, "batch")]
    [InlineData(0, 0, -1, 1, "batch")]
    [InlineData(0, 0, 1, 0, "threads")]
    public void WrongArguments_ThrowBeforeAnythingIsWritten(int inputExtra, int outputExtra, int batch, int threads, string parameter)
    {
        (NetworkFactory factory, NetworkHandle network) = Create("SqueezeBlock");
        float[] input = new float[factory.InputShape.ElementCount + inputExtra], output = new float[factory.OutputShape.ElementCount + outputExtra];
        Array.Fill(output, Sentinel);
        ArgumentException exception = Assert.ThrowsAny<ArgumentException>(() => network.Forward(batch, input, output, threads));
        Assert.Equal(parameter, exception.ParamName);
        if (batch == 1 && threads == 1)
        {
            exception = Assert.ThrowsAny<ArgumentException>(() => network.ForwardOne(input, output));
            Assert.Contains((parameter == "input" ? input : output).Length.ToString(System.Globalization.CultureInfo.InvariantCulture), exception.Message, StringComparison.Ordinal);
        }

        Assert.All(output, v => Assert.Equal(Sentinel, v));
    }

    [Fact]
    public void EmptySpans_Throw()
    {
        (_, NetworkHandle network) = Create("SqueezeBlock");
        Assert.ThrowsAny<ArgumentException>(() => network.ForwardOne([], []));
        Assert.ThrowsAny<ArgumentException>(() => network.Forward(1, [], [], 1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(-1)]
    public void OverlappingSpans_ThrowBeforeAnythingIsWritten(int distance)
    {
        (NetworkFactory factory, NetworkHandle network) = Create("SqueezeBlock");
        int inputLength = (int)factory.InputShape.ElementCount, outputLength = (int)factory.OutputShape.ElementCount;
        float[] buffer = new float[inputLength + outputLength + 2];
        Array.Fill(buffer, Sentinel);
        Assert.Throws<ArgumentException>(() => network.ForwardOne(buffer.AsSpan(1, inputLength), buffer.AsSpan(1 + distance, outputLength)));
        Assert.Throws<ArgumentException>(() => network.Forward(1, buffer.AsSpan(inputLength, inputLength), buffer.AsSpan(1, outputLength), 2));
        Assert.All(buffer, v => Assert.Equal(Sentinel, v));
        network.ForwardOne(buffer.AsSpan(1, inputLength), buffer.AsSpan(1 + inputLength, outputLength));
    }

    /// <summary>A vector load at the last pixel must not reach what lies after the caller's span: here it is NaN, and the output around stays as it is.</summary>
    [Theory]
    [MemberData(nameof(Networks))]
    public void SurroundingsOfTheSpans_AreNeitherReadNorWritten(string name)
    {
        const int Margin = 64;
        foreach (InstructionSet set in Numbers.Sets)
        {
            (NetworkFactory factory, NetworkHandle network) = Create(name, set);
            int inputLength = (int)factory.InputShape.ElementCount, outputLength = (int)factory.OutputShape.ElementCount;
            float[] image = RandomValues.Image(inputLength, 3), expected = network.Run(image, 1, factory.OutputShape);
            float[] input = new float[inputLength + (2 * Margin)], output = new float[outputLength + (2 * Margin)];
            Array.Fill(input, float.NaN);
            Array.Fill(output, Sentinel);
            image.CopyTo(input, Margin);
            network.ForwardOne(input.AsSpan(Margin, inputLength), output.AsSpan(Margin, outputLength));
            Numbers.AssertSameBits(expected, output.AsSpan(Margin, outputLength), () => $"{name}, {set}");
            Assert.All(output[..Margin].Concat(output[^Margin..]), v => Assert.Equal(Sentinel, v));
        }
    }

    private static (NetworkFactory Factory, NetworkHandle Network) Create(string name, InstructionSet set = InstructionSet.Auto)
    {
        NetworkFactory factory = SampleNetworks.Batch[name];
        return (factory, factory.CreateRandom(7, new LoadOptions { InstructionSet = set }));
    }
}
