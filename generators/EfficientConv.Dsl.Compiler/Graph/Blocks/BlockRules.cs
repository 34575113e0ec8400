using EfficientConv.Dsl.Compiler.Findings;
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
        Padding.Symmetric((ShapeInference.EffectiveKernel(kernel.Height, dilation.Height) - 1) / 2, (ShapeInference.EffectiveKernel(kernel.Width, dilation.Width) - 1) / 2);

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
    public static int Hidden(GraphBuilder builder, AttributeReader reader, int channels)
    {
        double expansion = reader.Number("expansion"), exact = channels * expansion;
        int divisor = reader.Int("ChannelDivisor", 0);
        if (divisor == 0 && !reader.IsSet("hiddenChannels") && exact != Math.Floor(exact))
        {
            builder.Report(
                RuleCatalog.FractionalChannels, reader.Index, "expansion",
                FormattableString.Invariant($"{reader.Kind} \"{reader.Name}\" has expansion {expansion} of {channels} input channels, which is {exact} hidden channels (the product must be an integer; hiddenChannels overrides it)"),
                FixProposal.Set(0, ("hiddenChannels", FixProposal.Text(Math.Max(1, (int)Math.Round(Math.Min(exact, AttributeReader.MaxValue)))))));
        }

        if (exact > int.MaxValue / 8)
            reader.Invalid("expansion", FormattableString.Invariant($"{expansion}"), "small enough for the hidden channel count to be an integer");
        if (builder.Failed)
            return 1;
        return reader.Int("hiddenChannels", divisor > 0 ? MakeDivisible(exact, divisor) : (int)exact);
    }

    /// <summary>Whether the block's input is added to its output: demanded, forbidden, or as the shapes allow.</summary>
    public static bool Shortcut(GraphBuilder builder, AttributeReader reader, int outChannels)
    {
        ShortcutMode mode = reader.Choice<ShortcutMode>("shortcut");
        Extent stride = reader.Stride(Extent.Square(1)), kernel = reader.Kernel(), dilation = reader.Dilation();
        if (builder.Failed || mode == ShortcutMode.None)
            return false;

        // The output's size counts too: padding that loses pixels makes the sum impossible even at stride 1.
        Shape input = builder.Shape;
        Padding padding = reader.Padding(kernel, stride, dilation, input, Half(kernel, dilation));
        ConvolutionOperator spatial = new(default, outChannels, kernel, stride, padding, dilation, 1, false);
        Shape output = spatial.Output(input);
        if (stride == Extent.Square(1) && output == input)
            return true;
        if (mode == ShortcutMode.Required || (stride == Extent.Square(1) && outChannels == input.Channels && output.Height > 0 && output.Width > 0))
            Explain(builder, reader, spatial, input, output);
        return false;
    }

    /// <summary>Says which dimension differs and which of the block's layers makes it differ; the fix sets all that would have to change.</summary>
    private static void Explain(GraphBuilder builder, AttributeReader reader, ConvolutionOperator spatial, Shape input, Shape output)
    {
        Block block = BlockCatalog.Of(reader.Kind);
        string window = block.Window, last = block.Roles.Last(role => role.Channels.Contains("outChannels")).Name;
        List<string> reasons = [], arguments = [];
        List<(string, string)> fix = [];
        if (spatial.Stride != Extent.Square(1))
        {
            reasons.Add(FormattableString.Invariant($"its layer {window} with stride {spatial.Stride} makes {output.Height} x {output.Width} pixels of {input.Height} x {input.Width}"));
            arguments.AddRange(AttributeReader.StrideArguments);
            fix.AddRange(AttributeReader.StrideArguments.Where(argument => reader.Attribute.IsExplicit(argument)).Select(argument => (argument, "1")));
        }

        if (spatial.OutChannels != input.Channels)
        {
            reasons.Add(FormattableString.Invariant($"its layer {last} makes {spatial.OutChannels} channels of the block's {input.Channels}"));
            arguments.Add("outChannels");
            fix.Add(("outChannels", FixProposal.Text(input.Channels)));
        }

        Shape unstrided = (spatial with { OutChannels = input.Channels, Stride = Extent.Square(1) }).Output(input);
        if (unstrided != input)
        {
            if (reasons.Count == 0)
                reasons.Add(FormattableString.Invariant($"its layer {window} with padding {spatial.Padding} makes {output.Height} x {output.Width} pixels of {input.Height} x {input.Width}"));
            arguments.AddRange(["Padding", "kernelSize"]);
            Padding half = Half(spatial.Kernel, spatial.Dilation);
            bool isCentered = (spatial with { OutChannels = input.Channels, Stride = Extent.Square(1), Padding = half }).Output(input) == input;

            // An even kernel has no centre; the next smaller one has, with its own half as padding.
            Padding smaller = isCentered ? half : Half(Extent.Square(spatial.Kernel.Height - 1), spatial.Dilation);
            if (!isCentered)
                fix.Add(("kernelSize", FixProposal.Text(spatial.Kernel.Height - 1)));
            if (spatial.Padding != smaller)
                fix.Add(("padding", FixProposal.Text(smaller.Top)));
        }

        builder.Report(
            RuleCatalog.ImpossibleShortcut, reader.Index, LayerPlace.Written(reader.Attribute, [.. arguments]),
            $"{reader.Kind} \"{reader.Name}\" cannot add its input to its output: {string.Join(", and ", reasons)} (a shortcut needs stride 1 and equal shapes)",
            FixProposal.Set(0, [.. fix]));
    }

    /// <summary>
    /// Says why a block cannot have the shortcut that was demanded, of which only the end is known: its stride, its channels, and its even kernels, whose padding loses
    /// a pixel. The fix sets all of them.
    /// </summary>
    public static void ReportShortcut(GraphBuilder builder, AttributeReader reader, Shape input, int stride, params (string Role, string Argument, int Kernel)[] windows)
    {
        Shape output = builder.Shape;
        List<string> reasons = [], arguments = [];
        List<(string, string)> fix = [];
        if (stride != 1)
            Because("stride", 1, FormattableString.Invariant($"its stride of {stride} makes {output.Height} x {output.Width} pixels of {input.Height} x {input.Width}"));
        if (output.Channels != input.Channels)
            Because("outChannels", input.Channels, FormattableString.Invariant($"its layer project makes {output.Channels} channels of the block's {input.Channels}"));
        foreach ((string role, string argument, int kernel) in windows.Where(window => window.Kernel > 0 && window.Kernel % 2 == 0))
            Because(argument, kernel - 1, FormattableString.Invariant($"its layer {role} with an even kernel of {kernel}x{kernel} loses a row and a column"));
        builder.Report(
            RuleCatalog.ImpossibleShortcut, reader.Index, LayerPlace.Written(reader.Attribute, [.. arguments]),
            $"{reader.Kind} \"{reader.Name}\" cannot add its input to its output: {string.Join(", and ", reasons)} (a shortcut needs stride 1 and equal shapes)",
            FixProposal.Set(0, [.. fix]));

        void Because(string argument, int wanted, string reason)
        {
            reasons.Add(reason);
            arguments.Add(argument);
            fix.Add((argument, FixProposal.Text(wanted)));
        }
    }
}
