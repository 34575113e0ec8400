using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>ERFNet's blocks (Romera et al. 2018, figure 2 and table I).</summary>
internal static class ErfNetBlocks
{
    /// <summary>The row of <c>NonBottleneck1D</c>.</summary>
    public static Block NonBottleneck1D { get; } = new(
        "NonBottleneck1D", ExpandNonBottleneck,
        EquatableArray.Of(new BlockArgument("dilation", 1), BlockArgument.Activation(), BlockArgument.Epsilon),
        EquatableArray.Of<BlockRole>(
            new("vertical1", "conv3x1_1"), new("vertical1_act", "vertical1_act"), new("horizontal1", "conv1x3_1"), new("bn1", "bn1"), new("horizontal1_act", "horizontal1_act"),
            new("vertical2", "conv3x1_2"), new("vertical2_act", "vertical2_act"), new("horizontal2", "conv1x3_2"), new("bn2", "bn2"), new("add"), new("act", "act")))
    {
        IsPublished = true,
    };

    /// <summary>The row of <c>ERFNetDownsampler</c>.</summary>
    public static Block ERFNetDownsampler { get; } = new(
        "ERFNetDownsampler", ExpandDownsampler, EquatableArray.Of(BlockArgument.Demanded("outChannels"), BlockArgument.Activation(), BlockArgument.Epsilon),
        EquatableArray.Of<BlockRole>(new("conv", "conv"), new("pool"), new("concat"), new("bn", "bn"), new("act", "act")))
    {
        IsPublished = true,
    };

    /// <summary>The row of <c>ERFNetUpsampler</c>.</summary>
    public static Block ERFNetUpsampler { get; } = new(
        "ERFNetUpsampler", ExpandUpsampler, EquatableArray.Of(BlockArgument.Demanded("outChannels"), BlockArgument.Activation(), BlockArgument.Epsilon),
        EquatableArray.Of<BlockRole>(new("conv", "conv"), new("bn", "bn"), new("act", "act")))
    {
        IsPublished = true,
    };

    /// <summary>3x1, 1x3 (bn), 3x1 and 1x3 with dilation (bn), activation after each of them but the last, which is added to the input first; the convolutions have biases.</summary>
    public static void ExpandNonBottleneck(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int input = builder.Current, channels = builder.Shape.Channels, dilation = reader.Int("dilation");
        BlockSequence sequence = new(builder, reader, key);
        ActivationFunction activation = reader.BlockActivation("activation");
        Extent vertical = new(3, 1), horizontal = new(1, 3), one = Extent.Square(1);
        sequence.Biased("vertical1", channels, vertical, one);
        sequence.Activation("vertical1_act", activation);
        sequence.Biased("horizontal1", channels, horizontal, one);
        sequence.BatchNorm("bn1");
        sequence.Activation("horizontal1_act", activation);
        sequence.Biased("vertical2", channels, vertical, new Extent(dilation, 1));
        sequence.Activation("vertical2_act", activation);
        sequence.Biased("horizontal2", channels, horizontal, new Extent(1, dilation));
        sequence.BatchNorm("bn2");
        sequence.AddTo(input);
        sequence.Activation("act", activation);
    }

    /// <summary>A strided 3x3 convolution with bias beside 2x2 maxima, joined; then batch norm and activation.</summary>
    public static void ExpandDownsampler(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int input = builder.Current, channels = builder.Shape.Channels, output = reader.Int("outChannels", channels);
        if (output <= channels)
            reader.Invalid("outChannels", FormattableString.Invariant($"{output}"), FormattableString.Invariant($"more than the {channels} input channels, whose maxima are a part of the output"));
        if (builder.Failed)
            return;

        BlockSequence sequence = new(builder, reader, key);
        Extent one = Extent.Square(1), two = Extent.Square(2);
        sequence.Biased("conv", output - channels, Extent.Square(3), one, stride: 2);
        int convolved = builder.Current;
        int pooled = sequence.Plain("pool", new PoolOperator(IsMaximum: true, two, two, default, one, CeilMode: false, CountIncludePad: true), input);
        sequence.Concat("concat", convolved, pooled);
        sequence.BatchNorm("bn");
        sequence.Activation("act", reader.BlockActivation("activation"));
    }

    /// <summary>A transposed 3x3 convolution with bias that doubles height and width, batch norm, activation.</summary>
    public static void ExpandUpsampler(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int output = reader.Int("outChannels", builder.Shape.Channels);
        BlockSequence sequence = new(builder, reader, key);
        Extent one = Extent.Square(1);
        sequence.Module("conv", conv => new TransposedConvolutionOperator(
            conv, output, Extent.Square(3), Extent.Square(2), BlockRules.Half(Extent.Square(3), one), OutputPadding: one, one, Groups: 1, Bias: true));
        sequence.BatchNorm("bn");
        sequence.Activation("act", reader.BlockActivation("activation"));
    }
}
