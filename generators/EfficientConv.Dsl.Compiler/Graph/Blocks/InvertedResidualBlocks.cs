namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>The inverted residuals of the mobile networks.</summary>
internal static class InvertedResidualBlocks
{
    /// <summary>
    /// Expand 1x1, depthwise, optional squeeze-and-excitation, project 1x1 (Sandler et al. 2018, figure 3d). Expansion 1 leaves the expand layer out,
    /// as every published network does.
    /// </summary>
    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorKey key, int defaultReduction)
    {
        int input = builder.Current, channels = builder.Shape.Channels, output = LayerExpansion.Channels(builder, reader);
        int hidden = BlockRules.Hidden(builder, reader, channels, defaultExpansion: 4);
        if (builder.Failed)
            return;

        bool expands = hidden != channels || reader.Bool("alwaysExpand", false);
        BlockSequence sequence = new(builder, reader, key) { Expands = expands };
        ActivationFunction activation = reader.BlockActivation("activation", ActivationKind.ReLU);
        Extent kernel = reader.Kernel(3), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        bool shortcut = BlockRules.Shortcut(builder, reader, output, ShortcutMode.Auto);
        if (expands)
        {
            sequence.Pointwise("expand", hidden);
            sequence.Activation("expand_act", activation);
        }

        sequence.Convolution("depthwise", hidden, kernel, stride, reader.Padding(kernel, stride, dilation, builder.Shape, BlockRules.Half(kernel, dilation)), dilation, hidden);
        sequence.Activation("depthwise_act", activation);
        SqueezeExpansion.ExpandInside(sequence, reader, channels, hidden, defaultReduction);
        sequence.Pointwise("project", output);
        if (shortcut)
            sequence.AddTo(input);
    }

    /// <summary>
    /// The expansion and the depthwise convolution as one dense convolution (EfficientNetV2, Tan and Le 2021, figure 2). Expansion 1 leaves the projection out: one
    /// convolution with its activation, as torchvision and timm have it.
    /// </summary>
    public static void ExpandFused(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int input = builder.Current, channels = builder.Shape.Channels, output = LayerExpansion.Channels(builder, reader);
        int hidden = BlockRules.Hidden(builder, reader, channels, defaultExpansion: 4, defaultDivisor: 8);
        if (builder.Failed)
            return;

        bool expands = hidden != channels;
        BlockSequence sequence = new(builder, reader, key) { Expands = expands };
        ActivationFunction activation = reader.BlockActivation("activation", ActivationKind.SiLU);
        Extent kernel = reader.Kernel(3), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        Padding padding = reader.Padding(kernel, stride, dilation, builder.Shape, BlockRules.Half(kernel, dilation));
        bool shortcut = BlockRules.Shortcut(builder, reader, output, ShortcutMode.Auto);
        if (expands)
        {
            sequence.Convolution("expand", hidden, kernel, stride, padding, dilation, 1);
            sequence.Activation("expand_act", activation);
            SqueezeExpansion.ExpandInside(sequence, reader, channels, hidden, defaultReduction: 0);
            sequence.Pointwise("project", output);
        }
        else
        {
            sequence.Convolution("project", output, kernel, stride, padding, dilation, 1);
            sequence.Activation("project_act", activation);
        }

        if (shortcut)
            sequence.AddTo(input);
    }

    /// <summary>
    /// MobileNetV4's block (Qin et al. 2024, figure 4): optional depthwise, expand 1x1, optional depthwise, project 1x1, optional depthwise. Only the expansion and the
    /// middle depthwise convolution have an activation; the stride belongs to the middle one, else to the first, else to the last.
    /// </summary>
    public static void ExpandUniversal(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int input = builder.Current, output = LayerExpansion.Channels(builder, reader);
        Shape inputShape = builder.Shape;
        int hidden = BlockRules.Hidden(builder, reader, inputShape.Channels, defaultExpansion: 4, defaultDivisor: 8);
        int start = reader.NotNegative("startKernelSize", 0), middle = reader.NotNegative("midKernelSize", 3), end = reader.NotNegative("endKernelSize", 0);
        int stride = reader.Positive("stride", 1);
        if (stride != 1 && start == 0 && middle == 0 && end == 0)
            reader.Invalid("stride", FormattableString.Invariant($"{stride}"), "1 where the block has no depthwise convolution");
        if (builder.Failed)
            return;

        BlockSequence sequence = new(builder, reader, key) { Expands = true };
        ActivationFunction activation = reader.BlockActivation("activation", ActivationKind.ReLU);
        ShortcutMode mode = reader.Enumeration("shortcut", ShortcutMode.Auto);
        if (start > 0)
            sequence.Depthwise("start", start, middle > 0 ? 1 : stride);
        sequence.Pointwise("expand", hidden);
        sequence.Activation("expand_act", activation);
        if (middle > 0)
        {
            sequence.Depthwise("middle", middle, stride);
            sequence.Activation("middle_act", activation);
        }

        sequence.Pointwise("project", output);
        if (end > 0)
            sequence.Depthwise("end", end, start > 0 || middle > 0 ? 1 : stride);
        bool fits = stride == 1 && builder.Shape == inputShape;
        if (mode == ShortcutMode.Required && !fits && !builder.Failed)
            BlockRules.ReportShortcut(builder, reader, inputShape, stride, ("start", "startKernelSize", start), ("middle", "midKernelSize", middle), ("end", "endKernelSize", end));
        if (mode != ShortcutMode.None && fits)
            sequence.AddTo(input);
    }
}
