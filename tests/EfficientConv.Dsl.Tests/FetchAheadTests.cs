using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Products that fetch what is read next from maps beyond the second-level cache: which do, and that it changes no bit.</summary>
public sealed class FetchAheadTests
{
    private const string SmallCaches = "[Schedule(4096, 32768)] ";

    /// <summary>The next tile's residual, the next step's rows of a depthwise layer.</summary>
    private static readonly (string Network, Fetched What)[] s_cases =
    [
        ("[InputShape(32, 24, 25, Layout = TensorLayout.NHWC)] [PointwiseConv2d(16), ReLU] [PointwiseConv2d(32)] [Add(\"input\")] [ReLU]", Fetched.Residual),
        ("[InputShape(32, 30, 28, Layout = TensorLayout.NHWC)] [DepthwiseSeparable(64)] [PointwiseConv2d(8)]", Fetched.Named),
        ("[InputShape(32, 31, 28, Layout = TensorLayout.NHWC)] [DepthwiseSeparable(48, stride: 2)]", Fetched.Named),
    ];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(
        s_cases.SelectMany((item, i) => new[] { ($"Fetching{i}", SmallCaches + item.Network), ($"Near{i}", item.Network) })));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void MapsBeyondTheCache_AreFetchedAndNothingElseChanges(int index)
    {
        (string network, Fetched what) = s_cases[index];
        Assert.All(VectorTarget.All, target =>
        {
            Assert.Contains(Fetches(SmallCaches + network, target), found => found == what);
            Assert.DoesNotContain(Fetches(network, target), found => found == what);
        });

        float[]? expected = null;
        foreach (string name in new[] { "Near", "Fetching" })
        {
            NetworkFactory factory = s_batch.Value[FormattableString.Invariant($"{name}{index}")];
            float[] input = RandomValues.Image(factory.InputShape.ElementCount, index);
            foreach (InstructionSet set in Numbers.Sets)
            {
                foreach (int threads in new[] { 1, 3 })
                {
                    float[] output = factory.CreateRandom(3, new LoadOptions { InstructionSet = set }).Run(input, 1, factory.OutputShape, threads);
                    expected ??= output;
                    Numbers.AssertSameBits(expected, output, () => $"{name} {network}, {set}, {threads} threads");
                }
            }
        }
    }

    private static IEnumerable<Fetched?> Fetches(string text, VectorTarget target) =>
        NetworkAnalysis.Of(DeclarationText.Graph(text), Compiler.Scheduling.ScheduleAttribute.Apply(DeclarationText.Parse(text), ScheduleSettings.Default)).PlanFor(target).Steps
            .Select(step => step.Driver switch
            {
                PointwiseDriver d => d.Kernel.Ahead?.What,
                FusedRowsDriver { Project: PointwiseKernel kernel } => kernel.Ahead?.What,
                _ => null,
            });
}
