using System.Globalization;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.Reference;

namespace EfficientConv.Dsl.Tests;

/// <summary>Winograd's algorithm against the direct sum and the reference in double precision, and the same bits on every instruction set.</summary>
public sealed class WinogradTests
{
    private const int Images = 2;
    private const string Chosen = "ALGORITHM";

    private static readonly string[] s_declarations =
    [
        // Whole tiles, partial ones at the right, at the bottom, at both.
        "[InputShape(16, 16, 20, Layout = TensorLayout.NHWC)] [Conv2d(32, padding: 1, Algorithm = ALGORITHM), ReLU]",
        "[InputShape(37, 17, 13)] [Conv2d(29, padding: 1, Algorithm = ALGORITHM)]",
        "[InputShape(13, 14, 12, Layout = TensorLayout.NHWC)] [Conv2d(10, padding: 1, Algorithm = ALGORITHM), BatchNorm, HardSwish]",
        "[InputShape(8, 12, 15)] [Conv2d(24, padding: 1, bias: false, Algorithm = ALGORITHM), BatchNorm, LeakyReLU(0.2)]",

        // Paddings.
        "[InputShape(5, 6, 5, Layout = TensorLayout.NHWC)] [Conv2d(7, Algorithm = ALGORITHM)]",
        "[InputShape(20, 9, 11)] [Conv2d(16, padding: 2, Algorithm = ALGORITHM), ReLU6]",
        "[InputShape(6, 10, 9)] [Conv2d(17, PaddingTop = 0, PaddingBottom = 2, PaddingLeft = 2, PaddingRight = 1, Algorithm = ALGORITHM), HardSigmoid]",
        "[InputShape(3, 8, 8)] [Conv2d(16, PaddingTop = 1, PaddingLeft = 1, Algorithm = ALGORITHM)]",
        "[InputShape(4, 1, 1)] [Conv2d(6, padding: 1, Algorithm = ALGORITHM)]",
        "[InputShape(1, 7, 30)] [Conv2d(1, padding: 1, Algorithm = ALGORITHM), ReLU]",

        // Stride 2: whole tiles, partial ones at the right, at the bottom, at both; paddings; rows that no output reaches.
        "[InputShape(16, 16, 20, Layout = TensorLayout.NHWC)] [Conv2d(32, stride: 2, padding: 1, Algorithm = ALGORITHM), ReLU]",
        "[InputShape(37, 17, 13)] [Conv2d(29, stride: 2, padding: 1, Algorithm = ALGORITHM), SiLU]",
        "[InputShape(5, 6, 5, Layout = TensorLayout.NHWC)] [Conv2d(7, stride: 2, Algorithm = ALGORITHM)]",
        "[InputShape(6, 10, 9)] [Conv2d(17, stride: 2, PaddingTop = 0, PaddingBottom = 2, PaddingLeft = 2, PaddingRight = 1, Algorithm = ALGORITHM)]",
        "[InputShape(40, 101, 60)] [Conv2d(72, stride: 2, padding: 1, Algorithm = ALGORITHM), HardSwish]",
        "[InputShape(12, 27, 18)] [PointwiseConv2d(24)] [Conv2d(30, stride: 2, padding: 1, Algorithm = ALGORITHM), ReLU] [PointwiseConv2d(5)]",
        "[InputShape(144, 15, 28)] [PointwiseConv2d(160)] [Conv2d(250, stride: 2, padding: 1, Algorithm = ALGORITHM)] [PointwiseConv2d(5)]",
        "[InputShape(32, 19, 14)] [Bottleneck(16, 48, stride: 2, Algorithm = ALGORITHM)] [Bottleneck(20, shortcut: Shortcut.Required, Algorithm = ALGORITHM)]",

        // Many weights for few pixels: small tiles.
        "[InputShape(160, 9, 11)] [Conv2d(200, padding: 1, Algorithm = ALGORITHM)]",
        "[InputShape(256, 10, 10, Layout = TensorLayout.NHWC)] [Conv2d(96, padding: 1, Algorithm = ALGORITHM), ReLU6]",
        "[InputShape(144, 6, 14)] [Conv2d(160, padding: 1, bias: false, Algorithm = ALGORITHM), BatchNorm, GELU] [PointwiseConv2d(160)] [Bottleneck(160, shortcut: Shortcut.Required, Algorithm = ALGORITHM)]",

        // Several steps, the last of them smaller; activations as a post-op.
        "[InputShape(64, 45, 38)] [Conv2d(64, padding: 1, Algorithm = ALGORITHM), SiLU]",
        "[InputShape(96, 37, 33, Layout = TensorLayout.NHWC)] [Conv2d(48, padding: 1, Algorithm = ALGORITHM), Sigmoid]",
        "[InputShape(33, 100, 56)] [Conv2d(40, padding: 1, Algorithm = ALGORITHM)]",

        // Inside a network, where both sides are maps in the workspace.
        "[InputShape(12, 13, 18)] [PointwiseConv2d(24)] [Conv2d(30, padding: 1, Algorithm = ALGORITHM), ReLU] [Conv2d(16, padding: 1, Algorithm = ALGORITHM), GELU] [PointwiseConv2d(5)]",
        "[InputShape(32, 14, 14)] [Bottleneck(24, shortcut: Shortcut.Required, Algorithm = ALGORITHM)]",
        "[InputShape(32, 19, 14)] [Bottleneck(16, 48, Algorithm = ALGORITHM)] [Bottleneck(20, shortcut: Shortcut.Required, activation: Activation.SiLU, Algorithm = ALGORITHM)]",
    ];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(
        s_declarations.SelectMany((text, i) => new[] { ConvAlgorithm.Winograd, ConvAlgorithm.Direct }.Select(a => (Name(a, i), Declare(text, a))))));

    public static TheoryData<int, string> Declarations
    {
        get
        {
            TheoryData<int, string> data = [];
            for (int i = 0; i < s_declarations.Length; i++)
                data.Add(i, s_declarations[i]);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Declarations))]
    public void Output_AgreesWithReferenceAndDirectSum(int index, string text)
    {
        NetworkFactory factory = s_batch.Value[Name(ConvAlgorithm.Winograd, index)];
        IReadOnlyList<(string Name, int[] Shape, float[] Values)> weights = RandomValues.Weights(factory.Parameters, index);
        float[] input = RandomValues.Image(Images * factory.InputShape.ElementCount, index);
        float[] actual = Load(index, ConvAlgorithm.Winograd, Numbers.Sets[0]).Run(input, Images, factory.OutputShape);
        double[] expected = new NaiveNetwork(DeclarationText.Graph(Declare(text, ConvAlgorithm.Winograd)), weights).RunBatch(input);
        Numbers.AssertClose(expected, actual, 1e-5, () => text);

        float[] direct = Load(index, ConvAlgorithm.Direct, Numbers.Sets[0]).Run(input, Images, factory.OutputShape);
        Numbers.AssertClose([.. direct.Select(v => (double)v)], actual, 1e-5, () => text);
    }

    [Theory]
    [MemberData(nameof(Declarations))]
    public void InstructionSets_GiveTheSameBitsWhateverTheWorkspaceHolds(int index, string text)
    {
        TensorShape inputShape = s_batch.Value[Name(ConvAlgorithm.Winograd, index)].InputShape, outputShape = s_batch.Value[Name(ConvAlgorithm.Winograd, index)].OutputShape;
        float[] input = RandomValues.Image(Images * inputShape.ElementCount, index), garbage = new float[inputShape.ElementCount];
        Array.Fill(garbage, float.NaN);
        float[] expected = Load(index, ConvAlgorithm.Winograd, Numbers.Sets[0]).Run(input, Images, outputShape);
        foreach (InstructionSet set in Numbers.Sets)
        {
            NetworkHandle network = Load(index, ConvAlgorithm.Winograd, set);
            network.Run(garbage, 1, outputShape);
            Numbers.AssertSameBits(expected, network.Run(input, Images, outputShape), () => $"{set}: {text}");
            Numbers.AssertSameBits(expected, network.Run(input, Images, outputShape, threads: 2), () => $"{set}, two threads: {text}");
        }
    }

    [Fact]
    public void GeneratedCode_HasNoWarnings() => Assert.Empty(s_batch.Value.Warnings);

    /// <summary>Long sums of a typical layer stay well inside the contract of 1e-5.</summary>
    [Theory]
    [InlineData(64, 64, 24, 1)]
    [InlineData(128, 32, 28, 1)]
    [InlineData(256, 32, 14, 1)]
    [InlineData(512, 64, 10, 1)]
    [InlineData(512, 32, 28, 2)]
    public void Error_OfTypicalLayersIsSmall(int channels, int outChannels, int size, int stride)
    {
        string text = FormattableString.Invariant($"[InputShape({channels}, {size}, {size})] [Conv2d({outChannels}, stride: {stride}, padding: 1, Algorithm = ConvAlgorithm.Winograd)]");
        NetworkFactory factory = NetworkBatch.Compile([("Typical", text)])["Typical"];
        IReadOnlyList<(string Name, int[] Shape, float[] Values)> weights = RandomValues.Weights(factory.Parameters, channels);
        float[] input = RandomValues.Image(factory.InputShape.ElementCount, channels);
        double[] expected = new NaiveNetwork(DeclarationText.Graph(text), weights).Run(input);
        float[] actual = factory.Load(RandomValues.Safetensors(weights), new LoadOptions()).Run(input, 1, factory.OutputShape);
        Numbers.AssertClose(expected, actual, 5e-6, () => text);
    }

    [Theory]
    [InlineData("[InputShape(64, 56, 56)] [Conv2d(64, padding: 1)]", "F4x4")]
    [InlineData("[InputShape(256, 14, 14, Layout = TensorLayout.NHWC)] [Conv2d(256, padding: 1)]", "F4x4")]
    [InlineData("[InputShape(256, 28, 28)] [Conv2d(256, padding: 1)]", "F4x4")]
    [InlineData("[InputShape(512, 28, 28)] [Conv2d(512, padding: 1)]", "F2x2")]
    [InlineData("[InputShape(512, 14, 14)] [Conv2d(512, padding: 1)]", "F2x2")]
    [InlineData("[InputShape(512, 7, 7)] [Conv2d(512, padding: 1)]", null)]
    [InlineData("[InputShape(256, 56, 56)] [Bottleneck(64)]", "F4x4")]
    [InlineData("[InputShape(64, 56, 56)] [Conv2d(64, padding: 1, Algorithm = ConvAlgorithm.Direct)]", null)]
    [InlineData("[InputShape(256, 56, 56)] [Bottleneck(64, Algorithm = ConvAlgorithm.Direct)]", null)]
    [InlineData("[InputShape(64, 56, 56)] [Conv2d(64, padding: 1, stride: 2)]", "F2x2Stride2")]
    [InlineData("[InputShape(256, 28, 28)] [Conv2d(256, padding: 1, stride: 2)]", "F2x2Stride2")]
    [InlineData("[InputShape(512, 14, 14)] [Conv2d(512, padding: 1, stride: 2)]", null)]
    [InlineData("[InputShape(32, 112, 112)] [Conv2d(32, padding: 1, stride: 2)]", null)]
    [InlineData("[InputShape(64, 56, 56)] [Conv2d(64, padding: 1, stride: 3)]", null)]
    [InlineData("[InputShape(64, 56, 56)] [Conv2d(64, padding: 2, dilation: 2)]", null)]
    [InlineData("[InputShape(64, 56, 56)] [Conv2d(64, padding: 1, groups: 2)]", null)]
    [InlineData("[InputShape(64, 56, 56)] [Conv2d(64, 5, padding: 2)]", null)]
    [InlineData("[InputShape(3, 56, 56)] [Conv2d(64, padding: 1)]", null)]
    [InlineData("[InputShape(16, 56, 56)] [Conv2d(64, padding: 1)]", "F4x4")]
    [InlineData("[InputShape(12, 56, 56)] [Conv2d(64, padding: 1)]", null)]
    [InlineData("[InputShape(48, 13, 13)] [Conv2d(192, padding: 1)]", "F4x4")]
    [InlineData("[InputShape(48, 9, 17)] [Conv2d(192, padding: 1)]", null)]
    [InlineData("[InputShape(256, 7, 7)] [Conv2d(256, padding: 1)]", null)]
    [InlineData("[InputShape(3, 5, 5)] [Conv2d(4, Algorithm = ConvAlgorithm.Winograd)]", "F2x2")]
    public void Auto_TakesTheFastestFormOnEveryTarget(string text, string? expected)
    {
        foreach (VectorTarget target in VectorTarget.All)
            Assert.Equal(expected, Plan(text, target).Kernels.OfType<WinogradInputKernel>().SingleOrDefault()?.Form.Name);
    }

    /// <summary>Where all weights together do not stay in the last-level cache, fewer weights go before fewer multiplications.</summary>
    [Theory]
    [InlineData(1000, "F4x4")]
    [InlineData(80000, "F2x2")]
    public void Auto_TakesFewerWeightsInLargeNetworks(int classes, string expected) =>
        Assert.Equal(expected, Assert.Single(Plan($"[InputShape(256, 14, 14)] [Conv2d(256, padding: 1), GlobalAvgPool, Linear({classes})]", VectorTarget.All[0]).Kernels.OfType<WinogradInputKernel>()).Form.Name);

    [Theory]
    [InlineData("[Conv2d(8, 5, padding: 2, Algorithm = ConvAlgorithm.Winograd)]")]
    [InlineData("[Conv2d(8, stride: 3, Algorithm = ConvAlgorithm.Winograd)]")]
    [InlineData("[Conv2d(8, dilation: 2, Algorithm = ConvAlgorithm.Winograd)]")]
    [InlineData("[Conv2d(8, groups: 2, Algorithm = ConvAlgorithm.Winograd)]")]
    public void Winograd_IsAMistakeWhereItCannotBe(string attribute) =>
        Assert.Contains("Algorithm", Assert.Single(NetworkCompiler.Check(DeclarationText.Parse($"[InputShape(8, 16, 16)] {attribute}"))).Message, StringComparison.Ordinal);

    /// <summary>Every output channel's weights stand in one panel, and those of the products do not overlap.</summary>
    [Theory]
    [InlineData(17, 1, 36)]
    [InlineData(3, 1, 16)]
    [InlineData(17, 2, 16)]
    public void Panels_HoldEveryChannelOnce(int height, int stride, int weightSets)
    {
        string text = FormattableString.Invariant($"[InputShape(137, {height}, 13)] [Conv2d(149, padding: 1, stride: {stride}, Algorithm = ConvAlgorithm.Winograd)]");
        foreach (VectorTarget target in VectorTarget.All)
        {
            StagePacking packing = Assert.Single(Plan(text, target).Packing);
            PackWinogradPanels packed = Assert.Single(packing.Instructions.OfType<PackWinogradPanels>());
            Assert.Equal(Enumerable.Range(0, 149), packed.Panels.SelectMany(p => Enumerable.Range(p.OutStart, Math.Min(p.OutEnd, p.OutStart + (p.PanelWidth * p.PanelCount)) - p.OutStart)));
            Assert.All(packed.Panels, p => Assert.Equal(p.Bytes, p.PanelWidth * p.PanelCount * 137 * sizeof(float)));
            Assert.InRange(packed.Panels.Sum(p => p.Bytes), 1, packed.ProductStep * sizeof(float));
            Assert.Equal(weightSets * packed.ProductStep * sizeof(float), packed.Bytes);
        }
    }

    /// <summary>Every product is computed once, with weights that exist and follow each other.</summary>
    [Fact]
    public void Products_StandInTheOrderOfTheirWeights()
    {
        foreach (WinogradForm form in (WinogradForm[])[WinogradForm.F4x4, WinogradForm.F2x2, WinogradForm.F2x2Stride2])
        {
            (int Product, int Weights)[] order = [.. form.Order];
            Assert.Equal(Enumerable.Range(0, form.Products), order.Select(o => o.Product).Order());
            Assert.Equal(Enumerable.Range(0, form.WeightSets), order.Select(o => o.Weights).Distinct());
            Assert.Equal(order.Select(o => o.Weights).Order(), order.Select(o => o.Weights));
        }
    }

    private static NetworkHandle Load(int index, ConvAlgorithm algorithm, InstructionSet set)
    {
        NetworkFactory factory = s_batch.Value[Name(algorithm, index)];
        return factory.Load(RandomValues.Safetensors(RandomValues.Weights(factory.Parameters, index)), new LoadOptions { InstructionSet = set });
    }

    private static NetworkPlan Plan(string text, VectorTarget target)
    {
        StageGraph stages = OperatorFolding.Fold(DeclarationText.Graph(text));
        return Scheduler.Plan(stages, StageFusion.Fuse(stages), target, ScheduleSettings.Default);
    }

    private static string Name(ConvAlgorithm algorithm, int index) => string.Create(CultureInfo.InvariantCulture, $"{algorithm}{index:00}");

    private static string Declare(string text, ConvAlgorithm algorithm) => text.Replace(Chosen, $"ConvAlgorithm.{algorithm}", StringComparison.Ordinal);
}
