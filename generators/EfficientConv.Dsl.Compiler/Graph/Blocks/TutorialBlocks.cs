using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>Bottleneck, depthwise separable and factorised convolutions.</summary>
internal static class TutorialBlocks
{
    public static void ExpandBottleneck(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        BlockSequence sequence = new(builder, reader, key);
        int input = builder.Current, middle = reader.Positive("midChannels", 1), output = LayerExpansion.Channels(builder, reader);
        ActivationFunction activation = reader.BlockActivation("activation", ActivationKind.ReLU);
        Extent kernel = reader.Kernel(3), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        int groups = reader.Positive("groups", 1);
        bool shortcut = BlockRules.Shortcut(builder, reader, output, ShortcutMode.None);
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
        int output = LayerExpansion.Channels(builder, reader);
        ActivationFunction activation = reader.BlockActivation("activation", ActivationKind.ReLU);
        Extent kernel = reader.Kernel(3), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        Padding padding = reader.Padding(kernel, stride, dilation, builder.Shape, BlockRules.Half(kernel, dilation));
        sequence.Convolution("depthwise", builder.Shape.Channels, kernel, stride, padding, dilation, builder.Shape.Channels);
        sequence.Activation("depthwise_act", activation);
        sequence.Pointwise("pointwise", output);
        sequence.Activation("pointwise_act", activation);
    }

    public static void ExpandFactorized(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        BlockSequence sequence = new(builder, reader, key);
        int output = LayerExpansion.Channels(builder, reader), size = reader.Positive("kernelSize", 7), stride = reader.Positive("stride", 1), dilation = reader.Positive("dilation", 1);
        ActivationFunction activation = reader.BlockActivation("activation", ActivationKind.ReLU);
        int pad = (ShapeInference.EffectiveKernel(size, dilation) - 1) / 2;
        sequence.Convolution("vertical", output, new Extent(size, 1), new Extent(stride, 1), Padding.Symmetric(pad, 0), new Extent(dilation, 1), 1);
        sequence.Activation("vertical_act", activation);
        sequence.Convolution("horizontal", output, new Extent(1, size), new Extent(1, stride), Padding.Symmetric(0, pad), new Extent(1, dilation), 1);
        sequence.Activation("horizontal_act", activation);
    }
}
