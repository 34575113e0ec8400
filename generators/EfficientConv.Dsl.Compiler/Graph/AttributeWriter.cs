using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph.Blocks;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>A graph as attributes.</summary>
/// <param name="Attributes">The attributes in order, the marker first.</param>
/// <param name="Findings">The layers that no attribute says.</param>
public sealed record WrittenGraph(EquatableArray<AttributeDeclaration> Attributes, EquatableArray<Finding> Findings)
{
    /// <summary>For each attribute where the graph stands after it.</summary>
    public EquatableArray<WrittenPlace> Places { get; init; }

    /// <summary>Canonical keys of the graph's tensors, and those that the attributes give them.</summary>
    public EquatableArray<KeyValuePair<string, string>> Keys { get; init; }
}

/// <summary>Where a graph stands after a written attribute.</summary>
/// <param name="Layer">The layer whose output the next attribute reads.</param>
/// <param name="IsBlock">Whether the attribute is a block around which other blocks and layers stand; squeeze-and-excitation is a part of what stands around it.</param>
public readonly record struct WrittenPlace(int Layer, bool IsBlock);

/// <summary>
/// Writes a layer graph as attributes, the inverse of <see cref="Expansion"/>: they expand to the same operators on the same tensors. Branches that are trained apart are written as
/// their sum.
/// </summary>
public static class AttributeWriter
{
    /// <summary>The attributes of single layers, in the graph's order: they keep the canonical state-dict keys, by a name where the place in the list says another.</summary>
    public static WrittenGraph Write(LayerGraph graph)
    {
        Unit[] units = [.. graph.Layers.Skip(1).Select(layer => Unit.Of(graph, layer))];
        return Write(graph, units, Names(graph, units));
    }

    /// <summary>The attributes as a person writes them: published blocks where there are some, and names only for what has one of its own or is named further down.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="name">The name of a layer; null for one without.</param>
    /// <param name="typeName">The class that they are written for; null for attributes without templates.</param>
    public static WrittenGraph WriteBlocks(LayerGraph graph, Func<Layer, string?> name, string? typeName = null)
    {
        // Exporters fold all batch norms or none: the form that says more layers is the network's.
        IReadOnlyList<RecognizedBlock> plain = BlockRecognition.Find(graph, foldsBatchNorm: false), folded = BlockRecognition.Find(graph, foldsBatchNorm: true);
        bool foldsBatchNorm = folded.Sum(block => block.Layers.Count) > plain.Sum(block => block.Layers.Count);
        Dictionary<int, RecognizedBlock> blocks = (foldsBatchNorm ? folded : plain).ToDictionary(block => block.Output);
        HashSet<int> inside = [.. blocks.Values.SelectMany(block => block.Layers)];
        Unit[] units =
        [
            .. graph.Layers.Skip(1).Where(layer => blocks.ContainsKey(layer.Id) || !inside.Contains(layer.Id)).Select(layer => blocks.TryGetValue(layer.Id, out RecognizedBlock? block)
                ? new Unit(layer, EquatableArray.Of(block.Input), block.Layers, block.Attribute)
                : Unit.Of(graph, layer)),
        ];
        string?[] names = OwnNames(graph, units, name, out HashSet<string> own);
        WrittenGraph written = Read(Write(graph, units, names, foldsBatchNorm), graph, units);
        if (typeName is null || written.Findings.Count > 0)
            return written;

        // A template must not change what a state dict calls its tensors.
        WrittenGraph extracted = Read(TemplateExtraction.Extract(written, typeName, own), graph, units);
        bool isKept = extracted.Findings.Count == 0 && extracted.Keys.Select(key => key.Value).Distinct().Count() == extracted.Keys.Count
            && written.Keys.Zip(extracted.Keys, (before, after) => before.Value == after.Value || !own.Contains(before.Value.Substring(0, before.Value.LastIndexOf('.')))).All(same => same);
        return isKept ? extracted : written;
    }

    private static WrittenGraph Read(WrittenGraph written, LayerGraph graph, Unit[] units)
    {
        if (written.Findings.Count > 0)
            return written;

        // What was written is read again, and tells what its tensors are called, or what of the graph is too large for an attribute.
        ExpansionResult read = Expansion.Expand(new NetworkDeclaration(string.Empty, [], "Written", "class", true, written.Attributes, []));
        return read.Graph is { } again ? written with { Keys = Keys(graph, units, again) } : written with { Findings = read.Findings };
    }

    private static WrittenGraph Write(LayerGraph graph, Unit[] units, string?[] names, bool foldsBatchNorm = false)
    {
        List<AttributeDeclaration> attributes = [Marker(graph, foldsBatchNorm), .. graph.Image is { } image ? [Image(image)] : Array.Empty<AttributeDeclaration>()];
        List<WrittenPlace> places = [.. attributes.Select(_ => default(WrittenPlace))];
        List<Finding> findings = [];
        EquatableArray<NetworkOutput> outputs = graph.NamedOutputs;
        int current = 0, module = 0, written = 0;
        AddOutputs();
        foreach (Unit unit in units)
        {
            if (unit.Attribute is not { } attribute)
            {
                findings.Add(Unsaid(graph, unit.Last));
                current = unit.Last.Id;
                continue;
            }

            bool isModule = !GraphExpansion.Handles(attribute.Kind);
            ContinueFrom(unit.Inputs[0]);
            Add(attribute with { Arguments = Tensors(unit).Concat(attribute.Arguments).Concat(Name(unit, isModule ? module : -1)).ToEquatableArray() }, unit.Last.Id);
            if (isModule)
                module++;
            AddOutputs();
        }

        while (written < outputs.Count)
        {
            ContinueFrom(outputs[written].Layer);
            AddOutputs();
        }

        ContinueFrom(graph.Last.Id);
        return new WrittenGraph(attributes.ToEquatableArray(), findings.ToEquatableArray()) { Places = places.ToEquatableArray() };

        void Add(AttributeDeclaration attribute, int layer)
        {
            attributes.Add(attribute);
            places.Add(new WrittenPlace(layer, BlockCatalog.Find(attribute.Kind) is { IsCounted: true }));
            current = layer;
        }

        // An output stands after its layer, unless one of a later layer lies before it in the span.
        void AddOutputs()
        {
            for (; written < outputs.Count && outputs[written].Layer == current; written++)
                Add(new WrittenAttribute("Output").With("output", outputs[written].Name).Done(), current);
        }

        void ContinueFrom(int tensor)
        {
            if (tensor != current)
                Add(new WrittenAttribute("From").With("tensor", names[tensor]!).Done(), tensor);
        }

        IEnumerable<AttributeArgument> Tensors(Unit unit)
        {
            string[] others = [.. unit.Inputs.Skip(1).Select(input => names[input]!)];
            return unit is { Last.Operator: ConcatOperator, Layers.Count: 1 }
                ? [new AttributeArgument("tensors", others.ToEquatableArray(), IsExplicit: true)]
                : others.Select(other => new AttributeArgument("tensor", other, IsExplicit: true));
        }

        IEnumerable<AttributeArgument> Name(Unit unit, int place) =>
            names[unit.Last.Id] is { } name && (name != FormattableString.Invariant($"{place}") || IsRead(graph, units, unit)) ? [new AttributeArgument("Name", name, IsExplicit: true)] : [];
    }

    private static Finding Unsaid(LayerGraph graph, Layer layer) => new(
        RuleCatalog.InvalidValue.Id, layer.Origin.AttributeIndex, null,
        $"{LayerPlace.Of(layer.Operator, graph.Layers[layer.Inputs[0]].Output, layer.Name, layer.Origin, null)} is {layer.Operator}, which no attribute says");

    private static AttributeDeclaration Marker(LayerGraph graph, bool foldsBatchNorm) => new WrittenAttribute(Expansion.Marker)
        .With("channels", graph.Input.Channels).With("height", graph.Input.Height).With("width", graph.Input.Width)
        .With("Layout", graph.IsChannelsLast ? SpanLayout.NHWC : SpanLayout.NCHW, SpanLayout.NCHW).With(Expansion.FoldedBatchNorm, foldsBatchNorm, false).Done();

    private static AttributeDeclaration Image(ImageInput image) => new WrittenAttribute(ImageInput.Kind)
        .With("mean", image.Mean.Select(WrittenAttribute.Shortest).ToEquatableArray()).With("std", image.Std.Select(WrittenAttribute.Shortest).ToEquatableArray()).Done();

    /// <summary>
    /// Whether an attribute further down names its output: another than the next reads it, it is not the first that one reads, or it is an output that one of a later
    /// layer or a later layer comes before.
    /// </summary>
    private static bool IsRead(LayerGraph graph, Unit[] units, Unit unit)
    {
        int layer = unit.Last.Id, place = Array.IndexOf(units, unit);
        for (int i = place + 1; i < units.Length; i++)
        {
            if (units[i].Inputs.Skip(1).Contains(layer) || (units[i].Inputs.Count > 0 && units[i].Inputs[0] == layer && i != place + 1))
                return true;
        }

        return (layer == graph.Last.Id && place != units.Length - 1)
            || graph.NamedOutputs.Where((output, i) => output.Layer == layer && graph.NamedOutputs.Take(i).Any(before => before.Layer > output.Layer)).Any();
    }

    /// <summary>
    /// A name for each layer that has tensors in a checkpoint, by which their canonical keys stay what they are, or that an attribute names; null for the others. No name is given
    /// twice, and none is the input's.
    /// </summary>
    private static string?[] Names(LayerGraph graph, Unit[] units)
    {
        Namer namer = new(graph);
        foreach (Unit unit in units)
        {
            string? module = TensorsOf(graph, unit.Last).FirstOrDefault();
            if (module is null && !IsRead(graph, units, unit))
                continue;
            namer.Give(unit.Last, module is null ? unit.Last.Name : module.Substring(0, Math.Max(module.LastIndexOf('.'), 0)));
        }

        return namer.Names;
    }

    /// <summary>
    /// Names that layers have of their own in a state dict; a block's is what those of its layers begin with. What is named further down and has none is called after what it computes, and
    /// so is a layer whose place in the list is another one's name.
    /// </summary>
    private static string?[] OwnNames(LayerGraph graph, Unit[] units, Func<Layer, string?> name, out HashSet<string> ownNames)
    {
        ownNames = [];
        Namer namer = new(graph);
        Dictionary<string, int> counts = [];
        int module = 0;
        foreach (Unit unit in units)
        {
            bool isRead = IsRead(graph, units, unit);
            bool hasTensors = TensorsOf(graph, unit).Any();
            string? own = !hasTensors ? null : unit.Layers.Count == 1 ? name(unit.Last) : Common([.. unit.Layers.Select(layer => name(graph.Layers[layer])).OfType<string>()]);
            if (own?.Split('.')[0] is { } first && first.All(char.IsDigit) && first != FormattableString.Invariant($"{module}"))
                own = null;
            bool isOwn = own is not null;
            if (own is null && isRead)
            {
                string kind = unit.Attribute?.Kind.Replace("2d", string.Empty).ToLowerInvariant() ?? "layer";
                counts[kind] = counts.TryGetValue(kind, out int count) ? count + 1 : 1;
                own = FormattableString.Invariant($"{kind}{counts[kind]}");
            }

            if (own is not null && (isRead || hasTensors))
            {
                namer.Give(unit.Last, own);
                if (isOwn)
                    ownNames.Add(namer.Names[unit.Last.Id]!);
            }

            if (unit.Attribute is { } attribute && !GraphExpansion.Handles(attribute.Kind))
                module++;
        }

        return namer.Names;
    }

    /// <summary>The modules that all names begin with; null where there are none.</summary>
    private static string? Common(string[] names)
    {
        if (names.Length == 0)
            return null;
        string[][] parts = [.. names.Select(name => name.Split('.'))];
        int shared = Enumerable.Range(0, parts.Min(part => part.Length)).TakeWhile(i => parts.All(part => part[i] == parts[0][i])).Count();
        return shared == 0 ? null : string.Join(".", parts[0].Take(shared));
    }

    private static IEnumerable<string> TensorsOf(LayerGraph graph, Unit unit) => unit.Layers.SelectMany(layer => TensorsOf(graph, graph.Layers[layer]));

    private static IEnumerable<string> TensorsOf(LayerGraph graph, Layer layer) => layer.Operator.Tensors(graph.Layers[layer.Inputs[0]].Output).Select(tensor => tensor.Key.Canonical);

    private static EquatableArray<KeyValuePair<string, string>> Keys(LayerGraph graph, Unit[] units, LayerGraph again) => units.SelectMany(unit => unit.Layers)
        .Zip(again.Layers.Skip(1), (layer, other) => (Layer: graph.Layers[layer], Other: other))
        .SelectMany(pair => TensorsOf(graph, pair.Layer).Zip(TensorsOf(again, pair.Other), (key, other) => new KeyValuePair<string, string>(key, other))).ToEquatableArray();

    /// <summary>What one attribute says.</summary>
    /// <param name="Last">The layer that makes its output.</param>
    /// <param name="Inputs">The layers outside that it reads.</param>
    /// <param name="Layers">Its layers in the order in which it expands.</param>
    /// <param name="Attribute">The attribute without tensors and name; null where none says it.</param>
    private sealed record Unit(Layer Last, EquatableArray<int> Inputs, EquatableArray<int> Layers, AttributeDeclaration? Attribute)
    {
        public static Unit Of(LayerGraph graph, Layer layer) =>
            new(layer, layer.Inputs, EquatableArray.Of(layer.Id), layer.Operator.Attribute([.. layer.Inputs.Select(input => graph.Layers[input].Output)]));
    }

    /// <summary>Gives names that may stand in a checkpoint, none of them twice.</summary>
    private sealed class Namer
    {
        private readonly HashSet<string> _taken = [TensorNames.Input];

        public Namer(LayerGraph graph)
        {
            Names = new string?[graph.Layers.Count];
            Names[0] = TensorNames.Input;
        }

        public string?[] Names { get; }

        public void Give(Layer layer, string name)
        {
            string wanted = new([.. name.Select(c => SequenceExpansion.IsName($"{c}") ? c : '_')]);
            string free = wanted.Length > 0 ? wanted : FormattableString.Invariant($"layer{layer.Id}");
            for (int copy = 2; !_taken.Add(free); copy++)
                free = FormattableString.Invariant($"{wanted}_{copy}");
            Names[layer.Id] = free;
        }
    }
}
