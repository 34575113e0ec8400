using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>Counts against PyTorch's own, made with hooks on the modules and a trace of every tensor operation. Exactly: nothing here is measured.</summary>
public sealed class PyTorchCostTests
{
    public static TheoryData<string> Declared => [.. CountedNetwork.All.Where(c => c.Declaration is not null).Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Declared))]
    public void Counts_AreExactlyPyTorchs(string name)
    {
        CountedNetwork counted = CountedNetwork.All.Single(c => c.Name == name);
        AssertSame(counted, DeclarationText.Graph(counted.Declaration!));
    }

    [Fact]
    public void MobileNetV2_CountsAsTorchvisions()
    {
        CountedNetwork counted = CountedNetwork.All.Single(c => c.Name == "zoo.MobileNetV2");

        // torchvision pools with a function, which hooks on modules do not see; here pooling is a layer.
        AssertSame(counted with { Outputs = counted.Outputs + 1280 }, DeclarationText.Graph(SampleNetworks.MobileNetV2));
    }

    [Fact]
    public void ThereAreEnoughCases() => Assert.InRange(Declared.Count, 430, int.MaxValue);

    private static void AssertSame(CountedNetwork counted, LayerGraph graph)
    {
        Compiler.Cost.NetworkCost cost = NetworkCostModel.Measure(graph);
        SavedTensors saved = TrainingMemory.Saved(graph);
        CountedNetwork ours = new(
            counted.Name, counted.Declaration, cost.Parameters, cost.MultiplyAdds, cost.ActivationSum, counted.Outputs is null ? null : cost.OutputSum, LayerMemory.Layerwise(graph).PeakBytes,
            LayerMemory.Layerwise(graph, inputHeld: true).PeakBytes, saved.MapBytes, saved.StatisticsBytes);
        Assert.True(counted.Figures == ours.Figures, $"PyTorch: {counted.Figures}\nhere:    {ours.Figures}");
    }
}
