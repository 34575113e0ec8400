using EfficientConv.Dsl.Compiler.Declarations;

namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>How the channels of a layer follow from its block's arguments, for messages.</summary>
internal static class ChannelReasons
{
    /// <summary>They are the input's or the output's.</summary>
    public static string None(ConvolutionOperator convolution, Shape input, string role, AttributeDeclaration attribute) => string.Empty;

    /// <summary>Hidden channels, given or by the expansion.</summary>
    public static string Hidden(ConvolutionOperator convolution, Shape input, string role, AttributeDeclaration attribute)
    {
        if (attribute.IsExplicit("hiddenChannels"))
        {
            // The first ghost module makes the hidden channels half by half.
            int given = attribute.Int("hiddenChannels");
            bool follows = convolution.OutChannels == given || input.Channels == given || role.StartsWith("ghost1", StringComparison.Ordinal);
            return follows ? FormattableString.Invariant($", hiddenChannels {given}") : string.Empty;
        }

        if (attribute.Find("expansion") is null || HiddenOf(convolution, input, role) is not { } hidden)
            return string.Empty;
        double expansion = attribute.Double("expansion", 1), channels = hidden / expansion;
        return channels == Math.Floor(channels) && attribute.Int("ChannelDivisor", 0) <= 0
            ? FormattableString.Invariant($", {hidden} = {channels} x expansion {expansion}")
            : FormattableString.Invariant($", {hidden} = the block's input channels x expansion {expansion}, rounded");
    }

    /// <summary>The same where the depthwise convolution stands before the expansion and has the input's channels.</summary>
    public static string HiddenAfterDepthwise(ConvolutionOperator convolution, Shape input, string role, AttributeDeclaration attribute) =>
        role == "depthwise" && !attribute.IsExplicit("hiddenChannels") ? string.Empty : Hidden(convolution, input, role, attribute);

    /// <summary>The first of the role's own arguments that is written.</summary>
    public static string Argument(ConvolutionOperator convolution, Shape input, string role, AttributeDeclaration attribute) =>
        Written(attribute, [.. BlockCatalog.Of(attribute.Kind).Role(role).Channels]);

    /// <summary>The channels of the window, which all layers have to do with.</summary>
    public static string Middle(ConvolutionOperator convolution, Shape input, string role, AttributeDeclaration attribute) => Written(attribute, "midChannels");

    /// <summary>torchvision's width of the inner layers, and four times the planes at the end.</summary>
    public static string Planes(ConvolutionOperator convolution, Shape input, string role, AttributeDeclaration attribute)
    {
        if (!attribute.IsExplicit("planes"))
            return string.Empty;
        int planes = attribute.Int("planes");
        return role is "conv3" or "downsample"
            ? FormattableString.Invariant($", {convolution.OutChannels} = 4 x planes {planes}")
            : convolution.OutChannels == planes
                ? FormattableString.Invariant($", planes {planes}")
                : FormattableString.Invariant($", {convolution.OutChannels} = planes {planes} x baseWidth {attribute.Int("baseWidth", 64)} / 64 x groups {attribute.Int("groups", 1)}");
    }

    /// <summary>The part of a shuffle unit's output channels that a layer makes; its first depthwise convolution has the input's.</summary>
    public static Func<ConvolutionOperator, Shape, string, AttributeDeclaration, string> Share(int parts) => (convolution, _, role, attribute) =>
    {
        if (!attribute.IsExplicit("outChannels"))
            return string.Empty;
        int outChannels = attribute.Int("outChannels");
        return convolution.OutChannels switch
        {
            _ when role == "branch1_depthwise" => string.Empty,
            var channels when channels == outChannels => FormattableString.Invariant($", outChannels {outChannels}"),
            var channels when role == "expand" => FormattableString.Invariant($", {channels} = outChannels {outChannels} - {outChannels - channels} of the input's means"),
            var channels when channels == outChannels / parts => FormattableString.Invariant($", {channels} = outChannels {outChannels} / {parts}"),
            _ => string.Empty,
        };
    };

    private static string Written(AttributeDeclaration attribute, params string[] arguments) =>
        LayerPlace.Written(attribute, arguments) is { } argument ? FormattableString.Invariant($", {argument} {attribute.Int(argument)}") : string.Empty;

    /// <summary>The hidden channels that a layer of an expanding block writes or reads; null for layers whose channels are not the hidden ones.</summary>
    private static int? HiddenOf(ConvolutionOperator convolution, Shape input, string role) => role switch
    {
        "start" or "end" => null,
        _ when convolution.Groups > 1 && convolution.Groups == input.Channels => convolution.OutChannels,
        "expand" => convolution.OutChannels,
        "project" => input.Channels,
        _ => null,
    };
}
