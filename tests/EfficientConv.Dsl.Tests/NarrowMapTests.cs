using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Maps of one to three channels at the end of a network: activations go over the values as the user has them, and one channel is a plane in either layout.</summary>
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
            Assert.Equal(RuntimeUnit.Value, Assert.IsType<RuntimeDriver>(Assert.Single(Plan(text, target).Steps).Driver).Range.Unit);
    }

    /// <summary>A convolution from planes to one channel has pixels in its lanes.</summary>
    [Theory]
    [InlineData("[InputShape(24, 64, 64)] [PointwiseConv2d(1), Sigmoid]", typeof(PlanarPointwiseDriver))]
    [InlineData("[InputShape(16, 128, 128)] [Conv2d(1, 3, padding: 1), Sigmoid]", typeof(PlanarConvolutionDriver))]
    public void OneChannel_IsAPlane(string text, Type driver)
    {
        foreach (VectorTarget target in VectorTarget.All)
            Assert.IsType(driver, Assert.Single(Plan(text, target).Steps).Driver);
    }

    private static NetworkPlan Plan(string text, VectorTarget target)
    {
        StageGraph graph = OperatorFolding.Fold(DeclarationText.Graph(text));
        return Scheduler.Plan(graph, StageFusion.Fuse(graph), target, ScheduleSettings.Default);
    }

    private static string Name(int index) => FormattableString.Invariant($"Narrow{index}");
}
