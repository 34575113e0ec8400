using Xunit.Abstractions;

namespace EfficientConv.Dsl.Runtime.Tests;

public class ElementwiseAccuracyTests(ITestOutputHelper output)
{
    private static readonly float[] Samples = CreateSamples();

    // Both signs of every exponent, NaN and infinities among them.
    private static readonly float[] AllExponents =
    [
        .. Bits.Special, -88f, -1e10f, -3.4e38f, -87.98058f, -87.98059f, -87.9806f,
        .. Enumerable.Range(0, 512 * 64).Select(i => BitConverter.Int32BitsToSingle((i / 64 << 23) | ((i % 64 * 0x20000) + (i % 64 * 997 % 64)))),
        .. Samples.Where((_, i) => i % 4 == 0),
    ];

    private static readonly Lazy<IReadOnlyDictionary<string, float[]>?> WithoutFused = new(() => ChildProgram.WithoutFusedMultiplyAdd(AllExponents));

    [Theory]
    [InlineData("Sigmoid", 2.5)]
    [InlineData("SiLU", 6.5)]
    [InlineData("SiLU", 4.5, -20f)]
    [InlineData("SiLU", 3.5, -8f)]
    [InlineData("Tanh", 1.5)]
    [InlineData("GELU", 5.0)]
    [InlineData("GELUTanh", 3.5)]
    [InlineData("ELU", 1.5)]
    [InlineData("Mish", 4.0)]
    [InlineData("Softplus", 2.0)]
    public void Error_is_within_a_few_units_in_the_last_place(string name, double maxUlp, float from = float.NegativeInfinity)
    {
        float[] results = [.. Samples];
        Vectors.Best.Function(name)(results);
        CheckUlp(name, Samples, results, maxUlp, from);
    }

    // As with fused multiply-adds wherever nothing or no number is left. GELU and its approximation carry the rounding error of a square along where it is not lost.
    [Theory]
    [InlineData("Sigmoid", 4.5)]
    [InlineData("SiLU", 5.0)]
    [InlineData("Tanh", 2.0)]
    [InlineData("GELU", 80.0)]
    [InlineData("GELUTanh", 160.0)]
    [InlineData("ELU", 2.0)]
    [InlineData("Mish", 5.0)]
    [InlineData("Softplus", 2.5)]
    public void Functions_hold_over_all_exponents_without_fused_multiply_adds(string name, double maxUlp)
    {
        if (WithoutFused.Value is not { } functions)
            return;
        float[] results = functions[name], fused = [.. AllExponents];
        Vectors.Scalar.Function(name)(fused);
        for (int i = 0; i < fused.Length; i++)
        {
            if (fused[i] == 0 || !float.IsFinite(fused[i]) || !float.IsFinite(results[i]))
                Bits.Equal([fused[i]], [results[i]], $"{name}({AllExponents[i]:R})");
        }

        CheckUlp(name, AllExponents, results, maxUlp, float.NegativeInfinity);
    }

    private void CheckUlp(string name, float[] samples, float[] results, double maxUlp, float from)
    {
        Func<double, double> reference = Reference(name);
        double worst = 0;
        float at = 0;
        for (int i = 0; i < samples.Length; i++)
        {
            double x = samples[i], expected = reference(x);
            if (x < from || !double.IsFinite(x))
                continue;

            // Where exp is subnormal, x times its last place comes on top; PyTorch gives 0 there. SiLU comes to 0 a little earlier.
            double beyond = Math.Abs(results[i] - expected)
                - (name == "SiLU" && x < -87.3 ? 5.5e-37 : Math.Abs(x) < 200 ? Math.Abs(x) * float.Epsilon : 0);
            double error = Math.Max(0, beyond) / Ulp(expected);
            if (!(error <= worst))
                (worst, at) = (error, samples[i]);
        }
        output.WriteLine($"{name}: {worst:F2} ulp at {at:R}");
        Assert.True(worst <= maxUlp, $"{name}: {worst:F2} ulp at {at:R}");
    }

    // On a machine without FMA this is what multiply-then-add has to reach.
    [Theory]
    [InlineData("Sigmoid")]
    [InlineData("SiLU")]
    [InlineData("Tanh")]
    [InlineData("GELU")]
    [InlineData("GELUTanh")]
    [InlineData("ELU")]
    [InlineData("Mish")]
    [InlineData("Softplus")]
    [InlineData("HardSigmoid")]
    [InlineData("HardSwish")]
    public void Vectors_of_128_bits_are_close_with_and_without_fused_multiply_adds(string name)
    {
        Func<double, double> reference = Reference(name);
        float[] results = [.. Samples];
        Vectors.Of128Bits.Function(name)(results);
        for (int i = 0; i < Samples.Length; i++)
        {
            double expected = reference(Samples[i]);
            double tolerance = 1e-6 * Math.Max(1, Math.Abs(expected));
            if (!(Math.Abs(results[i] - expected) <= tolerance))
                Assert.Fail($"{name}({Samples[i]:R}): expected {expected:R}, found {results[i]:R}");
        }
    }

    [Theory]
    [InlineData("ReLU", float.NaN, float.NaN)]
    [InlineData("ReLU", float.NegativeInfinity, 0f)]
    [InlineData("ReLU", float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData("ReLU6", float.NaN, float.NaN)]
    [InlineData("ReLU6", float.PositiveInfinity, 6f)]
    [InlineData("LeakyReLU", float.NaN, float.NaN)]
    [InlineData("LeakyReLU", -100f, -1f)]
    [InlineData("LeakyReLU", float.NegativeInfinity, float.NegativeInfinity)]
    [InlineData("HardSigmoid", float.NaN, float.NaN)]
    [InlineData("HardSigmoid", float.NegativeInfinity, 0f)]
    [InlineData("HardSigmoid", float.PositiveInfinity, 1f)]
    [InlineData("HardSwish", float.NaN, float.NaN)]
    [InlineData("HardSwish", float.NegativeInfinity, float.NaN)]
    [InlineData("HardSwish", float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData("HardSwish", -4f, -0f)]
    [InlineData("Sigmoid", float.NaN, float.NaN)]
    [InlineData("Sigmoid", float.NegativeInfinity, 0f)]
    [InlineData("Sigmoid", float.PositiveInfinity, 1f)]
    [InlineData("Sigmoid", -0f, 0.5f)]
    [InlineData("SiLU", float.NaN, float.NaN)]
    [InlineData("SiLU", float.NegativeInfinity, float.NaN)]
    [InlineData("SiLU", float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData("SiLU", -float.MaxValue, -0f)]
    [InlineData("SiLU", float.MaxValue, float.MaxValue)]
    [InlineData("Tanh", float.NaN, float.NaN)]
    [InlineData("Tanh", float.NegativeInfinity, -1f)]
    [InlineData("Tanh", float.PositiveInfinity, 1f)]
    [InlineData("Tanh", -0f, -0f)]
    [InlineData("GELU", float.NaN, float.NaN)]
    [InlineData("GELU", float.NegativeInfinity, float.NaN)]
    [InlineData("GELU", float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData("GELU", float.MaxValue, float.MaxValue)]
    [InlineData("GELU", -float.MaxValue, -0f)]
    [InlineData("GELUTanh", float.NaN, float.NaN)]
    [InlineData("GELUTanh", float.NegativeInfinity, float.NaN)]
    [InlineData("GELUTanh", float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData("GELUTanh", float.MaxValue, float.MaxValue)]
    [InlineData("GELUTanh", -float.MaxValue, -0f)]
    [InlineData("ELU", float.NaN, float.NaN)]
    [InlineData("ELU", float.NegativeInfinity, -1f)]
    [InlineData("ELU", float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData("ELU", -0f, -0f)]
    [InlineData("Mish", float.NaN, float.NaN)]
    [InlineData("Mish", float.NegativeInfinity, float.NaN)]
    [InlineData("Mish", float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData("Mish", float.MaxValue, float.MaxValue)]
    [InlineData("Softplus", float.NaN, float.NaN)]
    [InlineData("Softplus", float.NegativeInfinity, 0f)]
    [InlineData("Softplus", float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData("Softplus", float.MaxValue, float.MaxValue)]
    [InlineData("Softplus", -float.MaxValue, 0f)]
    [InlineData("Softplus", 20.5f, 20.5f)]
    [InlineData("Hardtanh", float.NaN, float.NaN)]
    [InlineData("Hardtanh", float.NegativeInfinity, -1f)]
    [InlineData("Hardtanh", float.PositiveInfinity, 1f)]
    [InlineData("Hardtanh", -0f, -0f)]
    public void Special_values_go_where_PyTorch_sends_them(string name, float x, float expected)
    {
        foreach (Vectors vectors in (Vectors[])[.. Vectors.Simd, Vectors.Of128Bits, Vectors.Scalar])
        {
            float[] data = [x];
            vectors.Function(name)(data);
            Bits.Equal([expected], data, $"{vectors.InstructionSet} {name}({x})");
        }
    }

    [Fact]
    public void Softmax_agrees_with_double_precision()
    {
        foreach (int count in new[] { 1, 2, 10, 1000, 1001 })
        {
            var random = new Random(count);
            float[] data = [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 40) - 20)];
            double max = data.Max();
            double sum = data.Sum(x => Math.Exp(x - max));
            double[] expected = [.. data.Select(x => Math.Exp(x - max) / sum)];
            Vectors.Best.Function("Softmax")(data);
            for (int i = 0; i < count; i++)
                Assert.InRange(data[i], expected[i] * (1 - 3e-6), (expected[i] * (1 + 3e-6)) + 1e-44);
        }
    }

    [Theory]
    [InlineData(new[] { 1f, float.NaN, 2f }, new[] { float.NaN, float.NaN, float.NaN })]
    [InlineData(new[] { 1f, float.PositiveInfinity, 2f }, new[] { float.NaN, float.NaN, float.NaN })]
    [InlineData(new[] { float.NegativeInfinity, float.NegativeInfinity }, new[] { float.NaN, float.NaN })]
    [InlineData(new[] { float.NegativeInfinity, 3f }, new[] { 0f, 1f })]
    [InlineData(new[] { 1000f, 1000f, -1000f }, new[] { 0.5f, 0.5f, 0f })]
    public void Softmax_of_special_values(float[] data, float[] expected)
    {
        foreach (Vectors vectors in (Vectors[])[.. Vectors.Simd, Vectors.Of128Bits, Vectors.Scalar])
        {
            float[] copy = [.. data];
            vectors.Function("Softmax")(copy);
            Bits.Equal(expected, copy, $"{vectors.InstructionSet} softmax");
        }
    }

    [Fact]
    public void Hard_sigmoid_and_hard_swish_are_within_a_rounding_of_their_largest_slope()
    {
        foreach (string name in (string[])["HardSigmoid", "HardSwish"])
        {
            float[] results = [.. Samples];
            Vectors.Best.Function(name)(results);
            for (int i = 0; i < Samples.Length; i++)
            {
                double x = Samples[i], allowed = 1e-7 * (name == "HardSwish" ? Math.Max(Math.Abs(x), float.Epsilon * 1e8) : 1);
                Assert.True(Math.Abs(results[i] - Reference(name)(x)) <= allowed, $"{name}({x:R}) is {results[i]:R}");
            }
        }
    }

    private static Func<double, double> Reference(string name) => name switch
    {
        "Sigmoid" => ReferenceMath.Sigmoid,
        "SiLU" => ReferenceMath.SiLU,
        "Tanh" => Math.Tanh,
        "GELU" => ReferenceMath.GELU,
        "GELUTanh" => ReferenceMath.GELUTanh,
        "ELU" => ReferenceMath.ELU,
        "Mish" => ReferenceMath.Mish,
        "Softplus" => ReferenceMath.Softplus,
        "HardSwish" => x => x * ReferenceMath.HardSigmoid(x),
        _ => ReferenceMath.HardSigmoid,
    };

    // The distance between neighbouring singles at this size; never below the smallest subnormal.
    private static double Ulp(double value)
    {
        float single = Math.Abs((float)value);
        return float.IsInfinity(single) ? MathF.BitIncrement(0) : Math.Max((double)MathF.BitIncrement(single) - single, float.Epsilon);
    }

    // Every size of finite number, and densely where the functions bend.
    private static float[] CreateSamples()
    {
        var random = new Random(11);
        var samples = new List<float>();
        foreach (float range in new[] { 0.01f, 0.7f, 1.5f, 4f, 16f, 110f })
        {
            for (int i = 0; i < 60_000; i++)
                samples.Add(((random.NextSingle() * 2) - 1) * range);
        }
        while (samples.Count < 600_000)
        {
            float value = BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue));
            if (float.IsFinite(value))
                samples.Add(value);
        }
        return [.. samples];
    }
}
