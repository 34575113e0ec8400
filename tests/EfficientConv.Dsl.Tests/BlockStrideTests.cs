using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Tests.Harness;

namespace EfficientConv.Dsl.Tests;

/// <summary>Blocks whose stride differs by axis, as those of networks that read lines of text.</summary>
[Trait("Duration", "long")]
public sealed class BlockStrideTests
{
    private const string Rows = "StrideHeight = 2, StrideWidth = 1", Columns = "StrideWidth = 2";

    /// <summary>The block, and its layers that have the stride.</summary>
    private static readonly (string Block, string Strided)[] s_blocks =
    [
        ("InvertedResidual(24, expansion: 2, {0})", "depthwise"),
        ("EfficientConvBlock(24, expansion: 2, {0})", "depthwise"),
        ("DepthwiseSeparable(24, kernelSize: 5, {0})", "depthwise"),
        ("Bottleneck(8, 24, {0})", "conv"),
        ("FusedMBConv(24, expansion: 2, {0})", "expand"),
        ("ResNetBasicBlock(24, {0})", "conv1 downsample"),
        ("ResNetBasicBlock({0})", "conv1 downsample"),
        ("ResNetBottleneck(8, {0})", "conv2 downsample"),
    ];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(
        s_blocks.SelectMany((_, i) => new[] { Rows, Columns }.Select(stride => (Name(i, stride), Text(i, stride))))));

    public static TheoryData<int, string> Strides
    {
        get
        {
            TheoryData<int, string> data = [];
            for (int i = 0; i < s_blocks.Length; i++)
            {
                data.Add(i, Rows);
                data.Add(i, Columns);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Strides))]
    public void Stride_IsThatOfTheWindow(int index, string stride)
    {
        LayerGraph graph = DeclarationText.Graph(Text(index, stride));
        Extent expected = stride == Rows ? new Extent(2, 1) : new Extent(1, 2);
        Layer[] convolutions = [.. graph.Layers.Where(layer => layer.Operator is ConvolutionOperator && layer.Name.StartsWith("0.", StringComparison.Ordinal))];
        Assert.Equal(s_blocks[index].Strided, string.Join(' ', convolutions.Where(layer => ((ConvolutionOperator)layer.Operator).Stride == expected).Select(layer => layer.Origin.Role)));
        Assert.All(convolutions, layer => Assert.Contains(((ConvolutionOperator)layer.Operator).Stride, new[] { expected, Extent.Square(1) }));
        Assert.Equal(stride == Rows ? (5, 20) : (10, 10), (graph.Output.Height, graph.Output.Width));
    }

    [Theory]
    [MemberData(nameof(Strides))]
    public void Output_AgreesWithReferenceAndHasTheSameBitsEverywhere(int index, string stride) => NumericCheck.AgreesEverywhere(s_batch.Value[Name(index, stride)], Text(index, stride), index);

    private static string Name(int index, string stride) => FormattableString.Invariant($"Stride{index}_{(stride == Rows ? "Rows" : "Columns")}");

    private static string Text(int index, string stride) => $"[InputShape(16, 10, 20)] [{s_blocks[index].Block.Replace("{0}", stride, StringComparison.Ordinal)}]";
}
