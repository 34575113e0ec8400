using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Maps of one to three channels at the end of a network: activations go over the values as the user has them, and one channel is a plane in either layout.</summary>
[Trait("Duration", "long")]
public sealed class NarrowMapTests
{
    private static readonly string[] s_declarations =
    [
        "[InputShape(1, 20, 21), Sigmoid]",
        "[InputShape(3, 20, 21), Tanh]",
        "[InputShape(3, 20, 21, Layout = TensorLayout.NHWC), ReLU]",
        "[InputShape(1, 20, 21)] [GELU] [Sigmoid]",
        "[InputShape(5, 9, 7)] [MaxPool2d(3, 1, 1)] [SiLU]",
        "[InputShape(40, 1, 1), Sigmoid]",
        "[InputShape(24, 16, 16)] [PointwiseConv2d(1), Sigmoid]",
        "[InputShape(24, 15, 17, Layout = TensorLayout.NHWC)] [PointwiseConv2d(1), Sigmoid]",
        "[InputShape(24, 15, 17)] [MaxPool2d(3, 1, 1)] [PointwiseConv2d(2), Sigmoid]",
        "[InputShape(16, 20, 33)] [Conv2d(1, 3, padding: 1), Sigmoid]",
        "[InputShape(16, 20, 33, Layout = TensorLayout.NHWC)] [Conv2d(3, 3, padding: 1), Sigmoid]",
        "[InputShape(8, 20, 33)] [ReLU, MaxPool2d(3, 1, 1)] [Conv2d(3, 3, padding: 1), Tanh]",
        "[InputShape(8, 20, 33)] [Conv2d(1, 3, padding: 1, Name = \"a\"), ReLU] [Output(\"mask\")] [Conv2d(4, 3, padding: 1), Sigmoid]",
        "[InputShape(12, 7, 9)] [ConvTranspose2d(1, 2, stride: 2), Sigmoid]",
        "[InputShape(12, 7, 9)] [ConvTranspose2d(2, 3, stride: 2, padding: 1), BatchNorm, Sigmoid]",
        "[InputShape(12, 7, 9, Layout = TensorLayout.NHWC)] [ConvTranspose2d(3, 2, stride: 2), Tanh]",

        // Transposed convolutions whose phases are planes: one tap each, and windows, at every width of a row, before an activation that is a pass, and inside a network.
        "[InputShape(24, 9, 16)] [ConvTranspose2d(1, 2, stride: 2)]",
        "[InputShape(24, 9, 17, Layout = TensorLayout.NHWC)] [ConvTranspose2d(4, 2, stride: 2), BatchNorm, ReLU]",
        "[InputShape(12, 7, 9)] [PointwiseConv2d(20), ReLU] [ConvTranspose2d(3, 3, stride: 3), PReLU]",
        "[InputShape(12, 7, 9)] [PointwiseConv2d(20), ReLU] [ConvTranspose2d(2, 2, stride: 2), HardSwish] [MaxPool2d(3, 1, 1)] [ConvTranspose2d(2, 2, stride: 2), GELU] [Conv2d(5, padding: 1)]",
        "[InputShape(10, 6, 18)] [ConvTranspose2d(1, 4, stride: 2, padding: 1), Sigmoid]",
        "[InputShape(10, 6, 37, Layout = TensorLayout.NHWC)] [ConvTranspose2d(4, 4, stride: 2, padding: 1), BatchNorm, SiLU]",
        "[InputShape(10, 6, 20)] [Conv2d(12, padding: 1), ReLU] [ConvTranspose2d(3, 3, stride: 2, padding: 1, outputPadding: 1), PReLU(3), BatchNorm] [DepthwiseConv2d(3, padding: 1)]",
        "[InputShape(10, 6, 20)] [ConvTranspose2d(2, 6, stride: 3, padding: 2, outputPadding: 1), Hardtanh]",
        "[InputShape(8, 5, 16)] [ConvTranspose2d(2, 2, stride: 2), PReLU(2), LayerScale]",

        // A window over channels side by side, into few planes.
        "[InputShape(24, 16, 32)] [Conv2d(24, padding: 1), ReLU] [Conv2d(2, padding: 1), Sigmoid]",
        "[InputShape(24, 16, 33)] [Conv2d(40, padding: 1), ReLU] [Conv2d(4, 5, padding: 2, stride: 2), BatchNorm, ReLU, BatchNorm]",
        "[InputShape(1, 20, 32)] [DepthwiseSeparable(8)] [DepthwiseConv2d(3, padding: 1), PointwiseConv2d(1), Sigmoid] [Add(\"input\")]",
        "[InputShape(1, 9, 8)] [Conv2d(8, 3, padding: 1), ReLU] [Upsample(2)] [PointwiseConv2d(1), Sigmoid, Output(\"half\")] [Upsample(2), Sigmoid]",
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
    public void Output_AgreesWithReferenceAndHasTheSameBitsEverywhere(int index, string text) => NumericCheck.AgreesEverywhere(s_batch.Value[Name(index)], text, index);

    /// <summary>An activation alone is one step, whatever the channels and the layout.</summary>
    [Theory]
    [InlineData("[InputShape(1, 256, 256), Sigmoid]")]
    [InlineData("[InputShape(3, 64, 64), Sigmoid]")]
    [InlineData("[InputShape(3, 64, 64, Layout = TensorLayout.NHWC), Sigmoid]")]
    public void ActivationOfTheInput_IsOneStepOverItsValues(string text)
    {
        foreach (VectorTarget target in VectorTarget.All)
            {
            LoopNest nest = Assert.Single(Plan(text, target).Steps).Nest;
            Assert.True(nest.IsRuntime);
            Assert.Equal("value", Assert.Single(nest.Body.OfType<Split>()).First.Name);
        }
    }

    /// <summary>A convolution from planes to one channel has pixels in its lanes.</summary>
    [Theory]
    [InlineData("[InputShape(24, 64, 64)] [PointwiseConv2d(1), Sigmoid]", "PlanarPointwise")]
    [InlineData("[InputShape(16, 128, 128)] [Conv2d(1, 3, padding: 1), Sigmoid]", "PlanarConvolution")]
    public void OneChannel_IsAPlane(string text, string title)
    {
        foreach (VectorTarget target in VectorTarget.All)
            Assert.Equal(title, Assert.Single(Plan(text, target).Steps).Nest.Title);
    }

    /// <summary>Phases of few channels are planes: of one tap each one product, else a convolution each, after a copy to planes where the input is none.</summary>
    [Theory]
    [InlineData("[InputShape(24, 32, 32)] [ConvTranspose2d(1, 2, stride: 2), ReLU]", "PlanarPointwise Phases")]
    [InlineData("[InputShape(24, 32, 32, Layout = TensorLayout.NHWC)] [ConvTranspose2d(4, 3, stride: 3), Sigmoid]", "Pointwise Phases Activation")]
    [InlineData("[InputShape(24, 32, 32)] [ConvTranspose2d(3, 4, stride: 2, padding: 1)]", "PlanarConvolution PlanarConvolution PlanarConvolution PlanarConvolution Phases")]
    [InlineData("[InputShape(24, 32, 32, Layout = TensorLayout.NHWC)] [ConvTranspose2d(1, 4, stride: 2, padding: 1)]", "Copy PlanarConvolution PlanarConvolution PlanarConvolution PlanarConvolution Phases")]
    [InlineData("[InputShape(24, 32, 32, Layout = TensorLayout.NHWC)] [Conv2d(64, stride: 2, padding: 1)] [ConvTranspose2d(5, 2, stride: 2)]", "Convolution Convolution Convolution Convolution Convolution Copy")]
    public void PhasesOfFewChannels_ArePlanes(string text, string steps)
    {
        foreach (VectorTarget target in VectorTarget.All)
            Assert.Equal(steps, string.Join(' ', Plan(text, target).Steps.Select(step => step.Nest.Title)));
    }

    /// <summary>A window over channels side by side into few planes reads planes.</summary>
    [Fact]
    public void WindowIntoFewPlanes_ReadsPlanes()
    {
        foreach (VectorTarget target in VectorTarget.All)
            Assert.Equal("PlanarConvolution", Plan("[InputShape(24, 64, 64)] [Conv2d(24, padding: 1), ReLU] [Conv2d(2, padding: 1)]", target).Steps[^1].Nest.Title);
    }

    private static NetworkPlan Plan(string text, VectorTarget target)
    {
        StageGraph graph = OperatorFolding.Fold(DeclarationText.Graph(text));
        return Scheduler.Plan(graph, StageFusion.Fuse(graph), target, ScheduleSettings.Default);
    }

    private static string Name(int index) => FormattableString.Invariant($"Narrow{index}");
}
