using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>A graph as attributes.</summary>
/// <param name="Attributes">The attributes in order, the marker first.</param>
/// <param name="Findings">The layers that no attribute says.</param>
public sealed record WrittenGraph(EquatableArray<AttributeDeclaration> Attributes, EquatableArray<Finding> Findings);

/// <summary>
/// Writes a layer graph as the attributes of its layers, the inverse of <see cref="Expansion"/>: they expand to the same operators on the same tensors, in the same order, and
/// keep the canonical state-dict keys, by a name where the place in the list says another. Blocks are written as their layers; branches that are trained apart, as their sum.
/// </summary>
public static class AttributeWriter
{
    /// <summary>The attributes of <paramref name="graph"/>.</summary>
    public static WrittenGraph Write(LayerGraph graph)
    {
        List<AttributeDeclaration> attributes = [Marker(graph), .. graph.Image is { } image ? [Image(image)] : Array.Empty<AttributeDeclaration>()];
        List<Finding> findings = [];
        string?[] names = Names(graph);
        EquatableArray<NetworkOutput> outputs = graph.NamedOutputs;
        int current = 0, module = 0, written = 0;
        AddOutputs();
        foreach (Layer layer in graph.Layers.Skip(1))
        {
            if (layer.Operator.Attribute([.. layer.Inputs.Select(input => graph.Layers[input].Output)]) is not { } attribute)
            {
                findings.Add(new Finding(
                    RuleCatalog.InvalidValue.Id, layer.Origin.AttributeIndex, null,
                    $"{LayerPlace.Of(layer.Operator, graph.Layers[layer.Inputs[0]].Output, layer.Name, layer.Origin, null)} is {layer.Operator}, which no attribute says"));
                current = layer.Id;
                continue;
            }

            bool isModule = !GraphExpansion.Handles(attribute.Kind);
            ContinueFrom(layer.Inputs[0]);
            attributes.Add(attribute with { Arguments = Tensors(layer).Concat(attribute.Arguments).Concat(Name(layer, isModule ? module : -1)).ToEquatableArray() });
            if (isModule)
                module++;
            current = layer.Id;
            AddOutputs();
        }

        while (written < outputs.Count)
        {
            ContinueFrom(outputs[written].Layer);
            AddOutputs();
        }

        ContinueFrom(graph.Last.Id);
        return new WrittenGraph(attributes.ToEquatableArray(), findings.ToEquatableArray());

        // An output stands behind its layer, unless one of a later layer lies in front of it in the span.
        void AddOutputs()
        {
            for (; written < outputs.Count && outputs[written].Layer == current; written++)
                attributes.Add(new WrittenAttribute("Output").With("output", outputs[written].Name).Done());
        }

        void ContinueFrom(int tensor)
        {
            if (tensor != current)
                attributes.Add(new WrittenAttribute("From").With("tensor", names[tensor]!).Done());
            current = tensor;
        }

        IEnumerable<AttributeArgument> Tensors(Layer layer)
        {
            string[] others = [.. layer.Inputs.Skip(1).Select(input => names[input]!)];
            return layer.Operator switch
            {
                ConcatOperator => [new AttributeArgument("tensors", others.ToEquatableArray(), IsExplicit: true)],
                _ => others.Select(other => new AttributeArgument("tensor", other, IsExplicit: true)),
            };
        }

        IEnumerable<AttributeArgument> Name(Layer layer, int place) =>
            names[layer.Id] is { } name && (name != FormattableString.Invariant($"{place}") || IsRead(graph, layer)) ? [new AttributeArgument("Name", name, IsExplicit: true)] : [];
    }

    private static AttributeDeclaration Marker(LayerGraph graph) => new WrittenAttribute(Expansion.Marker)
        .With("channels", graph.Input.Channels).With("height", graph.Input.Height).With("width", graph.Input.Width)
        .With("Layout", graph.IsChannelsLast ? SpanLayout.NHWC : SpanLayout.NCHW, SpanLayout.NCHW).Done();

    private static AttributeDeclaration Image(ImageInput image) => new WrittenAttribute(ImageInput.Kind)
        .With("mean", image.Mean.Select(WrittenAttribute.Shortest).ToEquatableArray()).With("std", image.Std.Select(WrittenAttribute.Shortest).ToEquatableArray()).Done();

    /// <summary>
    /// Whether an attribute further down names its output: another layer than the next reads it, it is not the first that one reads, or it is an output that one of a later
    /// layer or a later layer comes before.
    /// </summary>
    private static bool IsRead(LayerGraph graph, Layer layer) =>
        graph.Layers.Any(reader => reader.Inputs.Skip(1).Contains(layer.Id) || (reader.Inputs.Count > 0 && reader.Inputs[0] == layer.Id && reader.Id != layer.Id + 1))
        || (layer.Id == graph.Last.Id && layer.Id != graph.Layers.Count - 1)
        || graph.NamedOutputs.Where((output, i) => output.Layer == layer.Id && graph.NamedOutputs.Take(i).Any(before => before.Layer > output.Layer)).Any();

    /// <summary>
    /// A name for each layer that has tensors in a checkpoint, by which their canonical keys stay what they are, or that an attribute names; null for the others. No name is given
    /// twice, and none is the input's.
    /// </summary>
    private static string?[] Names(LayerGraph graph)
    {
        string?[] names = new string?[graph.Layers.Count];
        names[0] = TensorNames.Input;
        HashSet<string> taken = [TensorNames.Input];
        foreach (Layer layer in graph.Layers.Skip(1))
        {
            string? module = layer.Operator.Tensors(graph.Layers[layer.Inputs[0]].Output).Select(tensor => tensor.Key.Canonical).FirstOrDefault();
            if (module is null && !IsRead(graph, layer))
                continue;
            string wanted = new([.. (module is null ? layer.Name : module.Substring(0, Math.Max(module.LastIndexOf('.'), 0))).Select(c => SequenceExpansion.IsName($"{c}") ? c : '_')]);
            string name = wanted.Length > 0 ? wanted : FormattableString.Invariant($"layer{layer.Id}");
            for (int copy = 2; !taken.Add(name); copy++)
                name = FormattableString.Invariant($"{wanted}_{copy}");
            names[layer.Id] = name;
        }

        return names;
    }
}
