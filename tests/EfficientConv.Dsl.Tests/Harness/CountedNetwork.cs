using System.Text.Json;

namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>What PyTorch says that a network costs; written by tests/fixtures/make_costs.py.</summary>
/// <param name="Name">Name of the case, or <c>zoo.</c> and the network's name.</param>
/// <param name="Declaration">C# attributes; null for the zoo's networks.</param>
/// <param name="Parameters">Parameters.</param>
/// <param name="Macs">Multiply-adds of convolutions and linear layers.</param>
/// <param name="Activations">Their outputs' elements.</param>
/// <param name="Outputs">All modules' outputs' elements; null where the published blocks call functions in place of modules.</param>
/// <param name="PeakFreed">Most live bytes when the input is dropped after its last use.</param>
/// <param name="PeakHeld">Most live bytes when the caller keeps it.</param>
/// <param name="Saved">Bytes kept for the backward pass, for one image.</param>
/// <param name="Statistics">Bytes of batch norm's statistics kept for it.</param>
internal sealed record CountedNetwork(
    string Name, string? Declaration, long Parameters, long Macs, long Activations, long? Outputs, long PeakFreed, long PeakHeld, long Saved, long Statistics)
{
    private static readonly JsonSerializerOptions s_options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<CountedNetwork> All { get; } = JsonSerializer.Deserialize<List<CountedNetwork>>(File.ReadAllText(Fixture.PathOf("costs.json")), s_options)!;

    /// <summary>All figures, for a message that shows which differs.</summary>
    public string Figures => FormattableString.Invariant(
        $"{Parameters} parameters, {Macs} MACs, {Activations} activations, {Outputs} outputs, {PeakFreed} freed, {PeakHeld} held, {Saved} saved, {Statistics} statistics");

    public override string ToString() => Name;
}
