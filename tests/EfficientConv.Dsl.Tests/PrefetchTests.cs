using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Products that prefetch what is read next from maps beyond the second-level cache: which do, and that it changes no bit.</summary>
public sealed class PrefetchTests
{
    private const string SmallCaches = "[Schedule(4096, 32768)] ";

    /// <summary>The next tile's residual, the next step's rows of a depthwise layer.</summary>
    private static readonly (string Network, Prefetched What)[] s_cases =
    [
        ("[InputShape(32, 24, 25, Layout = TensorLayout.NHWC)] [PointwiseConv2d(16), ReLU] [PointwiseConv2d(32)] [Add(\"input\")] [ReLU]", Prefetched.Residual),
        ("[InputShape(32, 30, 28, Layout = TensorLayout.NHWC)] [DepthwiseSeparable(64)] [PointwiseConv2d(8)]", Prefetched.Given),
        ("[InputShape(32, 31, 28, Layout = TensorLayout.NHWC)] [DepthwiseSeparable(48, stride: 2)]", Prefetched.Given),
    ];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(
        s_cases.SelectMany((item, i) => new[] { ($"Prefetching{i}", SmallCaches + item.Network), ($"Near{i}", item.Network) })));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void MapsBeyondTheCache_ArePrefetchedAndNothingElseChanges(int index)
    {
        (string network, Prefetched what) = s_cases[index];
        Assert.All(VectorTarget.All, target =>
        {
            Assert.Contains(what, Prefetches(SmallCaches + network, target));
            Assert.DoesNotContain(what, Prefetches(network, target));
        });

        float[]? expected = null;
        foreach (string name in new[] { "Near", "Prefetching" })
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

    private static IEnumerable<Prefetched> Prefetches(string text, VectorTarget target) =>
        NetworkAnalysis.Of(DeclarationText.Graph(text), Compiler.Scheduling.ScheduleAttribute.Apply(DeclarationText.Parse(text), ScheduleSettings.Default)).PlanFor(target)
            .Kernels.SelectMany(kernel => kernel.Prefetches).Select(prefetch => prefetch.What);
}
