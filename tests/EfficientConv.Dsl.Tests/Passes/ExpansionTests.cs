using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>Attributes to layers: state-dict keys, block structure, defaults.</summary>
public sealed class ExpansionTests
{
    private const string Norm = "weight bias running_mean running_var";

    [Theory]
    [InlineData("Conv2d(8)", "weight bias")]
    [InlineData("Conv2d(8, bias: false)", "weight")]
    [InlineData("PointwiseConv2d", "weight bias")]
    [InlineData("DepthwiseConv2d(bias: false)", "weight")]
    [InlineData("Linear(5)", "weight bias")]
    [InlineData("BatchNorm", Norm)]
    [InlineData("PReLU", "weight")]
    [InlineData("Activation(Activation.PReLU)", "weight")]
    [InlineData("Activation(Activation.PReLUPerChannel)", "weight")]
    [InlineData("ReLU", "")]
    [InlineData("MaxPool2d", "")]
    [InlineData("SqueezeExcitation", "gate.1.weight gate.1.bias gate.3.weight gate.3.bias")]
    [InlineData("Bottleneck(4)", "net.0 net.1* net.3 net.4* net.6 net.7*")]
    [InlineData("DepthwiseSeparable(8)", "net.0 net.1* net.3 net.4*")]
    [InlineData("FactorizedConv2d(8)", "net.0 net.1* net.3 net.4*")]
    [InlineData("InvertedResidual", "block.0 block.1* block.3 block.4* block.6 block.7*")]
    [InlineData("InvertedResidual(expansion: 1)", "block.0 block.1* block.3 block.4*")]
    [InlineData("InvertedResidual(expansion: 1, alwaysExpand: true)", "block.0 block.1* block.3 block.4* block.6 block.7*")]
    [InlineData("InvertedResidual(squeezeChannels: 3)", "block.0 block.1* block.3 block.4* block.6.gate.1+ block.6.gate.3+ block.7 block.8*")]
    [InlineData("InvertedResidual(expansion: 1, squeezeReduction: 2)", "block.0 block.1* block.3.gate.1+ block.3.gate.3+ block.4 block.5*")]
    [InlineData("EfficientConvBlock", "block.0 block.1* block.3 block.4* block.6.gate.1+ block.6.gate.3+ block.7 block.8*")]
    [InlineData("EfficientConvBlock(expansion: 1)", "block.0 block.1* block.3.gate.1+ block.3.gate.3+ block.4 block.5*")]
    public void OneAttribute_HasTheModulesOwnKeys(string attribute, string keys)
    {
        string[] expected = Expand(keys);
        Assert.Equal(expected, Keys($"[InputShape(12, 9, 9)] [{attribute}]"));

        // In a list the index stands in front.
        Assert.Equal(expected.Select(k => "1." + k), Keys($"[InputShape(12, 9, 9)] [ReLU] [{attribute}]"));
    }

    [Fact]
    public void List_CountsEveryAttribute() =>
        Assert.Equal(
            Expand("0 1* 3+ 6* 8+ 11+"),
            Keys("[InputShape(3, 16, 16)] [Conv2d(8, bias: false), BatchNorm, ReLU] [Conv2d(8), MaxPool2d, Softmax] [BatchNorm, ChannelShuffle(2), Conv2d(4), GlobalAvgPool, Flatten, Linear(3)]"));

    [Fact]
    public void Names_AreCanonicalKeysAndLayerNames()
    {
        LayerGraph graph = DeclarationText.Graph("[InputShape(12, 9, 9)] [Conv2d(12, Name = \"stem\")] [EfficientConvBlock(Name = \"body\")] [PointwiseConv2d(4)]");
        string[] canonical = [.. ParameterTable.Of(graph).Select(t => t.Key.Canonical)];
        Assert.Contains("stem.weight", canonical);
        Assert.Contains("body.expand.weight", canonical);
        Assert.Contains("body.depthwise_bn.running_var", canonical);
        Assert.Contains("body.se_reduce.bias", canonical);
        Assert.Contains("2.bias", canonical);
        Assert.Equal(canonical.Length, canonical.Distinct().Count());
        Assert.Equal("0.weight", ParameterTable.Of(graph)[0].Key.Key);
        Assert.Equal(["input", "stem", "body.expand"], graph.Layers.Take(3).Select(l => l.Name));
        Assert.Equal(graph.Layers.Count, graph.Layers.Select(l => l.Name).Distinct().Count());
    }

    [Theory]
    [InlineData("Conv2d(8, kernelSize: 5, groups: 4)", "8,3,5,5 8")]
    [InlineData("Conv2d(8, KernelHeight = 1, KernelWidth = 7)", "8,12,1,7 8")]
    [InlineData("DepthwiseConv2d(multiplier: 2)", "24,1,3,3 24")]
    [InlineData("Linear(5)", "5,972 5")]
    [InlineData("BatchNorm", "12 12 12 12")]
    [InlineData("PReLU(12)", "12")]
    [InlineData("SqueezeExcitation(3)", "4,12,1,1 4 12,4,1,1 12")]
    public void Shapes_AreAsPyTorchSavesThem(string attribute, string shapes) =>
        Assert.Equal(shapes, string.Join(' ', ParameterTable.Of(DeclarationText.Graph($"[InputShape(12, 9, 9)] [{attribute}]")).Select(t => string.Join(',', t.Shape))));

    [Theory]
    [InlineData("InvertedResidual", 48)]
    [InlineData("InvertedResidual(expansion: 6)", 72)]
    [InlineData("InvertedResidual(expansion: 1.5)", 18)]
    [InlineData("InvertedResidual(hiddenChannels: 30)", 30)]
    [InlineData("InvertedResidual(expansion: 1.3, hiddenChannels: 16)", 16)]
    [InlineData("InvertedResidual(hiddenChannels: 12)", 12)]
    [InlineData("EfficientConvBlock(expansion: 3)", 36)]
    public void HiddenChannels_ComeFromExpansionOrAreGiven(string attribute, int hidden)
    {
        LayerGraph graph = DeclarationText.Graph($"[InputShape(12, 9, 9)] [{attribute}]");
        ConvolutionOperator depthwise = Assert.Single(graph.Layers.Select(l => l.Operator).OfType<ConvolutionOperator>(), c => c.Groups > 1);
        Assert.Equal((hidden, hidden), (depthwise.OutChannels, depthwise.Groups));
        Assert.Equal(hidden != 12, graph.Layers.Any(l => l.Origin.Role == "expand"));
    }

    [Theory]
    [InlineData("InvertedResidual", true)]
    [InlineData("InvertedResidual(12)", true)]
    [InlineData("InvertedResidual(13)", false)]
    [InlineData("InvertedResidual(stride: 2)", false)]
    [InlineData("InvertedResidual(shortcut: Shortcut.None)", false)]
    [InlineData("InvertedResidual(shortcut: Shortcut.Required)", true)]
    [InlineData("EfficientConvBlock", true)]
    [InlineData("Bottleneck(4)", false)]
    [InlineData("Bottleneck(4, shortcut: Shortcut.Auto)", true)]
    [InlineData("DepthwiseSeparable", false)]
    public void Shortcut_IsAddedWhereItCanAndShall(string attribute, bool added)
    {
        LayerGraph graph = DeclarationText.Graph($"[InputShape(12, 9, 9)] [ReLU] [{attribute}]");
        Assert.Equal(added, graph.Last.Operator is AddOperator);
        if (added)
            Assert.Equal([graph.Layers.Count - 2, 1], graph.Last.Inputs);
    }

    [Theory]
    [InlineData("InvertedResidual(kernelSize: 5, dilation: 2)", 4, 4, 4, 4)]
    [InlineData("InvertedResidual(stride: 2, AutoPad = AutoPad.SameUpper)", 1, 1, 1, 1)]
    [InlineData("InvertedResidual(stride: 2, kernelSize: 4, AutoPad = AutoPad.SameUpper)", 1, 2, 1, 2)]
    [InlineData("DepthwiseSeparable(Padding = 0)", 0, 0, 0, 0)]
    [InlineData("Conv2d(kernelSize: 5, padding: 2, PaddingLeft = 1, PaddingHeight = 3)", 3, 3, 1, 2)]
    [InlineData("Conv2d(kernelSize: 4, AutoPad = AutoPad.Same)", 1, 2, 1, 2)]
    public void Padding_IsHalfTheKernelUnlessGiven(string attribute, int top, int bottom, int left, int right)
    {
        ConvolutionOperator spatial = DeclarationText.Graph($"[InputShape(12, 9, 9)] [{attribute}]").Layers.Select(l => l.Operator).OfType<ConvolutionOperator>().First(c => c.Kernel.Height > 1);
        Assert.Equal(new Padding(top, bottom, left, right), spatial.Padding);
    }

    [Theory]
    [InlineData("Conv2d(8, groups: 5)", "ECD0101", "groups")]
    [InlineData("Conv2d(8, groups: 3)", "ECD0102", "groups")]
    [InlineData("ChannelShuffle(5)", "ECD0103", "groups")]
    [InlineData("SqueezeExcitation(13)", "ECD0104", "reduction")]
    [InlineData("InvertedResidual(expansion: 1.3)", "ECD0105", "expansion")]
    [InlineData("Conv2d(8, kernelSize: 10)", "ECD0201", "kernelSize")]
    [InlineData("MaxPool2d(3, padding: 2)", "ECD0204", "padding")]
    [InlineData("InvertedResidual(stride: 2, shortcut: Shortcut.Required)", "ECD0301", "stride")]
    [InlineData("Conv2d(0)", "ECD0004", "outChannels")]
    [InlineData("Conv2d(8, stride: -1)", "ECD0004", "stride")]
    [InlineData("PReLU(5)", "ECD0004", "numParameters")]
    public void FirstMistake_IsReportedAndNothingBehindIt(string attribute, string rule, string argument)
    {
        ExpansionResult result = Expansion.Expand(DeclarationText.Parse($"[InputShape(12, 9, 9)] [ReLU] [{attribute}] [Conv2d(8, groups: 7)]"));
        Assert.Null(result.Graph);
        Compiler.Findings.Finding finding = Assert.Single(result.Findings);
        Assert.Equal((rule, 2, argument), (finding.RuleId, finding.AttributeIndex, finding.Argument));
    }

    [Theory]
    [InlineData("BatchNorm", 1e-5)]
    [InlineData("BatchNorm(0.001)", 1e-3)]
    [InlineData("InvertedResidual(Eps = 0.001)", 1e-3)]
    [InlineData("Bottleneck(4)", 1e-5)]
    public void Epsilon_IsPyTorchsUnlessGiven(string attribute, double epsilon) =>
        Assert.All(DeclarationText.Graph($"[InputShape(12, 9, 9)] [{attribute}]").Layers.Select(l => l.Operator).OfType<BatchNormOperator>(), b => Assert.Equal(epsilon, b.Epsilon));

    private static string[] Keys(string attributes) => [.. ParameterTable.Of(DeclarationText.Graph(attributes)).Select(t => t.Key.Key)];

    /// <summary>A star stands for batch norm's four tensors, a plus for weight and bias, nothing for a weight.</summary>
    private static string[] Expand(string keys) =>
    [
        .. keys.Split(' ', StringSplitOptions.RemoveEmptyEntries).SelectMany<string, string>(key =>
            key[^1] == '*' ? Norm.Split(' ').Select(n => $"{key[..^1]}.{n}")
            : key[^1] == '+' ? [key[..^1] + ".weight", key[..^1] + ".bias"]
            : char.IsDigit(key[^1]) ? [key + ".weight"]
            : [key]),
    ];
}
