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
        return $"{kind} \"{block}\" (its layer {origin.Role}: {Describe(op, input)}{Reason(op, input, origin, attribute)})";
    }

    /// <summary>The first of <paramref name="arguments"/> that the source writes itself; null when it writes none, so that the whole attribute is marked.</summary>
    public static string? Written(AttributeDeclaration? attribute, params string[] arguments) =>
        attribute is null ? null : arguments.FirstOrDefault(attribute.IsExplicit);

    private static string Describe(Operator op, Shape input) => op switch
    {
        ConvolutionOperator c => FormattableString.Invariant($"{c.Kernel} convolution of {input.Channels} to {c.OutChannels} channels"),
        _ => FormattableString.Invariant($"{Kind(op)} of {input}"),
    };

    /// <summary>How the layer's channels follow from the block's arguments; empty where they are the input's or the output's.</summary>
    private static string Reason(Operator op, Shape input, LayerOrigin origin, AttributeDeclaration? attribute)
    {
        if (attribute is null || op is not ConvolutionOperator c)
            return string.Empty;
        if (attribute.IsExplicit("hiddenChannels"))
            return FormattableString.Invariant($", hiddenChannels {attribute.Int("hiddenChannels")}");
        if (attribute.Find("expansion") is not null && Hidden(c, input, origin.Role) is { } hidden)
        {
            double expansion = attribute.Double("expansion", 1), channels = hidden / expansion;
            return channels == Math.Floor(channels) && attribute.Int("ChannelDivisor", 0) <= 0
                ? FormattableString.Invariant($", {hidden} = {channels} x expansion {expansion}")
                : FormattableString.Invariant($", {hidden} = the block's input channels x expansion {expansion}, rounded");
        }

        string? argument = attribute.Kind switch
        {
            "ResNetBottleneck" => "planes",
            "Fire" => origin.Role switch { "squeeze" => "squeezeChannels", "expand1x1" => "expand1x1Channels", "expand3x3" => "expand3x3Channels", _ => null },
            "ShuffleUnitV1" or "ShuffleUnitV2" => "outChannels",
            _ => "midChannels",
        };
        return argument is not null && attribute.IsExplicit(argument) ? FormattableString.Invariant($", {argument} {attribute.Int(argument)}") : string.Empty;
    }

    /// <summary>The hidden channels that a layer of an expanding block writes or reads; null for layers whose channels are not the hidden ones.</summary>
    private static int? Hidden(ConvolutionOperator convolution, Shape input, string role) => role switch
    {
        _ when convolution.Groups > 1 && convolution.Groups == input.Channels => convolution.OutChannels,
        "expand" => convolution.OutChannels,
        "project" => input.Channels,
        _ => null,
    };

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
        AdaptivePoolOperator { IsMaximum: true } => "AdaptiveMaxPool2d",
        AdaptivePoolOperator => "AdaptiveAvgPool2d",
        _ => op.GetType().Name.Replace("Operator", string.Empty),
    };
}
