namespace EfficientConv.Dsl.Import;

/// <summary>
/// A model without the sigmoid or softmax that its outputs end with. They squash: where a sigmoid is 0.9999 an error of the network hardly shows, before it it does.
/// </summary>
internal sealed class FinalActivations
{
    /// <summary>What shows the same values in another shape or order, or beside others.</summary>
    private static readonly string[] s_views = ["Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Concat"];

    private readonly Model _tail;

    private FinalActivations(Model model, Model tail, IReadOnlyList<bool> isFinal) => (Model, _tail, IsFinal) = (model, tail, isFinal);

    /// <summary>The model with the same outputs, each before its last activation.</summary>
    public Model Model { get; }

    /// <summary>For each output, whether it had one.</summary>
    public IReadOnlyList<bool> IsFinal { get; }

    /// <summary>Those of <paramref name="imported"/>; null where no output has one.</summary>
    public static FinalActivations? Of(ImportedModel imported)
    {
        Model source = imported.Source, rewritten = imported.Rewritten;

        // Exporters spell a softmax out in five nodes, which are one in the rewritten model; what it reads and makes has the same names in the file.
        Dictionary<string, Node> makers = Makers(rewritten);
        HashSet<string> known = [.. Makers(source).Keys];
        Dictionary<string, string> inFront = [];
        List<bool> isFinal = [.. source.Outputs.Select(output => Find(output) > 0)];
        if (inFront.Count == 0)
            return null;

        // All that is computed of the activations' outputs is computed anew.
        HashSet<string> changed = [.. inFront.Keys];
        List<Node> others = [], tail = [.. inFront.Select(pair => new Node("Identity", pair.Key, [pair.Value], [pair.Key], new Dictionary<string, object>()))];
        int activations = tail.Count;
        foreach (Node node in source.Nodes.Where(node => !node.Outputs.Any(inFront.ContainsKey)))
        {
            bool isBehind = node.Inputs.Any(changed.Contains);
            (isBehind ? tail : others).Add(node);
            if (isBehind)
                changed.UnionWith(node.Outputs);
        }

        Model whole = source with { Nodes = NodeOrder.Sort(source.File, [.. others, .. tail], [.. source.Constants.Keys, source.Input, string.Empty], source.Outputs) };
        return new FinalActivations(whole, source with { Nodes = tail }, isFinal);

        int Find(string tensor)
        {
            if (!makers.TryGetValue(tensor, out Node? node))
                return 0;
            if (s_views.Contains(node.Operator))
                return node.Inputs.Sum(Find);
            if (node.Operator is not ("Sigmoid" or "Softmax") || !known.Contains(tensor) || !known.Contains(node.Inputs[0]))
                return 0;
            inFront[tensor] = node.Inputs[0];
            return 1;
        }
    }

    /// <summary>The outputs before their activations, of all <paramref name="tensors"/> of the model as the file has it.</summary>
    public double[] Reference(Tensor image, IReadOnlyDictionary<string, Tensor> tensors)
    {
        HashSet<string> made = [.. _tail.Nodes.SelectMany(node => node.Outputs)];
        Model tail = _tail with { Constants = tensors.Where(pair => !made.Contains(pair.Key)).ToDictionary(pair => pair.Key, pair => pair.Value) };
        return ImportedModel.Outputs(tail, ImportedModel.Run(tail, image));
    }

    private static Dictionary<string, Node> Makers(Model model) =>
        model.Nodes.SelectMany(node => node.Outputs.Where(output => output.Length > 0).Select(output => (output, node))).ToDictionary(pair => pair.output, pair => pair.node);
}
