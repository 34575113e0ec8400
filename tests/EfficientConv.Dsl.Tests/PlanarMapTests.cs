using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Functions of single values between planes, and maps of few channels: against the reference, the same bits everywhere, and with nothing turned.</summary>
public sealed class PlanarMapTests
{
    private static readonly string[] s_all =
    [
        "[InputShape(1, 9, 13), PReLU]",
        "[InputShape(1, 9, 13), BatchNorm]",
        "[InputShape(1, 9, 13), Sigmoid]",
        "[InputShape(1, 32, 32), Conv2d(1, kernelSize: 3, padding: 1), ReLU]",
        "[InputShape(1, 32, 32), DepthwiseConv2d(kernelSize: 3, padding: 1), ReLU]",
        "[InputShape(1, 17, 19), BatchNorm, PReLU, Conv2d(1, kernelSize: 3, padding: 1), PReLU]",
        "[InputShape(3, 17, 16), BatchNorm, Conv2d(16, kernelSize: 3, padding: 1), ReLU]",
        "[InputShape(3, 7, 9), Tanh, PReLU(3)]",
        "[InputShape(20, 7, 9), PReLU(20)]",
        "[InputShape(20, 7, 9), BatchNorm]",
        "[InputShape(37, 1, 5), PReLU(37)]",
        "[InputShape(3, 7, 9)] [Tanh] [Add(\"input\")]",
        "[InputShape(1, 7, 9)] [Tanh] [Multiply(\"input\")]",
    ];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(s_all.Select((text, i) => (Name(i), text))));

    public static TheoryData<int, string> Declarations
    {
        get
        {
            TheoryData<int, string> data = [];
            for (int i = 0; i < s_all.Length; i++)
                data.Add(i, s_all[i]);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Declarations))]
    public void Output_AgreesWithReferenceAndHasTheSameBitsEverywhere(int index, string text) => NumericCheck.AgreesEverywhere(s_batch.Value[Name(index)], text, index);

    [Fact]
    public void Plans_HaveNoStepThatOnlyChangesTheLayout() => Assert.All(s_all, text => Assert.All(VectorTarget.All, target =>
    {
        StageGraph graph = OperatorFolding.Fold(DeclarationText.Graph(text));
        NetworkPlan plan = Scheduler.Plan(graph, StageFusion.Fuse(graph), target, ScheduleSettings.Default);
        Assert.DoesNotContain(plan.Steps, step => step.Parts[0].Name == StepPart.Layout);
    }));

    [Fact]
    public void GeneratedCode_HasNoWarnings() => Assert.Empty(s_batch.Value.Warnings);

    private static string Name(int index) => FormattableString.Invariant($"Planar{index}");
}
