using EfficientConv.Dsl.Compiler.Rules;
using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

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

/// <summary>What the families share: padding, rounding, shortcuts.</summary>
internal static class BlockRules
{
    /// <summary>Padding of half the kernel, which keeps the size at stride 1.</summary>
    public static Padding Half(Extent kernel, Extent dilation) =>
        Padding.Symmetric(dilation.Height * (kernel.Height - 1) / 2, dilation.Width * (kernel.Width - 1) / 2);

    /// <summary>
    /// The multiple of <paramref name="divisor"/> nearest to <paramref name="value"/>, at least <paramref name="divisor"/>, and one more where that would lose more than
    /// a tenth: <c>make_divisible</c> of torchvision and timm.
    /// </summary>
    public static int MakeDivisible(double value, int divisor)
    {
        int rounded = Math.Max(divisor, (int)(value + (divisor / 2.0)) / divisor * divisor);
        return rounded < 0.9 * value ? rounded + divisor : rounded;
    }

    /// <summary>
    /// The hidden channels of a block: <c>hiddenChannels</c>, or the input's times <c>expansion</c>, rounded where <c>ChannelDivisor</c> says so; else the product must be
    /// an integer.
    /// </summary>
    public static int Hidden(GraphBuilder builder, AttributeReader reader, int channels, double defaultExpansion, int defaultDivisor = 0)
    {
        double expansion = reader.PositiveNumber("expansion", defaultExpansion), exact = channels * expansion;
        int divisor = reader.Positive("ChannelDivisor", defaultDivisor);
        if (divisor == 0 && !reader.IsSet("hiddenChannels") && exact != Math.Floor(exact))
        {
            builder.Report(
                RuleCatalog.FractionalChannels, reader.Index, "expansion",
                FormattableString.Invariant($"{reader.Kind} \"{reader.Name}\" has expansion {expansion} of {channels} input channels, which is {exact} hidden channels (the product must be an integer; hiddenChannels overrides it)"),
                new FindingProperty("hiddenChannels", FormattableString.Invariant($"{Math.Max(1, (int)Math.Round(exact))}")));
        }

        if (exact > int.MaxValue / 8)
            reader.Invalid("expansion", FormattableString.Invariant($"{expansion}"), "small enough for the hidden channel count to be an integer");
        if (builder.Failed)
            return 1;
        return reader.Positive("hiddenChannels", divisor > 0 ? MakeDivisible(exact, divisor) : (int)exact);
    }

    /// <summary>Whether the block's input is added to its output: demanded, forbidden, or as the shapes allow.</summary>
    public static bool Shortcut(GraphBuilder builder, AttributeReader reader, int outChannels, ShortcutMode fallback)
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
            ReportShortcut(builder, reader, argument, reason);
        }

        return false;
    }

    /// <summary>Says that a shortcut was demanded which cannot be.</summary>
    public static void ReportShortcut(GraphBuilder builder, AttributeReader reader, string argument, string reason) =>
        builder.Report(
            RuleCatalog.ImpossibleShortcut, reader.Index, argument,
            $"{reader.Kind} \"{reader.Name}\" cannot add its input to its output: {reason} (a shortcut needs stride 1 and equal shapes)");
}
