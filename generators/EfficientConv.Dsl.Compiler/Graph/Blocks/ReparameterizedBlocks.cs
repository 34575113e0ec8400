namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>RepVGG's and MobileOne's convolutions, trained as several branches and run as one.</summary>
internal static class ReparameterizedBlocks
{
    private const int MaxBranches = 64;

    /// <summary>3x3, 1x1 and, where the shapes allow, the input itself (Ding et al. 2021, figure 4), each with batch norm; then the activation.</summary>
    public static void ExpandRepVGG(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int channels = builder.Shape.Channels, output = LayerExpansion.Channels(builder, reader), stride = reader.Positive("stride", 1), groups = reader.Positive("groups", 1);
        BlockSequence sequence = new(builder, reader, key);
        List<(string?, string, int)> branches = [("rbr_dense.conv", "rbr_dense.bn", 3), ("rbr_1x1.conv", "rbr_1x1.bn", 1)];
        if (output == channels && stride == 1)
            branches.Add((null, "rbr_identity", 1));
        sequence.Reparameterized("conv", output, Extent.Square(3), Extent.Square(stride), groups, "rbr_reparam", branches);
        sequence.Activation("act", reader.BlockActivation("activation", ActivationKind.ReLU));
    }

    /// <summary>One re-parameterised convolution with its activation: MobileOne's stem.</summary>
    public static void ExpandMobileOneConvolution(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        BlockSequence sequence = new(builder, reader, key);
        AddMobileOne(
            builder, reader, sequence, "conv", LayerExpansion.Channels(builder, reader), reader.Positive("kernelSize", 3), reader.Positive("stride", 1), reader.Positive("groups", 1));
    }

    /// <summary>A depthwise and a pointwise one, both with activation (Vasu et al. 2023, figure 3).</summary>
    public static void ExpandMobileOne(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        BlockSequence sequence = new(builder, reader, key);
        int channels = builder.Shape.Channels, output = LayerExpansion.Channels(builder, reader);
        AddMobileOne(builder, reader, sequence, "depthwise", channels, reader.Positive("kernelSize", 3), reader.Positive("stride", 1), channels);
        if (!builder.Failed)
            AddMobileOne(builder, reader, sequence, "pointwise", output, 1, 1, 1);
    }

    /// <summary><c>branches</c> equal convolutions, a 1x1 one beside a larger kernel, and the input itself where the shapes allow, each with batch norm.</summary>
    private static void AddMobileOne(GraphBuilder builder, AttributeReader reader, BlockSequence sequence, string role, int output, int kernel, int stride, int groups)
    {
        int equal = reader.Positive("branches", 1);
        if (equal > MaxBranches)
            reader.Invalid("branches", FormattableString.Invariant($"{equal}"), FormattableString.Invariant($"at most {MaxBranches}"));
        if (builder.Failed)
            return;
        List<(string?, string, int)> branches =
        [
            .. Enumerable.Range(0, equal)
                .Select(i => ((string?)FormattableString.Invariant($"rbr_conv.{i}.conv"), FormattableString.Invariant($"rbr_conv.{i}.bn"), kernel)),
        ];
        if (kernel > 1)
            branches.Add(("rbr_scale.conv", "rbr_scale.bn", 1));
        if (output == builder.Shape.Channels && stride == 1)
            branches.Add((null, "rbr_skip", 1));
        sequence.Reparameterized(role, output, Extent.Square(kernel), Extent.Square(stride), groups, "reparam_conv", branches);
        sequence.Activation(role + "_act", reader.BlockActivation("activation", ActivationKind.ReLU));
    }
}
