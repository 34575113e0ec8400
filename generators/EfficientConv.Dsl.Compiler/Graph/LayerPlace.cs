using EfficientConv.Dsl.Compiler.Declarations;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>How a message names a layer, and which of its attribute's arguments it points at.</summary>
internal static class LayerPlace
{
    /// <summary>
    /// The attribute and its name; for a layer that a block made, also which one it is and how its channels came about:
    /// <c>InvertedResidual "3" (its layer depthwise: 3x3 convolution of 144 to 144 channels, 144 = 24 x expansion 6)</c>.
    /// </summary>
    public static string Of(Operator op, Shape input, string name, LayerOrigin origin, AttributeDeclaration? attribute)
    {
        string kind = attribute?.Kind ?? op.Name;
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
        _ => FormattableString.Invariant($"{op.Name} of {input}"),
    };

    /// <summary>How the layer's channels follow from the block's arguments; empty where they are the input's or the output's.</summary>
    private static string Reason(Operator op, Shape input, LayerOrigin origin, AttributeDeclaration? attribute)
    {
        if (attribute is null || op is not ConvolutionOperator c)
            return string.Empty;
        if (attribute.IsExplicit("hiddenChannels"))
        {
            // The first ghost module makes the hidden channels half by half.
            int given = attribute.Int("hiddenChannels");
            bool follows = c.OutChannels == given || input.Channels == given || origin.Role.StartsWith("ghost1", StringComparison.Ordinal);
            return follows ? FormattableString.Invariant($", hiddenChannels {given}") : string.Empty;
        }

        if (attribute.Find("expansion") is not null && Hidden(c, input, attribute.Kind, origin.Role) is { } hidden)
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
        if (argument is null || !attribute.IsExplicit(argument))
            return string.Empty;
        int value = attribute.Int(argument);
        return attribute.Kind switch
        {
            "ResNetBottleneck" => Planes(c, origin.Role, attribute, value),
            "ShuffleUnitV1" => Share(c, origin.Role, value, 4),
            "ShuffleUnitV2" => Share(c, origin.Role, value, 2),
            _ => FormattableString.Invariant($", {argument} {value}"),
        };
    }

    /// <summary>torchvision's width of the inner layers, and four times the planes at the end.</summary>
    private static string Planes(ConvolutionOperator convolution, string role, AttributeDeclaration attribute, int planes) => role is "conv3" or "downsample"
        ? FormattableString.Invariant($", {convolution.OutChannels} = 4 x planes {planes}")
        : convolution.OutChannels == planes
            ? FormattableString.Invariant($", planes {planes}")
            : FormattableString.Invariant($", {convolution.OutChannels} = planes {planes} x baseWidth {attribute.Int("baseWidth", 64)} / 64 x groups {attribute.Int("groups", 1)}");

    /// <summary>The part of a shuffle unit's output channels that a layer makes; its first depthwise convolution has the input's.</summary>
    private static string Share(ConvolutionOperator convolution, string role, int outChannels, int parts) => convolution.OutChannels switch
    {
        _ when role == "branch1_depthwise" => string.Empty,
        var channels when channels == outChannels => FormattableString.Invariant($", outChannels {outChannels}"),
        var channels when role == "expand" => FormattableString.Invariant($", {channels} = outChannels {outChannels} - {outChannels - channels} of the input's means"),
        var channels when channels == outChannels / parts => FormattableString.Invariant($", {channels} = outChannels {outChannels} / {parts}"),
        _ => string.Empty,
    };

    /// <summary>The hidden channels that a layer of an expanding block writes or reads; null for layers whose channels are not the hidden ones.</summary>
    private static int? Hidden(ConvolutionOperator convolution, Shape input, string kind, string role) => role switch
    {
        "start" or "end" => null,
        "depthwise" when kind == "ConvNeXtBlock" => null,
        _ when convolution.Groups > 1 && convolution.Groups == input.Channels => convolution.OutChannels,
        "expand" => convolution.OutChannels,
        "project" => input.Channels,
        _ => null,
    };
}
