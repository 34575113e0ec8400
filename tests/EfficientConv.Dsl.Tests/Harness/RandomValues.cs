namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>Random weights and images, the same for a seed everywhere.</summary>
internal static class RandomValues
{
    /// <summary>A state dict for a network: weights by He, batch norm's statistics and scales far enough from 0 and 1 to matter.</summary>
    public static IReadOnlyList<(string Name, int[] Shape, float[] Values)> Weights(IEnumerable<TensorSpec> parameters, int seed)
    {
        ulong state = Begin(seed);
        return [.. parameters.Select(spec => (spec.Key, spec.Shape, Draw(checked((int)spec.ElementCount), Range(spec), ref state)))];
    }

    /// <summary>The state dict as a safetensors file.</summary>
    public static byte[] Safetensors(IEnumerable<(string Name, int[] Shape, float[] Values)> tensors)
    {
        using MemoryStream stream = new();
        SafetensorsWriter.Write(stream, tensors);
        return stream.ToArray();
    }

    /// <summary>Values from -1.5 to 2.5, so that every branch of the activations is taken.</summary>
    public static float[] Image(long length, int seed)
    {
        ulong state = Begin(seed ^ 0x51ED270B);
        return Draw(checked((int)length), (-1.5, 2.5), ref state);
    }

    private static (double Low, double High) Range(TensorSpec spec)
    {
        double he = Math.Sqrt(6.0 * spec.Shape[0] / Math.Max(1, spec.ElementCount));
        return spec.Kind switch
        {
            TensorKind.Weight => (-he, he),
            TensorKind.BatchNormWeight or TensorKind.LayerNormWeight or TensorKind.LayerScale => (-0.5, 1.5),
            TensorKind.RunningVariance => (0.3, 2),
            TensorKind.PReLUSlope => (-0.2, 0.6),
            _ => (-0.6, 0.6),
        };
    }

    private static ulong Begin(int seed) => unchecked(((ulong)(uint)seed * 0x9E3779B97F4A7C15) + 0x1234567);

    // SplitMix64 (Steele et al. 2014).
    private static float[] Draw(int count, (double Low, double High) range, ref ulong state)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            unchecked
            {
                ulong z = state += 0x9E3779B97F4A7C15;
                z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
                z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
                double unit = ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
                values[i] = (float)(range.Low + ((range.High - range.Low) * unit));
            }
        }

        return values;
    }
}
