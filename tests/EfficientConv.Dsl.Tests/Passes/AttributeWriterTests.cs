using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.RandomNetworks;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>A graph, written as attributes and read again, is the same graph.</summary>
public sealed partial class AttributeWriterTests
{
    public static TheoryData<int> Parts => [.. Enumerable.Range(0, 10)];

    /// <summary>Every kind of layer and block, chains, sequences and graphs with several outputs.</summary>
    [Theory]
    [MemberData(nameof(Parts))]
    public void RandomNetworks_AreReadAgain(int part)
    {
        string[] texts = [.. NetworkGen.Configurations.Where((_, i) => i % 10 == part)];
        Assert.InRange(texts.Length, 40, 200);
        Assert.All(texts, text => AssertReadAgain(DeclarationText.Graph(text), text));
    }

    [Theory]
    [InlineData("[InputShape(3, 9, 7), MaxPool2d(3, stride: 2, dilation: 2, AutoPad = AutoPad.SameUpper), ReLU]")]
    [InlineData("[InputShape(3, 9, 7), AvgPool2d(3, stride: 1, DilationHeight = 2, PaddingTop = 1, countIncludePad: false), ReLU]")]
    [InlineData("[InputShape(4, 9, 7, Layout = TensorLayout.NHWC), Conv2d(8, KernelHeight = 3, KernelWidth = 5, PaddingLeft = 2, StrideWidth = 2, Algorithm = ConvAlgorithm.Direct), LeakyReLU(0.1)]")]
    [InlineData("[InputShape(4, 9, 7), Upsample(2.3, Width = 20), Activation(Activation.None), Upsample(2, Interpolation.Bilinear, alignCorners: true, Height = 3), BatchNorm(eps: 1e-3)]")]
    [InlineData("[InputShape(3, 8, 8), ImageInput(new[] { 0.1, 0.2, 0.3 }, new[] { 1.5, 1e-3, 7 }), Conv2d(8, Name = \"stem\"), Output(\"a\"), ReLU, Output(\"b\"), From(\"stem\"), Conv2d(4), Output(\"c\")]")]
    [InlineData("[InputShape(8, 8, 8), ReLU(Name = \"x\"), Add(\"input\"), Multiply(\"x\"), Concat(\"input\", \"x\"), SliceChannels(3, 8), GlobalAvgPool(Name = \"mean\"), From(\"x\"), Multiply(\"mean\")]")]
    public void Networks_AreReadAgain(string text) => AssertReadAgain(DeclarationText.Graph(text), text);

    /// <summary>With blocks and without names: the same operators on the same tensors, each tensor under one key, whatever somebody declared.</summary>
    [Theory]
    [MemberData(nameof(Parts))]
    public void RandomNetworksAsBlocks_AreReadAgain(int part) =>
        Assert.All(NetworkGen.Configurations.Where((_, i) => i % 10 == part), text => AssertSameOperators(DeclarationText.Graph(text), null));

    /// <summary>Random lists of attributes three times in a row, their names with the copy's number: what repeats becomes a template, and its layers are the same.</summary>
    [Fact]
    public void RandomRepeats_BecomeTemplates()
    {
        int placed = 0;
        foreach (string text in NetworkGen.Configurations)
        {
            int body = text.IndexOf(']', text.IndexOf("InputShape(", StringComparison.Ordinal)) + 1;
            string[] copies = [.. Enumerable.Range(0, 3).Select(copy => Quoted().Replace(text[body..], match => match.Value == "\"input\"" && copy > 0 ? $"\"end{copy - 1}\"" : match.Value == "\"input\"" ? match.Value : $"\"{match.Groups[1].Value}_{copy}\"") + $"[Activation(Activation.None, Name = \"end{copy}\")]")];
            ExpansionResult repeated = Expansion.Expand(DeclarationText.Parse(text[..body] + string.Concat(copies)));
            if (repeated.Graph is not null)
                placed += AssertSameOperators(repeated.Graph, "Net").Attributes.Count(attribute => attribute.Template is not null);
        }

        Assert.InRange(placed, 60, int.MaxValue);
    }

    private static WrittenGraph AssertSameOperators(LayerGraph graph, string? typeName)
    {
        WrittenGraph written = AttributeWriter.WriteBlocks(graph, _ => null, typeName);
        string text = Text(written);
        Assert.True(written.Findings.Count == 0, text);
        LayerGraph again = typeName is null ? DeclarationText.Graph(text)
            : Expansion.Expand(new NetworkDeclaration(string.Empty, [], "Net", "class", true, written.Attributes, [])).Graph ?? throw new InvalidOperationException(text);
        Assert.Equal(Trees(graph).Order(), Trees(again).Order());
        Assert.Equal(graph.Outputs.Select(output => (output.Name, Trees(graph)[output.Layer])), again.Outputs.Select(output => (output.Name, Trees(again)[output.Layer])));
        Dictionary<string, string> shapes = ParameterTable.Of(again).ToDictionary(tensor => tensor.Key.Canonical, tensor => $"{tensor.Shape}");
        Assert.Equal(ParameterTable.Of(graph).Select(tensor => $"{tensor.Shape}"), ParameterTable.Of(graph).Select(tensor => shapes[written.Keys.Single(key => key.Key == tensor.Key.Canonical).Value]));
        Assert.Equal(shapes.Count, written.Keys.Select(key => key.Value).Distinct().Count());
        return written;

        // Each layer by what it computes of what, whatever its number: a hash of its operator and of the layers that it reads, which are a set where their order says nothing.
        static string[] Trees(LayerGraph graph)
        {
            string[] trees = new string[graph.Layers.Count];
            foreach (Layer layer in graph.Layers)
            {
                string[] reads = [.. layer.Inputs.Select(input => trees[input])];
                string own = layer.Id == 0 ? "input" : AttributeText.Of(layer.Operator.Attribute([.. layer.Inputs.Select(input => graph.Layers[input].Output)])!);
                string text = $"{own} {layer.Output} {string.Join(' ', layer.Operator is AddOperator ? reads.Order() : reads)}";
                trees[layer.Id] = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
            }

            return trees;
        }
    }

    /// <summary>What repeats is a template, with parameters for the sizes that differ; the names of a state dict stay what they are.</summary>
    [Theory]
    [InlineData(
        "[InputShape(8, 32, 32)][DepthwiseConv2d(padding: 1), PointwiseConv2d(8), Add(\"input\"), ReLU(Name = \"a\")][DepthwiseConv2d(padding: 1), PointwiseConv2d(12), Add(\"a\", padChannels: true), ReLU(Name = \"b\")][DepthwiseConv2d(5, padding: 2), PointwiseConv2d(12), Add(\"b\"), ReLU]",
        "[InputShape(8, 32, 32)][Use<SeparableResidualBlock>(outChannels: 8, kernelSize: 3, padding: 1)][Use<SeparableResidualBlock>(outChannels: 12, kernelSize: 3, padding: 1)][Use<SeparableResidualBlock>(outChannels: 12, kernelSize: 5, padding: 2)]",
        "[DepthwiseConv2d(Template.KernelSize, padding: Template.Padding)][PointwiseConv2d(Template.OutChannels)][Add(\"input\", padChannels: true)][ReLU]")]
    [InlineData(
        "[InputShape(8, 8, 8)][BatchNorm(Name = \"l.0.n1\"), ReLU, PointwiseConv2d(16, bias: false, Name = \"l.0.c1\"), GELU, Conv2d(4, padding: 1, Name = \"l.0.c2\"), Concat(\"input\", Name = \"x\")][BatchNorm(Name = \"l.1.n1\"), ReLU, PointwiseConv2d(16, bias: false, Name = \"l.1.c1\"), GELU, Conv2d(4, padding: 1, Name = \"l.1.c2\"), Concat(\"x\")]",
        "[InputShape(8, 8, 8)][Use<DenseBlock>(2, Name = \"l\")]",
        "[BatchNorm(Name = \"n1\")][ReLU][PointwiseConv2d(16, bias: false, Name = \"c1\")][GELU][Conv2d(4, padding: 1, Name = \"c2\")][Concat(\"input\")]")]
    [InlineData(
        "[InputShape(16, 8, 8)][Conv2d(16, padding: 1), ReLU, Conv2d(8, padding: 1), SiLU, Output(\"a\")][Conv2d(16, padding: 1), ReLU, Conv2d(8, padding: 1), SiLU][Conv2d(24, padding: 1), ReLU, Conv2d(12, padding: 1), SiLU(Name = \"z\")][MaxPool2d, Upsample, Add(\"z\")]",
        "[InputShape(16, 8, 8)][Use<Block>(outChannels: 16, hiddenChannels: 8)][Output(\"a\")][Use<Block>(outChannels: 16, hiddenChannels: 8)][Use<Block>(outChannels: 24, hiddenChannels: 12, Name = \"silu1\")][MaxPool2d][Upsample][Add(\"silu1\")][Output(\"output\")]",
        "[Conv2d(Template.OutChannels, padding: 1)][ReLU][Conv2d(Template.HiddenChannels, padding: 1)][SiLU]")]
    public void WhatRepeats_IsATemplate(string text, string network, string template)
    {
        LayerGraph graph = DeclarationText.Graph(text);
        WrittenGraph written = AttributeWriter.WriteBlocks(graph, layer => layer.Name.StartsWith("l.", StringComparison.Ordinal) ? layer.Name : null, "Net");
        Assert.Equal(network, Text(written));
        Assert.Equal(template, string.Concat(written.Attributes.First(attribute => attribute.Template is not null).Template!.Attributes.Select(attribute => $"[{AttributeText.Of(attribute)}]")));
        Assert.All(written.Keys.Where(key => key.Key.StartsWith("l.", StringComparison.Ordinal)), key => Assert.Equal(key.Key, key.Value));
    }

    [Fact]
    public void Template_IsNotNamedAsTheNetwork()
    {
        LayerGraph graph = DeclarationText.Graph("[InputShape(8, 8, 8), Conv2d(padding: 1), ReLU, Conv2d(padding: 1), GELU, Conv2d(padding: 1), ReLU, Conv2d(padding: 1), GELU, Conv2d(padding: 1), ReLU, Conv2d(padding: 1), GELU]");
        Assert.Equal("[InputShape(8, 8, 8)][Use<Block2>(3)]", Text(AttributeWriter.WriteBlocks(graph, _ => null, "Block")));
    }

    /// <summary>What is too little, what outside reads, an output inside, and blocks, which are a line each.</summary>
    [Theory]
    [InlineData("[InputShape(8, 8, 8)][Conv2d(padding: 1), BatchNorm, ReLU][Conv2d(padding: 1), BatchNorm, ReLU][Conv2d(padding: 1), BatchNorm, ReLU]")]
    [InlineData("[InputShape(8, 8, 8)][Conv2d(padding: 1), ReLU, Output(\"a\"), Conv2d(padding: 2), ReLU][Conv2d(padding: 1), ReLU, Output(\"b\"), Conv2d(padding: 2), ReLU]")]
    [InlineData("[InputShape(8, 8, 8)][Conv2d(padding: 1, Name = \"a\"), ReLU, Conv2d(padding: 1)][Conv2d(padding: 1, Name = \"b\"), ReLU, Conv2d(padding: 1), Add(\"a\"), Add(\"b\")]")]
    [InlineData("[InputShape(8, 8, 8)][InvertedResidual][InvertedResidual][InvertedResidual][InvertedResidual][InvertedResidual][InvertedResidual][InvertedResidual][InvertedResidual]")]
    public void WhatIsNoPart_IsNoTemplate(string text) =>
        Assert.DoesNotContain(AttributeWriter.WriteBlocks(DeclarationText.Graph(text), _ => null, "Net").Attributes, attribute => attribute.Template is not null);

    /// <summary>Published blocks are found among their layers, with the arguments that a person gives.</summary>
    [Theory]
    [InlineData("[InputShape(24, 28, 28)][InvertedResidual(24, expansion: 6)][InvertedResidual(40, expansion: 6, kernelSize: 5, stride: 2, activation: Activation.ReLU6)]")]
    [InlineData("[InputShape(16, 28, 28)][InvertedResidual(16, expansion: 1)][InvertedResidual(16, shortcut: Shortcut.None)][InvertedResidual(24, hiddenChannels: 88)]")]
    [InlineData("[InputShape(16, 28, 28)][InvertedResidual(16, expansion: 1, alwaysExpand: true)][InvertedResidual(24, squeezeChannels: 8, squeezeActivation: Activation.SiLU, gate: Activation.HardSigmoid)]")]
    [InlineData("[InputShape(16, 28, 28)][InvertedResidual(16, stride: 2, AutoPad = AutoPad.SameUpper)][InvertedResidual(16, Eps = 0.001)][InvertedResidual(16, dilation: 2)]")]
    [InlineData("[InputShape(32, 28, 28)][DepthwiseSeparable(64)][DepthwiseSeparable(128, kernelSize: 5, stride: 2, activation: Activation.HardSwish)]")]
    [InlineData("[InputShape(64, 28, 28)][ResNetBasicBlock(64)][ResNetBasicBlock(128, stride: 2)][ResNetBottleneck(32)][ResNetBottleneck(64, stride: 2, groups: 32, baseWidth: 4)]")]
    [InlineData("[InputShape(96, 28, 28)][Fire(16, 64, 64)][Fire(32, 128, 96)][ConvNeXtBlock][ConvNeXtBlock(3, kernelSize: 5, layerScale: false)]")]
    [InlineData("[InputShape(96, 28, 28)][Conv2d(64)][SqueezeExcitation][SqueezeExcitation(16, activation: Activation.SiLU, gate: Activation.HardSigmoid)][SqueezeExcitation(squeezeChannels: 24)]")]
    [InlineData("[InputShape(24, 28, 28, FoldedBatchNorm = true)][InvertedResidual(24, expansion: 6)][DepthwiseSeparable(64)][ResNetBasicBlock(64)][ResNetBottleneck(32)][SqueezeExcitation][BatchNorm]")]
    [InlineData("[InputShape(24, 28, 28)][FusedMBConv(24)][FusedMBConv(48, stride: 2)][FusedMBConv(48, expansion: 1)][ShuffleUnitV2(48)][ShuffleUnitV2(96, stride: 2)]")]
    [InlineData("[InputShape(32, 28, 28)][Bottleneck(16)][Bottleneck(16, outChannels: 48, stride: 2)][Bottleneck(12, shortcut: Shortcut.Auto)]")]
    [InlineData("[InputShape(32, 28, 28)][UniversalInvertedBottleneck(32, startKernelSize: 3)][UniversalInvertedBottleneck(64, startKernelSize: 5, midKernelSize: 5, stride: 2)][UniversalInvertedBottleneck(64, startKernelSize: 3, midKernelSize: 0)]")]
    [InlineData("[InputShape(16, 28, 28)][GhostBottleneck(48)][GhostBottleneck(72, outChannels: 24, stride: 2, squeezeReduction: 4)]")]
    [InlineData("[InputShape(16, 28, 28)][InvertedResidual(24, StrideHeight = 2, StrideWidth = 1)][DepthwiseSeparable(32, StrideHeight = 1, StrideWidth = 2)][FusedMBConv(48, StrideHeight = 3, StrideWidth = 1)]")]
    [InlineData("[InputShape(16, 28, 28)][ResNetBasicBlock(32, StrideHeight = 2, StrideWidth = 1)][ResNetBottleneck(16, StrideHeight = 1, StrideWidth = 2)][Bottleneck(16, outChannels: 48, StrideHeight = 2, StrideWidth = 1)]")]
    public void Blocks_AreRecognized(string text) => Assert.Equal(text, Text(AttributeWriter.WriteBlocks(DeclarationText.Graph(text), _ => null)));

    /// <summary>What somebody else reads, or that is an output, is no inside of a block.</summary>
    [Theory]
    [InlineData("[InputShape(8, 9, 9)][DepthwiseConv2d(padding: 1, bias: false)][BatchNorm][ReLU][Output(\"inside\")][PointwiseConv2d(16, bias: false)][BatchNorm][ReLU][Output(\"output\")]")]
    [InlineData("[InputShape(8, 9, 9)][DepthwiseConv2d(padding: 1, bias: false)][BatchNorm][ReLU(Name = \"relu1\")][PointwiseConv2d(8, bias: false)][BatchNorm][ReLU][Add(\"relu1\")]")]
    public void WhatIsReadElsewhere_StaysOpen(string text) => Assert.Equal(text, Text(AttributeWriter.WriteBlocks(DeclarationText.Graph(text), _ => null)));

    [Fact]
    public void Names_AreThoseOfTheLayers()
    {
        LayerGraph graph = DeclarationText.Graph(
            "[InputShape(8, 9, 9), Conv2d(8, padding: 1, Name = \"stem.conv\"), PointwiseConv2d(32, bias: false, Name = \"a.b.expand\"), BatchNorm(Name = \"a.b.n1\"), ReLU, DepthwiseConv2d(padding: 1, bias: false, Name = \"a.b.depthwise\"), BatchNorm(Name = \"a.b.n2\"), ReLU, PointwiseConv2d(8, bias: false, Name = \"a.b.project\"), BatchNorm(Name = \"a.b.n3\"), Add(\"stem.conv\"), Conv2d(5, Name = \"2.x\"), Conv2d(4, Name = \"2\")]");
        WrittenGraph written = AttributeWriter.WriteBlocks(graph, layer => layer.Operator is ConvolutionOperator or BatchNormOperator ? layer.Name : null);
        Assert.Equal("[InputShape(8, 9, 9)][Conv2d(8, padding: 1, Name = \"stem.conv\")][InvertedResidual(8, Name = \"a.b\")][Conv2d(5, Name = \"2.x\")][Conv2d(4)]", Text(written));
        Assert.Contains(new KeyValuePair<string, string>("a.b.n2.running_mean", "a.b.depthwise_bn.running_mean"), written.Keys);
        Assert.Contains(new KeyValuePair<string, string>("2.weight", "3.weight"), written.Keys);
    }

    [Fact]
    public void Text_IsWhatAPersonWrites()
    {
        WrittenGraph written = AttributeWriter.Write(DeclarationText.Graph(
            "[InputShape(3, 32, 32), Conv2d(16, stride: 2, padding: 1, bias: false), BatchNorm, ReLU6, InvertedResidual(16, expansion: 2), GlobalAvgPool, Flatten, Linear(10)]"));
        Assert.Equal(
            """
            InputShape(3, 32, 32)
            Conv2d(16, stride: 2, padding: 1, bias: false)
            BatchNorm
            ReLU6(Name = "2")
            PointwiseConv2d(32, bias: false, Name = "3.expand")
            BatchNorm(Name = "3.expand_bn")
            ReLU
            DepthwiseConv2d(padding: 1, bias: false, Name = "3.depthwise")
            BatchNorm(Name = "3.depthwise_bn")
            ReLU
            PointwiseConv2d(16, bias: false, Name = "3.project")
            BatchNorm(Name = "3.project_bn")
            Add("2")
            GlobalAvgPool
            Flatten
            Linear(10, Name = "6")
            """.ReplaceLineEndings("\n"),
            string.Join('\n', written.Attributes.Select(AttributeText.Of)));
        Assert.Empty(written.Findings);
    }

    /// <summary>Operators that no attribute makes, from elsewhere: each is named, with where it comes from.</summary>
    [Fact]
    public void WhatNoAttributeSays_IsNamed()
    {
        GraphBuilder builder = new();
        builder.AddInput(new Shape(2, 6, 6), LayerOrigin.Of("input \"x\""));
        builder.Add("up", new UpsampleOperator(new Extent(9, 12), InterpolationMode.Nearest, false, 1.5, 2), LayerOrigin.Of("node \"Resize_1\" of a.onnx"));
        builder.Add("pool", new PoolOperator(true, Extent.Square(2), Extent.Square(2), Padding.Symmetric(1, 1), Extent.Square(1), false, true), LayerOrigin.Of("node \"MaxPool_2\" of a.onnx"));
        builder.Add("again", new TransposedConvolutionOperator(new TensorKey("again", "again"), 2, Extent.Square(3), Extent.Square(2), default, new Extent(1, 0), Extent.Square(1), 1, true), LayerOrigin.Of("node 3"));
        Assert.Empty(builder.Findings);
        WrittenGraph written = AttributeWriter.Write(builder.Build(isChannelsLast: false));
        Assert.Equal(["InputShape(2, 6, 6)", "MaxPool2d(padding: 1)"], written.Attributes.Select(AttributeText.Of));
        Assert.Equal(2, written.Findings.Count);
        Assert.Contains("Upsample \"up\" (node \"Resize_1\" of a.onnx) is ", written.Findings[0].Message, StringComparison.Ordinal);
        Assert.Contains("ConvTranspose2d \"again\" (node 3) is ", written.Findings[1].Message, StringComparison.Ordinal);
    }

    private static string Text(WrittenGraph written) => string.Concat(written.Attributes.Select(attribute => $"[{AttributeText.Of(attribute)}]"));

    private static void AssertReadAgain(LayerGraph graph, string source)
    {
        WrittenGraph written = AttributeWriter.Write(graph);
        Assert.True(written.Findings.Count == 0, $"{source}: {string.Join("; ", written.Findings.Select(finding => finding.Message))}");
        string text = string.Concat(written.Attributes.Select(attribute => $"[{AttributeText.Of(attribute)}]"));
        LayerGraph again = DeclarationText.Graph(text);
        Assert.True(graph.Image == again.Image && graph.IsChannelsLast == again.IsChannelsLast, text);
        Assert.Equal(graph.Outputs.Select(output => (output.Name, output.Layer)), again.Outputs.Select(output => (output.Name, output.Layer)));
        foreach ((Layer one, Layer other) in graph.Layers.Zip(again.Layers))
        {
            Assert.Equal((one.Id, one.Inputs, one.Output), (other.Id, other.Inputs, other.Output));
            Assert.Equal(Text(one), Text(other));
        }

        Assert.Equal(graph.Layers.Count, again.Layers.Count);
        Assert.Equal(ParameterTable.Of(graph).Select(tensor => tensor.Key.Canonical), ParameterTable.Of(again).Select(tensor => tensor.Key.Canonical));

        // What is made of the written form is the same text: a fixed point.
        Assert.Equal(text, string.Concat(AttributeWriter.Write(again).Attributes.Select(attribute => $"[{AttributeText.Of(attribute)}]")));
    }

    /// <summary>
    /// The operator without its key by position, or without any where it has no tensors; re-parameterised convolutions without their branches. Factors for a map of one pixel are a product of two equal shapes.
    /// </summary>
    private static string Text(Layer layer) => Key().Replace((layer.Operator switch
    {
        ConvolutionOperator convolution => convolution with { Branches = null },
        GroupNormOperator { Affine: false } norm => norm with { Key = default },
        InstanceNormOperator { Affine: false, TracksRunningStatistics: false } norm => norm with { Key = default },
        ScaleOperator when layer.Output.Pixels == 1 => new MultiplyOperator(),
        var op => op,
    }).ToString(), string.Empty);

    [GeneratedRegex("\"([^\"]*)\"")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\bKey = [^,}]*, ")]
    private static partial Regex Key();
}
