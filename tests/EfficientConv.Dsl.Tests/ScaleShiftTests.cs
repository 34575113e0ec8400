using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>
/// Batch norm, or factors by channel, that no weights can take because an activation or a residual stands before it: a part of every kernel's epilogue, against the reference in
/// double precision, with the same bits everywhere.
/// </summary>
[Trait("Duration", "long")]
public sealed class ScaleShiftTests
{
    /// <summary>What stands after the sums, and what the same is without scaling.</summary>
    private static readonly (string Scaled, string Plain)[] s_tails = [("HardSwish, BatchNorm", "HardSwish"), ("PReLU(C), LayerScale", "PReLU(C)"), ("BatchNorm, ReLU6", "ReLU6")];

    private static readonly string[] s_apart = ["Name = \"a\"), HardSwish", "Name = \"a\"), PReLU", "Name = \"a\"), BatchNorm", "dilation: 1"];

    private static readonly string[] s_texts = [.. EpilogueTexts.All.Where(text => text.Contains("SLOPES", StringComparison.Ordinal))];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(
        s_texts.SelectMany((text, i) => s_tails.Select((tail, j) => (Name(i, j), EpilogueTexts.Declare(text, tail.Scaled))))));

    public static TheoryData<int, int, string> Declarations
    {
        get
        {
            TheoryData<int, int, string> data = [];
            for (int i = 0; i < s_texts.Length; i++)
            {
                for (int j = 0; j < s_tails.Length; j++)
                    data.Add(i, j, EpilogueTexts.Declare(s_texts[i], s_tails[j].Scaled));
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Declarations))]
    public void Output_AgreesWithReferenceAndHasTheSameBitsEverywhere(int index, int tail, string text) => NumericCheck.AgreesEverywhere(s_batch.Value[Name(index, tail)], text, index);

    [Theory]
    [MemberData(nameof(Declarations))]
    public void Plan_HasNoStepOfItsOwn(int index, int tail, string text)
    {
        Assert.Equal(text, EpilogueTexts.Declare(s_texts[index], s_tails[tail].Scaled));

        // Two of the networks have an activation that no convolution can take, and what is after it is a step as well.
        bool isApart = s_apart.Any(mark => text.Contains(mark, StringComparison.Ordinal));
        Assert.Equal(isApart, OperatorFolding.Fold(DeclarationText.Graph(text)).Stages.Any(stage => stage is ActivationStage or PReLUStage or BatchNormStage or LayerScaleStage));
        if (isApart)
            return;
        string plain = EpilogueTexts.Declare(s_texts[index], s_tails[tail].Plain);
        foreach (VectorTarget target in VectorTarget.All)
            Assert.Equal(Steps(plain, target), Steps(text, target));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void EveryKernelOfSums_ScalesSomewhere(int tail)
    {
        IEnumerable<SumKernel> kernels = s_texts.SelectMany(text => VectorTarget.All.SelectMany(target => Plan(EpilogueTexts.Declare(text, s_tails[tail].Scaled), target).Kernels)).OfType<SumKernel>();
        IEnumerable<string> scaled = kernels.Where(kernel => kernel.Epilogue.ScaleOffset > 0 && kernel.Epilogue.ScalesFirst == (tail == 2)).Select(kernel => kernel.GetType().Name).Distinct().Order();
        if (tail == 2)
            Assert.Contains(nameof(ChannelPerLaneKernel), scaled);
        else
            Assert.Equal(typeof(SumKernel).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(SumKernel)) && !type.IsAbstract).Select(type => type.Name).Order(), scaled);
    }

    /// <summary>What the order of an epilogue cannot say: a second batch norm, a residual or an activation after it, and what is after a pass over rows.</summary>
    [Theory]
    [InlineData("[InputShape(16, 12, 12)] [PointwiseConv2d(16), ReLU, BatchNorm, ReLU]", 2)]
    [InlineData("[InputShape(16, 12, 12)] [PointwiseConv2d(16), ReLU, BatchNorm] [Add(\"input\")]", 2)]
    [InlineData("[InputShape(16, 12, 12)] [PointwiseConv2d(16), ReLU, BatchNorm, BatchNorm]", 2)]
    [InlineData("[InputShape(16, 12, 12)] [PointwiseConv2d(16), SiLU, BatchNorm]", 2)]
    [InlineData("[InputShape(16, 12, 12)] [PointwiseConv2d(16), ReLU, BatchNorm]", 1)]
    [InlineData("[InputShape(16, 12, 12)] [PointwiseConv2d(16), BatchNorm, LayerScale, BatchNorm, SiLU]", 1)]
    public void Steps_AreAsTheOrderOfAnEpilogueAllows(string text, int groups) => Assert.Equal(groups, StageFusion.Fuse(OperatorFolding.Fold(DeclarationText.Graph(text))).Count);

    [Fact]
    public void GeneratedCode_HasNoWarnings() => Assert.Empty(s_batch.Value.Warnings);

    private static IEnumerable<string> Steps(string text, VectorTarget target) => Plan(text, target).Steps.Select(step => $"{(step.Nest.IsRuntime ? "Map" : step.Nest.Title)} {step.Output.View}");

    private static NetworkPlan Plan(string text, VectorTarget target)
    {
        StageGraph graph = OperatorFolding.Fold(DeclarationText.Graph(text));
        return Scheduler.Plan(graph, StageFusion.Fuse(graph), target, ScheduleSettings.Default);
    }

    private static string Name(int index, int tail) => FormattableString.Invariant($"ScaleShift{index}_{tail}");
}
