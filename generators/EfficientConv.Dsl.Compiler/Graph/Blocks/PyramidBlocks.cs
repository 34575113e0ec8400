namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>Blocks that look at a map with windows of several sizes at once.</summary>
internal static class PyramidBlocks
{
    /// <summary>1x1, three dilated 3x3 and the map's mean through 1x1, joined, 1x1; bn and activation behind each (Chen et al. 2017, figure 5).</summary>
    public static void ExpandASPP(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int input = builder.Current, output = reader.Positive("outChannels", 256);
        Shape shape = builder.Shape;
        int[] rates = [reader.Positive("firstRate", 6), reader.Positive("secondRate", 12), reader.Positive("thirdRate", 18)];
        ActivationFunction activation = reader.BlockActivation("activation", ActivationKind.ReLU);
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
