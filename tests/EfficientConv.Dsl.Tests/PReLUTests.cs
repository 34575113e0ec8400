using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>PReLU as a part of every kernel's epilogue: against the reference in double precision, the same bits everywhere, and fused wherever LeakyReLU is.</summary>
public sealed class PReLUTests
{
    private static readonly string[] s_slopes = ["PReLU", "PReLU(C)"];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(
        EpilogueTexts.All.SelectMany((text, i) => s_slopes.Select((slopes, j) => (Name(i, j), EpilogueTexts.Declare(text, slopes))))));

    public static TheoryData<int, int, string> Declarations
    {
        get
        {
            TheoryData<int, int, string> data = [];
            for (int i = 0; i < EpilogueTexts.All.Length; i++)
            {
                for (int j = 0; j < s_slopes.Length; j++)
                    data.Add(i, j, EpilogueTexts.Declare(EpilogueTexts.All[i], s_slopes[j]));
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Declarations))]
    public void Output_AgreesWithReferenceAndHasTheSameBitsEverywhere(int index, int slopes, string text) => NumericCheck.AgreesEverywhere(s_batch.Value[Name(index, slopes)], text, index);

    [Theory]
    [MemberData(nameof(Declarations))]
    public void Plan_IsThatOfLeakyReLU(int index, int slopes, string text)
    {
        Assert.Equal(text, EpilogueTexts.Declare(EpilogueTexts.All[index], s_slopes[slopes]));
        string leaky = EpilogueTexts.Declare(EpilogueTexts.All[index], "LeakyReLU");
        foreach (VectorTarget target in VectorTarget.All)
            Assert.Equal(Steps(leaky, target), Steps(text, target));
    }

    [Fact]
    public void EveryKernelOfSums_HasSlopesSomewhere() => Assert.Equal(
        typeof(SumKernel).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(SumKernel)) && !type.IsAbstract).Select(type => type.Name).Order(),
        EpilogueTexts.All.SelectMany(text => VectorTarget.All.SelectMany(target => Plan(EpilogueTexts.Declare(text, "PReLU"), target).Kernels))
            .OfType<SumKernel>().Where(kernel => kernel.Epilogue.SlopeOffset > 0).Select(kernel => kernel.GetType().Name).Distinct().Order());

    [Fact]
    public void GeneratedCode_HasNoWarnings() => Assert.Empty(s_batch.Value.Warnings);

    private static IEnumerable<string> Steps(string text, VectorTarget target) => Plan(text, target).Steps.Select(step => $"{(step.Nest.IsRuntime ? "Map" : step.Nest.Title)} {step.Output.View}");

    private static NetworkPlan Plan(string text, VectorTarget target)
    {
        StageGraph graph = OperatorFolding.Fold(DeclarationText.Graph(text));
        return Scheduler.Plan(graph, StageFusion.Fuse(graph), target, ScheduleSettings.Default);
    }

    private static string Name(int index, int slopes) => FormattableString.Invariant($"PReLU{index}_{slopes}");
}
