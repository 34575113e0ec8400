using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace EfficientConv.Dsl.Runtime.Tests;

internal delegate void InPlace(Span<float> data);

/// <summary>The library's generic functions, instantiated for one vector type.</summary>
internal abstract class Vectors
{
    internal static readonly Vectors Scalar = new Vectors<Scalar4>(InstructionSet.Scalar);

    internal static readonly Vectors Of128Bits = new Vectors<Simd128>(InstructionSet.Vector128);

    /// <summary>The vector types that this machine can run with fused multiply-adds, which have to agree with the reference.</summary>
    internal static readonly Vectors[] Simd =
    [
        .. new Vectors[]
        {
            new Vectors<Simd512>(InstructionSet.Avx512), new Vectors<Simd256>(InstructionSet.Avx2), Of128Bits,
        }.Where(v => InstructionSets.IsSupported(v.InstructionSet) && (Fma.IsSupported || AdvSimd.IsSupported)),
    ];

    internal static readonly Vectors Best = Simd.Length > 0 ? Simd[0] : Scalar;

    internal static readonly string[] FunctionNames =
    [
        "ReLU", "ReLU6", "LeakyReLU", "HardSigmoid", "HardSwish", "Sigmoid", "SiLU", "Tanh", "GELU", "GELUTanh", "ELU", "Mish", "Hardtanh", "Softplus", "Softmax",
    ];

    internal abstract InstructionSet InstructionSet { get; }

    internal abstract InPlace Function(string name);

    internal abstract void PReLU(Span<float> data, Span<float> slopes, int channels, int pixels, int stride);

    internal abstract void ScaleShift(Span<float> data, Span<float> destination, Span<float> scale, Span<float> shift, int channels, int pixels, int stride);

    internal abstract void ScaleChannels(Span<float> data, Span<float> gate, int channels, int pixels, int stride);

    internal abstract void AccumulateChannels(Span<float> data, Span<float> sums, int channels, int pixels, int stride);

    internal abstract void Mean(Span<float> sums, int channels, int pixels);

    internal abstract void Add(Span<float> data, Span<float> other);

    internal abstract void FromPlanar(Span<float> source, int planeStride, Span<float> destination, int pixelStride, int channels, int pixels);

    internal abstract void ToPlanar(Span<float> source, int pixelStride, Span<float> destination, int planeStride, int channels, int pixels);

    /// <summary>Applies each operation of the vector type to the lanes of a, b, c: one result row per operation.</summary>
    internal abstract float[][] Operations(float[] a, float[] b, float[] c);
}

internal sealed class Vectors<V>(InstructionSet instructionSet) : Vectors
    where V : struct, ISimd<V>
{
    internal override InstructionSet InstructionSet => instructionSet;

    internal override InPlace Function(string name) => name switch
    {
        "ReLU" => data => Elementwise.ReLU<V>(ref First(data), data.Length),
        "ReLU6" => data => Elementwise.ReLU6<V>(ref First(data), data.Length),
        "LeakyReLU" => data => Elementwise.LeakyReLU<V>(ref First(data), data.Length, 0.01f),
        "HardSigmoid" => data => Elementwise.HardSigmoid<V>(ref First(data), data.Length),
        "HardSwish" => data => Elementwise.HardSwish<V>(ref First(data), data.Length),
        "Sigmoid" => data => Elementwise.Sigmoid<V>(ref First(data), data.Length),
        "SiLU" => data => Elementwise.SiLU<V>(ref First(data), data.Length),
        "Tanh" => data => Elementwise.Tanh<V>(ref First(data), data.Length),
        "GELU" => data => Elementwise.GELU<V>(ref First(data), data.Length),
        "GELUTanh" => data => Elementwise.GELUTanh<V>(ref First(data), data.Length),
        "ELU" => data => Elementwise.ELU<V>(ref First(data), data.Length),
        "Mish" => data => Elementwise.Mish<V>(ref First(data), data.Length),
        "Hardtanh" => data => Elementwise.Hardtanh<V>(ref First(data), data.Length, -1, 1),
        "Softplus" => data => Elementwise.Softplus<V>(ref First(data), data.Length, 1, 20),
        "Softmax" => data => Elementwise.Softmax<V>(ref First(data), data.Length),
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    internal override void PReLU(Span<float> data, Span<float> slopes, int channels, int pixels, int stride) =>
        Elementwise.PReLU<V>(ref First(data), ref First(slopes), channels, pixels, stride);

    internal override void ScaleShift(Span<float> data, Span<float> destination, Span<float> scale, Span<float> shift, int channels, int pixels, int stride) =>
        Elementwise.ScaleShift<V>(ref First(data), ref First(destination), ref First(scale), ref First(shift), channels, pixels, stride);

    internal override void ScaleChannels(Span<float> data, Span<float> gate, int channels, int pixels, int stride) =>
        Elementwise.ScaleChannels<V>(ref First(data), ref First(gate), channels, pixels, stride);

    internal override void AccumulateChannels(Span<float> data, Span<float> sums, int channels, int pixels, int stride) =>
        Elementwise.AccumulateChannels<V>(ref First(data), ref First(sums), channels, pixels, stride);

    internal override void Mean(Span<float> sums, int channels, int pixels) => Elementwise.Mean<V>(ref First(sums), channels, pixels);

    internal override void Add(Span<float> data, Span<float> other) => Elementwise.Add<V>(ref First(data), ref First(other), data.Length);

    internal override void FromPlanar(Span<float> source, int planeStride, Span<float> destination, int pixelStride, int channels, int pixels) =>
        PixelLayout.FromPlanar<V>(ref First(source), planeStride, ref First(destination), pixelStride, channels, pixels);

    internal override void ToPlanar(Span<float> source, int pixelStride, Span<float> destination, int planeStride, int channels, int pixels) =>
        PixelLayout.ToPlanar<V>(ref First(source), pixelStride, ref First(destination), planeStride, channels, pixels);

    internal override float[][] Operations(float[] a, float[] b, float[] c)
    {
        Func<V, V, V, V>[] operations =
        [
            (_, _, _) => V.Zero,
            (_, _, _) => V.Create(1.5f),
            V.FusedMultiplyAdd,
            (x, y, _) => V.Add(x, y),
            (x, y, _) => V.Subtract(x, y),
            (x, y, _) => V.Multiply(x, y),
            (x, y, _) => V.Divide(x, y),
            (x, y, _) => V.Max(x, y),
            (x, y, _) => V.Min(x, y),
            (x, y, _) => V.Maximum(x, y),
            (x, _, _) => V.Abs(x),
            (x, _, _) => V.Negate(x),
            (x, y, _) => V.CopySign(x, y),
            (x, _, _) => V.Multiply(x, V.ClampMagnitude(x, V.Create(3f))),
            (x, _, _) => V.ShiftBitsLeft(x, 23),
            (x, y, _) => V.SubtractBits(x, y),
            (x, _, _) => V.RoundToEven(x),
            (x, y, z) => V.SelectLessThan(x, y, z, x),
            (x, y, _) => V.TimesPowerOfTwo(
                V.Max(V.Create(0.5f), V.Min(V.Create(2f), x)), V.Max(V.Min(V.RoundToEven(y), V.Create(200f)), V.Create(-200f))),
        ];
        float[][] results = [.. operations.Select(_ => new float[a.Length])];
        for (int i = 0; i < a.Length; i += V.Lanes)
        {
            for (int o = 0; o < operations.Length; o++)
                V.Store(operations[o](V.Load(ref a[0], i), V.Load(ref b[0], i), V.Load(ref c[0], i)), ref results[o][0], i);
        }
        return results;
    }

    private static ref float First(Span<float> data) => ref MemoryMarshal.GetReference(data);
}

/// <summary>Test values and comparisons of bits.</summary>
internal static class Bits
{
    internal static readonly float[] Special =
    [
        0f, -0f, 1f, -1f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, -float.MaxValue, float.Epsilon,
        -float.Epsilon, 1.17549435e-38f, -1.17549435e-38f, 3f, -3f, 6f, 0.625f, -0.625f, 88.8f, -88.8f, 104f, -104f, -103.97f, 1e-30f, -1e-30f,
        20f, 10f, 15f, 14.5f, -14.2f, 9f, 0.34657359f, -0.34657359f, 0.5f, 1.5f, 2.5f, -0.5f,
    ];

    /// <summary>Ordinary values, random bit patterns and special values mixed.</summary>
    internal static float[] Random(int count, int seed)
    {
        var random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = random.Next(8) switch
            {
                0 => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)),
                1 => Special[random.Next(Special.Length)],
                2 => (random.NextSingle() - 0.5f) * 200,
                _ => (random.NextSingle() - 0.5f) * 12,
            };
        }
        return values;
    }

    /// <summary>Bit equality, except that all NaNs are equal.</summary>
    internal static void Equal(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]) && !(float.IsNaN(expected[i]) && float.IsNaN(actual[i])))
                Assert.Fail($"{what}, index {i} of {expected.Length}: expected {expected[i]:R}, found {actual[i]:R}");
        }
    }
}
