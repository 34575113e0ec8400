namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>SqueezeNet's module.</summary>
internal static class FireBlocks
{
    /// <summary>1x1 to few channels, then 1x1 and 3x3 beside each other, joined; all with bias and activation (Iandola et al. 2016, figure 1).</summary>
    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        BlockSequence sequence = new(builder, reader, key);
        ActivationFunction activation = reader.BlockActivation("activation", ActivationKind.ReLU);
        Extent one = Extent.Square(1);
        sequence.Biased("squeeze", reader.Positive("squeezeChannels", 1), one, one);
        sequence.Activation("squeeze_act", activation);
        int squeezed = builder.Current;
        sequence.Biased("expand1x1", reader.Positive("expand1x1Channels", 1), one, one);
        sequence.Activation("expand1x1_act", activation);
        int first = builder.Current;
        builder.ContinueFrom(squeezed);
        sequence.Biased("expand3x3", reader.Positive("expand3x3Channels", 1), Extent.Square(3), one, algorithm: reader.Enumeration("Algorithm", ConvolutionAlgorithm.Auto));
        sequence.Activation("expand3x3_act", activation);
        sequence.Concat("concat", first, builder.Current);
    }
}
