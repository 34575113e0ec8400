using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph.Blocks;

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
            return origin.Source is { } source ? $"{kind} \"{name}\" ({source})" : $"{kind} \"{name}\"";
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
    private static string Reason(Operator op, Shape input, LayerOrigin origin, AttributeDeclaration? attribute) =>
        attribute is not null && op is ConvolutionOperator convolution ? BlockCatalog.Of(attribute.Kind).ChannelReason(convolution, input, origin.Role, attribute) : string.Empty;
}
