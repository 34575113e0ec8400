using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>Plain layers in an order in which one of them does nothing, or harm.</summary>
internal static class OrderRules
{
    public static Finding? Check(LayerContext context, Layer layer, Shape input, AttributeDeclaration attribute)
    {
        if (layer.Origin.Role.Length > 0)
            return null;
        if (layer.Operator is ConvolutionOperator { Bias: true, IsLinear: false } && context.SoleReader(layer) is { Operator: BatchNormOperator or InstanceNormOperator } norm)
        {
            string kind = norm.Operator is BatchNormOperator ? "batch norm" : "instance norm";
            return Report(
                RuleCatalog.BiasBeforeNorm, LayerPlace.Written(attribute, "bias"),
                FormattableString.Invariant($"has a bias of {layer.Output.Channels} values straight before {kind} \"{norm.Name}\", which subtracts it again"),
                $"a convolution before {kind} needs no bias", FixProposal.Set(0, ("bias", "false")));
        }

        if (!IsActivation(layer))
            return null;

        // An attribute with a name may be read elsewhere, so it cannot simply go.
        FindingProperty[] removal = attribute.Text("Name") is null ? [new FindingProperty(FixProposal.Remove, string.Empty)] : [];
        Layer before = context.SourceOf(layer);
        if (IsActivation(before))
            return Report(RuleCatalog.RedundantActivation, null, $"follows the activation \"{before.Name}\" directly", "one activation between two layers is enough", removal);
        Layer projection = before.Operator is BatchNormOperator ? context.SourceOf(before) : before;
        if (projection.Operator is ConvolutionOperator { IsLinear: false, Groups: 1 } c && c.Kernel == Extent.Square(1) && c.OutChannels < context.InputOf(projection).Channels
            && context.SoleReader(layer) is { Operator: AddOperator } add)
        {
            return Report(
                RuleCatalog.RedundantActivation, null,
                FormattableString.Invariant($"follows the projection \"{projection.Name}\" from {context.InputOf(projection).Channels} to {c.OutChannels} channels, whose output \"{add.Name}\" adds"),
                "a projection that is added stays linear, because the activation would destroy what the few channels hold", removal);
        }

        return null;

        Finding Report(Rule rule, string? argument, string fact, string reason, params FindingProperty[] properties) => new(
            rule.Id, layer.Origin.AttributeIndex, argument, $"{LayerPlace.Of(layer.Operator, input, layer.Name, layer.Origin, attribute)} {fact} ({reason})",
            properties.ToEquatableArray()) { Severity = rule.Severity };
    }

    private static bool IsActivation(Layer layer) => layer.Operator is PReLUOperator or ActivationOperator { Function.IsNone: false };
}
