using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.Reference;

namespace EfficientConv.Dsl.Tests;

/// <summary>
/// Maps of 512 and 1024 channels, whose pixels lie further apart in the workspace than their channels ask for, beside those of the user, whose pixels do not: every kind of
/// step that reads or writes them.
/// </summary>
public sealed class ManyChannelTests
{
    private static readonly string[] s_declarations =
    [
        "[InputShape(24, 5, 6)] [PointwiseConv2d(512), ReLU] [PointwiseConv2d(1024), SiLU] [PointwiseConv2d(40)]",
        "[InputShape(512, 3, 3, Layout = TensorLayout.NHWC)] [BatchNorm] [PointwiseConv2d(512)] [BatchNorm]",
        "[InputShape(512, 3, 3)] [BatchNorm] [ReLU] [BatchNorm]",
        "[InputShape(512, 3, 3, Layout = TensorLayout.NHWC)] [ChannelShuffle(4)]",
        "[InputShape(512, 3, 3, Layout = TensorLayout.NHWC)] [PointwiseConv2d(512), ReLU] [MaxPool2d(3, stride: 1, padding: 1)] [Add(\"input\")] [ReLU] [Multiply(\"input\")]",
        "[InputShape(16, 4, 4)] [PointwiseConv2d(512, Name = \"a\")] [PointwiseConv2d(512), PReLU] [Add(\"a\")] [ChannelShuffle(2)] [Add(\"a\")] [LayerNorm2d] [Tanh]",
        "[InputShape(16, 4, 4, Layout = TensorLayout.NHWC)] [PointwiseConv2d(256, Name = \"a\")] [From(\"input\")] [PointwiseConv2d(256), ReLU] [Concat(\"a\")] [DepthwiseConv2d(3, padding: 1)] [SqueezeExcitation] [SliceChannels(100, 412)] [Conv2d(16, kernelSize: 3, padding: 1)]",
        "[InputShape(16, 6, 6)] [DepthwiseSeparable(512, stride: 2)] [DepthwiseSeparable(512)] [GlobalAvgPool] [Flatten, Linear(10)]",
        "[InputShape(512, 3, 3)] [InvertedResidual(expansion: 1)] [InvertedResidual(hiddenChannels: 1024)] [Softmax]",
        "[InputShape(16, 6, 6)] [ResNetBottleneck(128)] [ResNetBottleneck(128)] [Flatten, Linear(10)]",
        "[InputShape(16, 3, 3)] [ConvTranspose2d(512, kernelSize: 2, stride: 2), SiLU] [Upsample(2)] [AvgPool2d(2, stride: 2)] [Conv2d(512, kernelSize: 3, padding: 1, groups: 8)] [PixelShuffle(2)]",
        "[InputShape(512, 6, 6, Layout = TensorLayout.NHWC)] [DepthwiseConv2d(3, padding: 1), HardSwish] [AdaptiveAvgPool2d(2)] [Conv2d(512, kernelSize: 2)]",
    ];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(s_declarations.Select((text, i) => (Name(i), text))));

    public static TheoryData<int, string> Declarations
    {
        get
        {
            TheoryData<int, string> data = [];
            for (int i = 0; i < s_declarations.Length; i++)
                data.Add(i, s_declarations[i]);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Declarations))]
    public void Output_AgreesWithReferenceAndHasTheSameBitsEverywhere(int declaration, string text)
    {
        NetworkFactory factory = s_batch.Value[Name(declaration)];
        IReadOnlyList<(string Name, int[] Shape, float[] Values)> weights = RandomValues.Weights(factory.Parameters, declaration);
        float[] input = RandomValues.Image(factory.InputShape.ElementCount, declaration);
        double[] expected = new NaiveNetwork(DeclarationText.Graph(text), weights).Run(input);
        float[]? first = null;
        foreach (InstructionSet set in Numbers.Sets)
        {
            NetworkHandle network = factory.Load(RandomValues.Safetensors(weights), new LoadOptions { InstructionSet = set });
            float[] output = network.Run(input, 1, factory.OutputShape);
            Numbers.AssertClose(expected, output, 1e-5, () => $"{set}: {text}");
            first ??= output;
            Numbers.AssertSameBits(first, output, () => $"{set}: {text}");
        }
    }

    [Fact]
    public void PixelsOfTheWorkspace_AreSpreadOverTheSetsOfACache()
    {
        StageGraph graph = OperatorFolding.Fold(DeclarationText.Graph(s_declarations[0]));
        foreach (VectorTarget target in VectorTarget.All)
        {
            TensorView[] maps = [.. Scheduler.Plan(graph, StageFusion.Fuse(graph), target, ScheduleSettings.Default).Steps.Select(s => s.Output).Where(t => t.Place == TensorPlace.Workspace).Select(t => t.View)];
            Assert.Equal([544, 1056], maps.Select(v => v.PixelStride));
        }
    }

    private static string Name(int declaration) => FormattableString.Invariant($"ManyChannels{declaration}");
}
