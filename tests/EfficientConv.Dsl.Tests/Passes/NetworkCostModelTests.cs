using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>Counts against published figures and against what is worked out by hand.</summary>
public sealed class NetworkCostModelTests
{
    [Fact]
    public void StandardConvolution()
    {
        Compiler.Cost.NetworkCost cost = Measure("[InputShape(64, 56, 56)] [Conv2d(128, padding: 1, bias: false)]");
        Assert.Equal((73_728, 231_211_008), (cost.Parameters, cost.MultiplyAdds));
        Assert.Equal(2_408_448, cost.PeakBytesLayerwise);
        Assert.Equal(128 * 56 * 56, cost.ActivationSum);
    }

    [Fact]
    public void BottleneckAgainstDirectConvolution()
    {
        Compiler.Cost.NetworkCost cost = Measure("[InputShape(256, 14, 14)] [Bottleneck(64, 256)]");
        Assert.Equal(69_632, ConvolutionWeights(cost));
        Assert.Equal(69_632 * 196, cost.MultiplyAdds);
        Assert.Equal(69_632 + (2 * (64 + 64 + 256)), cost.Parameters);
        Assert.Equal(589_824, Measure("[InputShape(256, 14, 14)] [Conv2d(256, padding: 1, bias: false)]").Parameters);
    }

    [Fact]
    public void DepthwiseSeparable()
    {
        Compiler.Cost.NetworkCost cost = Measure("[InputShape(64, 56, 56)] [DepthwiseSeparable(128)]");
        Assert.Equal(8_768, ConvolutionWeights(cost));
        Assert.Equal(8_768 + (2 * (64 + 128)), cost.Parameters);
        Assert.Equal(27_496_448, cost.MultiplyAdds);
        Assert.Equal(8.4, 73_728.0 / ConvolutionWeights(cost), 0.01);
        Assert.Equal(2_408_448, cost.PeakBytesLayerwise);
    }

    [Fact]
    public void InvertedResidual_PeaksWhereTheExpandedTensorsMeet() =>
        Assert.Equal(3_913_728, Measure("[InputShape(24, 56, 56)] [InvertedResidual(expansion: 6)]").PeakBytesLayerwise);

    [Fact]
    public void MobileNetV2_HasItsPublishedFigures()
    {
        Compiler.Cost.NetworkCost cost = Measure(SampleNetworks.MobileNetV2);
        Assert.Equal((3_504_872, 300_774_272), (cost.Parameters, cost.MultiplyAdds));
        Assert.Equal(6.68, cost.ActivationSum / 1e6, 0.005);
        Assert.Equal(6_021_120, cost.PeakBytesLayerwise);
    }

    [Theory]
    [InlineData("BatchNorm", 24, 0)]
    [InlineData("PReLU", 1, 0)]
    [InlineData("PReLU(12)", 12, 0)]
    [InlineData("MaxPool2d", 0, 0)]
    [InlineData("GELU", 0, 0)]
    [InlineData("Linear(10)", (12 * 81 * 10) + 10, 12 * 81 * 10)]
    [InlineData("SqueezeExcitation(4)", (12 * 3) + 3 + (3 * 12) + 12, 72)]
    [InlineData("Conv2d(24, padding: 1, groups: 4)", (24 * 3 * 9) + 24, 24 * 3 * 9 * 81)]
    public void Layers_CountAsPyTorchDoes(string attribute, long parameters, long multiplyAdds)
    {
        Compiler.Cost.NetworkCost cost = Measure($"[InputShape(12, 9, 9)] [{attribute}]");
        Assert.Equal((parameters, multiplyAdds), (cost.Parameters, cost.MultiplyAdds));
        Assert.Equal(cost.Parameters, cost.Layers.Sum(l => l.Parameters));
        Assert.Equal(cost.MultiplyAdds, cost.Layers.Sum(l => l.MultiplyAdds));
    }

    /// <summary>Fused, an inverted residual needs little more than input and output.</summary>
    [Fact]
    public void FusedPeak_IsFarBelowTheLayerwiseOne()
    {
        NetworkFactory block = SampleNetworks.Batch["ExpansionSix"];
        Assert.Equal(3_913_728, block.Cost.PeakBytesLayerwise);
        Assert.Equal([InstructionSet.Avx512, InstructionSet.Avx2, InstructionSet.Vector128], block.Cost.Memory.Select(m => m.InstructionSet));
        Assert.All(block.Cost.Memory, m => Assert.InRange(m.PeakBytes, (24 + 24) * 56 * 56 * sizeof(float), 1_200_000));
        Assert.All(SampleNetworks.Batch["MobileNetV2"].Cost.Memory, m => Assert.InRange(m.PeakBytes, 0, 6_021_120));
    }

    [Fact]
    public void GeneratedCost_IsTheModels()
    {
        foreach ((string name, string text) in SampleNetworks.All)
        {
            NetworkCost generated = SampleNetworks.Batch[name].Cost;
            Compiler.Cost.NetworkCost model = Measure(text);
            Assert.Equal((model.Parameters, model.MultiplyAdds, model.ActivationSum, model.PeakBytesLayerwise), (generated.Parameters, generated.MultiplyAdds, generated.ActivationSum, generated.PeakBytesLayerwise));
            Assert.Equal(model.Parameters * sizeof(float), generated.WeightBytes);
            Assert.Equal(model.Layers.Select(l => l.Name), generated.Layers.Select(l => l.Name));
        }
    }

    private static Compiler.Cost.NetworkCost Measure(string attributes)
    {
        LayerGraph graph = DeclarationText.Graph(attributes);
        return NetworkCostModel.Measure(graph);
    }

    private static long ConvolutionWeights(Compiler.Cost.NetworkCost cost) => cost.Layers.Where(l => l.Operator == "Conv2d").Sum(l => l.Parameters);
}
