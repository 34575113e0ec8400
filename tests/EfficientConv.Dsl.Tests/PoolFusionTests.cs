using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.Reference;

namespace EfficientConv.Dsl.Tests;

/// <summary>A convolution computed row by row for the pooling layer after it gives the bits of one that is a step of its own.</summary>
[Trait("Duration", "long")]
public sealed class PoolFusionTests
{
    private static readonly string[] s_networks =
    [
        "[InputShape(3, 67, 66)] [Conv2d(24, stride: 2, padding: 1, bias: false), BatchNorm, ReLU, MaxPool2d(3, stride: 2, padding: 1)] [PointwiseConv2d(20)]",
        "[InputShape(3, 41, 39, Layout = TensorLayout.NHWC)] [Conv2d(64, kernelSize: 7, stride: 2, padding: 3), ReLU, MaxPool2d(3, stride: 2, ceilMode: true)]",
        "[InputShape(3, 34, 29)] [Conv2d(16, padding: 1), SiLU, AvgPool2d(3, stride: 1, padding: 1, countIncludePad: false), Conv2d(8)]",
        "[InputShape(12, 20, 22)] [Conv2d(20, kernelSize: 5), Tanh, AvgPool2d(2), MaxPool2d(2)]",
        "[InputShape(6, 30, 17)] [Conv2d(33, padding: 1, dilation: 2), LeakyReLU(0.1), MaxPool2d(3, stride: 2, dilation: 2)]",
        "[InputShape(8, 19, 40, Layout = TensorLayout.NHWC)] [Conv2d(48, kernelSize: 2, Algorithm = ConvAlgorithm.Direct), HardSwish, MaxPool2d(5, stride: 3, padding: 2), PointwiseConv2d(16)]",
        "[InputShape(16, 33, 33)] [Conv2d(32, kernelSize: 1, stride: 2), AvgPool2d(3, stride: 3)]",
    ];

    private static readonly string[] s_schedules = ["[Schedule(Form = BlockForm.LayerByLayer)]", "", "[Schedule(Form = BlockForm.Rows)]"];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(
        s_networks.SelectMany((network, n) => s_schedules.Select((schedule, s) => (Name(n, s), $"{schedule} {network}")))));

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
    public void ConvolutionInsideThePool_GivesTheBitsOfAStepOfItsOwn(int network, string text)
    {
        const int Images = 3;
        NetworkFactory apart = s_batch.Value[Name(network, 0)];
        IReadOnlyList<(string Name, int[] Shape, float[] Values)> weights = RandomValues.Weights(apart.Parameters, network);
        float[] input = RandomValues.Image(Images * apart.InputShape.ElementCount, network);
        float[]? expected = null;
        for (int schedule = 0; schedule < s_schedules.Length; schedule++)
        {
            NetworkFactory factory = s_batch.Value[Name(network, schedule)];
            foreach (InstructionSet set in Numbers.Sets)
            {
                NetworkHandle handle = factory.Load(RandomValues.Safetensors(weights), new LoadOptions { InstructionSet = set });
                foreach (int threads in new[] { 1, 2, 3 })
                {
                    // Several images, so that a ring still holds another image's rows.
                    float[] output = handle.Run(input, Images, factory.OutputShape, threads);
                    string Where() => $"{s_schedules[schedule]} {text}, {set}, {threads} threads";
                    if (expected is null)
                        Numbers.AssertClose(new NaiveNetwork(DeclarationText.Graph(text), weights).RunBatch(input), output, 1e-5, Where);
                    expected ??= output;
                    Numbers.AssertSameBits(expected, output, Where);
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
            Assert.Single(Steps(s_schedules[2], target), step => step.Nest.HasStem && step.Nest.Kernels.OfType<PoolKernel>().Any());
            Assert.DoesNotContain(Steps(s_schedules[0], target), step => step.Nest.HasStem);
        });

        IEnumerable<Step> Steps(string schedule, VectorTarget target) =>
            NetworkAnalysis.Of(DeclarationText.Graph(text), Compiler.Scheduling.ScheduleAttribute.Apply(DeclarationText.Parse($"{schedule} {text}"), ScheduleSettings.Default)).PlanFor(target).Steps;
    }

    /// <summary>The largest maps of ResNet, ShuffleNet and SqueezeNet are never made; a convolution of many weights, or of few rows, stays apart.</summary>
    [Theory]
    [InlineData("[InputShape(3, 224, 224)] [Conv2d(64, kernelSize: 7, stride: 2, padding: 3, bias: false), BatchNorm, ReLU, MaxPool2d(3, stride: 2, padding: 1)]", true)]
    [InlineData("[InputShape(3, 224, 224)] [Conv2d(24, stride: 2, padding: 1, bias: false), BatchNorm, ReLU, MaxPool2d(3, stride: 2, padding: 1)]", true)]
    [InlineData("[InputShape(3, 224, 224)] [Conv2d(64, stride: 2), ReLU, MaxPool2d(3, stride: 2, ceilMode: true)]", true)]
    [InlineData("[InputShape(512, 40, 40)] [Conv2d(512, padding: 1, Algorithm = ConvAlgorithm.Direct), ReLU, MaxPool2d(2)]", false)]
    [InlineData("[InputShape(3, 24, 24)] [Conv2d(32, padding: 1), ReLU, MaxPool2d(2)]", false)]
    public void StemsOfNetworks_RunInsideTheirPool(string text, bool inside) => Assert.All(VectorTarget.All, target =>
        Assert.Equal(inside, NetworkAnalysis.Of(DeclarationText.Graph(text)).PlanFor(target).Steps.Any(step => step.Nest.HasStem)));

    private static string Name(int network, int schedule) => $"Pool{network}_{schedule}";
}
