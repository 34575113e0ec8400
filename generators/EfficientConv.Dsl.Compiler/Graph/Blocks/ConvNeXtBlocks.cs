using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>ConvNeXt's block (Liu et al. 2022, figure 4).</summary>
internal static class ConvNeXtBlocks
{
    /// <summary>The row of <c>ConvNeXtBlock</c>.</summary>
    public static Block ConvNeXtBlock { get; } = new(
        "ConvNeXtBlock", Expand,
        EquatableArray.Of(
            new BlockArgument("expansion", 4.0), new("kernelSize", 7), BlockArgument.Activation(ActivationKind.GELU), new("layerScale", true), BlockArgument.Optional("hiddenChannels"),
            BlockArgument.Optional("ChannelDivisor"), new("Eps", 1e-6)),
        EquatableArray.Of<BlockRole>(
            new("depthwise", "conv_dw"), new("norm", "norm"), new("expand", "mlp.fc1"), new("expand_act", "mlp.act"), new("project", "mlp.fc2"), new("gamma", "gamma"), new("add")))
    {
        IsPublished = true, ChannelReason = ChannelReasons.HiddenAfterDepthwise,
    };

    /// <summary>Depthwise 7x7, layer norm, 1x1 to four times the channels, GELU, 1x1 back, a factor for each channel, shortcut; the convolutions have biases.</summary>
    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int input = builder.Current, channels = builder.Shape.Channels, kernel = reader.Int("kernelSize");
        int hidden = BlockRules.Hidden(builder, reader, channels);
        if (builder.Failed)
            return;

        BlockSequence sequence = new(builder, reader, key);
        Extent one = Extent.Square(1);
        double epsilon = reader.Number("Eps");
        sequence.Biased("depthwise", channels, Extent.Square(kernel), one, groups: channels);
        sequence.Module("norm", module => new LayerNormOperator(module, epsilon));
        sequence.Biased("expand", hidden, one, one);
        sequence.Activation("expand_act", reader.BlockActivation("activation"));
        sequence.Biased("project", channels, one, one);
        if (reader.Flag("layerScale"))
            sequence.Module("gamma", module => new LayerScaleOperator(module));
        sequence.AddTo(input);
    }
}
