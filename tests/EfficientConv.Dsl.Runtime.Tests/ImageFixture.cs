using System.Text.Json;

namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>What torchvision makes of one picture; tests/fixtures/make_image_fixtures.py writes it.</summary>
public sealed record ImageFixture(
    string Name, int Width, int Height, int Channels, int Seed, int ShorterSide, int CropWidth, int CropHeight, int LargestDistanceOfTensorPath, double[]? Mean, double[]? Std)
{
    private static readonly JsonSerializerOptions s_options = new(JsonSerializerDefaults.Web);

    /// <summary>All cases.</summary>
    public static IReadOnlyDictionary<string, ImageFixture> All { get; } = JsonSerializer.Deserialize<List<ImageFixture>>(
        File.ReadAllText(PathOf("images.json")), s_options)!.ToDictionary(c => c.Name);

    /// <summary>The stored values.</summary>
    public float[] Expected
    {
        get
        {
            using SafetensorsFile file = SafetensorsFile.Open(PathOf("images.safetensors"));
            return file.ReadSingle(Name);
        }
    }

    /// <summary>The picture, rows of <see cref="Width"/> pixels of <see cref="Channels"/> bytes.</summary>
    public byte[] Picture() => Picture(Width * Height * Channels, Seed);

    /// <summary>A SplitMix64 stream's low bytes (Steele et al. 2014), with runs of 0 and 255, as the script makes them.</summary>
    public static byte[] Picture(int count, int seed)
    {
        byte[] bytes = new byte[count];
        ulong state = (ulong)seed;
        for (int i = 0; i < count; i++)
        {
            unchecked
            {
                ulong z = state += 0x9E3779B97F4A7C15;
                z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
                z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
                z ^= z >> 31;
                bytes[i] = (z >> 16) % 7 == 0 ? (byte)0 : (z >> 8) % 5 == 0 ? (byte)255 : (byte)z;
            }
        }

        return bytes;
    }

    private static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, "fixtures", file);
}
