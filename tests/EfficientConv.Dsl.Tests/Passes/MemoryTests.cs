using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>Memory against the published figures, and against what the runtime takes.</summary>
public sealed class MemoryTests
{
    private const string Standard = "[InputShape(64, 56, 56)] [Conv2d(128, padding: 1, bias: false)]";
    private const string Separable = "[InputShape(64, 56, 56)] [DepthwiseConv2d(padding: 1, bias: false)] [PointwiseConv2d(128, bias: false)]";

    [Fact]
    public void TheQuestion_HasTheAnswerOfTheDesign()
    {
        LayerGraph standard = DeclarationText.Graph(Standard), separable = DeclarationText.Graph(Separable);
        Assert.Equal(2_408_448, LayerMemory.Layerwise(standard).PeakBytes);
        Assert.Equal(2_408_448, LayerMemory.Layerwise(separable).PeakBytes);
        Assert.Equal(2_408_448, LayerMemory.Layerwise(standard, inputHeld: true).PeakBytes);
        Assert.Equal(3_211_264, LayerMemory.Layerwise(separable, inputHeld: true).PeakBytes);
        Assert.Equal(2_408_448 + 7_225_344, LayerMemory.Layerwise(standard, im2col: true).PeakBytes);
        Assert.Equal(2_408_448, LayerMemory.Layerwise(separable, im2col: true).PeakBytes);
        Assert.Equal(2_422_784, Fused(Separable).PeakBytes);
        Assert.Equal(802_816, TrainingMemory.Saved(standard).ConvolutionBytes);
        Assert.Equal(1_605_632, TrainingMemory.Saved(separable).ConvolutionBytes);
        Assert.Equal((294_912, 35_072), (4 * NetworkCostModel.Measure(standard).Parameters, 4 * NetworkCostModel.Measure(separable).Parameters));
    }

    [Theory]
    [InlineData("[InputShape(64, 56, 56)] [Conv2d(128, padding: 1, bias: false), BatchNorm, ReLU]", 3.83, 122.5)]
    [InlineData("[InputShape(64, 56, 56)] [DepthwiseSeparable(128)]", 5.36, 171.5)]
    public void Training_KeepsWhatTheDesignSays(string attributes, double one, double thirtyTwo)
    {
        double mebibytes = TrainingMemory.Saved(DeclarationText.Graph(attributes)).MapBytes / 1048576.0;
        Assert.Equal(one, mebibytes, 0.005);
        Assert.Equal(thirtyTwo, mebibytes * 32, 0.005);
    }

    [Fact]
    public void Fused_ABlockNeedsARingAndARow() =>
        Assert.Equal(731_136, Fused("[InputShape(24, 56, 56)] [InvertedResidual(expansion: 6)]").PeakBytes);

    [Theory]
    [InlineData(false, 2.311)]
    [InlineData(true, 1.395)]
    public void Fused_MobileNetV2HasItsPublishedPeak(bool fuseStem, double mebibytes) =>
        Assert.Equal(mebibytes, Fused(SampleNetworks.MobileNetV2, fuseStem).PeakBytes / 1048576.0, 0.0005);

    /// <summary>
    /// The same as compiled: image and output of stem and first block, three rows of the map between them, three of the image and one depthwise row. With the
    /// caller's image there all the time the second block needs most.
    /// </summary>
    [Fact]
    public void Compiled_MobileNetV2HasItsPublishedPeakWhenTheImageIsFreed()
    {
        NetworkAnalysis analysis = NetworkAnalysis.Of(DeclarationText.Graph(SampleNetworks.MobileNetV2));
        NetworkPlan plan = analysis.PlanFor(VectorTarget.Avx512);
        const int Maps = (3 * 224 * 224) + (16 * 112 * 112), Rows = (3 * 112 * 32) + (3 * 3 * 225) + (112 * 32);
        Assert.InRange(PlannedMemory.InputFreed(analysis.Graph, plan), sizeof(float) * (Maps + Rows), sizeof(float) * (Maps + Rows + 16));
        Assert.Equal(1, PlannedMemory.Of(analysis.Graph, plan).Points.ToList().FindIndex(p => p.LiveBytes == plan.PeakBytes));
    }

    [Fact]
    public void MobileNetV2_HasTorchsummarysPassSize()
    {
        LayerGraph graph = DeclarationText.Graph(SampleNetworks.MobileNetV2);
        Assert.Equal(152.87, PassSize.Torchsummary(graph, NetworkCostModel.Measure(graph)) / 1048576.0, 0.005);
        Assert.Equal(5.742, LayerMemory.Layerwise(graph).PeakBytes / 1048576.0, 0.0005);
    }

    /// <summary>MCUNetV2's figure for MobileNetV2 in 8 bits, 1372 kB: the first expansion, whose depthwise layer works in place there.</summary>
    [Fact]
    public void MobileNetV2_HasThePeakThatMcunetReports()
    {
        MemoryTimeline layerwise = LayerMemory.Layerwise(DeclarationText.Graph(SampleNetworks.MobileNetV2));
        Assert.Equal(4 * (16 + 96) * 112 * 112, layerwise.Points.First(p => p.Name == "4.expand").LiveBytes);
        Assert.Equal(1372, (16 + 96) * 112 * 112 / 1024);
    }

    public static TheoryData<string> Sampled => [.. SampleNetworks.All.Keys];

    [Theory]
    [MemberData(nameof(Sampled))]
    public void ClaimedPeak_IsWhatTheRuntimeTakes(string name)
    {
        NetworkFactory factory = SampleNetworks.Batch[name];
        foreach (InstructionSet set in Numbers.Sets)
            CheckClaimedPeak(factory, set);
    }

    /// <summary>What the constants claim for one instruction set is input, output and the workspace of an instance that runs it; the first call allocates that workspace and no more.</summary>
    private static void CheckClaimedPeak(NetworkFactory factory, InstructionSet set)
    {
        NetworkHandle network = factory.CreateRandom(1, new LoadOptions { InstructionSet = set });
        RunMemory claimed = factory.Cost.MemoryOn(set);
        long spans = (factory.InputShape.ElementCount + factory.OutputShape.ElementCount) * sizeof(float);
        Assert.Equal((network.WorkspaceBytes, network.PackedWeightBytes, network.WorkspaceBytes + spans), (claimed.WorkspaceBytes, claimed.PackedWeightBytes, claimed.PeakBytes));

        // The first call allocates the workspace: an array with its header, and up to a cache line more to begin on one. What the runtime itself allocates
        // when it translates a method is over with another instance's first call; a collection meanwhile counts what is left of the thread's allocation context,
        // so the least of some calls is taken.
        float[] input = new float[factory.InputShape.ElementCount], output = new float[factory.OutputShape.ElementCount];
        network.ForwardOne(input, output);
        long least = long.MaxValue;
        for (int call = 0; call < 4 && least > network.WorkspaceBytes + 1024; call++)
        {
            NetworkHandle warm = factory.CreateRandom(1, new LoadOptions { InstructionSet = set });
            long before = GC.GetAllocatedBytesForCurrentThread();
            warm.ForwardOne(input, output);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.InRange(least, network.WorkspaceBytes, network.WorkspaceBytes + 1024);
    }

    [Theory]
    [MemberData(nameof(Sampled))]
    public void PlannedMemory_StaysWithinTheWorkspaceAndReachesItsEnd(string name)
    {
        NetworkAnalysis analysis = NetworkAnalysis.Of(DeclarationText.Graph(SampleNetworks.All[name]));
        foreach (NetworkPlan plan in analysis.Plans)
        {
            MemoryTimeline timeline = PlannedMemory.Of(analysis.Graph, plan);
            Assert.Equal(plan.Steps.Count, timeline.Points.Count);
            Assert.InRange(timeline.PeakBytes, (analysis.Graph.Input.Count + analysis.Graph.Output.Count) * sizeof(float), plan.PeakBytes);
        }
    }

    [Fact]
    public void SwappedConvolutions_AreTheOtherKind()
    {
        LayerGraph separable = DeclarationText.Graph("[InputShape(64, 56, 56)] [DepthwiseSeparable(128)]");
        LayerGraph standard = DeclarationText.Graph("[InputShape(64, 56, 56)] [Conv2d(128, padding: 1, bias: false), BatchNorm, ReLU]");
        Compiler.Cost.NetworkCost merged = NetworkCostModel.Measure(ConvolutionSwap.WithStandardConvolutions(separable)!);
        Compiler.Cost.NetworkCost split = NetworkCostModel.Measure(ConvolutionSwap.WithSeparableConvolutions(standard)!);
        Assert.Equal((73_984, 231_211_008, 2_408_448), (merged.Parameters, merged.MultiplyAdds, merged.PeakBytesLayerwise));
        Assert.Equal((9_152, 27_496_448, 2_408_448), (split.Parameters, split.MultiplyAdds, split.PeakBytesLayerwise));
        Assert.Null(ConvolutionSwap.WithStandardConvolutions(standard));
        Assert.Null(ConvolutionSwap.WithSeparableConvolutions(separable));
    }

    /// <summary>What reads a swapped convolution keeps its shape: joined tensors have the channels of all, and outputs are still the layers that made them.</summary>
    [Fact]
    public void SwappedConvolutions_KeepWhatIsBuiltOnThem()
    {
        LayerGraph separable = DeclarationText.Graph(
            "[InputShape(8, 9, 9)] [Conv2d(6, padding: 1, Name = \"a\"), DepthwiseConv2d(padding: 1), PointwiseConv2d(8), Output(\"mid\"), Concat(\"a\"), Conv2d(4)]");
        foreach (LayerGraph swapped in new[] { ConvolutionSwap.WithStandardConvolutions(separable)!, ConvolutionSwap.WithSeparableConvolutions(separable)! })
        {
            Assert.NotEqual(separable.Layers.Count, swapped.Layers.Count);
            Assert.Equal(separable.Outputs.Select(o => (o.Name, separable.Layers[o.Layer].Output)), swapped.Outputs.Select(o => (o.Name, swapped.Layers[o.Layer].Output)));
            Assert.Equal(new Shape(14, 9, 9), Assert.Single(swapped.Layers, l => l.Operator is ConcatOperator).Output);
        }
    }

    private static MemoryTimeline Fused(string attributes, bool fuseStem = false)
    {
        NetworkAnalysis analysis = NetworkAnalysis.Of(DeclarationText.Graph(attributes));
        return FusedRowsMemory.Of(analysis.Stages, analysis.Groups, fuseStem: fuseStem);
    }
}
