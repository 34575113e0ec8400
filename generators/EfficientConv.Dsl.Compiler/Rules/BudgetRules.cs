using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>What a network costs against its <c>Budget</c>.</summary>
internal static class BudgetRules
{
    private const int Culprits = 3;

    public static IEnumerable<Finding> Check(NetworkDeclaration declaration, LayerGraph graph)
    {
        for (int i = 0; i < declaration.Attributes.Count; i++)
        {
            AttributeDeclaration budget = declaration.Attributes[i];
            if (budget.Kind != Expansion.Budget)
                continue;
            NetworkCost cost = NetworkCostModel.Measure(graph);
            foreach (Finding finding in Check(declaration, budget, i, cost))
                yield return finding;
        }
    }

    private static IEnumerable<Finding> Check(NetworkDeclaration declaration, AttributeDeclaration budget, int index, NetworkCost cost)
    {
        (string Argument, string Unit, long Actual, Func<LayerCost, long> Share)[] limits =
        [
            ("maxMultiplyAdds", "multiply-adds", cost.MultiplyAdds, layer => layer.MultiplyAdds),
            ("maxParameters", "parameters", cost.Parameters, layer => layer.Parameters),
            ("maxPeakActivationBytes", "bytes of activations at its peak", cost.PeakBytesLayerwise, layer => layer.LiveBytes),
        ];
        foreach ((string argument, string unit, long actual, Func<LayerCost, long> share) in limits)
        {
            if (!budget.IsExplicit(argument) || budget.Long(argument, long.MaxValue) is var limit && actual <= limit)
                continue;
            IEnumerable<string> most = cost.Layers.OrderByDescending(share).Take(Culprits).Select(layer => FormattableString.Invariant($"\"{layer.Name}\" {share(layer):N0}"));
            yield return new Finding(
                RuleCatalog.BudgetExceeded.Id, index, argument,
                FormattableString.Invariant($"\"{declaration.Name}\" takes {actual:N0} {unit}, {actual - limit:N0} more than its budget of {limit:N0} (the layers that cost most are {string.Join(", ", most)})"));
        }
    }
}
