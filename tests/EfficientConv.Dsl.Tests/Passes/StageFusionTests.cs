using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Tests.RandomNetworks;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>Which chains run as one loop nest.</summary>
public sealed class StageFusionTests
{
    private const string Input = "[InputShape(12, 9, 9)] ";

    [Theory]
    [InlineData("[InvertedResidual]", "expand depthwise project+")]
    [InlineData("[InvertedResidual(expansion: 1)]", "depthwise project+")]
    [InlineData("[InvertedResidual(20, stride: 2)]", "expand depthwise project")]
    [InlineData("[InvertedResidual(squeezeChannels: 2)]", "expand depthwise squeeze project+")]
    [InlineData("[EfficientConvBlock(5)]", "expand depthwise squeeze project")]
    [InlineData("[DepthwiseSeparable(20)]", "depthwise project")]
    [InlineData("[PointwiseConv2d(30), BatchNorm, ReLU, DepthwiseConv2d, BatchNorm, SiLU, SqueezeExcitation, PointwiseConv2d(7), BatchNorm]", "expand depthwise squeeze project")]
    [InlineData("[DepthwiseConv2d, PointwiseConv2d(7)]", "depthwise project")]
    [InlineData("[InvertedResidual] [InvertedResidual]", "expand depthwise project+|expand depthwise project+")]
    [InlineData("[DepthwiseSeparable(20)] [DepthwiseSeparable(20)]", "depthwise project|depthwise project")]
    [InlineData("[Conv2d(8, kernelSize: 1), DepthwiseConv2d, Conv2d(4, kernelSize: 1)]", "expand depthwise project")]
    [InlineData("[PointwiseConv2d(30, stride: 2), DepthwiseConv2d, PointwiseConv2d(7)]", "stem depthwise project")]
    [InlineData("[Conv2d(30, padding: 1), BatchNorm, ReLU6, DepthwiseSeparable(20)] [DepthwiseSeparable(20)]", "stem depthwise project|depthwise project")]
    [InlineData("[Conv2d(30, padding: 1), HardSwish, InvertedResidual(expansion: 1)]", "stem depthwise project+stem")]
    [InlineData("[Conv2d(30, padding: 1), SiLU, InvertedResidual(20, expansion: 1, squeezeChannels: 4)]", "stem depthwise squeeze project")]
    [InlineData("[Conv2d(30, padding: 1), BatchNorm, ReLU, MaxPool2d] [DepthwiseSeparable(20)]", "stem Pool|depthwise project")]
    [InlineData("[Conv2d(30), SiLU, AvgPool2d]", "stem Pool")]
    [InlineData("[PointwiseConv2d(30), DepthwiseConv2d, PReLU, PointwiseConv2d(7)]", "expand depthwise project")]
    [InlineData("[PointwiseConv2d(30), PReLU, DepthwiseConv2d, PointwiseConv2d(7), PReLU(7)]", "expand depthwise project")]
    [InlineData("[Conv2d(30, padding: 1), PReLU(30), MaxPool2d]", "stem Pool")]
    [InlineData("[DepthwiseConv2d, ReLU, BatchNorm, PointwiseConv2d(7), ReLU, BatchNorm]", "depthwise project")]
    [InlineData("[PointwiseConv2d(30), HardSwish, BatchNorm, DepthwiseConv2d, ReLU, LayerScale, SqueezeExcitation, PointwiseConv2d(7)]", "expand depthwise squeeze project")]
    public void MobileChains_Fuse(string attributes, string expected) => Assert.Equal(expected, Describe(Layers.Fuse(Input + attributes)));

    [Theory]
    [InlineData("[PointwiseConv2d(30, groups: 3), DepthwiseConv2d, PointwiseConv2d(7)]", "Convolution|depthwise project")]
    [InlineData("[Conv2d(30, groups: 3), DepthwiseConv2d, PointwiseConv2d(7)]", "Convolution|depthwise project")]
    [InlineData("[Conv2d(30, padding: 1), Softmax, DepthwiseConv2d, PointwiseConv2d(7)]", "Convolution|Softmax|depthwise project")]
    [InlineData("[Conv2d(30, padding: 1, Algorithm = ConvAlgorithm.Winograd), DepthwiseConv2d, PointwiseConv2d(7)]", "Convolution|depthwise project")]
    [InlineData("[Conv2d(30, padding: 1, Name = \"x\"), DepthwiseConv2d(padding: 1), PointwiseConv2d(30), Concat(\"x\")]", "Convolution|depthwise project|Concat")]
    [InlineData("[Conv2d(30, padding: 1), Output(\"x\"), DepthwiseConv2d, PointwiseConv2d(7)]", "Convolution|depthwise project")]
    [InlineData("[Conv2d(30, padding: 1), InvertedResidual(expansion: 1, squeezeChannels: 4)]", "Convolution|depthwise squeeze project+")]
    [InlineData("[Conv2d(30, Algorithm = ConvAlgorithm.Winograd), MaxPool2d]", "Convolution|Pool")]
    [InlineData("[PointwiseConv2d(30), MaxPool2d]", "Convolution|Pool")]
    [InlineData("[Conv2d(30, padding: 1), Output(\"x\"), MaxPool2d]", "Convolution|Pool")]
    [InlineData("[Conv2d(30, padding: 1), GlobalAvgPool]", "Convolution|GlobalAveragePool")]
    [InlineData("[PointwiseConv2d(30), DepthwiseConv2d]", "Convolution|Convolution")]
    [InlineData("[DepthwiseConv2d, SiLU, BatchNorm, PointwiseConv2d(7)]", "Convolution|BatchNorm|Convolution")]
    [InlineData("[DepthwiseConv2d, MaxPool2d, PointwiseConv2d(7)]", "Convolution|Pool|Convolution")]
    [InlineData("[DepthwiseConv2d, PointwiseConv2d(7, stride: 2)]", "Convolution|Convolution")]
    [InlineData("[DepthwiseConv2d(multiplier: 2), PointwiseConv2d(7)]", "Convolution|Convolution")]
    [InlineData("[PointwiseConv2d(30), Conv2d(30), PointwiseConv2d(7)]", "Convolution|Convolution|Convolution")]
    [InlineData("[PointwiseConv2d(1), DepthwiseConv2d, PointwiseConv2d(7)]", "Convolution|Convolution|Convolution")]
    [InlineData("[DepthwiseConv2d, SqueezeExcitation, ReLU, PointwiseConv2d(7)]", "Convolution|Squeeze|Activation|Convolution")]
    public void OtherChains_DoNot(string attributes, string expected) => Assert.Equal(expected, Describe(Layers.Fuse(Input + attributes)));

    [Fact]
    public void ExpandedTensorThatIsReadTwice_IsMade()
    {
        Layers layers = Layers.From(8, 5, 5);
        int expand = layers.Add(Layers.Pointwise(16), 0);
        int project = layers.Add(Layers.Pointwise(16), layers.Add(Layers.Convolution(16, 3, 1, groups: 16), expand));
        layers.Add(new AddOperator(), project, expand);
        Assert.Equal("Convolution|depthwise project+", Describe(Layers.Fuse(layers.Build())));
    }

    [Fact]
    public void DepthwiseTensorThatIsReadTwice_IsMade()
    {
        Layers layers = Layers.From(8, 5, 5);
        int depthwise = layers.Add(Layers.Convolution(8, 3, 1, groups: 8), layers.Add(Layers.Pointwise(8), 0));
        layers.Add(new AddOperator(), layers.Add(Layers.Pointwise(8), depthwise), depthwise);
        Assert.Equal("Convolution|Convolution|Convolution", Describe(Layers.Fuse(layers.Build())));
    }

    [Fact]
    public void ProjectionThatReadsTheDepthwiseTensorAsResidualOnly_IsNotFused()
    {
        Layers layers = Layers.From(8, 5, 5);
        int depthwise = layers.Add(Layers.Convolution(8, 3, 1, groups: 8), 0);
        layers.Add(new AddOperator(), layers.Add(Layers.Pointwise(8), 0), depthwise);
        Assert.Equal("Convolution|Convolution", Describe(Layers.Fuse(layers.Build())));
    }

    /// <summary>Every stage that an output depends on is in exactly one group, and a group reads only what earlier groups make.</summary>
    [Fact]
    public void Groups_PartitionTheStagesInAnOrderThatRuns() => Assert.All(RandomCase.All, item =>
    {
        StageGraph graph = OperatorFolding.Fold(item.Graph);
        List<int> covered = [];
        HashSet<int> ready = [0];
        foreach (StageGroup group in StageFusion.Fuse(graph))
        {
            Assert.Subset(ready, group.Reads.ToHashSet());
            ready.Add(group.Last.Id);
            covered.AddRange(group.Parts.Select(part => part.Id));
        }

        HashSet<int> needed = [];
        Stack<int> open = new(graph.Outputs);
        while (open.TryPop(out int stage))
        {
            if (needed.Add(stage))
                graph.Stages[stage].Inputs.ToList().ForEach(open.Push);
        }

        Assert.Equal(needed.Where(id => id != 0).Order(), covered.Order());
    });

    private static string Describe(IEnumerable<StageGroup> groups) => string.Join('|', groups.Select(g => g switch
    {
        DepthwiseGroup d => $"{(d.Stem is not null ? "stem " : d.Expand is not null ? "expand " : "")}depthwise {(d.Squeeze is null ? "" : "squeeze ")}project{(d.Residual >= 0 ? "+" : d.AddsExpanded ? "+stem" : "")}",
        PoolGroup => "stem Pool",
        _ => g.Last.GetType().Name.Replace("Stage", string.Empty, StringComparison.Ordinal),
    }));
}
