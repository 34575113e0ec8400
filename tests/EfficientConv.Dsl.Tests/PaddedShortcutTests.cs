using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Shortcuts of fewer channels, whose missing ones are zeros: against the reference in double precision, the same bits everywhere, and part of the convolution that makes the other side.</summary>
public sealed class PaddedShortcutTests
{
    /// <summary>The number of sums that stay steps of their own.</summary>
    private static readonly (int Sums, string Text)[] s_declarations =
    [
        // BlazeFace's blocks, with a stride and without, in rows, in slabs and in pairs of pixels.
        (0, "[InputShape(24, 32, 32)] [MaxPool2d(2, Name = \"s\")] [From(\"input\")] [DepthwiseConv2d(5, stride: 2, padding: 2)] [PointwiseConv2d(28), BatchNorm] [Add(\"s\", padChannels: true)] [ReLU]"),
        (0, "[InputShape(24, 32, 32, Layout = TensorLayout.NHWC)] [DepthwiseConv2d(3, padding: 1), PointwiseConv2d(42)] [Add(\"input\", padChannels: true)] [PReLU]"),
        (0, "[InputShape(24, 14, 14, Layout = TensorLayout.NHWC)] [PointwiseConv2d(96), ReLU] [DepthwiseConv2d(3, padding: 1), ReLU] [PointwiseConv2d(56)] [Add(\"input\", padChannels: true)]"),
        (0, "[InputShape(16, 7, 7, Layout = TensorLayout.NHWC)] [PointwiseConv2d(128), ReLU] [DepthwiseConv2d(3, padding: 1), ReLU] [PointwiseConv2d(160)] [Add(\"input\", padChannels: true)] [ReLU6]"),
        (0, "[InputShape(16, 32, 32, Layout = TensorLayout.NHWC)] [DepthwiseConv2d(3, padding: 1), SiLU] [PointwiseConv2d(24)] [Add(\"input\", padChannels: true)] [SiLU]"),
        (0, "[InputShape(16, 8, 8)] [DepthwiseConv2d(3, padding: 1), PointwiseConv2d(20)] [Add(\"input\", padChannels: true)]"),

        // Every kernel with a residual, at channel counts of whole vectors and of none.
        (0, "[InputShape(20, 9, 10, Layout = TensorLayout.NHWC)] [PointwiseConv2d(37)] [Add(\"input\", padChannels: true)] [LeakyReLU]"),
        (0, "[InputShape(16, 9, 10)] [PointwiseConv2d(48)] [Add(\"input\", padChannels: true)]"),
        (0, "[InputShape(1, 9, 16)] [PointwiseConv2d(3)] [Add(\"input\", padChannels: true)] [Sigmoid]"),
        (0, "[InputShape(3, 17, 16)] [Conv2d(20, padding: 1, Algorithm = ConvAlgorithm.Direct)] [Add(\"input\", padChannels: true)] [ReLU]"),
        (0, "[InputShape(256, 6, 6, Layout = TensorLayout.NHWC)] [Conv2d(272, padding: 1, Algorithm = ConvAlgorithm.Direct)] [Add(\"input\", padChannels: true)]"),
        (0, "[InputShape(16, 12, 13, Layout = TensorLayout.NHWC)] [Conv2d(32, padding: 1, Algorithm = ConvAlgorithm.Winograd)] [Add(\"input\", padChannels: true)] [ReLU]"),
        (0, "[InputShape(7, 12, 13)] [PointwiseConv2d(64, Name = \"wide\")] [Conv2d(70, padding: 1, Algorithm = ConvAlgorithm.Winograd)] [Add(\"wide\", padChannels: true)] [PointwiseConv2d(5)]"),
        (0, "[InputShape(32, 8, 9)] [Conv2d(64, padding: 1, groups: 2)] [Add(\"input\", padChannels: true)] [ReLU]"),
        (0, "[InputShape(12, 8, 9)] [DepthwiseConv2d(3, padding: 1, multiplier: 2)] [Add(\"input\", padChannels: true)] [ReLU]"),
        (0, "[InputShape(12, 8, 9)] [DepthwiseConv2d(3, padding: 1, multiplier: 2)] [Add(\"input\", padChannels: true)] [SiLU]"),
        (0, "[InputShape(18, 1, 1)] [Linear(40)] [Add(\"input\", padChannels: true)] [ReLU]"),

        // A stem that is read by its block and added to it; what other layers make; the narrow side in front; equal channels.
        (0, "[InputShape(3, 20, 20)] [Conv2d(16, stride: 2, padding: 1, Name = \"stem\")] [DepthwiseConv2d(3, padding: 1), PointwiseConv2d(24)] [Add(\"stem\", padChannels: true)] [ReLU]"),
        (1, "[InputShape(20, 8, 8)] [MaxPool2d(3, stride: 1, padding: 1, Name = \"a\")] [PointwiseConv2d(7)] [Add(\"a\", padChannels: true)] [ReLU]"),
        (1, "[InputShape(20, 8, 8, Layout = TensorLayout.NHWC)] [SliceChannels(0, 9, Name = \"a\")] [From(\"input\")] [MaxPool2d(3, stride: 1, padding: 1)] [Add(\"a\", padChannels: true)]"),
        (0, "[InputShape(256, 6, 6)] [Conv2d(256, padding: 1, Algorithm = ConvAlgorithm.Direct)] [Add(\"input\", padChannels: true)] [PointwiseConv2d(16)]"),
        (0, "[InputShape(20, 8, 8)] [PointwiseConv2d(20)] [Add(\"input\", padChannels: true)] [ReLU]"),
    ];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(s_declarations.Select((d, i) => (Name(i), d.Text))));

    public static TheoryData<int, string> Declarations
    {
        get
        {
            TheoryData<int, string> data = [];
            for (int i = 0; i < s_declarations.Length; i++)
                data.Add(i, s_declarations[i].Text);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Declarations))]
    public void Output_AgreesWithReferenceAndHasTheSameBitsEverywhere(int index, string text) => NumericCheck.AgreesEverywhere(s_batch.Value[Name(index)], text, index);

    [Theory]
    [MemberData(nameof(Declarations))]
    public void Sum_IsPartOfTheConvolution(int index, string text)
    {
        StageGraph graph = OperatorFolding.Fold(DeclarationText.Graph(text));
        foreach (VectorTarget target in VectorTarget.All)
        {
            NetworkPlan plan = Scheduler.Plan(graph, StageFusion.Fuse(graph), target, ScheduleSettings.Default);
            Assert.Equal(s_declarations[index].Sums, plan.Steps.Count(step => step.Nest is { IsRuntime: true, Title: "Add" }));
        }
    }

    [Fact]
    public void GeneratedCode_HasNoWarnings() => Assert.Empty(s_batch.Value.Warnings);

    /// <summary>Equal shapes are an ordinary sum, whatever the argument says.</summary>
    [Fact]
    public void EqualShapes_PadNothing() => Assert.Equal(new AddOperator(), DeclarationText.Graph("[InputShape(8, 4, 4)] [ReLU] [Add(\"input\", padChannels: true)]").Layers[^1].Operator);

    private static string Name(int index) => FormattableString.Invariant($"Padded{index}");
}
