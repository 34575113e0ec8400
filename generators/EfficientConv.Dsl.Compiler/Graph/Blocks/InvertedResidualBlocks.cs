using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>The inverted residuals of the mobile networks.</summary>
internal static class InvertedResidualBlocks
{
    private static readonly BlockRole[] s_inverted =
    [
        BlockRole.Counted("expand", "hiddenChannels", "expansion"), new("expand_act"), BlockRole.Convolution("depthwise"), new("depthwise_act"), new("se"), .. BlockRole.Squeeze,
        BlockRole.Counted("project", "outChannels"), new("add"),
    ];

    /// <summary>The row of <c>InvertedResidual</c>.</summary>
    public static Block InvertedResidual { get; } = new(
        "InvertedResidual", Expand,
        EquatableArray.Of(
            BlockArgument.OutChannels, new("expansion", 4.0), new("kernelSize", 3), new("stride", 1), BlockArgument.Activation(), new("shortcut", ShortcutMode.Auto),
            BlockArgument.Optional("hiddenChannels"), BlockArgument.Optional("squeezeChannels"), BlockArgument.Optional("squeezeReduction"), new("alwaysExpand", false), new("dilation", 1),
            new("squeezeActivation", ActivationKind.ReLU), new("gate", ActivationKind.Sigmoid), BlockArgument.Optional("ChannelDivisor"), new("SqueezeFrom", SqueezeSource.Hidden),
            BlockArgument.Optional("SqueezeDivisor"), BlockArgument.StrideHeight, BlockArgument.StrideWidth, BlockArgument.Padding, BlockArgument.AutoPad, BlockArgument.Epsilon),
        s_inverted.ToEquatableArray())
    {
        Window = "depthwise", ChannelReason = ChannelReasons.Hidden,
    };

    /// <summary>The row of <c>EfficientConvBlock</c>.</summary>
    public static Block EfficientConvBlock { get; } = new(
        "EfficientConvBlock", Expand,
        EquatableArray.Of(
            BlockArgument.OutChannels, new("expansion", 4.0), new("kernelSize", 3), new("stride", 1), new("squeezeReduction", 4), BlockArgument.Activation(), new("shortcut", ShortcutMode.Auto),
            BlockArgument.Optional("hiddenChannels"), new("dilation", 1), new("squeezeActivation", ActivationKind.ReLU), new("gate", ActivationKind.Sigmoid),
            BlockArgument.StrideHeight, BlockArgument.StrideWidth, BlockArgument.Padding, BlockArgument.AutoPad, BlockArgument.Epsilon),
        s_inverted.ToEquatableArray())
    {
        Window = "depthwise", ChannelReason = ChannelReasons.Hidden,
    };

    /// <summary>The row of <c>FusedMBConv</c>.</summary>
    public static Block FusedMBConv { get; } = new(
        "FusedMBConv", ExpandFused,
        EquatableArray.Of(
            BlockArgument.OutChannels, new("expansion", 4.0), new("kernelSize", 3), new("stride", 1), BlockArgument.Activation(ActivationKind.SiLU), new("shortcut", ShortcutMode.Auto),
            BlockArgument.Optional("hiddenChannels"), BlockArgument.Optional("squeezeChannels"), BlockArgument.Optional("squeezeReduction"), new("squeezeActivation", ActivationKind.SiLU),
            new("gate", ActivationKind.Sigmoid), new("ChannelDivisor", 8), new("SqueezeFrom", SqueezeSource.Hidden), BlockArgument.Optional("SqueezeDivisor"),
            BlockArgument.StrideHeight, BlockArgument.StrideWidth, BlockArgument.Padding, BlockArgument.AutoPad, BlockArgument.Epsilon),
        EquatableArray.Of<BlockRole>(
            [BlockRole.Counted("expand", "hiddenChannels", "expansion"), new("expand_act"), new("se"), .. BlockRole.Squeeze, BlockRole.Counted("project", "outChannels"), new("project_act"), new("add")]))
    {
        IsPublished = true, Window = "expand", ChannelReason = ChannelReasons.Hidden,
    };

    /// <summary>The row of <c>UniversalInvertedBottleneck</c>.</summary>
    public static Block UniversalInvertedBottleneck { get; } = new(
        "UniversalInvertedBottleneck", ExpandUniversal,
        EquatableArray.Of(
            BlockArgument.OutChannels, new("expansion", 4.0), new("startKernelSize", 0, Least: 0), new("midKernelSize", 3, Least: 0), new("endKernelSize", 0, Least: 0), new("stride", 1),
            BlockArgument.Activation(), new("shortcut", ShortcutMode.Auto), BlockArgument.Optional("hiddenChannels"), new("ChannelDivisor", 8), BlockArgument.Epsilon),
        EquatableArray.Of<BlockRole>(
            BlockRole.Convolution("start", "dw_start.conv", "dw_start.bn"), BlockRole.Convolution("expand", "pw_exp.conv", "pw_exp.bn"), new("expand_act", "pw_exp.bn.act"),
            BlockRole.Convolution("middle", "dw_mid.conv", "dw_mid.bn"), new("middle_act", "dw_mid.bn.act"), BlockRole.Convolution("project", "pw_proj.conv", "pw_proj.bn"),
            BlockRole.Convolution("end", "dw_end.conv", "dw_end.bn"), new("add")))
    {
        IsPublished = true, ChannelReason = ChannelReasons.Hidden,
    };

    /// <summary>
    /// Expand 1x1, depthwise, optional squeeze-and-excitation, project 1x1 (Sandler et al. 2018, figure 3d). Expansion 1 leaves the expand layer out,
    /// as every published network does.
    /// </summary>
    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int input = builder.Current, channels = builder.Shape.Channels, output = reader.Int("outChannels", builder.Shape.Channels);
        int hidden = BlockRules.Hidden(builder, reader, channels);
        if (builder.Failed)
            return;

        bool expands = hidden != channels || reader.Flag("alwaysExpand");
        BlockSequence sequence = new(builder, reader, key) { Expands = expands };
        ActivationFunction activation = reader.BlockActivation("activation");
        Extent kernel = reader.Kernel(), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        bool shortcut = BlockRules.Shortcut(builder, reader, output);
        if (expands)
        {
            sequence.Pointwise("expand", hidden);
            sequence.Activation("expand_act", activation);
        }

        sequence.Convolution("depthwise", hidden, kernel, stride, reader.Padding(kernel, stride, dilation, builder.Shape, BlockRules.Half(kernel, dilation)), dilation, hidden);
        sequence.Activation("depthwise_act", activation);
        SqueezeExpansion.ExpandInside(sequence, reader, channels, hidden);
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
        int input = builder.Current, channels = builder.Shape.Channels, output = reader.Int("outChannels", builder.Shape.Channels);
        int hidden = BlockRules.Hidden(builder, reader, channels);
        if (builder.Failed)
            return;

        bool expands = hidden != channels;
        BlockSequence sequence = new(builder, reader, key) { Expands = expands };
        ActivationFunction activation = reader.BlockActivation("activation");
        Extent kernel = reader.Kernel(), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        Padding padding = reader.Padding(kernel, stride, dilation, builder.Shape, BlockRules.Half(kernel, dilation));
        bool shortcut = BlockRules.Shortcut(builder, reader, output);
        if (expands)
        {
            sequence.Convolution("expand", hidden, kernel, stride, padding, dilation, 1);
            sequence.Activation("expand_act", activation);
            SqueezeExpansion.ExpandInside(sequence, reader, channels, hidden);
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
        int input = builder.Current, output = reader.Int("outChannels", builder.Shape.Channels);
        Shape inputShape = builder.Shape;
        int hidden = BlockRules.Hidden(builder, reader, inputShape.Channels);
        int start = reader.Int("startKernelSize"), middle = reader.Int("midKernelSize"), end = reader.Int("endKernelSize");
        int stride = reader.Int("stride");
        if (stride != 1 && start == 0 && middle == 0 && end == 0)
            reader.Invalid("stride", FormattableString.Invariant($"{stride}"), "1 where the block has no depthwise convolution");
        if (builder.Failed)
            return;

        BlockSequence sequence = new(builder, reader, key) { Expands = true };
        ActivationFunction activation = reader.BlockActivation("activation");
        ShortcutMode mode = reader.Choice<ShortcutMode>("shortcut");
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
