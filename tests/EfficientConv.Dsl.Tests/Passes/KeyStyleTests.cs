using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>State-dict keys of the published models for lists of attributes. The zoo's tests compare whole models with PyTorch's own keys.</summary>
public sealed class KeyStyleTests
{
    private const string Stem = "[Conv2d(8, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6]";

    [Theory]
    [InlineData("TorchvisionMobileNetV2", "[InvertedResidual(8, expansion: 1), InvertedResidual(12, expansion: 2)] [PointwiseConv2d(16, bias: false), BatchNorm, ReLU6] [GlobalAvgPool, Linear(5)]",
        "features.0.0 features.0.1 features.1.conv.0.0 features.1.conv.0.1 features.1.conv.1 features.1.conv.2 features.2.conv.0.0 features.2.conv.0.1 features.2.conv.1.0 features.2.conv.1.1 features.2.conv.2 features.2.conv.3 features.3.0 features.3.1 classifier.1")]
    [InlineData("TorchvisionMobileNetV3", "[InvertedResidual(8, expansion: 2, squeezeReduction: 4)] [PointwiseConv2d(16, bias: false), BatchNorm, HardSwish] [GlobalAvgPool] [Linear(5), HardSwish] [Linear(3)]",
        "features.0.0 features.0.1 features.1.block.0.0 features.1.block.0.1 features.1.block.1.0 features.1.block.1.1 features.1.block.2.fc1 features.1.block.2.fc2 features.1.block.3.0 features.1.block.3.1 features.2.0 features.2.1 classifier.0 classifier.3")]
    [InlineData("TorchvisionEfficientNet", "[InvertedResidual(8, expansion: 1)] [InvertedResidual(12, expansion: 2, stride: 2), InvertedResidual(12, expansion: 2)] [PointwiseConv2d(16, bias: false), BatchNorm, SiLU] [GlobalAvgPool, Linear(5)]",
        "features.0.0 features.0.1 features.1.0.block.0.0 features.1.0.block.0.1 features.1.0.block.1.0 features.1.0.block.1.1 features.2.0.block.0.0 features.2.0.block.0.1 features.2.0.block.1.0 features.2.0.block.1.1 features.2.0.block.2.0 features.2.0.block.2.1 features.2.1.block.0.0 features.2.1.block.0.1 features.2.1.block.1.0 features.2.1.block.1.1 features.2.1.block.2.0 features.2.1.block.2.1 features.3.0 features.3.1 classifier.1")]
    [InlineData("TorchvisionMnasNet", "[InvertedResidual(12, expansion: 2, stride: 2), InvertedResidual(12, expansion: 2)] [InvertedResidual(16, expansion: 2)] [PointwiseConv2d(16, bias: false), BatchNorm, ReLU] [GlobalAvgPool, Linear(5)]",
        "layers.0 layers.1 layers.3.0.layers.0 layers.3.0.layers.1 layers.3.0.layers.3 layers.3.0.layers.4 layers.3.0.layers.6 layers.3.0.layers.7 layers.3.1.layers.0 layers.3.1.layers.1 layers.3.1.layers.3 layers.3.1.layers.4 layers.3.1.layers.6 layers.3.1.layers.7 layers.4.0.layers.0 layers.4.0.layers.1 layers.4.0.layers.3 layers.4.0.layers.4 layers.4.0.layers.6 layers.4.0.layers.7 layers.5 layers.6 classifier.1")]
    [InlineData("TorchvisionResNet", "[ResNetBasicBlock(8)] [ResNetBottleneck(4, stride: 2)] [GlobalAvgPool, Linear(5)]",
        "conv1 bn1 layer1.0.conv1 layer1.0.bn1 layer1.0.conv2 layer1.0.bn2 layer2.0.conv1 layer2.0.bn1 layer2.0.conv2 layer2.0.bn2 layer2.0.conv3 layer2.0.bn3 layer2.0.downsample.0 layer2.0.downsample.1 fc")]
    [InlineData("TorchvisionShuffleNetV2", "[MaxPool2d] [ShuffleUnitV2(12, stride: 2), ShuffleUnitV2] [ShuffleUnitV2(16, stride: 2)] [PointwiseConv2d(16, bias: false), BatchNorm, ReLU] [GlobalAvgPool, Linear(5)]",
        "conv1.0 conv1.1 stage2.0.branch1.0 stage2.0.branch1.1 stage2.0.branch1.2 stage2.0.branch1.3 stage2.0.branch2.0 stage2.0.branch2.1 stage2.0.branch2.3 stage2.0.branch2.4 stage2.0.branch2.5 stage2.0.branch2.6 stage2.1.branch2.0 stage2.1.branch2.1 stage2.1.branch2.3 stage2.1.branch2.4 stage2.1.branch2.5 stage2.1.branch2.6 stage3.0.branch1.0 stage3.0.branch1.1 stage3.0.branch1.2 stage3.0.branch1.3 stage3.0.branch2.0 stage3.0.branch2.1 stage3.0.branch2.3 stage3.0.branch2.4 stage3.0.branch2.5 stage3.0.branch2.6 conv4.0 conv4.1 fc")]
    [InlineData("Timm", "[DepthwiseSeparable(8)] [InvertedResidual(8, expansion: 1)] [InvertedResidual(16, expansion: 2, squeezeReduction: 4), FusedMBConv(16), FusedMBConv(16, expansion: 1)] [PointwiseConv2d(16, bias: false), BatchNorm, ReLU] [GlobalAvgPool, Linear(5)]",
        "conv_stem bn1 blocks.0.0.conv_dw blocks.0.0.bn1 blocks.0.0.conv_pw blocks.0.0.bn2 blocks.0.1.conv_dw blocks.0.1.bn1 blocks.0.1.conv_pw blocks.0.1.bn2 blocks.1.0.conv_pw blocks.1.0.bn1 blocks.1.0.conv_dw blocks.1.0.bn2 blocks.1.0.se.conv_reduce blocks.1.0.se.conv_expand blocks.1.0.conv_pwl blocks.1.0.bn3 blocks.1.1.conv_exp blocks.1.1.bn1 blocks.1.1.conv_pwl blocks.1.1.bn2 blocks.1.2.conv blocks.1.2.bn1 conv_head bn2 classifier")]
    [InlineData("Timm", "[Stage, PointwiseConv2d(8, bias: false), BatchNorm, ReLU] [UniversalInvertedBottleneck(startKernelSize: 3, endKernelSize: 3)] [Stage, PointwiseConv2d(16, bias: false), BatchNorm] [GlobalAvgPool] [PointwiseConv2d(16, bias: false), BatchNorm, ReLU] [Linear(5)]",
        "conv_stem bn1 blocks.0.0.conv blocks.0.0.bn1 blocks.0.1.dw_start.conv blocks.0.1.dw_start.bn blocks.0.1.pw_exp.conv blocks.0.1.pw_exp.bn blocks.0.1.dw_mid.conv blocks.0.1.dw_mid.bn blocks.0.1.pw_proj.conv blocks.0.1.pw_proj.bn blocks.0.1.dw_end.conv blocks.0.1.dw_end.bn blocks.1.0.conv blocks.1.0.bn1 conv_head norm_head classifier")]
    public void List_HasThePublishedKeys(string style, string attributes, string keys) =>
        Assert.Equal(keys.Split(' '), Modules($"[InputShape(3, 32, 32, Keys = KeyStyle.{style})] {Stem} {attributes}"));

    [Theory]
    [InlineData("RepVGG", "[RepVGGBlock(8, stride: 2)] [RepVGGBlock(8, stride: 2), RepVGGBlock(8)] [GlobalAvgPool, Linear(5)]",
        "stage0.rbr_reparam stage1.0.rbr_reparam stage1.1.rbr_reparam linear")]
    [InlineData("MobileOne", "[MobileOneConv2d(8, stride: 2)] [MobileOneBlock(12, stride: 2), MobileOneBlock(12)] [MobileOneBlock(16, stride: 2)] [GlobalAvgPool, Linear(5)]",
        "stage0.reparam_conv stage1.0.reparam_conv stage1.1.reparam_conv stage1.2.reparam_conv stage1.3.reparam_conv stage2.0.reparam_conv stage2.1.reparam_conv linear")]
    public void ReparameterizedList_HasTheSumsKeys(string style, string attributes, string keys) =>
        Assert.Equal(keys.Split(' '), Modules($"[InputShape(3, 32, 32, Keys = KeyStyle.{style})] {attributes}"));

    /// <summary>Learned activations are modules with names of their own, and the names of the others do not depend on them.</summary>
    [Theory]
    [InlineData("Tutorial", "InvertedResidual(8, expansion: 2, activation: ACT)", "block.2 block.5")]
    [InlineData("Tutorial", "InvertedResidual(8, expansion: 1, squeezeReduction: 2, activation: ACT)", "block.2")]
    [InlineData("Tutorial", "EfficientConvBlock(8, expansion: 2, activation: ACT)", "block.2 block.5")]
    [InlineData("Tutorial", "Bottleneck(4, 8, activation: ACT)", "net.2 net.5")]
    [InlineData("Tutorial", "DepthwiseSeparable(8, activation: ACT)", "net.2 net.5")]
    [InlineData("Tutorial", "FactorizedConv2d(8, activation: ACT)", "net.2 net.5")]
    [InlineData("Tutorial", "ResNetBasicBlock(8, activation: ACT)", "act1 act2")]
    [InlineData("Tutorial", "ResNetBottleneck(2, activation: ACT)", "act1 act2 act3")]
    [InlineData("Tutorial", "ShuffleUnitV1(8, groups: 2, activation: ACT)", "branch_main_1.2 act")]
    [InlineData("Tutorial", "ShuffleUnitV2(8, stride: 2, activation: ACT)", "branch1.4 branch2.2 branch2.7")]
    [InlineData("Tutorial", "Fire(4, 4, 4, activation: ACT)", "squeeze_activation expand1x1_activation expand3x3_activation")]
    [InlineData("Tutorial", "GhostBottleneck(16, 8, activation: ACT)", "ghost1.primary_conv.2 ghost1.cheap_operation.2")]
    [InlineData("Tutorial", "ConvNeXtBlock(activation: ACT, layerScale: false)", "mlp.act")]
    [InlineData("Tutorial", "ASPP(8, activation: ACT)", "convs.0.2 convs.1.2 convs.2.2 convs.3.2 convs.4.3 project.2")]
    [InlineData("Tutorial", "NonBottleneck1D(activation: ACT)", "vertical1_act horizontal1_act vertical2_act act")]
    [InlineData("Tutorial", "ERFNetDownsampler(16, activation: ACT)", "act")]
    [InlineData("Tutorial", "ERFNetUpsampler(8, activation: ACT)", "act")]
    [InlineData("Tutorial", "RepVGGBlock(8, activation: ACT)", "nonlinearity")]
    [InlineData("Tutorial", "MobileOneConv2d(8, activation: ACT)", "activation")]
    [InlineData("Tutorial", "MobileOneBlock(8, activation: ACT)", "0.activation 1.activation")]
    [InlineData("Tutorial", "FusedMBConv(8, activation: ACT)", "block.2")]
    [InlineData("Tutorial", "UniversalInvertedBottleneck(8, activation: ACT)", "pw_exp.bn.act dw_mid.bn.act")]
    [InlineData("TorchvisionMobileNetV2", "InvertedResidual(8, expansion: 2, activation: ACT)", "features.0.conv.0.2 features.0.conv.1.2")]
    [InlineData("TorchvisionMobileNetV3", "InvertedResidual(8, expansion: 2, squeezeReduction: 2, activation: ACT)", "features.0.block.0.2 features.0.block.1.2")]
    [InlineData("TorchvisionEfficientNet", "FusedMBConv(8, expansion: 1, activation: ACT)", "features.1.0.block.0.2")]
    [InlineData("TorchvisionMnasNet", "InvertedResidual(8, expansion: 2, activation: ACT)", "layers.0.0.layers.2 layers.0.0.layers.5")]
    [InlineData("Timm", "InvertedResidual(8, expansion: 2, activation: ACT)", "blocks.0.0.bn1.act blocks.0.0.bn2.act")]
    [InlineData("Timm", "InvertedResidual(8, expansion: 1, activation: ACT)", "blocks.0.0.bn1.act")]
    [InlineData("Timm", "DepthwiseSeparable(8, activation: ACT)", "blocks.0.0.bn1.act blocks.0.0.bn2.act")]
    [InlineData("Timm", "FusedMBConv(8, expansion: 1, activation: ACT)", "blocks.0.0.bn1.act")]
    [InlineData("Timm", "UniversalInvertedBottleneck(8, activation: ACT)", "blocks.0.0.pw_exp.bn.act blocks.0.0.dw_mid.bn.act")]
    [InlineData("RepVGG", "RepVGGBlock(8, activation: ACT)", "stage0.nonlinearity")]
    [InlineData("MobileOne", "MobileOneConv2d(8, activation: ACT)", "stage0.activation")]
    [InlineData("MobileOne", "[MobileOneConv2d(8)] [MobileOneBlock(12, stride: 2, activation: ACT), MobileOneBlock(12, activation: ACT)]", "stage1.0.activation stage1.1.activation stage1.2.activation stage1.3.activation")]
    public void LearnedActivations_AreModules(string style, string block, string keys)
    {
        string text = $"[InputShape(8, 16, 16, Keys = KeyStyle.{style})] {(block.StartsWith('[') ? block : $"[{block}]")}", learned = text.Replace("ACT", "Activation.PReLUPerChannel", StringComparison.Ordinal);
        PReLUOperator[] slopes = [.. DeclarationText.Graph(learned).Layers.Select(layer => layer.Operator).OfType<PReLUOperator>()];
        Assert.Equal(keys.Split(' '), slopes.Select(slope => slope.Key.Key));
        Assert.All(DeclarationText.Graph(learned).Layers, layer => Assert.True(layer.Operator is not PReLUOperator prelu || prelu.Parameters == layer.Output.Channels));
        Assert.All(
            DeclarationText.Graph(text.Replace("ACT", "Activation.PReLU", StringComparison.Ordinal)).Layers.Select(layer => layer.Operator).OfType<PReLUOperator>(),
            prelu => Assert.Equal(1, prelu.Parameters));
        Assert.Equal(Modules(text.Replace("ACT", "Activation.LeakyReLU", StringComparison.Ordinal)), Modules(learned).Except(slopes.Select(slope => slope.Key.Key)));
    }

    [Fact]
    public void RepVGGBranches_AreTheAuthors()
    {
        LayerGraph graph = DeclarationText.Graph("[InputShape(8, 9, 9, Keys = KeyStyle.RepVGG)] [RepVGGBlock(8, stride: 2)] [RepVGGBlock(8, stride: 2)] [RepVGGBlock(8)]");
        ConvolutionOperator[] convolutions = [.. graph.Layers.Select(l => l.Operator).OfType<ConvolutionOperator>()];
        Assert.Equal(
            [("stage1.1.rbr_dense.conv", "stage1.1.rbr_dense.bn", 3), ("stage1.1.rbr_1x1.conv", "stage1.1.rbr_1x1.bn", 1), (null, "stage1.1.rbr_identity", 1)],
            convolutions[2].Branches!.Branches.Select(b => (b.Convolution, b.Norm, b.KernelSize)));
        Assert.Equal(2, convolutions[1].Branches!.Branches.Count);
    }

    [Theory]
    [InlineData("Tutorial", 1e-5)]
    [InlineData("TorchvisionMobileNetV2", 1e-5)]
    [InlineData("TorchvisionMobileNetV3", 1e-3)]
    [InlineData("TorchvisionEfficientNet", 1e-5)]
    [InlineData("TorchvisionMnasNet", 1e-5)]
    [InlineData("TorchvisionResNet", 1e-5)]
    [InlineData("TorchvisionShuffleNetV2", 1e-5)]
    [InlineData("Timm", 1e-5)]
    [InlineData("TimmTensorFlow", 1e-3)]
    [InlineData("ERFNet", 1e-3)]
    public void Epsilon_IsTheFamilys(string style, double epsilon)
    {
        double[] found = Epsilons($"[InputShape(12, 9, 9, Keys = KeyStyle.{style})] [Conv2d, BatchNorm] [InvertedResidual]");
        Assert.Equal([epsilon, epsilon, epsilon, epsilon], found);
        Assert.Equal([0.01, 0.02, 0.02, 0.02], Epsilons($"[InputShape(12, 9, 9, Keys = KeyStyle.{style})] [Conv2d, BatchNorm(0.01)] [InvertedResidual(Eps = 0.02)]"));
    }

    [Fact]
    public void StageMarks_AreNoModules()
    {
        Assert.Equal(["0", "1.block.0", "1.block.1", "1.block.3", "1.block.4"], Modules("[InputShape(3, 9, 9)] [Conv2d(8, bias: false)] [Stage] [InvertedResidual(expansion: 1)]"));
        Assert.Equal(["block.0", "block.1", "block.3", "block.4"], Modules("[InputShape(3, 9, 9)] [Stage] [InvertedResidual(expansion: 1)]"));
        Assert.Equal("ECD0002", Assert.Single(Expansion.Expand(DeclarationText.Parse("[InputShape(3, 9, 9)] [Stage]")).Findings).RuleId);
    }

    [Theory]
    [InlineData(32 * 0.35, 8, 16)]
    [InlineData(16 * 0.35, 8, 8)]
    [InlineData(24 * 0.35, 8, 8)]
    [InlineData(96 * 0.35, 8, 32)]
    [InlineData(160 * 0.35, 8, 56)]
    [InlineData(1280 * 1.4, 8, 1792)]
    [InlineData(16 * 0.75, 8, 16)]
    [InlineData(72 / 4, 8, 24)]
    [InlineData(120 / 4, 8, 32)]
    [InlineData(672 / 4, 8, 168)]
    [InlineData(3, 8, 8)]
    [InlineData(10, 4, 12)]
    [InlineData(90, 1, 90)]
    public void MakeDivisible_IsTorchvisionsAndTimms(double value, int divisor, int expected) => Assert.Equal(expected, Channels.MakeDivisible(value, divisor));

    [Theory]
    [InlineData("InvertedResidual(expansion: 2.3, ChannelDivisor = 8)", 80, 184)]
    [InlineData("InvertedResidual(expansion: 2.5, ChannelDivisor = 8)", 80, 200)]
    [InlineData("InvertedResidual(expansion: 1.3, ChannelDivisor = 1)", 12, 16)]
    [InlineData("UniversalInvertedBottleneck(expansion: 2.5)", 12, 32)]
    public void HiddenChannels_AreMadeDivisible(string attribute, int channels, int hidden) =>
        Assert.Contains(DeclarationText.Graph($"[InputShape({channels}, 9, 9)] [{attribute}]").Layers, l => l.Operator is ConvolutionOperator c && c.Groups == hidden);

    [Theory]
    [InlineData("InvertedResidual(hiddenChannels: 72, squeezeReduction: 4, SqueezeDivisor = 8)", 24)]
    [InlineData("InvertedResidual(hiddenChannels: 72, squeezeReduction: 4)", 18)]
    [InlineData("InvertedResidual(hiddenChannels: 72, squeezeReduction: 4, SqueezeFrom = SqueezeSource.Input)", 6)]
    [InlineData("InvertedResidual(hiddenChannels: 72, squeezeReduction: 40, SqueezeFrom = SqueezeSource.Input)", 1)]
    [InlineData("FusedMBConv(expansion: 2, squeezeReduction: 4, SqueezeFrom = SqueezeSource.Input)", 6)]
    public void SqueezeChannels_AreAsThePublishedNetworksHaveThem(string attribute, int squeezed) =>
        Assert.Equal(squeezed, DeclarationText.Graph($"[InputShape(24, 9, 9)] [{attribute}]").Layers.Single(l => l.Origin.Role == "se_reduce").Output.Channels);

    [Theory]
    [InlineData("UniversalInvertedBottleneck(16, midKernelSize: 0, stride: 2)", "ECD0004", "stride")]
    [InlineData("UniversalInvertedBottleneck(16, shortcut: Shortcut.Required)", "ECD0301", "outChannels")]
    [InlineData("MobileOneConv2d(16, branches: 65)", "ECD0004", "branches")]
    [InlineData("FusedMBConv(16, shortcut: Shortcut.Required)", "ECD0301", "outChannels")]
    [InlineData("ShuffleUnitV2(13, stride: 2)", "ECD0004", "outChannels")]
    [InlineData("ShuffleUnitV2(16)", "ECD0004", "outChannels")]
    [InlineData("ShuffleUnitV1(16)", "ECD0004", "outChannels")]
    [InlineData("ShuffleUnitV1(12, stride: 2)", "ECD0004", "outChannels")]
    [InlineData("ERFNetDownsampler(12)", "ECD0004", "outChannels")]
    [InlineData("Fire(0, 1, 1)", "ECD0004", "squeezeChannels")]
    [InlineData("ResNetBottleneck(3, baseWidth: 1)", "ECD0004", "baseWidth")]
    [InlineData("RepVGGBlock(16, groups: 5)", "ECD0101", "groups")]
    public void Mistakes_AreReportedWhereTheyStand(string attribute, string rule, string argument)
    {
        Compiler.Findings.Finding finding = Assert.Single(Expansion.Expand(DeclarationText.Parse($"[InputShape(12, 9, 9)] [{attribute}]")).Findings);
        Assert.Equal((rule, 1, argument), (finding.RuleId, finding.AttributeIndex, finding.Argument));
    }

    /// <summary>Prefixes of the tensors, each once.</summary>
    private static string[] Modules(string attributes) =>
        [.. ParameterTable.Of(DeclarationText.Graph(attributes)).Select(t => t.Key.Key[..t.Key.Key.LastIndexOf('.')]).Distinct()];

    private static double[] Epsilons(string attributes) =>
        [.. DeclarationText.Graph(attributes).Layers.Select(l => l.Operator).OfType<BatchNormOperator>().Select(b => b.Epsilon)];
}
