using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>Which channels the squeeze of a block is a fraction of, numbered as the runtime's enumeration.</summary>
internal enum SqueezeSource
{
    /// <summary>The expanded ones, which are squeezed.</summary>
    Hidden,

    /// <summary>The block's input's.</summary>
    Input,
}

/// <summary>Squeeze-and-excitation: mean over the map, 1x1 down, activation, 1x1 up, gate, and the product with what came in (Hu et al. 2018).</summary>
internal static class SqueezeExpansion
{
    /// <summary>The row of <c>SqueezeExcitation</c>.</summary>
    public static Block SqueezeExcitation { get; } = new(
        "SqueezeExcitation", Expand,
        EquatableArray.Of(new BlockArgument("reduction", 4), BlockArgument.Activation(), new("gate", ActivationKind.Sigmoid), BlockArgument.Optional("squeezeChannels")),
        BlockRole.Squeeze.ToEquatableArray())
    {
        IsCounted = false,
    };

    public static void Expand(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        int channels = builder.Shape.Channels;
        int squeezed = reader.Int("squeezeChannels", channels / reader.Int("reduction"));
        ActivationFunction activation = reader.SqueezeActivation("activation"), gate = reader.SqueezeActivation("gate");
        Add(builder, reader, "reduction", key, squeezed, activation, gate);
    }

    /// <summary>
    /// The squeeze of a block whose input has <paramref name="channels"/> channels and which expanded them to <paramref name="hidden"/>, where its arguments
    /// ask for one.
    /// </summary>
    public static void ExpandInside(BlockSequence sequence, AttributeReader reader, int channels, int hidden)
    {
        int reduction = reader.Int("squeezeReduction", 0);
        if (reduction == 0 && !reader.IsSet("squeezeChannels"))
            return;
        int squeezed = 1;
        if (reduction > 0)
        {
            // torchvision's EfficientNet: max(1, in // 4); its MobileNetV3: make_divisible(hidden // 4, 8).
            squeezed = reader.Choice<SqueezeSource>("SqueezeFrom") == SqueezeSource.Input ? Math.Max(1, channels / reduction) : hidden / reduction;
            if (reader.IsSet("SqueezeDivisor"))
                squeezed = BlockRules.MakeDivisible(squeezed, reader.Int("SqueezeDivisor"));
        }

        string argument = reader.IsSet("squeezeChannels") ? "squeezeChannels" : "squeezeReduction";
        sequence.Squeeze(
            argument, reader.Int("squeezeChannels", squeezed), reader.SqueezeActivation("squeezeActivation"), reader.SqueezeActivation("gate"));
    }

    /// <summary>Adds the six layers after the current one.</summary>
    public static void Add(GraphBuilder builder, AttributeReader reader, string argument, TensorKey key, int squeezed, ActivationFunction activation, ActivationFunction gate)
    {
        if (builder.Failed)
            return;
        int channels = builder.Shape.Channels, input = builder.Current;
        if (squeezed < 1)
        {
            builder.Report(
                RuleCatalog.SqueezeReduction, reader.Index, argument,
                FormattableString.Invariant($"{reader.Kind} \"{reader.Name}\" has a {argument} of {reader.Attribute.Int(argument)}, larger than the {channels} channels of its squeeze-and-excitation, which leaves no hidden channel (channels / reduction must be at least 1)"),
                FixProposal.Divisors(argument, channels, reader.Attribute.Int(argument)));
            return;
        }

        TensorKey Part(string module, string role) => new(TensorKey.Join(key.Key, module), TensorKey.Join(key.Canonical, role));
        (string reduce, string expand) = builder.Keys.SqueezeOf(reader.Kind);
        string name = reader.Name;
        builder.Add(name + ".se_mean", new GlobalAveragePoolOperator(), reader.Origin("se_mean"));
        builder.Add(name + ".se_reduce", Pointwise(Part(reduce, "se_reduce"), squeezed), reader.Origin("se_reduce"));
        builder.Add(name + ".se_act", new ActivationOperator(activation), reader.Origin("se_act"));
        builder.Add(name + ".se_expand", Pointwise(Part(expand, "se_expand"), channels), reader.Origin("se_expand"));
        builder.Add(name + ".se_gate", new ActivationOperator(gate), reader.Origin("se_gate"));
        builder.Add(name + ".se_scale", new ScaleOperator(), reader.Origin("se_scale"), input, builder.Current);

        static ConvolutionOperator Pointwise(TensorKey key, int outChannels) =>
            new(key, outChannels, Extent.Square(1), Extent.Square(1), default, Extent.Square(1), 1, Bias: true);
    }
}
