namespace EfficientConv.Dsl.Measuring;

/// <summary>Inputs and weights, the same on every machine and in every version of .NET.</summary>
internal static class SeededValues
{
    /// <summary>Uniform in [-1, 1).</summary>
    public static void FillInput(Span<float> values)
    {
        ulong state = 0x9E3779B97F4A7C15;
        foreach (ref float value in values)
            value = (float)((2 * NextUnit(ref state)) - 1);
    }

    /// <summary>
    /// A checkpoint: weights with He's variance 2 / fan-in, small biases and means, batch-norm scales and variances around 1, so that activations
    /// neither grow nor vanish through five blocks.
    /// </summary>
    public static Dictionary<string, float[]> CreateWeights(IReadOnlyList<TensorSpec> parameters)
    {
        Dictionary<string, float[]> tensors = new(StringComparer.Ordinal);
        ulong state = 1;
        foreach (TensorSpec spec in parameters)
        {
            float[] values = new float[spec.ElementCount];
            (double low, double high) = Range(spec);
            foreach (ref float value in values.AsSpan())
                value = (float)(low + ((high - low) * NextUnit(ref state)));
            tensors.Add(spec.Key, values);
        }

        return tensors;
    }

    /// <summary>The checkpoint as a safetensors file.</summary>
    public static byte[] ToSafetensors(IReadOnlyList<TensorSpec> parameters, IReadOnlyDictionary<string, float[]> weights)
    {
        using MemoryStream stream = new();
        SafetensorsWriter.Write(stream, parameters.Select(spec => (spec.Key, spec.Shape, weights[spec.Key])));
        return stream.ToArray();
    }

    private static (double Low, double High) Range(TensorSpec spec)
    {
        switch (spec.Kind)
        {
            case TensorKind.Weight:
                double bound = Math.Sqrt(6.0 * spec.Shape[0] / spec.ElementCount);
                return (-bound, bound);
            case TensorKind.BatchNormWeight or TensorKind.RunningVariance:
                return (0.8, 1.2);
            case TensorKind.PReLUSlope:
                return (0.1, 0.4);
            default:
                return (-0.1, 0.1);
        }
    }

    // SplitMix64 (Steele, Lea, Flood 2014); the upper 53 bits as a number in [0, 1).
    private static double NextUnit(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
    }
}
