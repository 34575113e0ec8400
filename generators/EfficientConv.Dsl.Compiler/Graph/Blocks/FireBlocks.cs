using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>SqueezeNet's module.</summary>
internal static class FireBlocks
{
    /// <summary>The row of <c>Fire</c>.</summary>
    public static Block Fire { get; } = new(
        "Fire", Expand,
        EquatableArray.Of(
            BlockArgument.Demanded("squeezeChannels"), BlockArgument.Demanded("expand1x1Channels"), BlockArgument.Demanded("expand3x3Channels"), BlockArgument.Activation(), BlockArgument.Algorithm),
        EquatableArray.Of<BlockRole>(
            Counted("squeeze", "squeezeChannels"), new("squeeze_act", "squeeze_activation"),
            Counted("expand1x1", "expand1x1Channels"), new("expand1x1_act", "expand1x1_activation"), Counted("expand3x3", "expand3x3Channels"),
            new("expand3x3_act", "expand3x3_activation"), new("concat")))
    {
        IsPublished = true, ChannelReason = ChannelReasons.Argument, OutChannels = (attribute, _) => attribute.Int("expand1x1Channels", 0) + attribute.Int("expand3x3Channels", 0),
    };

    /// <summary>A convolution with bias, named as its module.</summary>
    private static BlockRole Counted(string role, string channels) => new(role, role) { Channels = EquatableArray.Of(channels) };

    /// <summary>1x1 to few channels, then 1x1 and 3x3 beside each other, joined; all with bias and activation (Iandola et al. 2016, figure 1).</summary>
    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        BlockSequence sequence = new(builder, reader, key);
        ActivationFunction activation = reader.BlockActivation("activation");
        Extent one = Extent.Square(1);
        sequence.Biased("squeeze", reader.Int("squeezeChannels"), one, one);
        sequence.Activation("squeeze_act", activation);
        int squeezed = builder.Current;
        sequence.Biased("expand1x1", reader.Int("expand1x1Channels"), one, one);
        sequence.Activation("expand1x1_act", activation);
        int first = builder.Current;
        builder.ContinueFrom(squeezed);
        sequence.Biased("expand3x3", reader.Int("expand3x3Channels"), Extent.Square(3), one, algorithm: reader.Choice<ConvolutionAlgorithm>("Algorithm"));
        sequence.Activation("expand3x3_act", activation);
        sequence.Concat("concat", first, builder.Current);
    }
}
