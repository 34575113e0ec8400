using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Rules;
using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Whether a block adds its input to its output, numbered as the runtime's enumeration.</summary>
internal enum ShortcutMode
{
    /// <summary>Exactly where stride is 1 and the channel counts are equal.</summary>
    Auto,

    /// <summary>Always; an error where it cannot be.</summary>
    Required,

    /// <summary>Never.</summary>
    None,
}

/// <summary>The tutorial's blocks as macros over plain layers.</summary>
internal static class BlockExpansion
{
    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        switch (reader.Kind)
        {
            case "SqueezeExcitation":
                ExpandSqueeze(builder, reader, key);
                break;
            case "Bottleneck":
                ExpandBottleneck(builder, reader, key);
                break;
            case "DepthwiseSeparable":
                ExpandSeparable(builder, reader, key);
                break;
            case "FactorizedConv2d":
                ExpandFactorized(builder, reader, key);
                break;
            default:
                ExpandInvertedResidual(builder, reader, key, reader.Kind == "EfficientConvBlock" ? 4 : 0);
                break;
        }
    }

    private static void ExpandSqueeze(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int channels = builder.Shape.Channels;
        int squeezed = reader.Positive("squeezeChannels", channels / reader.Positive("reduction", 4));
        ActivationFunction activation = reader.BlockActivation("activation", ActivationKind.ReLU), gate = reader.BlockActivation("gate", ActivationKind.Sigmoid);
        AddSqueeze(builder, reader, "reduction", new TensorKey(Join(key.Key, "gate"), key.Canonical), 1, squeezed, activation, gate);
    }

    private static void ExpandBottleneck(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        Sequence sequence = new(builder, reader, key, "net");
        int input = builder.Current, middle = reader.Positive("midChannels", 1), output = LayerExpansion.Channels(builder, reader);
        ActivationFunction activation = reader.BlockActivation("activation", ActivationKind.ReLU);
        Extent kernel = reader.Kernel(3), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        int groups = reader.Positive("groups", 1);
        bool shortcut = Shortcut(builder, reader, output, ShortcutMode.None);
        sequence.Convolution("reduce", middle, Extent.Square(1), Extent.Square(1), default, Extent.Square(1), 1);
        sequence.Activation("reduce_act", activation);
        sequence.Convolution("conv", middle, kernel, stride, reader.Padding(kernel, stride, dilation, builder.Shape, Half(kernel, dilation)), dilation, groups, choosesAlgorithm: true);
        sequence.Activation("conv_act", activation);
        sequence.Convolution("expand", output, Extent.Square(1), Extent.Square(1), default, Extent.Square(1), 1);
        if (shortcut)
            sequence.AddTo(input);
    }

    private static void ExpandSeparable(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        Sequence sequence = new(builder, reader, key, "net");
        int output = LayerExpansion.Channels(builder, reader);
        ActivationFunction activation = reader.BlockActivation("activation", ActivationKind.ReLU);
        Extent kernel = reader.Kernel(3), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        sequence.Convolution("depthwise", builder.Shape.Channels, kernel, stride, reader.Padding(kernel, stride, dilation, builder.Shape, Half(kernel, dilation)), dilation, builder.Shape.Channels);
        sequence.Activation("depthwise_act", activation);
        sequence.Convolution("pointwise", output, Extent.Square(1), Extent.Square(1), default, Extent.Square(1), 1);
        sequence.Activation("pointwise_act", activation);
    }

    private static void ExpandFactorized(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        Sequence sequence = new(builder, reader, key, "net");
        int output = LayerExpansion.Channels(builder, reader), size = reader.Positive("kernelSize", 7), stride = reader.Positive("stride", 1), dilation = reader.Positive("dilation", 1);
        ActivationFunction activation = reader.BlockActivation("activation", ActivationKind.ReLU);
        int pad = dilation * (size - 1) / 2;
        sequence.Convolution("vertical", output, new Extent(size, 1), new Extent(stride, 1), Padding.Symmetric(pad, 0), new Extent(dilation, 1), 1);
        sequence.Activation("vertical_act", activation);
        sequence.Convolution("horizontal", output, new Extent(1, size), new Extent(1, stride), Padding.Symmetric(0, pad), new Extent(1, dilation), 1);
        sequence.Activation("horizontal_act", activation);
    }

    /// <summary>
    /// Expand 1x1, depthwise, optional squeeze-and-excitation, project 1x1 (Sandler et al. 2018, figure 3d). Expansion 1 leaves the expand layer out,
    /// as every published network does.
    /// </summary>
    private static void ExpandInvertedResidual(GraphBuilder builder, AttributeReader reader, TensorKey key, int defaultReduction)
    {
        Sequence sequence = new(builder, reader, key, "block");
        int input = builder.Current, channels = builder.Shape.Channels, output = LayerExpansion.Channels(builder, reader);
        double expansion = reader.PositiveNumber("expansion", 4), hiddenExact = channels * expansion;
        if (!reader.IsSet("hiddenChannels") && hiddenExact != Math.Floor(hiddenExact))
        {
            builder.Report(
                RuleCatalog.FractionalChannels, reader.Index, "expansion",
                FormattableString.Invariant($"{reader.Kind} \"{reader.Name}\" has expansion {expansion} of {channels} input channels, which is {hiddenExact} hidden channels (the product must be an integer; hiddenChannels overrides it)"),
                new FindingProperty("hiddenChannels", FormattableString.Invariant($"{Math.Max(1, (int)Math.Round(hiddenExact))}")));
        }

        if (hiddenExact > int.MaxValue / 8)
            reader.Invalid("expansion", FormattableString.Invariant($"{expansion}"), "small enough for the hidden channel count to be an integer");
        if (builder.Failed)
            return;

        int hidden = reader.Positive("hiddenChannels", (int)hiddenExact);
        ActivationFunction activation = reader.BlockActivation("activation", ActivationKind.ReLU);
        Extent kernel = reader.Kernel(3), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        bool shortcut = Shortcut(builder, reader, output, ShortcutMode.Auto);
        if (hidden != channels || reader.Bool("alwaysExpand", false))
        {
            sequence.Convolution("expand", hidden, Extent.Square(1), Extent.Square(1), default, Extent.Square(1), 1);
            sequence.Activation("expand_act", activation);
        }

        sequence.Convolution("depthwise", hidden, kernel, stride, reader.Padding(kernel, stride, dilation, builder.Shape, Half(kernel, dilation)), dilation, hidden);
        sequence.Activation("depthwise_act", activation);
        int reduction = reader.IsSet("squeezeReduction") ? reader.Positive("squeezeReduction", 1) : defaultReduction;
        if (reduction > 0 || reader.IsSet("squeezeChannels"))
        {
            int squeezed = reader.Positive("squeezeChannels", reduction > 0 ? hidden / reduction : 1);
            sequence.Squeeze(squeezed, reader.BlockActivation("squeezeActivation", ActivationKind.ReLU), reader.BlockActivation("gate", ActivationKind.Sigmoid));
        }

        sequence.Convolution("project", output, Extent.Square(1), Extent.Square(1), default, Extent.Square(1), 1);
        if (shortcut)
            sequence.AddTo(input);
    }

    /// <summary>Mean over the map, 1x1 down, activation, 1x1 up, gate, and the product with what came in (Hu et al. 2018).</summary>
    private static void AddSqueeze(GraphBuilder builder, AttributeReader reader, string argument, TensorKey key, int first, int squeezed, ActivationFunction activation, ActivationFunction gate)
    {
        if (builder.Failed)
            return;
        int channels = builder.Shape.Channels, input = builder.Current;
        if (squeezed < 1)
        {
            builder.Report(
                RuleCatalog.SqueezeEmpty, reader.Index, argument,
                FormattableString.Invariant($"{reader.Kind} \"{reader.Name}\" has a {argument} larger than its {channels} channels, which leaves no hidden channel (channels / reduction must be at least 1)"),
                new FindingProperty(argument, FormattableString.Invariant($"{channels}")));
            return;
        }

        TensorKey Part(int offset, string role) => new(Join(key.Key, FormattableString.Invariant($"{first + offset}")), Join(key.Canonical, role));
        string name = reader.Name;
        builder.Add(name + ".se_mean", new GlobalAveragePoolOperator(), reader.Origin("se_mean"));
        builder.Add(name + ".se_reduce", Pointwise(Part(0, "se_reduce"), squeezed), reader.Origin("se_reduce"));
        builder.Add(name + ".se_act", new ActivationOperator(activation), reader.Origin("se_act"));
        builder.Add(name + ".se_expand", Pointwise(Part(2, "se_expand"), channels), reader.Origin("se_expand"));
        builder.Add(name + ".se_gate", new ActivationOperator(gate), reader.Origin("se_gate"));
        builder.Add(name + ".se_scale", new ScaleOperator(), reader.Origin("se_scale"), input, builder.Current);

        static ConvolutionOperator Pointwise(TensorKey key, int outChannels) =>
            new(key, outChannels, Extent.Square(1), Extent.Square(1), default, Extent.Square(1), 1, Bias: true);
    }

    private static bool Shortcut(GraphBuilder builder, AttributeReader reader, int outChannels, ShortcutMode fallback)
    {
        ShortcutMode mode = reader.Enumeration("shortcut", fallback);
        Extent stride = reader.Stride(Extent.Square(1)), kernel = reader.Kernel(3), dilation = reader.Dilation();
        if (builder.Failed || mode == ShortcutMode.None)
            return false;

        // The output's size counts too: padding that loses pixels makes the sum impossible even at stride 1.
        Shape input = builder.Shape;
        ConvolutionOperator spatial = new(default, outChannels, kernel, stride, reader.Padding(kernel, stride, dilation, input, Half(kernel, dilation)), dilation, 1, false);
        Shape output = ShapeInference.Output(spatial, input);
        if (stride == Extent.Square(1) && output == input)
            return true;
        if (mode == ShortcutMode.Required || (stride == Extent.Square(1) && outChannels == input.Channels && output.Height > 0 && output.Width > 0))
        {
            (string argument, string reason) = stride != Extent.Square(1)
                ? ("stride", FormattableString.Invariant($"stride {stride} makes {output} of {input}"))
                : outChannels != input.Channels
                    ? ("outChannels", FormattableString.Invariant($"{outChannels} output channels meet {input.Channels} input channels"))
                    : (reader.IsSet("Padding") ? "Padding" : "kernelSize", FormattableString.Invariant($"the depthwise layer's padding makes {output} of {input}"));
            builder.Report(
                RuleCatalog.ImpossibleShortcut, reader.Index, argument,
                $"{reader.Kind} \"{reader.Name}\" cannot add its input to its output: {reason} (a shortcut needs stride 1 and equal shapes)");
        }

        return false;
    }

    private static Padding Half(Extent kernel, Extent dilation) =>
        Padding.Symmetric(dilation.Height * (kernel.Height - 1) / 2, dilation.Width * (kernel.Width - 1) / 2);

    private static string Join(string prefix, string suffix) => prefix.Length == 0 ? suffix : prefix + "." + suffix;

    /// <summary>The block's <c>nn.Sequential</c>: counts module indices as PyTorch does, so that the state-dict keys come out right.</summary>
    private sealed class Sequence(GraphBuilder builder, AttributeReader reader, TensorKey key, string member)
    {
        private readonly double _epsilon = reader.PositiveNumber("Eps", LayerExpansion.DefaultEpsilon);
        private int _next;

        /// <summary>A bias-free convolution followed by batch norm.</summary>
        public void Convolution(string role, int outChannels, Extent kernel, Extent stride, Padding padding, Extent dilation, int groups, bool choosesAlgorithm = false)
        {
            ConvolutionOperator convolution = new(NextKey(role), outChannels, kernel, stride, padding, dilation, groups, Bias: false);
            if (choosesAlgorithm)
                convolution = convolution with { Algorithm = reader.Algorithm(convolution) };
            builder.Add($"{reader.Name}.{role}", convolution, reader.Origin(role));
            builder.Add($"{reader.Name}.{role}_bn", new BatchNormOperator(NextKey(role + "_bn"), _epsilon), reader.Origin(role + "_bn"));
        }

        public void Activation(string role, ActivationFunction function)
        {
            NextKey(role);
            builder.Add($"{reader.Name}.{role}", new ActivationOperator(function), reader.Origin(role));
        }

        public void Squeeze(int squeezed, ActivationFunction activation, ActivationFunction gate)
        {
            TensorKey module = NextKey("se");
            string argument = reader.IsSet("squeezeChannels") ? "squeezeChannels" : "squeezeReduction";
            AddSqueeze(builder, reader, argument, new TensorKey(Join(module.Key, "gate"), key.Canonical), 1, squeezed, activation, gate);
        }

        public void AddTo(int input)
        {
            if (!builder.Failed)
                builder.Add(reader.Name + ".add", new AddOperator(), reader.Origin("add"), builder.Current, input);
        }

        private TensorKey NextKey(string role) =>
            new(Join(key.Key, FormattableString.Invariant($"{member}.{_next++}")), Join(key.Canonical, role));
    }
}
