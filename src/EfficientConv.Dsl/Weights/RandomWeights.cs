namespace EfficientConv.Dsl;

/// <summary>Random weights, the same for a seed on every machine and in every version of .NET.</summary>
internal static class RandomWeights
{
    internal static Dictionary<string, float[]> Create(ReadOnlySpan<TensorSpec> parameters, int seed)
    {
        var values = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach (TensorSpec spec in parameters)
            values[spec.Key] = Create(spec, seed);
        return values;
    }

    private static float[] Create(TensorSpec spec, int seed)
    {
        (double low, double high) = Range(spec);
        // One stream per tensor, so that a change to one layer leaves the others' weights alone.
        ulong state = Hash(spec.Key) + (ulong)(uint)seed;
        float[] values = new float[checked((int)spec.ElementCount)];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(low + ((high - low) * NextUnit(ref state)));
        return values;
    }

    private static (double Low, double High) Range(TensorSpec spec) => spec.Kind switch
    {
        TensorKind.Weight => Symmetric(HeBound(spec)),
        TensorKind.BatchNormWeight or TensorKind.LayerNormWeight => (0.8, 1.2),
        TensorKind.RunningVariance => (0.5, 1.5),
        TensorKind.PReLUSlope or TensorKind.LayerScale => (0.1, 0.4),
        _ => Symmetric(0.1),
    };

    private static (double Low, double High) Symmetric(double bound) => (-bound, bound);

    // He et al. 2015: variance 2 / fan-in, which a uniform distribution has between plus and minus sqrt(6 / fan-in).
    private static double HeBound(TensorSpec spec) => Math.Sqrt(6.0 * spec.Shape[0] / spec.ElementCount);

    // FNV-1a over the UTF-16 code units.
    private static ulong Hash(string text)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in text)
            hash = unchecked((hash ^ c) * 1099511628211);
        return hash;
    }

    // SplitMix64 (Steele et al. 2014); 53 bits in [0, 1).
    private static double NextUnit(ref ulong state)
    {
        unchecked
        {
            ulong z = state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
        }
    }
}
