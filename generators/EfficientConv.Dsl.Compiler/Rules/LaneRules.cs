using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Graph.Blocks;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>Channel counts that leave lanes of the last vector empty. Only counts that the declaration itself gives are judged.</summary>
internal static class LaneRules
{
    private const int Lanes = 8;

    public static Finding? Check(Layer layer, Shape input, AttributeDeclaration attribute)
    {
        if (layer.Operator is not ConvolutionOperator { IsLinear: false } convolution)
            return null;
        int channels = convolution.OutChannels, padded = (channels + Lanes - 1) / Lanes * Lanes;
        if ((padded - channels) * 4 <= padded || Argument(convolution, layer.Origin.Role, attribute) is not { } argument
            || attribute.Int(argument, 0) == AttributeDeclaration.Unset)
            return null;
        return new Finding(
            RuleCatalog.WastedLanes.Id, layer.Origin.AttributeIndex, argument,
            FormattableString.Invariant($"{LayerPlace.Of(convolution, input, layer.Name, layer.Origin, attribute)} has {channels} channels, which leave {padded - channels} of {padded} vector lanes empty (counts that are multiples of {Lanes} use every lane)"),
            EquatableArray.Of(FixProposal.Set(0, (argument == "expansion" ? "hiddenChannels" : argument, FixProposal.Text(padded))))) { Severity = RuleSeverity.Info };
    }

    /// <summary>The written argument that a layer's channel count comes from.</summary>
    private static string? Argument(ConvolutionOperator convolution, string role, AttributeDeclaration attribute)
    {
        if (role.Length == 0)
            return attribute.Kind is "Conv2d" or "PointwiseConv2d" && convolution.Groups == 1 ? LayerPlace.Written(attribute, "outChannels") : null;

        // Channels that go into a grouped convolution are whole groups.
        return BlockCatalog.Of(attribute.Kind) is { IsPublished: false } block && (role != "reduce" || attribute.Int("groups", 1) == 1)
            ? LayerPlace.Written(attribute, [.. block.Role(role).Channels])
            : null;
    }
}
