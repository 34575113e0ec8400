using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>ResNet's and ResNeXt's blocks (He et al. 2016, Xie et al. 2017), with the stride on the 3x3 convolution as every framework has it.</summary>
internal static class ResNetBlocks
{
    /// <summary>Output channels of a bottleneck for each of its planes.</summary>
    private const int BottleneckExpansion = 4;

    /// <summary>The row of <c>ResNetBasicBlock</c>.</summary>
    public static Block ResNetBasicBlock { get; } = new(
        "ResNetBasicBlock", ExpandBasic,
        EquatableArray.Of(
            BlockArgument.OutChannels, new("stride", 1), BlockArgument.Activation(), new("dilation", 1), BlockArgument.StrideHeight, BlockArgument.StrideWidth,
            BlockArgument.Epsilon, BlockArgument.Algorithm),
        EquatableArray.Of<BlockRole>(
            BlockRole.Convolution("conv1", "conv1", "bn1"), new("conv1_act", "act1"), BlockRole.Convolution("conv2", "conv2", "bn2"),
            BlockRole.Convolution("downsample", "downsample.0", "downsample.1"), new("add"), new("act", "act2")))
    {
        IsPublished = true,
    };

    /// <summary>The row of <c>ResNetBottleneck</c>.</summary>
    public static Block ResNetBottleneck { get; } = new(
        "ResNetBottleneck", ExpandBottleneck,
        EquatableArray.Of(
            BlockArgument.Demanded("planes"), new("stride", 1), new("groups", 1), new("baseWidth", 64), BlockArgument.Activation(), new("dilation", 1),
            BlockArgument.StrideHeight, BlockArgument.StrideWidth, BlockArgument.Epsilon, BlockArgument.Algorithm),
        EquatableArray.Of<BlockRole>(
            BlockRole.Convolution("conv1", "conv1", "bn1"), new("conv1_act", "act1"),
            BlockRole.Convolution("conv2", "conv2", "bn2"), new("conv2_act", "act2"), BlockRole.Convolution("conv3", "conv3", "bn3"),
            BlockRole.Convolution("downsample", "downsample.0", "downsample.1"), new("add"), new("act", "act3")))
    {
        IsPublished = true, ChannelReason = ChannelReasons.Planes,
        OutChannels = (attribute, input) => BottleneckExpansion * attribute.Int("planes", input / BottleneckExpansion),
    };

    public static void ExpandBasic(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int output = reader.Int("outChannels", builder.Shape.Channels), input = builder.Current;
        Extent stride = reader.Stride(Extent.Square(1));
        Shape inputShape = builder.Shape;
        Parts parts = new(builder, reader, key);
        parts.Convolution3x3("conv1", output, stride, 1);
        parts.Sequence.Activation("conv1_act", parts.Activation);
        parts.Convolution3x3("conv2", output, Extent.Square(1), 1);
        parts.AddShortcut(input, inputShape, output, stride);
    }

    public static void ExpandBottleneck(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int planes = reader.Int("planes", Math.Max(1, builder.Shape.Channels / BottleneckExpansion));
        Extent stride = reader.Stride(Extent.Square(1));
        int groups = reader.Int("groups"), baseWidth = reader.Int("baseWidth"), input = builder.Current;

        // torchvision: int(planes * (base_width / 64)) * groups.
        long width = (long)(planes * (baseWidth / 64.0)) * groups, output = (long)planes * BottleneckExpansion;
        if (width is < 1 or > int.MaxValue / 8)
            reader.Invalid("baseWidth", FormattableString.Invariant($"{baseWidth}"), "a width for which planes * baseWidth / 64 * groups is a channel count");
        if (builder.Failed)
            return;

        Shape inputShape = builder.Shape;
        Parts parts = new(builder, reader, key);
        parts.Sequence.Pointwise("conv1", (int)width);
        parts.Sequence.Activation("conv1_act", parts.Activation);
        parts.Convolution3x3("conv2", (int)width, stride, groups);
        parts.Sequence.Activation("conv2_act", parts.Activation);
        parts.Sequence.Pointwise("conv3", (int)output);
        parts.AddShortcut(input, inputShape, (int)output, stride);
    }

    /// <summary>What both blocks have.</summary>
    private sealed class Parts(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        private readonly ConvolutionAlgorithm _algorithm = reader.Choice<ConvolutionAlgorithm>("Algorithm");

        public BlockSequence Sequence { get; } = new(builder, reader, key);

        public ActivationFunction Activation { get; } = reader.BlockActivation("activation");

        /// <summary>Winograd's algorithm, where asked for, is taken where it can be: not with groups.</summary>
        public void Convolution3x3(string role, int outChannels, Extent stride, int groups)
        {
            Extent dilation = reader.Dilation(), kernel = Extent.Square(3);
            Sequence.Convolution(role, outChannels, kernel, stride, BlockRules.Half(kernel, dilation), dilation, groups, _algorithm);
        }

        /// <summary>Adds the input, through a 1x1 convolution where the shapes differ, and then the activation.</summary>
        public void AddShortcut(int input, Shape inputShape, int output, Extent stride)
        {
            if (builder.Failed)
                return;
            int main = builder.Current, other = input;
            if (stride != Extent.Square(1) || output != inputShape.Channels)
            {
                builder.ContinueFrom(input);
                Sequence.Convolution("downsample", output, Extent.Square(1), stride, default, Extent.Square(1), 1);
                other = builder.Current;
                builder.ContinueFrom(main);
            }

            Sequence.AddTo(other);
            Sequence.Activation("act", Activation);
        }
    }
}
