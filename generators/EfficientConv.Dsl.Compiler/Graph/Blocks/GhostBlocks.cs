namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>GhostNet's bottleneck (Han et al. 2020, figure 3).</summary>
internal static class GhostBlocks
{
    /// <summary>Ghost module to the hidden channels (activation), depthwise (bn) where there is a stride, optional squeeze-and-excitation, ghost module to the output, shortcut.</summary>
    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int input = builder.Current, channels = builder.Shape.Channels, output = LayerExpansion.Channels(builder, reader);
        int hidden = reader.Positive("hiddenChannels", channels), kernel = reader.Positive("kernelSize", 3), stride = reader.Positive("stride", 1);
        if (builder.Failed)
            return;

        BlockSequence sequence = new(builder, reader, key);
        ActivationFunction activation = reader.BlockActivation("activation", ActivationKind.ReLU);
        Ghost(builder, reader, sequence, "ghost1", hidden, activation);
        if (stride > 1)
            sequence.Depthwise("depthwise", kernel, stride);
        if (reader.IsSet("squeezeReduction"))
        {
            // The authors' and timm's: make_divisible(hidden / 4, 4), inner ReLU, hard sigmoid.
            int squeezed = BlockRules.MakeDivisible(hidden / (double)reader.Positive("squeezeReduction", 4), reader.Positive("SqueezeDivisor", 4));
            sequence.Squeeze("squeezeReduction", squeezed, new ActivationFunction(ActivationKind.ReLU), reader.BlockActivation("gate", ActivationKind.HardSigmoid));
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
    /// Half of the channels by a 1x1 convolution, the other half by a depthwise one of the first (bn and activation behind each), joined and cut to the number asked for.
    /// </summary>
    private static void Ghost(GraphBuilder builder, AttributeReader reader, BlockSequence sequence, string role, int output, ActivationFunction activation)
    {
        int half = (output + 1) / 2;
        sequence.Pointwise(role + "_primary", half);
        sequence.Activation(role + "_primary_act", activation);
        int primary = builder.Current;
        sequence.Depthwise(role + "_cheap", reader.Positive("cheapKernelSize", 3), 1);
        sequence.Activation(role + "_cheap_act", activation);
        sequence.Concat(role + "_concat", primary, builder.Current);
        if (output % 2 != 0)
            sequence.Plain(role + "_slice", new SliceOperator(0, output));
    }
}
