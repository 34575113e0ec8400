using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>
/// Follows the groups of grouped convolutions through the network. A second grouped convolution whose groups have a divisor in common with
/// those that come in makes networks side by side that never see each other. Depthwise convolutions (one channel a group) keep the
/// groups that come in and begin none of their own, because a 1x1 convolution belongs to them wherever it stands.
/// </summary>
internal static class GroupMixing
{
    public static IEnumerable<(Layer Layer, Finding Finding)> Check(LayerContext context)
    {
        // For each layer the convolution whose groups its output still has, and how many they are.
        (Layer Origin, int Groups)?[] groups = new (Layer, int)?[context.Layers.Count];
        foreach (Layer layer in context.Layers)
        {
            if (layer.Inputs.Count == 0)
                continue;
            (Layer Origin, int Groups)? incoming = groups[layer.Inputs[0]];
            Shape input = context.InputOf(layer);
            if (layer.Operator is ConvolutionOperator { IsLinear: false, Groups: > 1 } c && c.Groups < input.Channels)
            {
                if (incoming is { } before && !before.Origin.IsOfBlock(layer) && Divisor(before.Groups, c.Groups) > 1)
                    yield return (layer, Report(context, layer, c, before.Origin, before.Groups));
                groups[layer.Id] = (layer, c.Groups);
            }
            else if (layer.Operator.KeepsGroups(input))
            {
                groups[layer.Id] = incoming;
            }
        }
    }

    private static Finding Report(LayerContext context, Layer layer, ConvolutionOperator convolution, Layer before, int groups)
    {
        string message = FormattableString.Invariant(
            $"{LayerPlace.Of(convolution, context.InputOf(layer), layer.Name, layer.Origin, context.AttributeOf(layer))} has groups {convolution.Groups} and reads the {groups} groups of \"{before.Name}\" as they are, so that {Divisor(groups, convolution.Groups)} parts of the channels never mix (grouped convolutions need a ChannelShuffle or a 1x1 convolution between them)");
        return new Finding(
            RuleCatalog.GroupsNeverMix.Id, layer.Origin.AttributeIndex, LayerPlace.Written(context.AttributeOf(layer), "groups"), message,
            EquatableArray.Of(new FindingProperty(FixProposal.InsertBefore, FormattableString.Invariant($"ChannelShuffle({groups})")))) { Severity = RuleSeverity.Warning };
    }

    private static int Divisor(int a, int b)
    {
        while (b != 0)
            (a, b) = (b, a % b);
        return a;
    }
}
