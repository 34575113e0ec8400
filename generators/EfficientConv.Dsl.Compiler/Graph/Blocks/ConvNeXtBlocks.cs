namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>ConvNeXt's block (Liu et al. 2022, figure 4).</summary>
internal static class ConvNeXtBlocks
{
    /// <summary>Depthwise 7x7, layer norm, 1x1 to four times the channels, GELU, 1x1 back, a factor for each channel, shortcut; the convolutions have biases.</summary>
    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int input = builder.Current, channels = builder.Shape.Channels, kernel = reader.Positive("kernelSize", 7);
        int hidden = BlockRules.Hidden(builder, reader, channels, defaultExpansion: 4);
        if (builder.Failed)
            return;

        BlockSequence sequence = new(builder, reader, key);
        Extent one = Extent.Square(1);
        double epsilon = reader.PositiveNumber("Eps", 1e-6);
        sequence.Biased("depthwise", channels, Extent.Square(kernel), one, groups: channels);
        sequence.Module("norm", module => new LayerNormOperator(module, epsilon));
        sequence.Biased("expand", hidden, one, one);
        sequence.Activation("expand_act", reader.BlockActivation("activation", ActivationKind.GELU));
        sequence.Biased("project", channels, one, one);
        if (reader.Bool("layerScale", true))
            sequence.Module("gamma", module => new LayerScaleOperator(module));
        sequence.AddTo(input);
    }
}
