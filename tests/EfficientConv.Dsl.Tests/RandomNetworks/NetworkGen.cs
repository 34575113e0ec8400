using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Tests.Harness;
using FsCheck;
using FsCheck.Fluent;

namespace EfficientConv.Dsl.Tests.RandomNetworks;

/// <summary>Generators of valid networks as attribute text.</summary>
internal static class NetworkGen
{
    /// <summary>Multiply-adds beyond which the naive reference would take long.</summary>
    private const long MaxMultiplyAdds = 1_500_000;

    private const long MaxElements = 40_000;

    /// <summary>Configurations for each kind of attribute on its own.</summary>
    private static readonly Dictionary<string, int> s_counts = new()
    {
        ["Conv2d"] = 24, ["GroupedConv2d"] = 20, ["PointwiseConv2d"] = 14, ["DepthwiseConv2d"] = 22, ["BatchNorm"] = 3, ["Activation"] = 8, ["MaxPool2d"] = 12,
        ["AvgPool2d"] = 12, ["GlobalAvgPool"] = 3, ["Flatten"] = 2, ["Linear"] = 7, ["ChannelShuffle"] = 6, ["Softmax"] = 3, ["SqueezeExcitation"] = 8,
        ["Bottleneck"] = 10, ["DepthwiseSeparable"] = 16, ["InvertedResidual"] = 30, ["EfficientConvBlock"] = 18, ["FactorizedConv2d"] = 8,
        ["LayerNorm2d"] = 6, ["LayerScale"] = 3, ["SliceChannels"] = 4, ["ConvTranspose2d"] = 24, ["Upsample"] = 10, ["PixelShuffle"] = 4,
        ["AdaptiveAvgPool2d"] = 5, ["AdaptiveMaxPool2d"] = 3,
        ["InvertedResidualOptions"] = 8, ["FusedMBConv"] = 8, ["UniversalInvertedBottleneck"] = 12, ["ResNetBasicBlock"] = 10, ["ResNetBottleneck"] = 10,
        ["ShuffleUnitV1"] = 5, ["ShuffleUnitV2"] = 10, ["Fire"] = 8, ["GhostBottleneck"] = 10, ["ConvNeXtBlock"] = 6, ["NonBottleneck1D"] = 6, ["ERFNetDownsampler"] = 4,
        ["ERFNetUpsampler"] = 4, ["ASPP"] = 6,
        ["RepVGGBlock"] = 5, ["MobileOneBlock"] = 4, ["MobileOneConv2d"] = 3,
        ["Pad2d"] = 12, ["GroupNorm"] = 8, ["InstanceNorm2d"] = 5,
    };

    private static Gen<int> Size { get; } = Gen.Frequency((1, Gen.Choose(1, 3)), (4, Gen.Choose(4, 16)), (2, Gen.Choose(17, 40)));

    /// <summary>An input shape and its attribute.</summary>
    public static Gen<(Shape Shape, string Text)> Input { get; } =
        from channels in AttributeGen.Channels
        from height in Size
        from width in Size
        from layout in Gen.Elements(string.Empty, string.Empty, ", Layout = TensorLayout.NHWC")
        select (new Shape(channels, height, width), $"[InputShape({channels}, {height}, {width}{layout})]");

    /// <summary>The name of any kind of module.</summary>
    public static Gen<string> AnyKind { get; } = Gen.Elements(s_counts.Keys.ToArray());

    /// <summary>The configurations: the same ones on every run and machine.</summary>
    public static IReadOnlyList<string> Configurations { get; } =
    [
        .. s_counts.SelectMany((pair, i) => Sample(Single(pair.Key), pair.Value, (ulong)(100 + i))),
        .. Sample(Chain, 34, 1), .. Sample(Sequences, 40, 2), .. Sample(GraphGen.Networks, 80, 3), .. Sample(BlocksInRows, 24, 4), .. Sample(FewChannels, 20, 5),
    ];

    /// <summary>One attribute of <paramref name="kind"/>.</summary>
    public static Gen<string> Single(string kind) =>
        (from input in Input
         from attribute in AttributeGen.Kinds[kind](input.Shape)
         select $"{input.Text} [{attribute}]").Where(IsValid);

    /// <summary>Blocks whose maps are so small that they would run in another form.</summary>
    public static Gen<string> BlocksInRows =>
        from kind in Gen.Elements("InvertedResidual", "EfficientConvBlock", "InvertedResidualOptions")
        from block in Single(kind)
        select $"[Schedule(Form = BlockForm.Rows)] {block}";

    /// <summary>Transposed convolutions into so few channels that their phases are planes.</summary>
    public static Gen<string> FewChannels =>
        (from input in Input
         from channels in Gen.Choose(1, 4)
         from stride in Gen.Choose(2, 3)
         from taps in Gen.Choose(1, 2)
         from padding in Gen.Choose(0, taps - 1)
         from tail in Gen.Elements(string.Empty, ", BatchNorm", ", PReLU", ", BatchNorm, SiLU", ", ReLU, BatchNorm", ", GELU, MaxPool2d(2)")
         select $"{input.Text} [ConvTranspose2d({channels}, {stride * taps}, stride: {stride}, padding: {padding}, outputPadding: {(2 * padding) % stride}){tail}]").Where(IsValid);

    /// <summary>Plain layers that make up a mobile block, at times with something in front.</summary>
    public static Gen<string> Chain =>
        (from input in Input
         from front in Gen.Elements(string.Empty, string.Empty, "[ReLU]", "[Conv2d(20, padding: 1)]")
         from layers in AttributeGen.DepthwiseChain
         select $"{input.Text} {front} [{string.Join(", ", layers.Where(l => l.Length > 0))}]").Where(IsValid);

    /// <summary>Two to six attributes of any kinds, each fitting what comes before it.</summary>
    public static Gen<string> Sequences =>
        from input in Input.Where(i => i.Shape.Count <= MaxElements) // Nothing that fits could follow a larger one.
        from length in Gen.Choose(2, 6)
        from network in Extend(input.Text, input.Shape, length)
        select network;

    private static Gen<string> Extend(string text, Shape shape, int remaining)
    {
        if (remaining == 0)
            return Gen.Constant(text);
        return from next in AnyKind.SelectMany(kind => AttributeGen.Kinds[kind](shape)).Select(attribute => $"{text} [{attribute}]").Where(IsValid)
               from network in Extend(next, DeclarationText.Graph(next).Output, remaining - 1)
               select network;
    }

    private static string[] Sample(Gen<string> generator, int count, ulong seed) => generator.Sample(count, new Rnd(seed, (2 * seed) + 1), 50);

    /// <summary>Whether the rules allow <paramref name="attributes"/> and the naive reference is done in reasonable time.</summary>
    public static bool IsValid(string attributes)
    {
        if (NetworkCompiler.Check(DeclarationText.Parse(attributes)).Any(finding => finding.Severity == Compiler.Findings.RuleSeverity.Error))
            return false;
        LayerGraph graph = DeclarationText.Graph(attributes);
        long multiplyAdds = graph.Layers.Where(l => l.Operator is ConvolutionOperator).Sum(l =>
        {
            ConvolutionOperator c = (ConvolutionOperator)l.Operator;
            return l.Output.Count * (graph.Layers[l.Inputs[0]].Output.Channels / c.Groups) * c.Kernel.Height * c.Kernel.Width;
        });
        return multiplyAdds <= MaxMultiplyAdds && graph.Layers.All(l => l.Output.Count <= MaxElements);
    }
}
