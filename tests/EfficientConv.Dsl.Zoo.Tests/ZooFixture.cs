using System.Text.Json;

namespace EfficientConv.Dsl.Tests;

/// <summary>What PyTorch says of one network; tests/fixtures/zoo/make_zoo_fixtures.py writes it.</summary>
/// <param name="Name">The class.</param>
/// <param name="Parameters">Parameters.</param>
/// <param name="MultiplyAdds">Multiply-adds of convolutions and linear layers.</param>
/// <param name="Activations">Outputs of convolutions and linear layers.</param>
/// <param name="State">Names and shapes of the state dict.</param>
public sealed record ZooFixture(string Name, long Parameters, long MultiplyAdds, long Activations, IReadOnlyDictionary<string, int[]> State)
{
    private const int Seed = 20260;

    private const int MostOutputs = 4096;

    /// <summary>All networks.</summary>
    public static IReadOnlyDictionary<string, ZooFixture> All { get; } = JsonSerializer.Deserialize<List<ZooFixture>>(
        File.ReadAllText(PathOf("zoo.json")), new JsonSerializerOptions(JsonSerializerDefaults.Web))!.ToDictionary(f => f.Name);

    /// <summary>Of <paramref name="values"/> those that the script stores: all, or of many every n-th.</summary>
    public static float[] Stored(float[] values)
    {
        int step = (values.Length + MostOutputs - 1) / MostOutputs;
        return [.. Enumerable.Range(0, (values.Length + step - 1) / step).Select(i => values[i * step])];
    }

    /// <summary>The logits for <see cref="Image"/> with <see cref="StateDict"/>, as <see cref="Stored"/>.</summary>
    public float[] Logits
    {
        get
        {
            using SafetensorsFile file = SafetensorsFile.Open(PathOf("zoo.safetensors"));
            return file.ReadSingle(Name);
        }
    }

    /// <summary>The image of all networks.</summary>
    public static float[] Image(long count) => Uniform("image", count, -2, 2);

    /// <summary>The state dict with the published names, its values made from a seed as the script makes them.</summary>
    public byte[] StateDict()
    {
        using MemoryStream stream = new();
        SafetensorsWriter.Write(stream, State.Select(entry =>
        {
            (double low, double high) = Bounds(entry.Key, entry.Value);
            return (entry.Key, entry.Value, Uniform(entry.Key, entry.Value.Aggregate(1L, (a, b) => a * b), low, high));
        }));
        return stream.ToArray();
    }

    private static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, "fixtures", file);

    private static (double Low, double High) Bounds(string key, int[] shape)
    {
        if (shape.Length > 1)
        {
            double bound = Math.Sqrt(6.0 / shape.Skip(1).Aggregate(1L, (a, b) => a * b));
            return (-bound, bound);
        }

        if (key.EndsWith("running_var", StringComparison.Ordinal))
            return (0.5, 1.5);
        return key.EndsWith("running_mean", StringComparison.Ordinal) || key.EndsWith("bias", StringComparison.Ordinal) ? (-0.1, 0.1) : (0.8, 1.2);
    }

    /// <summary>SplitMix64 (Steele et al. 2014) seeded by the FNV-1a hash of the name.</summary>
    private static float[] Uniform(string name, long count, double low, double high)
    {
        ulong state = 14695981039346656037;
        foreach (char c in name)
            state = unchecked((state ^ c) * 1099511628211);
        state += Seed;
        float[] values = new float[count];
        for (int i = 0; i < values.Length; i++)
        {
            ulong z = state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            values[i] = (float)(low + ((high - low) * (((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53)))));
        }

        return values;
    }
}
