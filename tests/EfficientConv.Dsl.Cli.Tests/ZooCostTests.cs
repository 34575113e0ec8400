using System.Text.Json;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>Every network of the zoo, read from its sources as a user would, against the counts that tests/fixtures/make_costs.py makes in PyTorch. Exactly.</summary>
public sealed class ZooCostTests
{
    private static readonly Dictionary<string, JsonElement> s_counted = JsonDocument.Parse(File.ReadAllText(RepositoryFiles.At("tests/fixtures/costs.json"))).RootElement
        .EnumerateArray().Where(entry => entry.GetProperty("name").GetString()!.StartsWith("zoo.", StringComparison.Ordinal)).ToDictionary(entry => entry.GetProperty("name").GetString()![4..]);

    private static readonly Lazy<Dictionary<string, LayerGraph>> s_zoo = new(() =>
        NetworkInputs.Read([RepositoryFiles.At("src/EfficientConv.Dsl.Zoo")], null, new Terminal(TextWriter.Null, TextWriter.Null)).ToDictionary(n => n.ShortName, n => n.Graph()));

    public static TheoryData<string> Names => [.. s_counted.Keys];

    [Fact]
    public void EveryNetwork_IsCounted() => Assert.Equal(s_zoo.Value.Keys.Order(), s_counted.Keys.Order());

    [Theory]
    [MemberData(nameof(Names))]
    public void Counts_AreExactlyPyTorchs(string name)
    {
        JsonElement counted = s_counted[name];
        string pytorchs = string.Join(", ", new[] { "parameters", "macs", "activations", "peak_freed", "peak_held", "saved", "statistics" }.Select(key => $"{key} {counted.GetProperty(key).GetInt64()}"));
        Assert.Equal(pytorchs, Figures(s_zoo.Value[name]));
    }

    private static string Figures(LayerGraph graph)
    {
        Compiler.Cost.NetworkCost cost = NetworkCostModel.Measure(graph);
        SavedTensors saved = TrainingMemory.Saved(graph);
        return $"parameters {cost.Parameters}, macs {cost.MultiplyAdds}, activations {cost.ActivationSum}, peak_freed {LayerMemory.Layerwise(graph).PeakBytes}, " +
            $"peak_held {LayerMemory.Layerwise(graph, inputHeld: true).PeakBytes}, saved {saved.MapBytes}, statistics {saved.StatisticsBytes}";
    }

    /// <summary>Figures that papers print, and the millions of activations as timm rounds them.</summary>
    [Theory]
    [InlineData("MobileNetV2", 3_504_872, 300_774_272, 6.68, 6_021_120)]
    [InlineData("MobileNetV3Large", 5_483_032, 216_589_760, 4.41, 4_014_080)]
    [InlineData("EfficientNetB0", 5_288_548, 385_814_752, 6.75, 6_021_120)]
    public void GoldenFigures(string name, long parameters, long multiplyAdds, double millionActivations, long peak)
    {
        Compiler.Cost.NetworkCost cost = NetworkCostModel.Measure(s_zoo.Value[name]);
        Assert.Equal((parameters, multiplyAdds, peak), (cost.Parameters, cost.MultiplyAdds, cost.PeakBytesLayerwise));
        Assert.Equal(millionActivations, Math.Round(cost.ActivationSum / 1e6, 2));
    }
}
