using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>A reduction that does not divide the channels of a squeeze-and-excitation.</summary>
internal static class SqueezeRules
{
    public static Finding? Check(Layer layer, Shape input, AttributeDeclaration attribute)
    {
        string? argument = attribute.Kind switch
        {
            "SqueezeExcitation" => "reduction",
            "InvertedResidual" or "EfficientConvBlock" => "squeezeReduction",
            _ => null,
        };
        if (argument is null || layer.Origin.Role != "se_reduce" || attribute.Int("squeezeChannels") != AttributeDeclaration.Unset
            || attribute.Int(argument) is not (> 1 and var reduction) || input.Channels % reduction == 0)
            return null;
        return new Finding(
            RuleCatalog.SqueezeReduction.Id, layer.Origin.AttributeIndex, LayerPlace.Written(attribute, argument),
            FormattableString.Invariant($"{LayerPlace.Of(layer.Operator, input, layer.Name, layer.Origin, attribute)} has {argument} {reduction}, which does not divide its {input.Channels} channels, so that {input.Channels / reduction} are left of {(double)input.Channels / reduction:0.##} (channels / reduction should be an integer)"),
            FixProposal.Divisors(argument, input.Channels, reduction).ToEquatableArray()) { Severity = RuleSeverity.Warning };
    }
}
