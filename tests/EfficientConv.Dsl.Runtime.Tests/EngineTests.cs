using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Runtime.Tests;

using Engine = ConvNetEngine<TinyProgram>;

public sealed class EngineTests : IDisposable
{
    private static readonly Engine Network = Engine.CreateRandom(1);
    private readonly int _mostParts = ParallelRegion.MostParts;

    public void Dispose() => ParallelRegion.MostParts = _mostParts;

    [Theory]
    [InlineData(1, TinyProgram.InputLength - 1, TinyProgram.OutputLength, "input")]
    [InlineData(1, TinyProgram.InputLength + 1, TinyProgram.OutputLength, "input")]
    [InlineData(1, TinyProgram.InputLength, TinyProgram.OutputLength - 1, "output")]
    [InlineData(1, TinyProgram.InputLength, TinyProgram.OutputLength + 1, "output")]
    [InlineData(1, 0, 0, "input")]
    [InlineData(3, TinyProgram.InputLength, TinyProgram.OutputLength, "input")]
    [InlineData(2, 2 * TinyProgram.InputLength, TinyProgram.OutputLength, "output")]
    [InlineData(int.MaxValue, TinyProgram.InputLength, TinyProgram.OutputLength, "input")]
    public void Wrong_lengths_are_refused_before_anything_is_written(int batch, int inputLength, int outputLength, string parameter)
    {
        float[] input = new float[inputLength];
        float[] output = new float[outputLength];
        output.AsSpan().Fill(77);
        var e = Assert.Throws<ArgumentException>(() => Network.Forward(batch, input, output));
        Assert.Equal(parameter, e.ParamName);
        Assert.Contains($"found {(parameter == "input" ? inputLength : outputLength)}", e.Message, StringComparison.Ordinal);
        if (batch == 1)
            Assert.Throws<ArgumentException>(() => Network.Forward(input, output));
        Assert.All(output, value => Assert.Equal(77, value));
    }

    [Fact]
    public void Message_names_network_shape_and_counts()
    {
        var e = Assert.Throws<ArgumentException>(() => Network.Forward(2, new float[15], new float[24]));
        Assert.Equal("The input of Tiny must have 16 elements (2 images of 2 x 2 x 2), found 15. (Parameter 'input')", e.Message);
    }

    [Fact]
    public void Overlap_and_bad_counts_are_refused()
    {
        float[] both = new float[TinyProgram.InputLength + TinyProgram.OutputLength - 1];
        Assert.Equal("output", Assert.Throws<ArgumentException>(
            () => Network.Forward(both.AsSpan(0, TinyProgram.InputLength), both.AsSpan(TinyProgram.InputLength - 1))).ParamName);
        Assert.Throws<ArgumentOutOfRangeException>(() => Network.Forward(0, [], []));
        Assert.Throws<ArgumentOutOfRangeException>(() => Network.Forward(-1, [], []));
        Assert.Throws<ArgumentOutOfRangeException>(() => Network.Forward(1, new float[8], new float[12], 0));
    }

    [Fact]
    public void Batch_and_threads_do_not_change_bits()
    {
        const int batch = 37;
        float[] input = Inputs(batch);
        float[] expected = new float[batch * TinyProgram.OutputLength];
        for (int i = 0; i < batch; i++)
        {
            Network.Forward(
                input.AsSpan(i * TinyProgram.InputLength, TinyProgram.InputLength),
                expected.AsSpan(i * TinyProgram.OutputLength, TinyProgram.OutputLength));
        }
        ParallelRegion.MostParts = 257;
        foreach (int threads in new[] { 1, 2, 3, 8, 36, 37, 1000 })
        {
            float[] output = new float[expected.Length];
            Network.Forward(batch, input, output, threads);
            Assert.Equal(expected, output);
        }
    }

    [Fact]
    public void No_more_threads_run_than_there_are_cores()
    {
        const int batch = 64;
        float[] input = Inputs(batch), output = new float[batch * TinyProgram.OutputLength];
        Assert.Equal(Math.Min(Environment.ProcessorCount, 257), ParallelRegion.MostParts);
        foreach (int images in new[] { 1, batch, batch - 1 })
        {
            TinyProgram.Threads = [];
            Network.Forward(images, input.AsSpan(0, images * TinyProgram.InputLength), output.AsSpan(0, images * TinyProgram.OutputLength), int.MaxValue);
            Assert.InRange(TinyProgram.Threads.Keys.Count, 1, Environment.ProcessorCount);
        }
        TinyProgram.Threads = null;
    }

    [Fact]
    public void Eight_threads_share_one_instance()
    {
        Engine engine = Engine.CreateRandom(2);
        float[] input = Inputs(8);
        float[] expected = new float[8 * TinyProgram.OutputLength];
        engine.Forward(8, input, expected);
        Exception? failure = null;
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(t => new Thread(() =>
        {
            try
            {
                float[] output = new float[TinyProgram.OutputLength];
                for (int i = 0; i < 20_000; i++)
                {
                    engine.Forward(input.AsSpan(t * TinyProgram.InputLength, TinyProgram.InputLength), output);
                    Assert.True(output.AsSpan().SequenceEqual(expected.AsSpan(t * TinyProgram.OutputLength, TinyProgram.OutputLength)));
                }
            }
            catch (Exception e)
            {
                failure = e;
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.Null(failure);
    }

    [Fact]
    public void Forward_allocates_nothing()
    {
        float[] input = Inputs(8);
        float[] output = new float[8 * TinyProgram.OutputLength];
        Assert.Equal(0, Allocations.OfThisThread(() => Network.Forward(
            input.AsSpan(0, TinyProgram.InputLength), output.AsSpan(0, TinyProgram.OutputLength))));
        Assert.Equal(0, Allocations.OfThisThread(() => Network.Forward(8, input, output)));
        Assert.Equal(0, Allocations.OfTheProcess(() => Network.Forward(8, input, output, 4)));
    }

    [Fact]
    public void Exception_in_a_part_reaches_the_caller_and_the_instance_still_works()
    {
        float[] input = Inputs(16);
        float[] expected = new float[16 * TinyProgram.OutputLength];
        Network.Forward(16, input, expected);
        float[] broken = [.. input];
        broken[9 * TinyProgram.InputLength] = float.NaN;
        float[] output = new float[expected.Length];
        TinyProgram.ThrowOnNaN = true;
        ParallelRegion.MostParts = 257;
        try
        {
            foreach (int threads in new[] { 1, 2, 4, 16 })
            {
                Assert.Throws<ArithmeticException>(() => Network.Forward(16, broken, output, threads));
                Network.Forward(16, input, output, threads);
                Assert.Equal(expected, output);
            }
        }
        finally
        {
            TinyProgram.ThrowOnNaN = false;
        }
    }

    [Fact]
    public void Sizes_are_reported_and_the_instruction_set_can_be_forced()
    {
        Assert.Equal(32 * 4, Network.PackedWeightBytes);
        Assert.Equal(40 * 4, Network.WorkspaceBytes);
        Assert.Equal(InstructionSets.Current, Network.InstructionSet);
        Assert.Equal(InstructionSet.Scalar, Engine.CreateRandom(1, new LoadOptions { InstructionSet = InstructionSet.Scalar }).InstructionSet);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    public unsafe void Buffers_are_aligned_and_zero(int length)
    {
        for (int i = 0; i < 20; i++)
        {
            var buffer = new AlignedBuffer(length);
            Assert.Equal(length, buffer.Span.Length);
            Assert.Equal(0u, (nuint)Unsafe.AsPointer(ref buffer.First) % 64);
            Assert.Equal(-1, buffer.Span.IndexOfAnyExcept(0f));
        }
    }

    private static float[] Inputs(int batch)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, batch * TinyProgram.InputLength).Select(_ => random.NextSingle() - 0.5f)];
    }
}
