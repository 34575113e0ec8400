using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>ShuffleNet's units.</summary>
internal static class ShuffleBlocks
{
    /// <summary>The row of <c>ShuffleUnitV1</c>.</summary>
    public static Block ShuffleUnitV1 { get; } = new(
        "ShuffleUnitV1", ExpandV1,
        EquatableArray.Of(BlockArgument.OutChannels, new("stride", 1), new("groups", 3), new("firstGrouped", true), BlockArgument.Activation(), BlockArgument.Epsilon),
        EquatableArray.Of<BlockRole>(
            BlockRole.Convolution("reduce", "branch_main_1.0", "branch_main_1.1"), new("reduce_act", "branch_main_1.2"),
            BlockRole.Convolution("depthwise", "branch_main_1.3", "branch_main_1.4"),
            new("shuffle"), BlockRole.Convolution("expand", "branch_main_2.0", "branch_main_2.1"), new("add"), new("pool"), new("concat"), new("act", "act")))
    {
        IsPublished = true, ChannelReason = ChannelReasons.Share(4),
    };

    /// <summary>The row of <c>ShuffleUnitV2</c>.</summary>
    public static Block ShuffleUnitV2 { get; } = new(
        "ShuffleUnitV2", ExpandV2,
        EquatableArray.Of(BlockArgument.OutChannels, new("stride", 1), new("kernelSize", 3), BlockArgument.Activation(), BlockArgument.Epsilon),
        EquatableArray.Of<BlockRole>(
            new("keep"), new("split"), BlockRole.Convolution("branch1_depthwise", "branch1.0", "branch1.1"),
            BlockRole.Convolution("branch1_project", "branch1.2", "branch1.3"), new("branch1_act", "branch1.4"),
            BlockRole.Convolution("branch2_expand", "branch2.0", "branch2.1"), new("branch2_expand_act", "branch2.2"),
            BlockRole.Convolution("branch2_depthwise", "branch2.3", "branch2.4"),
            BlockRole.Convolution("branch2_project", "branch2.5", "branch2.6"), new("branch2_act", "branch2.7"), new("concat"), new("shuffle")))
    {
        IsPublished = true, ChannelReason = ChannelReasons.Share(2),
    };

    /// <summary>
    /// Grouped 1x1 (bn, activation), depthwise (bn), shuffle, grouped 1x1 (bn); then the sum with the input, or with a stride the input's 3x3 means in front; then
    /// the activation (Zhang et al. 2018, figure 2). The shuffle stands after the depthwise convolution, where the authors' code has it.
    /// </summary>
    public static void ExpandV1(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int input = builder.Current, channels = builder.Shape.Channels, output = reader.Int("outChannels", builder.Shape.Channels);
        int stride = reader.Int("stride"), groups = reader.Int("groups"), middle = Math.Max(1, output / 4);
        int branch = stride == 1 ? output : output - channels;
        if (stride == 1 && output != channels)
            reader.Invalid("outChannels", FormattableString.Invariant($"{output}"), FormattableString.Invariant($"the {channels} input channels at stride 1, where the input is added"));
        else if (branch < 1)
            reader.Invalid("outChannels", FormattableString.Invariant($"{output}"), FormattableString.Invariant($"more than the {channels} input channels, which are a part of the output where there is a stride"));
        if (builder.Failed)
            return;

        BlockSequence sequence = new(builder, reader, key);
        ActivationFunction activation = reader.BlockActivation("activation");
        sequence.Pointwise("reduce", middle, reader.Flag("firstGrouped") ? groups : 1);
        sequence.Activation("reduce_act", activation);
        sequence.Depthwise("depthwise", 3, stride);
        if (groups > 1)
            sequence.Plain("shuffle", new ChannelShuffleOperator(groups));
        sequence.Pointwise("expand", branch, groups);
        if (stride == 1)
        {
            sequence.AddTo(input);
        }
        else
        {
            int main = builder.Current;
            Extent window = Extent.Square(3);
            PoolOperator mean = new(IsMaximum: false, window, Extent.Square(stride), BlockRules.Half(window, Extent.Square(1)), Extent.Square(1), CeilMode: false, CountIncludePad: true);
            int pooled = sequence.Plain("pool", mean, input);
            sequence.Concat("concat", pooled, main);
        }

        sequence.Activation("act", activation);
    }

    /// <summary>
    /// Half of the channels pass, the others go through 1x1 (bn, activation), depthwise (bn), 1x1 (bn, activation); with a stride all go through both branches, the first being
    /// depthwise (bn), 1x1 (bn, activation); then both are joined and shuffled (Ma et al. 2018, figure 3).
    /// </summary>
    public static void ExpandV2(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int input = builder.Current, channels = builder.Shape.Channels, output = reader.Int("outChannels", builder.Shape.Channels);
        int stride = reader.Int("stride"), kernel = reader.Int("kernelSize"), half = output / 2;
        if (output % 2 != 0)
            reader.Invalid("outChannels", FormattableString.Invariant($"{output}"), "even, because each branch makes half of them");
        else if (stride == 1 && output != channels)
            reader.Invalid("outChannels", FormattableString.Invariant($"{output}"), FormattableString.Invariant($"the {channels} input channels at stride 1, where half of them pass"));
        if (builder.Failed)
            return;

        BlockSequence sequence = new(builder, reader, key);
        ActivationFunction activation = reader.BlockActivation("activation");
        int first;
        if (stride == 1)
        {
            first = sequence.Plain("keep", new SliceOperator(0, half), input);
            sequence.Plain("split", new SliceOperator(half, half), input);
        }
        else
        {
            sequence.Depthwise("branch1_depthwise", kernel, stride);
            sequence.Pointwise("branch1_project", half);
            sequence.Activation("branch1_act", activation);
            first = builder.Current;
            builder.ContinueFrom(input);
        }

        sequence.Pointwise("branch2_expand", half);
        sequence.Activation("branch2_expand_act", activation);
        sequence.Depthwise("branch2_depthwise", kernel, stride);
        sequence.Pointwise("branch2_project", half);
        sequence.Activation("branch2_act", activation);
        sequence.Concat("concat", first, builder.Current);
        sequence.Plain("shuffle", new ChannelShuffleOperator(2));
    }
}
