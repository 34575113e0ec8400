using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Every form of a fused block, every step and slab gives the same bits; the sizes of the caches move only the choice.</summary>
[Trait("Duration", "long")]
public sealed class BlockFormTests
{
    private static readonly string[] s_blocks =
    [
        "[InputShape(24, 12, 12)] [InvertedResidual(expansion: 6, activation: Activation.ReLU6)]",
        "[InputShape(16, 20, 28, Layout = TensorLayout.NHWC)] [InvertedResidual(24, expansion: 4, stride: 2)]",
        "[InputShape(20, 14, 14)] [InvertedResidual(expansion: 8, kernelSize: 5, activation: Activation.HardSwish)]",
        "[InputShape(16, 6, 17)] [InvertedResidual(expansion: 6, activation: Activation.ReLU6)]",
        "[InputShape(40, 7, 7, Layout = TensorLayout.NHWC)] [InvertedResidual(expansion: 4, activation: Activation.SiLU)]",
        "[InputShape(16, 28, 28)] [PointwiseConv2d(32)] [DepthwiseSeparable(48, activation: Activation.ReLU6)]",
        "[InputShape(32, 9, 15, Layout = TensorLayout.NHWC)] [DepthwiseSeparable(40, stride: 2, activation: Activation.GELU)]",
        "[InputShape(24, 14, 14)] [EfficientConvBlock(expansion: 4, activation: Activation.SiLU)]",

        // Squeeze-and-excitation: the gate in the weights, in the depthwise values, without an expansion, and after pixel pairs.
        "[InputShape(32, 14, 14)] [EfficientConvBlock(expansion: 4, activation: Activation.HardSwish)]",
        "[InputShape(112, 7, 7, Layout = TensorLayout.NHWC)] [InvertedResidual(expansion: 3, kernelSize: 5, activation: Activation.HardSwish, squeezeReduction: 4, gate: Activation.HardSigmoid)]",
        "[InputShape(32, 13, 13)] [InvertedResidual(80, expansion: 5, stride: 2, activation: Activation.SiLU, squeezeReduction: 4, squeezeActivation: Activation.SiLU)]",
        "[InputShape(48, 10, 10, Layout = TensorLayout.NHWC)] [InvertedResidual(20, expansion: 1, activation: Activation.ReLU, squeezeReduction: 4)]",
        // With small caches the weights of these run in blocks of output channels, the last of them with empty lanes.
        """[InputShape(16, 9, 11)] [Conv2d(56, padding: 1), ReLU, Conv2d(16, padding: 1), PointwiseConv2d(408, Name = "wide"), PointwiseConv2d(16), PointwiseConv2d(408), Add("wide"), ReLU, PointwiseConv2d(16), Conv2d(64, stride: 2, padding: 1), Conv2d(8)]""",
    ];

    private static readonly string[] s_schedules =
    [
        "",
        "[Schedule(Form = BlockForm.LayerByLayer)]",
        "[Schedule(Form = BlockForm.Rows)]",
        "[Schedule(Form = BlockForm.Rows, Rows = 1, Slab = 16)]",
        "[Schedule(Form = BlockForm.Rows, Rows = 2, Slab = 32)]",
        "[Schedule(Form = BlockForm.Rows, Rows = 7)]",
        "[Schedule(Form = BlockForm.Slabs)]",
        "[Schedule(Form = BlockForm.Slabs, Slab = 16)]",
        "[Schedule(4096, 65536)]",
        "[Schedule(4096, 32768)]",
        "[Schedule(firstLevelCacheBytes: 131072, secondLevelCacheBytes: 16777216)]",
    ];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(
        s_blocks.SelectMany((block, b) => s_schedules.Select((schedule, s) => (Name(b, s), $"{schedule} {block}")))));

    public static TheoryData<int, string> Blocks
    {
        get
        {
            TheoryData<int, string> data = [];
            for (int i = 0; i < s_blocks.Length; i++)
                data.Add(i, s_blocks[i]);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void EveryForm_GivesTheSameBits(int block, string text)
    {
        Assert.Equal(s_blocks[block], text);
        NetworkFactory first = s_batch.Value[Name(block, 0)];
        float[] input = RandomValues.Image(first.InputShape.ElementCount, block);
        float[]? expected = null;
        for (int schedule = 0; schedule < s_schedules.Length; schedule++)
        {
            NetworkFactory factory = s_batch.Value[Name(block, schedule)];
            foreach (InstructionSet set in Numbers.Sets)
            {
                NetworkHandle network = factory.CreateRandom(7, new LoadOptions { InstructionSet = set });
                foreach (int threads in new[] { 1, 2 })
                {
                    float[] output = network.Run(input, 1, factory.OutputShape, threads);
                    expected ??= output;
                    Numbers.AssertSameBits(expected, output, () => $"{text} {s_schedules[schedule]}, {set}, {threads} threads");
                }
            }
        }
    }

    [Theory]
    [InlineData(1, "layer by layer")]
    [InlineData(3, "1 output rows a step, slabs of 16 hidden channels")]
    [InlineData(4, "2 output rows a step, slabs of 32 hidden channels")]
    [InlineData(7, "slabs of 16 hidden channels over the whole map")]
    public void GeneratedCode_SaysTheFormAndTheEstimate(int schedule, string form)
    {
        string text = DeclarationText.Generate($"{s_schedules[schedule]} [InputShape(16, 20, 28, Layout = TensorLayout.NHWC)] [InvertedResidual(24, expansion: 4, stride: 2)]", "Avx512");
        Assert.Matches($"// {form}.*; estimated [0-9]+ thousand cycles", text);
    }

    [Fact]
    public void SqueezeAndExcitation_RunsInSlabs()
    {
        string text = DeclarationText.Generate($"{s_schedules[6]} [InputShape(32, 14, 14)] [EfficientConvBlock(expansion: 4, activation: Activation.HardSwish)]", "Avx512");
        Assert.Matches("// slabs of [0-9]+ hidden channels over the whole map; estimated [0-9]+ thousand cycles", text);
        Assert.Contains("Elementwise.SumChannels", text, StringComparison.Ordinal);
        Assert.DoesNotContain("RingRows", text, StringComparison.Ordinal);
    }

    /// <summary>The design's figure: input, output, and a ring of three expanded rows with one depthwise row.</summary>
    [Fact]
    public void InvertedResidualAt56_TakesNoMoreThanTheRing()
    {
        NetworkFactory block = NetworkBatch.Compile([("Ring", "[InputShape(24, 56, 56)] [InvertedResidual(expansion: 6, activation: Activation.ReLU6)]")])["Ring"];
        Assert.All(block.Cost.Memory, m => Assert.InRange(m.PeakBytes, 1, 731_136 + (56 * 32 * sizeof(float))));
    }

    private static string Name(int block, int schedule) => $"Block{block}_{schedule}";
}
