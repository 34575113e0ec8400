using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>A convolution computed row by row inside the block after it gives the bits of one that is a step of its own.</summary>
public sealed class StemFusionTests
{
    private const string Apart = "[Schedule(Form = BlockForm.LayerByLayer)]";

    private static readonly string[] s_networks =
    [
        "[InputShape(3, 33, 35)] [Conv2d(32, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6, DepthwiseConv2d(padding: 1, bias: false), BatchNorm, ReLU6, PointwiseConv2d(16, bias: false), BatchNorm]",
        "[InputShape(3, 40, 31, Layout = TensorLayout.NHWC)] [Conv2d(32, stride: 2, padding: 1), BatchNorm, ReLU6, DepthwiseSeparable(64, stride: 2)] [PointwiseConv2d(8)]",

        // The block adds the stem's rows, which lie in the ring only.
        "[InputShape(3, 32, 32)] [Conv2d(16, stride: 2, padding: 1, bias: false), BatchNorm, HardSwish, InvertedResidual(16, expansion: 1, activation: Activation.ReLU)] [PointwiseConv2d(24)]",
        "[InputShape(2, 21, 19)] [Conv2d(20, padding: 1), ReLU, InvertedResidual(expansion: 1, kernelSize: 5, activation: Activation.SiLU)]",

        // Activations as passes over the stem's rows, and squeeze-and-excitation after them.
        "[InputShape(3, 30, 26)] [Conv2d(40, stride: 2, padding: 1, bias: false), BatchNorm, SiLU, InvertedResidual(24, expansion: 1, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU)]",
        "[InputShape(3, 28, 28)] [Conv2d(16, stride: 2, padding: 1, bias: false), BatchNorm, HardSwish, InvertedResidual(16, expansion: 1, stride: 2, activation: Activation.ReLU, squeezeReduction: 2)]",
        "[InputShape(4, 17, 23)] [Conv2d(12, kernelSize: 5, padding: 2), Tanh, DepthwiseConv2d(kernelSize: 5, padding: 2), GELU, PointwiseConv2d(9), Sigmoid]",

        // Rows read where they lie; windows with gaps, between input rows too; one row of taps.
        "[InputShape(8, 21, 18, Layout = TensorLayout.NHWC)] [Conv2d(24, kernelSize: 3), ReLU, DepthwiseSeparable(40)]",
        "[InputShape(3, 26, 29)] [Conv2d(16, kernelSize: 3, padding: 2, dilation: 2), ReLU, DepthwiseConv2d(kernelSize: 3, padding: 2, dilation: 2), PointwiseConv2d(16)]",
        "[InputShape(3, 31, 25)] [Conv2d(16, kernelSize: 2, stride: 3), DepthwiseConv2d(padding: 1, stride: 2), PointwiseConv2d(20), ReLU]",
        "[InputShape(20, 16, 15)] [Conv2d(24, kernelSize: 1, stride: 2), ReLU, DepthwiseSeparable(16)]",

        // Inside a network, many channels and wide rows with zero columns around them.
        "[InputShape(6, 12, 100)] [PointwiseConv2d(20), ReLU, Conv2d(36, padding: 1, Algorithm = ConvAlgorithm.Direct), ReLU6, DepthwiseSeparable(24, kernelSize: 5)]",
        "[InputShape(3, 9, 200)] [Conv2d(16, padding: 1), ReLU, InvertedResidual(expansion: 1, kernelSize: 7)]",
    ];

    private static readonly string[] s_schedules =
    [
        "", "[Schedule(Form = BlockForm.Rows)]", "[Schedule(Form = BlockForm.Rows, Rows = 1)]", "[Schedule(Form = BlockForm.Rows, Rows = 2)]", "[Schedule(Form = BlockForm.Slabs)]", "[Schedule(4096, 32768)]",
    ];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(
        s_networks.SelectMany((network, n) => s_schedules.Prepend(Apart).Select((schedule, s) => (Name(n, s), $"{schedule} {network}")))));

    public static TheoryData<int, string> Networks
    {
        get
        {
            TheoryData<int, string> data = [];
            for (int i = 0; i < s_networks.Length; i++)
                data.Add(i, s_networks[i]);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void StemInsideTheBlock_GivesTheBitsOfAStepOfItsOwn(int network, string text)
    {
        Assert.Equal(s_networks[network], text);
        NetworkFactory apart = s_batch.Value[Name(network, 0)];
        float[] input = RandomValues.Image(3 * apart.InputShape.ElementCount, network);
        float[]? expected = null;
        for (int schedule = 0; schedule <= s_schedules.Length; schedule++)
        {
            NetworkFactory factory = s_batch.Value[Name(network, schedule)];
            foreach (InstructionSet set in Numbers.Sets)
            {
                NetworkHandle handle = factory.CreateRandom(11, new LoadOptions { InstructionSet = set });
                foreach (int threads in new[] { 1, 2, 3 })
                {
                    // Three images, so that a ring still holds another image's rows.
                    float[] output = handle.Run(input, 3, factory.OutputShape, threads);
                    expected ??= output;
                    Numbers.AssertSameBits(expected, output, () => $"{text} {(schedule == 0 ? Apart : s_schedules[schedule - 1])}, {set}, {threads} threads");
                }
            }
        }
    }

    /// <summary>What is compared above is what it says.</summary>
    [Theory]
    [MemberData(nameof(Networks))]
    public void Forms_AreWhatTheScheduleAsksFor(int network, string text)
    {
        Assert.Equal(s_networks[network], text);
        Assert.All(VectorTarget.All, target =>
        {
            Assert.Contains(Steps("[Schedule(Form = BlockForm.Rows)]", target), step => step.Nest.HasStem);
            foreach (string schedule in new[] { Apart, "[Schedule(Form = BlockForm.Slabs)]" })
            {
                Assert.DoesNotContain(Steps(schedule, target), step => step.Nest.HasStem);
                Assert.Contains(Steps(schedule, target), step => step.Nest is { HasStem: false, Title: "Convolution" });
            }
        });

        IEnumerable<Step> Steps(string schedule, VectorTarget target) =>
            NetworkAnalysis.Of(DeclarationText.Graph(text), Compiler.Scheduling.ScheduleAttribute.Apply(DeclarationText.Parse($"{schedule} {text}"), ScheduleSettings.Default)).PlanFor(target).Steps;
    }

    /// <summary>Networks whose first map would leave the caches never make it.</summary>
    [Theory]
    [InlineData("[Conv2d(32, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6, InvertedResidual(16, expansion: 1, activation: Activation.ReLU6), InvertedResidual(24, stride: 2, activation: Activation.ReLU6)]")]
    [InlineData("[Conv2d(16, stride: 2, padding: 1, bias: false), BatchNorm, HardSwish, InvertedResidual(16, expansion: 1, activation: Activation.ReLU), InvertedResidual(24, expansion: 4, stride: 2, activation: Activation.ReLU)]")]
    [InlineData("[Conv2d(32, stride: 2, padding: 1, bias: false), BatchNorm, SiLU, InvertedResidual(16, expansion: 1, activation: Activation.SiLU, squeezeReduction: 4), InvertedResidual(24, stride: 2, activation: Activation.SiLU, squeezeReduction: 24)]")]
    public void StemsOfMobileNetworks_RunInsideTheFirstBlock(string layers) => Assert.All(VectorTarget.All, target =>
    {
        NetworkPlan plan = NetworkAnalysis.Of(DeclarationText.Graph("[InputShape(3, 224, 224)] " + layers)).PlanFor(target);
        Assert.Equal(2, plan.Steps.Count);
        Assert.True(plan.Steps[0].Nest.HasStem);
    });

    private static string Name(int network, int schedule) => $"Stem{network}_{schedule}";
}
