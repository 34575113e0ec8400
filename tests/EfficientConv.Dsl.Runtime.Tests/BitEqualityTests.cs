namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>Every vector type against the scalar reference, bit by bit.</summary>
public class BitEqualityTests
{
    public static TheoryData<string> FunctionNames => new(Vectors.FunctionNames);

    [Fact]
    public void Operations_agree()
    {
        float[] a = Bits.Random(1 << 16, 1);
        float[] b = Bits.Random(1 << 16, 2);
        float[] c = Bits.Random(1 << 16, 3);
        float[][] expected = Vectors.Scalar.Operations(a, b, c);
        foreach (Vectors vectors in Vectors.Simd)
        {
            float[][] actual = vectors.Operations(a, b, c);
            for (int o = 0; o < expected.Length; o++)
                Bits.Equal(expected[o], actual[o], $"{vectors.InstructionSet} operation {o}");
        }
    }

    [Theory]
    [MemberData(nameof(FunctionNames))]
    public void Functions_agree_at_every_count(string name)
    {
        foreach (int count in (int[])[.. Enumerable.Range(0, 70), 1000, 4097])
        {
            float[] input = Bits.Random(count + 2, count);
            if (name == "Softmax" && count % 3 != 0)
                input = [.. input.Select(x => float.IsFinite(x) ? x : 0.5f)];
            float[] expected = [.. input];
            Vectors.Scalar.Function(name)(expected.AsSpan(1, count));
            foreach (Vectors vectors in Vectors.Simd)
            {
                float[] actual = [.. input];
                vectors.Function(name)(actual.AsSpan(1, count));
                Bits.Equal(expected, actual, $"{vectors.InstructionSet} {name} of {count}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(FunctionNames))]
    public void Functions_agree_on_many_values(string name)
    {
        float[] input = Bits.Random(500_000, 9);
        float[] expected = [.. input];
        Vectors.Scalar.Function(name)(expected);
        foreach (Vectors vectors in Vectors.Simd)
        {
            float[] actual = [.. input];
            vectors.Function(name)(actual);
            Bits.Equal(expected, actual, $"{vectors.InstructionSet} {name}");
        }
    }

    [Theory]
    [MemberData(nameof(FunctionNames))]
    public void Position_does_not_matter(string name)
    {
        if (name == "Softmax")
            return;
        float[] input = Bits.Random(37, 4);
        foreach (Vectors vectors in Vectors.Simd)
        {
            float[] together = [.. input];
            vectors.Function(name)(together);
            for (int i = 0; i < input.Length; i++)
            {
                float[] alone = [input[i]];
                vectors.Function(name)(alone);
                Bits.Equal([together[i]], alone, $"{vectors.InstructionSet} {name} at {i}");
            }
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 49)]
    [InlineData(16, 5)]
    [InlineData(24, 7)]
    [InlineData(37, 3)]
    [InlineData(64, 11)]
    [InlineData(65, 2)]
    [InlineData(144, 100)]
    [InlineData(200, 1)]
    public void Channel_functions_agree_and_leave_the_rest_alone(int channels, int pixels)
    {
        int stride = (channels + 15) / 16 * 16;
        float[] data = Bits.Random(stride * pixels, channels);
        float[] constants = Bits.Random(stride, 5);
        float[] shift = Bits.Random(stride, 6);
        Check("PReLU", (v, d) => v.PReLU(d, constants, channels, pixels, stride), (x, c) => x > 0 ? x : x * constants[c]);
        Check("ScaleShift", (v, d) => v.ScaleShift(d, d, constants, shift, channels, pixels, stride), (x, c) => MathF.FusedMultiplyAdd(x, constants[c], shift[c]));
        Check("ScaleChannels", (v, d) => v.ScaleChannels(d, constants, channels, pixels, stride), (x, c) => x * constants[c]);

        float[] sums = Bits.Random(stride, 7);
        float[] means = [.. sums];
        for (int p = 0; p < pixels; p++)
        {
            for (int c = 0; c < channels; c++)
                means[c] += data[(p * stride) + c];
        }
        for (int c = 0; c < channels; c++)
            means[c] /= pixels;
        foreach (Vectors vectors in (Vectors[])[.. Vectors.Simd, Vectors.Scalar])
        {
            float[] actual = [.. sums];
            vectors.AccumulateChannels(data, actual, channels, pixels, stride);
            vectors.Mean(actual, channels, pixels);
            Bits.Equal(means.AsSpan(0, channels), actual.AsSpan(0, channels), $"{vectors.InstructionSet} mean");
        }

        void Check(string what, Action<Vectors, float[]> run, Func<float, int, float> reference)
        {
            foreach (Vectors vectors in (Vectors[])[.. Vectors.Simd, Vectors.Scalar])
            {
                float[] actual = [.. data, 77];
                run(vectors, actual);
                Assert.Equal(77, actual[^1]);
                for (int p = 0; p < pixels; p++)
                {
                    float[] expected = [.. Enumerable.Range(0, channels).Select(c => reference(data[(p * stride) + c], c))];
                    Bits.Equal(expected, actual.AsSpan(p * stride, channels), $"{vectors.InstructionSet} {what} pixel {p}");
                }
            }
        }
    }

    [Fact]
    public void Add_agrees_at_every_count()
    {
        for (int count = 0; count < 70; count++)
        {
            float[] data = Bits.Random(count + 1, count);
            float[] other = Bits.Random(count + 1, count + 100);
            float[] expected = [.. data.Zip(other, (x, y) => x + y)];
            expected[count] = data[count];
            foreach (Vectors vectors in (Vectors[])[.. Vectors.Simd, Vectors.Scalar])
            {
                float[] actual = [.. data];
                vectors.Add(actual.AsSpan(0, count), other);
                Bits.Equal(expected, actual, $"{vectors.InstructionSet} add {count}");
            }
        }
    }
}
