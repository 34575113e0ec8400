using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>Bottleneck, depthwise separable and factorised convolutions.</summary>
internal static class TutorialBlocks
{
    /// <summary>The row of <c>Bottleneck</c>.</summary>
    public static Block Bottleneck { get; } = new(
        "Bottleneck", ExpandBottleneck,
        EquatableArray.Of(
            BlockArgument.Demanded("midChannels"), BlockArgument.OutChannels, new("kernelSize", 3), new("stride", 1), new("dilation", 1), new("groups", 1), BlockArgument.Activation(),
            new("shortcut", ShortcutMode.None), BlockArgument.StrideHeight, BlockArgument.StrideWidth, BlockArgument.Epsilon, BlockArgument.Algorithm),
        EquatableArray.Of<BlockRole>(
            BlockRole.Counted("reduce", "midChannels"), new("reduce_act"), BlockRole.Convolution("conv"), new("conv_act"), BlockRole.Counted("expand", "outChannels"), new("add")))
    {
        Window = "conv", Member = "net", ChannelReason = ChannelReasons.Middle,
    };

    /// <summary>The row of <c>DepthwiseSeparable</c>.</summary>
    public static Block DepthwiseSeparable { get; } = new(
        "DepthwiseSeparable", ExpandSeparable,
        EquatableArray.Of(
            BlockArgument.OutChannels, new("kernelSize", 3), new("stride", 1), new("dilation", 1), BlockArgument.Activation(),
            BlockArgument.StrideHeight, BlockArgument.StrideWidth, BlockArgument.Padding, BlockArgument.AutoPad, BlockArgument.Epsilon),
        EquatableArray.Of<BlockRole>(BlockRole.Convolution("depthwise"), new("depthwise_act"), BlockRole.Counted("pointwise", "outChannels"), new("pointwise_act")))
    {
        Window = "depthwise", Member = "net",
    };

    /// <summary>The row of <c>FactorizedConv2d</c>.</summary>
    public static Block FactorizedConv2d { get; } = new(
        "FactorizedConv2d", ExpandFactorized,
        EquatableArray.Of(BlockArgument.OutChannels, new("kernelSize", 7), new("stride", 1), new("dilation", 1), BlockArgument.Activation(), BlockArgument.Epsilon),
        EquatableArray.Of<BlockRole>(BlockRole.Counted("vertical", "outChannels"), new("vertical_act"), BlockRole.Convolution("horizontal"), new("horizontal_act")))
    {
        Member = "net",
    };

    public static void ExpandBottleneck(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        BlockSequence sequence = new(builder, reader, key);
        int input = builder.Current, middle = reader.Int("midChannels"), output = reader.Int("outChannels", builder.Shape.Channels);
        ActivationFunction activation = reader.BlockActivation("activation");
        Extent kernel = reader.Kernel(), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        int groups = reader.Int("groups");
        bool shortcut = BlockRules.Shortcut(builder, reader, output);
        sequence.Pointwise("reduce", middle);
        sequence.Activation("reduce_act", activation);
        Padding padding = reader.Padding(kernel, stride, dilation, builder.Shape, BlockRules.Half(kernel, dilation));
        ConvolutionOperator spatial = new(default, middle, kernel, stride, padding, dilation, groups, Bias: false);
        sequence.Convolution("conv", middle, kernel, stride, padding, dilation, groups, reader.Algorithm(spatial));
        sequence.Activation("conv_act", activation);
        sequence.Pointwise("expand", output);
        if (shortcut)
            sequence.AddTo(input);
    }

    public static void ExpandSeparable(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        BlockSequence sequence = new(builder, reader, key);
        int output = reader.Int("outChannels", builder.Shape.Channels);
        ActivationFunction activation = reader.BlockActivation("activation");
        Extent kernel = reader.Kernel(), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        Padding padding = reader.Padding(kernel, stride, dilation, builder.Shape, BlockRules.Half(kernel, dilation));
        sequence.Convolution("depthwise", builder.Shape.Channels, kernel, stride, padding, dilation, builder.Shape.Channels);
        sequence.Activation("depthwise_act", activation);
        sequence.Pointwise("pointwise", output);
        sequence.Activation("pointwise_act", activation);
    }

    public static void ExpandFactorized(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        BlockSequence sequence = new(builder, reader, key);
        int output = reader.Int("outChannels", builder.Shape.Channels), size = reader.Int("kernelSize"), stride = reader.Int("stride"), dilation = reader.Int("dilation");
        ActivationFunction activation = reader.BlockActivation("activation");
        int pad = (ShapeInference.EffectiveKernel(size, dilation) - 1) / 2;
        sequence.Convolution("vertical", output, new Extent(size, 1), new Extent(stride, 1), Padding.Symmetric(pad, 0), new Extent(dilation, 1), 1);
        sequence.Activation("vertical_act", activation);
        sequence.Convolution("horizontal", output, new Extent(1, size), new Extent(1, stride), Padding.Symmetric(0, pad), new Extent(1, dilation), 1);
        sequence.Activation("horizontal_act", activation);
    }
}
