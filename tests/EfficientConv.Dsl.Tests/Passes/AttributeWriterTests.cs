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

    [GeneratedRegex(@"\bKey = [^,}]*, ")]
    private static partial Regex Key();
}
