using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Several blocks that run row by row in one step give the bits of blocks that each make their map.</summary>
public sealed class BlockChainTests
{
    /// <summary>Networks, and how many of their blocks a chain has at most.</summary>
    private static readonly (string Text, int Blocks)[] s_networks =
    [
        ("[InputShape(3, 44, 36)] [Conv2d(16, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6, DepthwiseSeparable(24)] [DepthwiseSeparable(32, stride: 2)] [InvertedResidual(32, expansion: 3)] [PointwiseConv2d(8)]", 3),
        ("[InputShape(3, 41, 37, Layout = TensorLayout.NHWC)] [Conv2d(32, stride: 2, padding: 1), HardSwish, InvertedResidual(16, expansion: 1)] [InvertedResidual(24, expansion: 4, stride: 2)] [InvertedResidual(24, expansion: 4, activation: Activation.ReLU6)] [InvertedResidual(40, stride: 2, expansion: 2)]", 4),

        // Without a stem: rows of the input are copied into the first ring, or expanded into it.
        ("[InputShape(12, 19, 23)] [DepthwiseSeparable(20)] [DepthwiseSeparable(20, kernelSize: 5, stride: 2)] [DepthwiseSeparable(9)]", 3),
        ("[InputShape(12, 26, 21, Layout = TensorLayout.NHWC)] [InvertedResidual(18, expansion: 2)] [InvertedResidual(18, expansion: 2, kernelSize: 5)] [PointwiseConv2d(12)]", 2),

        // Into planes and into pixels that no vector can be written to; slopes by channel; windows with gaps; no padding; rows wide enough for zero columns around them.
        ("[InputShape(3, 30, 31)] [Conv2d(8, padding: 1), PReLU(8), DepthwiseConv2d(padding: 2, dilation: 2), PReLU, PointwiseConv2d(13), LeakyReLU(0.1)] [DepthwiseConv2d(kernelSize: 3), ReLU, PointwiseConv2d(5)]", 2),
        ("[InputShape(3, 14, 210)] [Conv2d(12, padding: 1), ReLU, DepthwiseSeparable(16, kernelSize: 7)] [InvertedResidual(16, expansion: 2, kernelSize: 5)] [DepthwiseSeparable(7)]", 3),
        ("[InputShape(3, 27, 25, Layout = TensorLayout.NHWC)] [Conv2d(16, stride: 2, padding: 1), ReLU, DepthwiseSeparable(16)] [InvertedResidual(16, expansion: 2)] [InvertedResidual(16, expansion: 2)] [InvertedResidual(16, expansion: 2)] [InvertedResidual(5, expansion: 2, stride: 3, kernelSize: 5)]", 5),
    ];

    private static readonly int[] s_chains = [1, 2, 3, 8];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(
        s_networks.SelectMany((network, n) => s_chains.Select(chain => (Name(n, chain), Schedule(chain) + network.Text)))));

    public static TheoryData<int, string> Networks
    {
        get
        {
            TheoryData<int, string> data = [];
            for (int i = 0; i < s_networks.Length; i++)
                data.Add(i, s_networks[i].Text);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Chains_GiveTheBitsOfBlocksOnTheirOwn(int network, string text)
    {
        Assert.Equal(s_networks[network].Text, text);
        NetworkFactory apart = s_batch.Value[Name(network, 1)];
        float[] input = RandomValues.Image(3 * apart.InputShape.ElementCount, network);
        float[]? expected = null;
        foreach (int chain in s_chains)
        {
            NetworkFactory factory = s_batch.Value[Name(network, chain)];
            foreach (InstructionSet set in Numbers.Sets)
            {
                NetworkHandle handle = factory.CreateRandom(5, new LoadOptions { InstructionSet = set });
                foreach (int threads in new[] { 1, 2, 3 })
                {
                    // Three images, so that rings still hold another image's rows.
                    float[] output = handle.Run(input, 3, factory.OutputShape, threads);
                    expected ??= output;
                    Numbers.AssertSameBits(expected, output, () => $"{text}, {chain} blocks, {set}, {threads} threads");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Chains_AreAsLongAsTheScheduleSays(int network, string text) => Assert.All(VectorTarget.All, target => Assert.All(s_chains, chain =>
    {
        NetworkPlan plan = Plan(chain, text, target);
        LoopNest[] nests = [.. plan.Nests.Where(nest => nest.Title is "Blocks" or "StemAndBlocks")];
        int blocks = Math.Min(chain, s_networks[network].Blocks);
        Assert.Equal(blocks > 1 ? [FormattableString.Invariant($"{blocks} blocks row by row")] : [], nests.Select(nest => nest.Form));
    }));

    /// <summary>What a chain cannot have ends it: squeeze-and-excitation, a map that somebody else reads, a residual from elsewhere, an activation that needs a pass of its own.</summary>
    [Theory]
    [InlineData("[InputShape(8, 12, 12)] [DepthwiseSeparable(16)] [InvertedResidual(16, squeezeReduction: 4)] [DepthwiseSeparable(16)]")]
    [InlineData("[InputShape(8, 12, 12)] [DepthwiseSeparable(16, Name = \"a\")] [DepthwiseSeparable(16)] [Add(\"a\")] [Conv2d(8)]")]
    [InlineData("[InputShape(8, 12, 12)] [DepthwiseSeparable(16)] [DepthwiseConv2d(padding: 1), GELU, PointwiseConv2d(16)] [Conv2d(8)]")]
    [InlineData("[InputShape(8, 12, 12)] [DepthwiseSeparable(16)] [MaxPool2d(2)] [DepthwiseSeparable(16)]")]
    public void WhatNeedsAMap_EndsAChain(string text) => Assert.All(VectorTarget.All, target => Assert.DoesNotContain(Plan(8, text, target).Nests, nest => nest.Title.EndsWith("Blocks", StringComparison.Ordinal)));

    /// <summary>Of the maps between the blocks there are only rows: of MobileNetV1's and V2's first blocks, more of a workspace than half.</summary>
    [Theory]
    [InlineData("[DepthwiseSeparable(64)] [DepthwiseSeparable(128, stride: 2)] [DepthwiseSeparable(128)]", 0.10)]
    [InlineData("[InvertedResidual(16, expansion: 1)] [InvertedResidual(24, stride: 2)] [InvertedResidual(24)]", 0.5)]
    public void Workspace_HoldsRowsAlone(string blocks, double most) => Assert.All(VectorTarget.All, target =>
    {
        string text = $"[InputShape(3, 224, 224)] [Conv2d(32, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6] {blocks}";
        Assert.InRange(Plan(8, text, target).WorkspaceBytes / (double)Plan(1, text, target).WorkspaceBytes, 0, most);
    });

    /// <summary>Unasked where a map between blocks leaves the last-level cache, and what is saved in memory traffic is more than rows cost; never where the schedule asks for something else.</summary>
    [Theory]
    [InlineData("", 224, 0)]
    [InlineData("", 512, 0)]
    [InlineData("", 1024, 4)]
    [InlineData("[Schedule(FusedBlocks = 1)]", 1024, 0)]
    [InlineData("[Schedule(FusedBlocks = 2)]", 1024, 2)]
    [InlineData("[Schedule(Rows = 1)]", 1024, 0)]
    [InlineData("[Schedule(Form = BlockForm.LayerByLayer)]", 1024, 0)]
    public void MapsBeyondTheCaches_AreNotMade(string schedule, int size, int blocks) => Assert.All(VectorTarget.All, target =>
    {
        string text = FormattableString.Invariant($"{schedule} [InputShape(3, {size}, {size})] [Conv2d(32, stride: 2, padding: 1), ReLU6, DepthwiseSeparable(64)] ") +
            "[DepthwiseSeparable(128, stride: 2)] [DepthwiseSeparable(128)] [DepthwiseSeparable(256, stride: 2)] [DepthwiseSeparable(256)]";
        LoopNest[] nests = [.. Plan(text, target).Nests.Where(nest => nest.Title is "Blocks" or "StemAndBlocks")];
        Assert.Equal(blocks > 1 ? [FormattableString.Invariant($"{blocks} blocks row by row")] : [], nests.Select(nest => nest.Form));
    });

    /// <summary>The figures of docs/memory.md for MobileNetV1's first five layers at 1024 x 1024.</summary>
    [Theory]
    [InlineData("", 18.5)]
    [InlineData("[Schedule(FusedBlocks = 1)]", 100.7)]
    public void WorkspaceOfLargeImages_IsWhatThePageSays(string schedule, double megabytes) => Assert.All(VectorTarget.All, target => Assert.Equal(
        megabytes,
        Math.Round(
            Plan(
                $"{schedule} [InputShape(3, 1024, 1024)] [Conv2d(32, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6] [DepthwiseSeparable(64)] " +
                "[DepthwiseSeparable(128, stride: 2)] [DepthwiseSeparable(128)] [DepthwiseSeparable(256, stride: 2)] [GlobalAvgPool]", target).WorkspaceBytes / 1e6,
            1)));

    /// <summary>A thread makes every row of every map once: the calls are as many as the maps have rows.</summary>
    [Fact]
    public void EveryRow_IsMadeOnce()
    {
        NetworkPlan plan = Plan(8, "[InputShape(3, 64, 64)] [Conv2d(16, stride: 2, padding: 1), ReLU, DepthwiseSeparable(24)] [InvertedResidual(32, expansion: 2, stride: 2)] [InvertedResidual(32, expansion: 2)]", VectorTarget.Avx2);
        LoopNest nest = Assert.Single(plan.Steps).Nest;
        Dictionary<string, double> rows = [];
        Count(nest.Body, 1);
        double[] expected = [32, 32, 32, 32, 16, 16, 16, 16, 16];
        Assert.Equal(expected, rows.Values);

        void Count(IEnumerable<Nest> nests, double times)
        {
            foreach (Nest node in nests)
            {
                if (node is Call call)
                    rows.Add($"{rows.Count} {call.Kernel.GetType().Name}", times);
                Count(node.Inner, times * (node is FillRing fill ? fill.Trips : node is Compiler.Scheduling.Nests.Parallel loop ? loop.Units : 1));
            }
        }
    }

    [Fact]
    public void GeneratedCode_HasNoWarnings() => Assert.Empty(s_batch.Value.Warnings);

    private static NetworkPlan Plan(int chain, string text, VectorTarget target) => Plan(Schedule(chain) + text, target);

    private static NetworkPlan Plan(string text, VectorTarget target) => NetworkAnalysis.Of(
        DeclarationText.Graph(text), Compiler.Scheduling.ScheduleAttribute.Apply(DeclarationText.Parse(text), ScheduleSettings.Default)).PlanFor(target);

    private static string Schedule(int chain) => FormattableString.Invariant($"[Schedule(FusedBlocks = {chain})] ");

    private static string Name(int network, int chain) => FormattableString.Invariant($"Chain{network}_{chain}");
}
