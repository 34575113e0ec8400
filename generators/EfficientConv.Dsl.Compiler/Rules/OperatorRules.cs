using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>What must hold of a single operator and the shape that it reads; the first rule broken is reported.</summary>
internal static class OperatorRules
{
    /// <summary>Largest size, count or element count of a tensor: every offset of the generated code is an <see cref="int"/>.</summary>
    private const long MaxElements = int.MaxValue / 8;

    public static Finding? Check(Operator op, IReadOnlyList<Shape> inputs, string name, LayerOrigin origin)
    {
        Shape input = inputs[0];
        Finding Broken(Rule rule, string? argument, string message, params FindingProperty[] properties) =>
            new(rule.Id, origin.AttributeIndex, argument, message, properties.ToEquatableArray());

        string place = origin.Role.Length == 0 ? $"{Kind(op)} \"{name}\"" : $"{Kind(op)} \"{name}\" ({origin.Role} of its block)";
        switch (op)
        {
            case ConvolutionOperator c:
                if (input.Channels % c.Groups != 0)
                    return Broken(RuleCatalog.GroupsInput, "groups", Invariant($"{place} has groups {c.Groups}, which do not divide its {input.Channels} input channels (inChannels must be divisible by groups)"), Divisors(input.Channels, c.OutChannels, c.Groups));
                if (c.OutChannels % c.Groups != 0)
                    return Broken(RuleCatalog.GroupsOutput, "groups", Invariant($"{place} has groups {c.Groups}, which do not divide its {c.OutChannels} output channels (outChannels must be divisible by groups)"), Divisors(input.Channels, c.OutChannels, c.Groups));
                return Window(c.Kernel, c.Dilation, c.Padding) ?? Size((long)c.OutChannels * (input.Channels / c.Groups) * c.Kernel.Height * c.Kernel.Width, "weights");
            case TransposedConvolutionOperator t:
            {
                if (input.Channels % t.Groups != 0)
                    return Broken(RuleCatalog.GroupsInput, "groups", Invariant($"{place} has groups {t.Groups}, which do not divide its {input.Channels} input channels (inChannels must be divisible by groups)"), Divisors(input.Channels, t.OutChannels, t.Groups));
                if (t.OutChannels % t.Groups != 0)
                    return Broken(RuleCatalog.GroupsOutput, "groups", Invariant($"{place} has groups {t.Groups}, which do not divide its {t.OutChannels} output channels (outChannels must be divisible by groups)"), Divisors(input.Channels, t.OutChannels, t.Groups));
                if (t.OutputPadding.Height >= Math.Max(t.Stride.Height, t.Dilation.Height) || t.OutputPadding.Width >= Math.Max(t.Stride.Width, t.Dilation.Width))
                    return Broken(RuleCatalog.InvalidValue, "outputPadding", Invariant($"{place} has output padding {t.OutputPadding} with stride {t.Stride} and dilation {t.Dilation} (it must be less than one of them)"));
                Shape output = ShapeInference.Output(op, input);
                if (output.Height <= 0 || output.Width <= 0)
                    return Broken(RuleCatalog.EmptyOutput, "padding", Invariant($"{place} has an empty output: its padding {t.Padding} takes away all of {output.Height + t.Padding.Top + t.Padding.Bottom} x {output.Width + t.Padding.Left + t.Padding.Right} pixels (at least one must remain)"));
                return Size((long)input.Channels * (t.OutChannels / t.Groups) * t.Kernel.Height * t.Kernel.Width, "weights") ?? Size(output.Count, "outputs");
            }

            case PixelShuffleOperator p when input.Channels % ((long)p.Factor * p.Factor) != 0:
                return Broken(RuleCatalog.ShuffleGroups, "factor", Invariant($"{place} has factor {p.Factor}, whose square does not divide its {input.Channels} channels (channels must be divisible by factor * factor)"));
            case UpsampleOperator or AdaptivePoolOperator:
                return Size(ShapeInference.Output(op, input).Count, "outputs");
            case PoolOperator p:
                if (Math.Max(p.Padding.Top, p.Padding.Bottom) * 2 > p.Kernel.Height || Math.Max(p.Padding.Left, p.Padding.Right) * 2 > p.Kernel.Width)
                    return Broken(RuleCatalog.PoolPadding, "padding", Invariant($"{place} has padding {p.Padding} with kernel {p.Kernel} (pooling's padding must be at most half of the kernel)"));
                return Window(p.Kernel, p.Dilation, p.Padding, Math.Min(p.Kernel.Height, p.Kernel.Width) / 2);
            case ChannelShuffleOperator s when input.Channels % s.Groups != 0:
                return Broken(RuleCatalog.ShuffleGroups, "groups", Invariant($"{place} has groups {s.Groups}, which do not divide its {input.Channels} channels (channels must be divisible by groups)"), Divisors(input.Channels, input.Channels, s.Groups));
            case ConcatOperator:
                return Size(inputs.Sum(s => s.Count), "outputs");
            case SliceOperator s when s.Start + (long)s.Count > input.Channels:
                return Broken(RuleCatalog.InvalidValue, "count", Invariant($"{place} takes channels {s.Start} to {s.Start + (long)s.Count - 1} of {input.Channels} (start + count must be at most the channel count)"));
            case PReLUOperator p when p.Parameters != 1 && p.Parameters != input.Channels:
                return Broken(RuleCatalog.InvalidValue, "numParameters", Invariant($"{place} has {p.Parameters} parameters for {input.Channels} channels (numParameters must be 1 or the channel count)"));
            default:
                return null;
        }

        Finding? Window(Extent kernel, Extent dilation, Padding padding, int largestPadding = int.MaxValue)
        {
            Shape output = ShapeInference.Output(op, input);
            if (output.Height <= 0 || output.Width <= 0)
            {
                int effectiveHeight = ShapeInference.EffectiveKernel(kernel.Height, dilation.Height), effectiveWidth = ShapeInference.EffectiveKernel(kernel.Width, dilation.Width);
                int needed = Math.Max((effectiveHeight - input.Height + 1) / 2, (effectiveWidth - input.Width + 1) / 2);
                return Broken(
                    RuleCatalog.EmptyOutput, "kernelSize",
                    Invariant($"{place} has an empty output: its kernel of {effectiveHeight} x {effectiveWidth} pixels (dilation included) is larger than the padded input of {input.Height + padding.Top + padding.Bottom} x {input.Width + padding.Left + padding.Right} pixels (the effective kernel must fit)"),
                    needed <= largestPadding ? [new FindingProperty("padding", Invariant($"{needed}"))] : []);
            }

            return Size(output.Count, "outputs");
        }

        Finding? Size(long count, string what) => count <= MaxElements
            ? null
            : Broken(RuleCatalog.InvalidValue, null, Invariant($"{place} has {count} {what} (at most {MaxElements} are supported)"));
    }

    /// <summary>The group counts nearest to the wrong one that divide both channel counts.</summary>
    private static FindingProperty Divisors(int inChannels, int outChannels, int wrong)
    {
        IEnumerable<int> divisors = Enumerable.Range(1, Math.Min(inChannels, outChannels))
            .Where(d => inChannels % d == 0 && outChannels % d == 0)
            .OrderBy(d => Math.Abs(d - wrong)).ThenBy(d => d).Take(3);
        return new FindingProperty("groups", string.Join(",", divisors.Select(d => Invariant($"{d}"))));
    }

    private static string Kind(Operator op) => op switch
    {
        ConvolutionOperator { IsLinear: true } => "Linear",
        ConvolutionOperator => "Conv2d",
        BatchNormOperator => "BatchNorm",
        PoolOperator { IsMaximum: true } => "MaxPool2d",
        PoolOperator => "AvgPool2d",
        ChannelShuffleOperator => "ChannelShuffle",
        PReLUOperator => "PReLU",
        TransposedConvolutionOperator => "ConvTranspose2d",
        SliceOperator => "SliceChannels",
        _ => op.GetType().Name.Replace("Operator", string.Empty),
    };

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
