using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>
/// Everything that is wrong with a declaration: the error that stopped the expansion, wrong values in attributes after it (which do not depend on
/// shapes), and what the other attributes' layers give reason to warn of.
/// </summary>
internal static class NetworkRules
{
    public static IReadOnlyList<Finding> Check(NetworkDeclaration declaration, ExpansionResult expansion)
    {
        List<Finding> findings = [.. expansion.Findings];
        if (expansion.Graph is null)
            findings.AddRange(ValueRules.Check(declaration, expansion.Findings));
        HashSet<int> wrong = [.. findings.Select(finding => finding.AttributeIndex)];
        LayerContext context = new(declaration, expansion.Layers);
        List<(Layer Layer, Finding Finding)> advice = [];
        foreach (Layer layer in context.Layers)
        {
            if (layer.Inputs.Count > 0 && !wrong.Contains(layer.Origin.AttributeIndex) && context.AttributeOf(layer) is { } attribute)
                advice.AddRange(Advise(context, layer, attribute).Select(finding => (layer, finding)));
        }

        advice.AddRange(GroupMixing.Check(context));
        findings.AddRange(Placed(advice));
        if (expansion.Graph is { } graph)
            findings.AddRange(BudgetRules.Check(declaration, graph));
        return findings;
    }

    /// <summary>
    /// What concerns a layer of a template is reported once on the <c>Use</c> that places it, however many copies it makes: the argument at fault stands in the
    /// template, where no finding of this class can point.
    /// </summary>
    private static IEnumerable<Finding> Placed(IEnumerable<(Layer Layer, Finding Finding)> advice)
    {
        HashSet<(string, int, string, int)> seen = [];
        foreach ((Layer layer, Finding finding) in advice)
        {
            if (layer.Origin.Inside is not { } part)
                yield return finding;
            else if (seen.Add((finding.RuleId, finding.AttributeIndex, part.Template, part.Index)))
                yield return finding with { Argument = null, Properties = [], Message = $"{finding.Message}; it stands in {part.Template}" };
        }
    }

    private static IEnumerable<Finding> Advise(LayerContext context, Layer layer, AttributeDeclaration attribute)
    {
        Shape input = context.InputOf(layer);
        if (SpatialRules.Check(context, layer, input, attribute) is { } spatial)
            yield return spatial;
        if (SqueezeRules.Check(layer, input, attribute) is { } squeeze)
            yield return squeeze;
        if (LaneRules.Check(layer, input, attribute) is { } lanes)
            yield return lanes;
        if (CostRules.Check(context, layer, attribute) is { } cost)
            yield return cost;
        if (OrderRules.Check(context, layer, input, attribute) is { } order)
            yield return order;
    }
}
