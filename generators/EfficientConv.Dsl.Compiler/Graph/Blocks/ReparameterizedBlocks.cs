using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>RepVGG's and MobileOne's convolutions, trained as several branches and run as one.</summary>
internal static class ReparameterizedBlocks
{
    /// <summary>The row of <c>RepVGGBlock</c>.</summary>
    public static Block RepVGGBlock { get; } = new(
        "RepVGGBlock", ExpandRepVGG,
        EquatableArray.Of(BlockArgument.OutChannels, new("stride", 1), new("groups", 1), BlockArgument.Activation(), BlockArgument.Epsilon),
        EquatableArray.Of<BlockRole>(new("conv", string.Empty), new("act", "nonlinearity")))
    {
        IsPublished = true,
    };

    /// <summary>The row of <c>MobileOneConv2d</c>.</summary>
    public static Block MobileOneConv2d { get; } = new(
        "MobileOneConv2d", ExpandMobileOneConvolution,
        EquatableArray.Of(
            BlockArgument.OutChannels, new("kernelSize", 3), new("stride", 1), new("groups", 1), new("branches", 1, Most: MaxBranches), BlockArgument.Activation(), BlockArgument.Epsilon),
        EquatableArray.Of<BlockRole>(new("conv", string.Empty), new("conv_act", "activation")))
    {
        IsPublished = true,
    };

    /// <summary>The row of <c>MobileOneBlock</c>.</summary>
    public static Block MobileOneBlock { get; } = new(
        "MobileOneBlock", ExpandMobileOne,
        EquatableArray.Of(BlockArgument.OutChannels, new("kernelSize", 3), new("stride", 1), new("branches", 1, Most: MaxBranches), BlockArgument.Activation(), BlockArgument.Epsilon),
        EquatableArray.Of<BlockRole>(new("depthwise", "0"), new("depthwise_act", "0.activation"), new("pointwise", "1"), new("pointwise_act", "1.activation")))
    {
        IsPublished = true,
    };

    private const int MaxBranches = 64;

    /// <summary>3x3, 1x1 and, where the shapes allow, the input itself (Ding et al. 2021, figure 4), each with batch norm; then the activation.</summary>
    public static void ExpandRepVGG(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int channels = builder.Shape.Channels, output = reader.Int("outChannels", builder.Shape.Channels), stride = reader.Int("stride"), groups = reader.Int("groups");
        BlockSequence sequence = new(builder, reader, key);
        List<(string?, string, int)> branches = [("rbr_dense.conv", "rbr_dense.bn", 3), ("rbr_1x1.conv", "rbr_1x1.bn", 1)];
        if (output == channels && stride == 1)
            branches.Add((null, "rbr_identity", 1));
        sequence.Reparameterized("conv", output, Extent.Square(3), Extent.Square(stride), groups, "rbr_reparam", branches);
        sequence.Activation("act", reader.BlockActivation("activation"));
    }

    /// <summary>One re-parameterised convolution with its activation: MobileOne's stem.</summary>
    public static void ExpandMobileOneConvolution(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        BlockSequence sequence = new(builder, reader, key);
        AddMobileOne(
            builder, reader, sequence, "conv", reader.Int("outChannels", builder.Shape.Channels), reader.Int("kernelSize"), reader.Int("stride"), reader.Int("groups"));
    }

    /// <summary>A depthwise and a pointwise one, both with activation (Vasu et al. 2023, figure 3).</summary>
    public static void ExpandMobileOne(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        BlockSequence sequence = new(builder, reader, key);
        int channels = builder.Shape.Channels, output = reader.Int("outChannels", builder.Shape.Channels);
        AddMobileOne(builder, reader, sequence, "depthwise", channels, reader.Int("kernelSize"), reader.Int("stride"), channels);
        if (!builder.Failed)
            AddMobileOne(builder, reader, sequence, "pointwise", output, 1, 1, 1);
    }

    /// <summary><c>branches</c> equal convolutions, a 1x1 one beside a larger kernel, and the input itself where the shapes allow, each with batch norm.</summary>
    private static void AddMobileOne(GraphBuilder builder, AttributeReader reader, BlockSequence sequence, string role, int output, int kernel, int stride, int groups)
    {
        int equal = reader.Int("branches");
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
        sequence.Activation(role + "_act", reader.BlockActivation("activation"));
    }
}
