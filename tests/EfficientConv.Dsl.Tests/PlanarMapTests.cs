using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Functions of single values between planes, and maps of few channels: against the reference, the same bits everywhere, and with nothing turned.</summary>
public sealed class PlanarMapTests
{
    /// <summary>Declarations and how many of their steps only change the layout.</summary>
    private static readonly (string Text, int Copies)[] s_all =
    [
        ("[InputShape(1, 9, 13), PReLU]", 0),
        ("[InputShape(1, 9, 13), BatchNorm]", 0),
        ("[InputShape(1, 9, 13), Sigmoid]", 0),
        ("[InputShape(1, 32, 32), Conv2d(1, kernelSize: 3, padding: 1), ReLU]", 0),
        ("[InputShape(1, 32, 32), DepthwiseConv2d(kernelSize: 3, padding: 1), ReLU]", 0),
        ("[InputShape(1, 17, 19), BatchNorm, PReLU, Conv2d(1, kernelSize: 3, padding: 1), PReLU]", 0),
        ("[InputShape(3, 17, 16), BatchNorm, Conv2d(16, kernelSize: 3, padding: 1), ReLU]", 0),
        ("[InputShape(3, 7, 9), Tanh, PReLU(3)]", 0),
        ("[InputShape(20, 7, 9), PReLU(20)]", 0),
        ("[InputShape(20, 7, 9), BatchNorm]", 0),
        ("[InputShape(37, 1, 5), PReLU(37)]", 0),
        ("[InputShape(3, 7, 9)] [Tanh] [Add(\"input\")]", 0),
        ("[InputShape(1, 7, 9)] [Tanh] [Multiply(\"input\")]", 0),
    ];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(s_all.Select((item, i) => (Name(i), item.Text))));

    public static TheoryData<int, string, int> Declarations
    {
        get
        {
            TheoryData<int, string, int> data = [];
            for (int i = 0; i < s_all.Length; i++)
                data.Add(i, s_all[i].Text, s_all[i].Copies);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Declarations))]
    public void Output_AgreesWithReferenceAndHasTheSameBitsEverywhere(int index, string text, int copies)
    {
        Assert.True(copies >= 0);
        NumericCheck.AgreesEverywhere(s_batch.Value[Name(index)], text, index);
    }

    [Theory]
    [MemberData(nameof(Declarations))]
    public void Plan_TurnsNothingThatCanStay(int index, string text, int copies)
    {
        Assert.Equal(s_all[index].Text, text);
        foreach (VectorTarget target in VectorTarget.All)
        {
            StageGraph graph = OperatorFolding.Fold(DeclarationText.Graph(text));
            NetworkPlan plan = Scheduler.Plan(graph, StageFusion.Fuse(graph), target, ScheduleSettings.Default);
            Assert.Equal(copies, plan.Steps.Count(step => step.Parts[0].Name == StepPart.Layout));
        }
    }

    [Fact]
    public void GeneratedCode_HasNoWarnings() => Assert.Empty(s_batch.Value.Warnings);

    private static string Name(int index) => FormattableString.Invariant($"Planar{index}");
}
