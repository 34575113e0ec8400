using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.Reference;

namespace EfficientConv.Dsl.Tests;

/// <summary>1x1 convolutions of so many weights that they run in blocks of output channels.</summary>
public sealed class WeightBlockTests
{
    [Theory]
    [InlineData("[InputShape(320, 6, 6, Layout = TensorLayout.NHWC)] [PointwiseConv2d(640), ReLU6]", true)]
    [InlineData("[InputShape(200, 5, 7)] [PointwiseConv2d(1024), BatchNorm] [PointwiseConv2d(24)]", true)]
    [InlineData("[InputShape(320, 6, 6, Layout = TensorLayout.NHWC)] [PointwiseConv2d(640), SiLU]", false)]
    [InlineData("[InputShape(320, 6, 6, Layout = TensorLayout.NHWC)] [PointwiseConv2d(64), ReLU6]", false)]
    [InlineData("[InputShape(320, 4, 4, Layout = TensorLayout.NHWC)] [PointwiseConv2d(640), ReLU6]", false)]
    public void Output_AgreesWithReferenceAndHasTheSameBitsEverywhere(string text, bool blocks)
    {
        StageGraph graph = OperatorFolding.Fold(DeclarationText.Graph(text));
        foreach (VectorTarget target in VectorTarget.All)
            Assert.Equal(blocks, Scheduler.Plan(graph, StageFusion.Fuse(graph), target, ScheduleSettings.Default).Steps.Any(s => HasDirectBlocks(s.Nest)));

        NetworkFactory factory = NetworkBatch.Compile([("Blocks", text)])["Blocks"];
        IReadOnlyList<(string Name, int[] Shape, float[] Values)> weights = RandomValues.Weights(factory.Parameters, 1);
        float[] input = RandomValues.Image(factory.InputShape.ElementCount, 1);
        double[] expected = new NaiveNetwork(DeclarationText.Graph(text), weights).Run(input);
        float[]? first = null;
        foreach (InstructionSet set in Numbers.Sets)
        {
            float[] output = factory.Load(RandomValues.Safetensors(weights), new LoadOptions { InstructionSet = set }).Run(input, 1, factory.OutputShape);
            Numbers.AssertClose(expected, output, 1e-5, () => $"{set}: {text}");
            first ??= output;
            Numbers.AssertSameBits(first, output, () => $"{set}: {text}");
        }
    }

    /// <summary>Blocks of channels that a product writes where they belong.</summary>
    private static bool HasDirectBlocks(LoopNest nest) =>
        nest.Title == PointwiseNests.Title && nest.Body.OfType<Compiler.Scheduling.Nests.Parallel>().Any(loop => loop.Index.Name == "b" && loop.Body is [Call { Output: not Storage { Name: "block" } }]);
}
