using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>Blocks that look at a map with windows of several sizes at once.</summary>
internal static class PyramidBlocks
{
    /// <summary>The row of <c>ASPP</c>.</summary>
    public static Block ASPP { get; } = new(
        "ASPP", ExpandASPP,
        EquatableArray.Of(new BlockArgument("outChannels", 256), new("firstRate", 6), new("secondRate", 12), new("thirdRate", 18), BlockArgument.Activation(), BlockArgument.Epsilon),
        EquatableArray.Of<BlockRole>(
            BlockRole.Convolution("point", "convs.0.0", "convs.0.1"), new("point_act", "convs.0.2"),
            BlockRole.Convolution("dilated1", "convs.1.0", "convs.1.1"), new("dilated1_act", "convs.1.2"),
            BlockRole.Convolution("dilated2", "convs.2.0", "convs.2.1"), new("dilated2_act", "convs.2.2"),
            BlockRole.Convolution("dilated3", "convs.3.0", "convs.3.1"), new("dilated3_act", "convs.3.2"),
            new("pool"), BlockRole.Convolution("pooled", "convs.4.1", "convs.4.2"), new("pooled_act", "convs.4.3"), new("spread"), new("concat"),
            BlockRole.Convolution("project", "project.0", "project.1"), new("project_act", "project.2")))
    {
        IsPublished = true,
    };

    /// <summary>1x1, three dilated 3x3 and the map's mean through 1x1, joined, 1x1; bn and activation after each (Chen et al. 2017, figure 5).</summary>
    public static void ExpandASPP(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int input = builder.Current, output = reader.Int("outChannels");
        Shape shape = builder.Shape;
        int[] rates = [reader.Int("firstRate"), reader.Int("secondRate"), reader.Int("thirdRate")];
        ActivationFunction activation = reader.BlockActivation("activation");
        if (builder.Failed)
            return;

        BlockSequence sequence = new(builder, reader, key);
        Extent one = Extent.Square(1), window = Extent.Square(3);
        sequence.Pointwise("point", output);
        sequence.Activation("point_act", activation);
        List<int> branches = [builder.Current];
        for (int i = 0; i < rates.Length && !builder.Failed; i++)
        {
            builder.ContinueFrom(input);
            string role = FormattableString.Invariant($"dilated{i + 1}");
            Extent dilation = Extent.Square(rates[i]);
            sequence.Convolution(role, output, window, one, BlockRules.Half(window, dilation), dilation, 1);
            sequence.Activation(role + "_act", activation);
            branches.Add(builder.Current);
        }

        if (builder.Failed)
            return;
        sequence.Plain("pool", new GlobalAveragePoolOperator(), input);
        sequence.Pointwise("pooled", output);
        sequence.Activation("pooled_act", activation);

        // torchvision interpolates bilinearly; of a single pixel that is the pixel.
        branches.Add(sequence.Plain("spread", new UpsampleOperator(new Extent(shape.Height, shape.Width), InterpolationMode.Nearest, AlignCorners: false, 0, 0)));
        sequence.Plain("concat", new ConcatOperator(), [.. branches]);
        sequence.Pointwise("project", output);
        sequence.Activation("project_act", activation);
    }
}
