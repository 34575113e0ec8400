using System.Text.Json;

namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>One case of the PyTorch fixtures.</summary>
/// <param name="Name">Case name, and the prefix of its tensors.</param>
/// <param name="Declaration">C# attributes.</param>
/// <param name="File">The safetensors file of its group.</param>
public sealed record Fixture(string Name, string Declaration, string File)
{
    /// <summary>All cases.</summary>
    public static IReadOnlyList<Fixture> All { get; } = JsonSerializer.Deserialize<List<Fixture>>(
        System.IO.File.ReadAllText(PathOf("fixtures.json")), new JsonSerializerOptions(JsonSerializerDefaults.Web))!;

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(All.Select(f => (f.Name, f.Declaration))));

    /// <summary>All cases compiled together.</summary>
    public static NetworkBatch Batch => s_batch.Value;

    /// <summary>Full path of a fixture file.</summary>
    public static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, "fixtures", file);

    public override string ToString() => Name;
}
