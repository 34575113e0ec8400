using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>What must hold of a single operator and the shape that it reads; the first rule broken is reported.</summary>
internal static class OperatorRules
{
    /// <summary>Convolutions that one transposed convolution may become: 32 x 32, the largest stride of published networks (FCN-32s).</summary>
    private const int MostPhases = 1024;

    /// <summary>Largest size, count or element count of a tensor: every offset of the generated code is an <see cref="int"/>.</summary>
    private const long MaxElements = int.MaxValue / 8;

    public static Finding? Check(Operator op, IReadOnlyList<Shape> inputs, string name, LayerOrigin origin, AttributeDeclaration? attribute)
    {
        Shape input = inputs[0];
        Finding Broken(Rule rule, string? argument, string message, params FindingProperty[] properties) =>
            new(rule.Id, origin.AttributeIndex, argument, message, properties.ToEquatableArray());

        string Place() => LayerPlace.Of(op, input, name, origin, attribute);
        switch (op)
        {
            case ConvolutionOperator c:
                if (input.Channels % c.Groups != 0)
                    return Broken(RuleCatalog.GroupsInput, "groups", Invariant($"{Place()} has groups {c.Groups}, which do not divide its {input.Channels} input channels (inChannels must be divisible by groups)"), Divisors(input.Channels, c.OutChannels, c.Groups));
                if (c.OutChannels % c.Groups != 0)
                    return Broken(RuleCatalog.GroupsOutput, "groups", Invariant($"{Place()} has groups {c.Groups}, which do not divide its {c.OutChannels} output channels (outChannels must be divisible by groups)"), Divisors(input.Channels, c.OutChannels, c.Groups));
                return Window(c.Kernel, c.Dilation, c.Padding) ?? Size((double)c.OutChannels * (input.Channels / c.Groups) * c.Kernel.Height * c.Kernel.Width, "weights");
            case TransposedConvolutionOperator t:
            {
                if (input.Channels % t.Groups != 0)
                    return Broken(RuleCatalog.GroupsInput, "groups", Invariant($"{Place()} has groups {t.Groups}, which do not divide its {input.Channels} input channels (inChannels must be divisible by groups)"), Divisors(input.Channels, t.OutChannels, t.Groups));
                if (t.OutChannels % t.Groups != 0)
                    return Broken(RuleCatalog.GroupsOutput, "groups", Invariant($"{Place()} has groups {t.Groups}, which do not divide its {t.OutChannels} output channels (outChannels must be divisible by groups)"), Divisors(input.Channels, t.OutChannels, t.Groups));
                if (t.OutputPadding.Height >= Math.Max(t.Stride.Height, t.Dilation.Height) || t.OutputPadding.Width >= Math.Max(t.Stride.Width, t.Dilation.Width))
                    return Broken(RuleCatalog.InvalidValue, "outputPadding", Invariant($"{Place()} has output padding {t.OutputPadding} with stride {t.Stride} and dilation {t.Dilation} (it must be less than one of them)"));
                if ((long)t.Stride.Height * t.Stride.Width > MostPhases)
                    return Broken(RuleCatalog.InvalidValue, LayerPlace.Written(attribute, "StrideHeight", "StrideWidth", "stride"), Invariant($"{Place()} has stride {t.Stride}, which makes {(long)t.Stride.Height * t.Stride.Width:N0} convolutions of it (rows times columns of the stride must be at most {MostPhases:N0})"));
                Shape output = ShapeInference.Output(op, input);
                if (output.Height <= 0 || output.Width <= 0)
                    return TakenAway(t, output);
                return Size((double)input.Channels * (t.OutChannels / t.Groups) * t.Kernel.Height * t.Kernel.Width, "weights") ?? Size(output.Count, "outputs");
            }

            case PixelShuffleOperator p when input.Channels % ((long)p.Factor * p.Factor) != 0:
                return Broken(RuleCatalog.ShuffleGroups, "factor", Invariant($"{Place()} has factor {p.Factor}, whose square does not divide its {input.Channels} channels (channels must be divisible by factor * factor)"),
                    FixProposal.Alternatives("factor", FixProposal.Nearest(p.Factor, (int)Math.Sqrt(input.Channels), factor => input.Channels % (factor * factor) == 0, 3)));
            case UpsampleOperator or AdaptivePoolOperator:
                return Size(ShapeInference.Output(op, input).Count, "outputs");
            case PoolOperator p:
                return PoolPadding(p) ?? Window(p.Kernel, p.Dilation, p.Padding, Math.Min(p.Kernel.Height, p.Kernel.Width) / 2);
            case ChannelShuffleOperator s when input.Channels % s.Groups != 0:
                return Broken(RuleCatalog.ShuffleGroups, "groups", Invariant($"{Place()} has groups {s.Groups}, which do not divide its {input.Channels} channels (channels must be divisible by groups)"), Divisors(input.Channels, input.Channels, s.Groups));
            case ConcatOperator:
                return Size(inputs.Sum(s => s.Count), "outputs");
            case SliceOperator s when s.Start + (long)s.Count > input.Channels:
                return Broken(RuleCatalog.InvalidValue, "count", Invariant($"{Place()} takes channels {s.Start} to {s.Start + (long)s.Count - 1} of {input.Channels} (start + count must be at most the channel count)"));
            case PReLUOperator p when p.Parameters != 1 && p.Parameters != input.Channels:
                return Broken(RuleCatalog.InvalidValue, "numParameters", Invariant($"{Place()} has {p.Parameters} parameters for {input.Channels} channels (numParameters must be 1 or the channel count)"));
            default:
                return null;
        }

        Finding? PoolPadding(PoolOperator p)
        {
            int limitHeight = p.Kernel.Height / 2, limitWidth = p.Kernel.Width / 2;
            bool tall = Math.Max(p.Padding.Top, p.Padding.Bottom) > limitHeight, wide = Math.Max(p.Padding.Left, p.Padding.Right) > limitWidth;
            if (!tall && !wide)
                return null;
            string? argument = LayerPlace.Written(attribute, [.. tall ? PaddingArguments.Sides("Height", "Top", "Bottom", p.Padding.Top > limitHeight) : [], .. wide ? PaddingArguments.Sides("Width", "Left", "Right", p.Padding.Left > limitWidth) : [], "padding", "Padding"]);
            return Broken(
                RuleCatalog.LargePadding, argument, Invariant($"{Place()} has padding {p.Padding} with kernel {p.Kernel} (pooling's padding must be at most half of the kernel)"),
                attribute is null ? [] : [FixProposal.Set(0, PaddingArguments.Edits(attribute, p.Padding, new Padding(Math.Min(p.Padding.Top, limitHeight), Math.Min(p.Padding.Bottom, limitHeight), Math.Min(p.Padding.Left, limitWidth), Math.Min(p.Padding.Right, limitWidth))))]);
        }

        // Padding of a transposed convolution takes pixels away.
        Finding TakenAway(TransposedConvolutionOperator t, Shape output)
        {
            int rows = output.Height + t.Padding.Top + t.Padding.Bottom, columns = output.Width + t.Padding.Left + t.Padding.Right;
            string? argument = LayerPlace.Written(attribute, [.. output.Height <= 0 ? PaddingArguments.Sides("Height", "Top", "Bottom", t.Padding.Top > 0) : [], .. output.Width <= 0 ? PaddingArguments.Sides("Width", "Left", "Right", t.Padding.Left > 0) : [], "padding"]);
            return Broken(
                RuleCatalog.EmptyOutput, argument,
                Invariant($"{Place()} has an empty output: its padding {t.Padding} takes away all of {rows} x {columns} pixels (at least one must remain)"),
                attribute is null ? [] : [.. Paddings().Distinct().Select((padding, rank) => FixProposal.Set(rank, PaddingArguments.Edits(attribute, t.Padding, padding)))]);

            // The largest that leaves a pixel, then the one with which the stride alone decides the size.
            IEnumerable<Padding> Paddings()
            {
                (int top, int bottom) = Leaving(rows, t.Padding.Top, t.Padding.Bottom);
                (int left, int right) = Leaving(columns, t.Padding.Left, t.Padding.Right);
                yield return new Padding(top, bottom, left, right);
                int height = rows - (input.Height * t.Stride.Height), width = columns - (input.Width * t.Stride.Width);
                if (height >= 0 && width >= 0 && height % 2 == 0 && width % 2 == 0)
                    yield return new Padding(height / 2, height / 2, width / 2, width / 2);
            }

            static (int Before, int After) Leaving(int pixels, int before, int after)
            {
                int most = pixels - 1;
                if (before + after <= most)
                    return (before, after);
                int less = Math.Min(Math.Min(before, after), most / 2);
                return before < after ? (less, most - less) : before > after ? (most - less, less) : (less, less);
            }
        }

        Finding? Window(Extent kernel, Extent dilation, Padding padding, int largestPadding = int.MaxValue)
        {
            Shape output = ShapeInference.Output(op, input);
            if (output.Height > 0 && output.Width > 0)
                return Size(output.Count, "outputs");

            int effectiveHeight = ShapeInference.EffectiveKernel(kernel.Height, dilation.Height), effectiveWidth = ShapeInference.EffectiveKernel(kernel.Width, dilation.Width);
            int needed = Math.Max((effectiveHeight - input.Height + 1) / 2, (effectiveWidth - input.Width + 1) / 2);
            string[] axes = [.. output.Height <= 0 ? ["Height"] : Array.Empty<string>(), .. output.Width <= 0 ? ["Width"] : Array.Empty<string>()];
            string? argument = LayerPlace.Written(attribute, [.. axes.Select(axis => "Kernel" + axis), "kernelSize", .. axes.Select(axis => "Dilation" + axis), "dilation"]);
            return Broken(
                RuleCatalog.EmptyOutput, argument,
                Invariant($"{Place()} has an empty output: its kernel of {effectiveHeight} x {effectiveWidth} pixels (dilation included) is larger than the padded input of {input.Height + padding.Top + padding.Bottom} x {input.Width + padding.Left + padding.Right} pixels (the effective kernel must fit)"),
                attribute is null ? [] : [.. Paddings().Distinct().Where(p => p <= largestPadding).Select((p, rank) => FixProposal.Set(rank, PaddingArguments.Edits(attribute, padding, Padding.Symmetric(p, p))))]);

            // The smallest that fits, then the one that keeps the size.
            IEnumerable<int> Paddings()
            {
                yield return needed;
                if (effectiveHeight == effectiveWidth && effectiveHeight % 2 == 1 && effectiveHeight / 2 > needed)
                    yield return effectiveHeight / 2;
            }
        }

        Finding? Size(double count, string what) => count <= MaxElements
            ? null
            : Broken(RuleCatalog.InvalidValue, null, Invariant($"{Place()} has {count:0} {what} (at most {MaxElements} are supported)"));
    }

    /// <summary>The group counts nearest to the wrong one that divide both channel counts.</summary>
    private static FindingProperty[] Divisors(int inChannels, int outChannels, int wrong) =>
        FixProposal.Alternatives("groups", FixProposal.Nearest(wrong, Math.Min(inChannels, outChannels), d => inChannels % d == 0 && outChannels % d == 0, 3));

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
