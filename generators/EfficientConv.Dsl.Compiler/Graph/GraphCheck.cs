using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>What must hold of a graph that does not come from attributes, where expansion would have seen to it.</summary>
internal static class GraphCheck
{
    /// <summary>What is wrong with <paramref name="graph"/>, layer by layer; nothing is said of layers that read a wrong one.</summary>
    public static IEnumerable<Finding> Check(LayerGraph graph)
    {
        if (graph.Layers.Count < 2 || graph.Layers[0].Operator is not InputOperator)
        {
            yield return Broken(default, "The graph", "has no layer behind its input (layer 0 is the input, and at least one layer reads it)");
            yield break;
        }

        bool[] isWrong = new bool[graph.Layers.Count];
        HashSet<string> names = [graph.Layers[0].Name];
        for (int i = 1; i < graph.Layers.Count; i++)
        {
            Layer layer = graph.Layers[i];
            Finding? finding = layer.Inputs.Any(input => input < 0 || input >= i)
                ? Broken(layer, FormattableString.Invariant($"is layer {i} and reads the layers {string.Join(", ", layer.Inputs)} (layers stand in topological order)"))
                : layer.Inputs.Any(input => isWrong[input]) ? null : Check(graph, layer, i, names);
            names.Add(layer.Name);
            isWrong[i] = finding is not null || layer.Inputs.Any(input => input < 0 || input >= i || isWrong[input]);
            if (finding is not null)
                yield return finding;
        }

        foreach (NetworkOutput output in graph.NamedOutputs)
        {
            if (output.Layer < 0 || output.Layer >= graph.Layers.Count)
                yield return Broken(default, $"Output \"{output.Name}\"", FormattableString.Invariant($"is made by layer {output.Layer} (there are layers 0 to {graph.Layers.Count - 1})"));
            else if (!SequenceExpansion.IsName(output.Name))
                yield return Broken(default, $"Output \"{output.Name}\"", "has no name that can be written (letters, digits, '_', '-' and '.')");
        }

        foreach (string name in graph.NamedOutputs.GroupBy(output => output.Name).Where(group => group.Count() > 1).Select(group => group.Key))
            yield return new Finding(RuleCatalog.DuplicateName.Id, -1, null, $"Output \"{name}\" is there more than once (a name may be given once)");
    }

    private static Finding? Check(LayerGraph graph, Layer layer, int place, HashSet<string> names)
    {
        if (layer.Id != place)
            return Broken(layer, FormattableString.Invariant($"has id {layer.Id} and is layer {place} (a layer's id is its place)"));
        if (layer.Operator is InputOperator)
            return Broken(layer, "is a second input (a network has one)");
        if (names.Contains(layer.Name))
            return new Finding(RuleCatalog.DuplicateName.Id, -1, null, $"{Place(layer)} has the name of a layer before it (a name may be given once)");
        Shape[] inputs = [.. layer.Inputs.Select(input => graph.Layers[input].Output)];
        (int least, int most) = layer.Operator.Arity;
        if (inputs.Length < least || inputs.Length > most)
            return Broken(layer, FormattableString.Invariant($"reads {inputs.Length} tensors (it must be {least}{(most == least ? string.Empty : " or more")})"));
        if (layer.Operator.Check(new OperatorSite(layer.Operator, inputs, layer.Name, layer.Origin, null)) is { } finding)
            return finding;
        Shape output = layer.Operator.Output(inputs);
        return output == layer.Output ? null : Broken(layer, $"has an output of {layer.Output} (it makes {output} of {string.Join(" and ", inputs)})");
    }

    private static Finding Broken(Layer layer, string fact) => Broken(layer.Origin, Place(layer), fact);

    private static Finding Broken(LayerOrigin origin, string place, string fact) =>
        new(RuleCatalog.InvalidValue.Id, origin == default ? -1 : origin.AttributeIndex, null, $"{place} {fact}");

    private static string Place(Layer layer) => LayerPlace.Of(layer.Operator, default, layer.Name, layer.Origin, null);
}
