using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>How a message names a layer, and which of its attribute's arguments it points at.</summary>
internal static class LayerPlace
{
    /// <summary>
    /// The attribute and its name; for a layer that a block made, also which one it is and how its channels came about:
    /// <c>InvertedResidual "3" (its layer depthwise: 3x3 convolution of 144 to 144 channels, 144 = 24 x expansion 6)</c>.
    /// </summary>
    public static string Of(Operator op, Shape input, string name, LayerOrigin origin, AttributeDeclaration? attribute)
    {
        string kind = attribute?.Kind ?? Kind(op);
        if (origin.Role.Length == 0)
            return $"{kind} \"{name}\"";
        string block = name.EndsWith("." + origin.Role, StringComparison.Ordinal) ? name.Substring(0, name.Length - origin.Role.Length - 1) : name;
        return $"{kind} \"{block}\" (its layer {origin.Role}: {Describe(op, input)}{Reason(op, input, attribute)})";
    }

    /// <summary>The first of <paramref name="arguments"/> that the source writes itself; null when it writes none, so that the whole attribute is marked.</summary>
    public static string? Written(AttributeDeclaration? attribute, params string[] arguments) =>
        attribute is null ? null : arguments.FirstOrDefault(attribute.IsExplicit);

    private static string Describe(Operator op, Shape input) => op switch
    {
        ConvolutionOperator c => FormattableString.Invariant($"{c.Kernel} convolution of {input.Channels} to {c.OutChannels} channels"),
        _ => FormattableString.Invariant($"{Kind(op)} of {input}"),
    };

    private static string Reason(Operator op, Shape input, AttributeDeclaration? attribute)
    {
        if (attribute is null || op is not ConvolutionOperator)
            return string.Empty;
        if (attribute.IsExplicit("hiddenChannels"))
            return FormattableString.Invariant($", hiddenChannels {attribute.Int("hiddenChannels")}");
        if (attribute.Find("expansion") is not null && op is ConvolutionOperator { Groups: > 1 })
        {
            double expansion = attribute.Double("expansion", 1);
            return FormattableString.Invariant($", {input.Channels} = {input.Channels / expansion} x expansion {expansion}");
        }

        return attribute.IsExplicit("midChannels") ? FormattableString.Invariant($", midChannels {attribute.Int("midChannels")}") : string.Empty;
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
        _ => op.GetType().Name.Replace("Operator", string.Empty),
    };
}
