using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>GhostNet's bottleneck (Han et al. 2020, figure 3).</summary>
internal static class GhostBlocks
{
    /// <summary>The row of <c>GhostBottleneck</c>.</summary>
    public static Block GhostBottleneck { get; } = new(
        "GhostBottleneck", Expand,
        EquatableArray.Of(
            BlockArgument.Demanded("hiddenChannels"), BlockArgument.OutChannels, new("kernelSize", 3), new("stride", 1), BlockArgument.Optional("squeezeReduction"), new("cheapKernelSize", 3),
            BlockArgument.Activation(), new("gate", ActivationKind.HardSigmoid), new("SqueezeDivisor", 4), BlockArgument.Epsilon),
        EquatableArray.Of<BlockRole>(
            [
                .. Ghost("ghost1"), BlockRole.Convolution("depthwise", "conv_dw", "bn_dw"), new("se", "se"), .. BlockRole.Squeeze, .. Ghost("ghost2"),
                BlockRole.Convolution("shortcut_depthwise", "shortcut.0", "shortcut.1"), BlockRole.Convolution("shortcut_project", "shortcut.2", "shortcut.3"), new("add"),
            ]))
    {
        IsPublished = true, ChannelReason = ChannelReasons.Hidden, SqueezeKeys = ("conv_reduce", "conv_expand"),
    };

    /// <summary>The layers of a ghost module.</summary>
    private static BlockRole[] Ghost(string role) =>
    [
        BlockRole.Convolution(role + "_primary", role + ".primary_conv.0", role + ".primary_conv.1"), new(role + "_primary_act", role + ".primary_conv.2"),
        BlockRole.Convolution(role + "_cheap", role + ".cheap_operation.0", role + ".cheap_operation.1"), new(role + "_cheap_act", role + ".cheap_operation.2"),
        new(role + "_concat"), new(role + "_slice"),
    ];

    /// <summary>Ghost module to the hidden channels (activation), depthwise (bn) where there is a stride, optional squeeze-and-excitation, ghost module to the output, shortcut.</summary>
    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int input = builder.Current, channels = builder.Shape.Channels, output = reader.Int("outChannels", builder.Shape.Channels);
        int hidden = reader.Int("hiddenChannels", channels), kernel = reader.Int("kernelSize"), stride = reader.Int("stride");
        if (builder.Failed)
            return;

        BlockSequence sequence = new(builder, reader, key);
        ActivationFunction activation = reader.BlockActivation("activation");
        Ghost(builder, reader, sequence, "ghost1", hidden, activation);
        if (stride > 1)
            sequence.Depthwise("depthwise", kernel, stride);
        if (reader.IsSet("squeezeReduction"))
        {
            // The authors' and timm's: make_divisible(hidden / 4, 4), inner ReLU, hard sigmoid.
            int squeezed = BlockRules.MakeDivisible(hidden / (double)reader.Int("squeezeReduction"), reader.Int("SqueezeDivisor"));
            sequence.Squeeze("squeezeReduction", squeezed, new ActivationFunction(ActivationKind.ReLU), reader.SqueezeActivation("gate"));
        }

        Ghost(builder, reader, sequence, "ghost2", output, ActivationFunction.None);
        if (builder.Failed)
            return;
        int main = builder.Current, other = input;
        if (stride > 1 || output != channels)
        {
            builder.ContinueFrom(input);
            sequence.Depthwise("shortcut_depthwise", kernel, stride);
            sequence.Pointwise("shortcut_project", output);
            other = builder.Current;
            builder.ContinueFrom(main);
        }

        sequence.AddTo(other);
    }

    /// <summary>
    /// Half of the channels by a 1x1 convolution, the other half by a depthwise one of the first (bn and activation after each), joined and cut to the number asked for.
    /// </summary>
    private static void Ghost(GraphBuilder builder, AttributeReader reader, BlockSequence sequence, string role, int output, ActivationFunction activation)
    {
        int half = (output + 1) / 2;
        sequence.Pointwise(role + "_primary", half);
        sequence.Activation(role + "_primary_act", activation);
        int primary = builder.Current;
        sequence.Depthwise(role + "_cheap", reader.Int("cheapKernelSize"), 1);
        sequence.Activation(role + "_cheap_act", activation);
        sequence.Concat(role + "_concat", primary, builder.Current);
        if (output % 2 != 0)
            sequence.Plain(role + "_slice", new SliceOperator(0, output));
    }
}
