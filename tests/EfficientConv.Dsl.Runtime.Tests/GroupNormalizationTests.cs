using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>Group norm over pixels and over planes: close to double precision, the same bits with every vector, and nothing outside written.</summary>
public class GroupNormalizationTests
{
    private const float Eps = 1e-5f;
    private const int Stride = 48;

    public static TheoryData<int, int, int, int> Shapes => new()
    {
        { 1, 9, 7, 1 }, { 3, 71, 67, 1 }, { 3, 71, 67, 3 }, { 5, 1, 1, 1 }, { 16, 8, 8, 4 }, { 21, 5, 6, 7 }, { 24, 4, 3, 24 }, { 35, 3, 70, 5 }, { 48, 2, 9, 2 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Results_agree_with_double_precision_and_have_the_same_bits_with_every_vector(int channels, int height, int width, int groups)
    {
        foreach (bool affine in (bool[])[true, false])
        {
            Data data = new(channels, height, width, groups, affine);
            foreach (Func<Data, (Func<float[]> Pixels, Func<float[]> Planes)> form in Forms())
            {
                (Func<float[]> pixels, Func<float[]> planes) = form(data);
                Check(data, pixels(), Run<Scalar4>(data).Pixels(), "pixels");
                Check(data, planes(), Run<Scalar4>(data).Planes(), "planes");
            }
        }
    }

    private static IEnumerable<Func<Data, (Func<float[]>, Func<float[]>)>> Forms()
    {
        yield return Run<Scalar4>;
        foreach (Vectors vectors in Vectors.Simd)
        {
            yield return vectors.InstructionSet switch
            {
                InstructionSet.Avx512 => Run<Simd512>,
                InstructionSet.Avx2 => Run<Simd256>,
                _ => Run<Simd128>,
            };
        }
    }

    private static void Check(Data data, float[] results, float[] scalar, string form)
    {
        Bits.Equal(scalar, results, form);
        double largest = data.Expected.Max(Math.Abs);
        for (int i = 0; i < results.Length; i++)
            Assert.True(Math.Abs(results[i] - data.Expected[i]) <= 1e-5 * largest, $"{form}, element {i}: {results[i]:R}, expected {data.Expected[i]:R}");
    }

    private static (Func<float[]> Pixels, Func<float[]> Planes) Run<V>(Data data)
        where V : struct, ISimd<V> => (() => data.RunPixels<V>(), () => data.RunPlanes<V>());

    /// <summary>Values in planes with a large mean and a small one, weights, and what comes out in double precision.</summary>
    private sealed class Data
    {
        private const float Guard = 12345;
        private readonly int _channels, _height, _width, _groups;
        private readonly bool _affine;
        private readonly float[] _input, _weight = new float[64], _bias = new float[64];

        public Data(int channels, int height, int width, int groups, bool affine)
        {
            (_channels, _height, _width, _groups, _affine) = (channels, height, width, groups, affine);
            Random random = new(channels + height);
            int pixels = height * width, each = channels / groups * pixels;
            _input = [.. Enumerable.Range(0, channels * pixels).Select(i => (float)((random.NextDouble() - 0.5) * (1 + (i / each % 3))) + (i / each % 2 * 20))];
            for (int c = 0; c < channels; c++)
                (_weight[c], _bias[c]) = (random.NextSingle() + 0.5f, random.NextSingle() - 0.5f);
            Expected = new double[_input.Length];
            for (int g = 0; g < groups; g++)
            {
                double[] values = [.. _input.AsSpan(g * each, each).ToArray().Select(v => (double)v)];
                double mean = values.Average(), deviation = Math.Sqrt(values.Average(v => (v - mean) * (v - mean)) + Eps);
                for (int i = 0; i < each; i++)
                {
                    int c = ((g * each) + i) / pixels;
                    Expected[(g * each) + i] = affine ? ((values[i] - mean) / deviation * _weight[c]) + _bias[c] : (values[i] - mean) / deviation;
                }
            }
        }

        public double[] Expected { get; }

        public float[] RunPlanes<V>()
            where V : struct, ISimd<V>
        {
            float[] output = new float[_input.Length + 16];
            Array.Fill(output, Guard);
            GroupNormalization.Planes<V>(ref _input[0], ref output[0], ref _weight[0], ref _bias[0], Eps, _channels, _height * _width, _groups, _affine, default);
            Assert.All(output[_input.Length..], value => Assert.Equal(Guard, value));
            return output[.._input.Length];
        }

        /// <summary>Lanes after the last channel hold NaN, which must not reach the sums.</summary>
        public float[] RunPixels<V>()
            where V : struct, ISimd<V>
        {
            int pixels = _height * _width, padded = (_channels + 15) / 16 * 16;
            float[] input = new float[pixels * Stride], output = new float[pixels * Stride], own = new float[3 * padded], rows = new float[2 * _height * padded];
            foreach (float[] buffer in (float[][])[input, own, rows])
                Array.Fill(buffer, float.NaN);
            for (int i = 0; i < _input.Length; i++)
                input[(i % pixels * Stride) + (i / pixels)] = _input[i];
            GroupNormalization.Pixels<V>(
                ref MemoryMarshal.GetArrayDataReference(input), Stride, ref output[0], Stride, ref _weight[0], ref _bias[0], ref own[0], ref rows[0], Eps,
                _channels, _height, _width, _groups, _affine, default);
            return [.. Enumerable.Range(0, _input.Length).Select(i => output[(i % pixels * Stride) + (i / pixels)])];
        }
    }
}
