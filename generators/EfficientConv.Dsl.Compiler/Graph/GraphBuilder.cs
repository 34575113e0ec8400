using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph.Keys;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>
/// Collects the layers of a network, while its attributes are expanded or while it is read from elsewhere. After the first error nothing more is added,
/// so that the layers after a mistake are not judged by shapes that follow from it.
/// </summary>
public sealed class GraphBuilder
{
    private readonly List<Layer> _layers = [];
    private readonly List<Finding> _findings = [];
    private readonly List<NetworkOutput> _outputs = [];

    /// <summary>Whether an error was found.</summary>
    public bool Failed => _findings.Count > 0;

    /// <summary>The errors.</summary>
    public IReadOnlyList<Finding> Findings => _findings;

    /// <summary>The layers so far.</summary>
    public IReadOnlyList<Layer> Layers => _layers;

    /// <summary>The attribute that is being expanded: messages say what of it is wrong.</summary>
    internal AttributeDeclaration? Attribute { get; set; }

    /// <summary>Id of the layer whose output the next one reads.</summary>
    public int Current { get; private set; } = -1;

    /// <summary>Shape of that output.</summary>
    public Shape Shape => _layers[Current].Output;

    /// <summary>Layers so far.</summary>
    public int Count => _layers.Count;

    /// <summary>How checkpoint keys are formed.</summary>
    internal KeyScheme Keys { get; set; } = KeyScheme.Create(KeyStyle.Tutorial, []);

    /// <summary>Whether a block's convolution has a bias in place of the batch norm after it.</summary>
    internal bool FoldsBatchNorm { get; set; }

    /// <summary>The graph; the current tensor is its last output.</summary>
    public LayerGraph Build(bool isChannelsLast)
    {
        List<NetworkOutput> outputs = [.. _outputs];
        if (outputs.Count == 0 || outputs[outputs.Count - 1].Layer != Current)
        {
            string name = LayerGraph.DefaultOutput;
            for (int i = 2; outputs.Any(o => o.Name == name); i++)
                name = FormattableString.Invariant($"{LayerGraph.DefaultOutput}{i}");
            outputs.Add(new NetworkOutput(name, Current));
        }

        // A single output without a name is what a graph has by itself.
        bool plain = _outputs.Count == 0 && Current == _layers.Count - 1;
        return new LayerGraph(isChannelsLast, _layers.ToEquatableArray(), plain ? [] : outputs.ToEquatableArray());
    }

    /// <summary>The current tensor is an output; false when another one has the name.</summary>
    public bool AddOutput(string name)
    {
        if (_outputs.Any(o => o.Name == name))
            return false;
        _outputs.Add(new NetworkOutput(name, Current));
        return true;
    }

    /// <summary>Changes what was found, when it is known where it belongs.</summary>
    internal void Reword(Func<Finding, Finding> change)
    {
        for (int i = 0; i < _findings.Count; i++)
            _findings[i] = change(_findings[i]);
    }

    /// <summary>Shape of the output of <paramref name="layer"/>.</summary>
    public Shape ShapeOf(int layer) => _layers[layer].Output;

    /// <summary>The next layer reads <paramref name="layer"/>.</summary>
    public void ContinueFrom(int layer) => Current = layer;

    /// <summary>Adds the input, layer 0.</summary>
    public void AddInput(Shape shape, LayerOrigin origin)
    {
        _layers.Add(new Layer(0, "input", new InputOperator(), [], shape, origin));
        Current = 0;
    }

    /// <summary>Adds a layer after the current one, if its attribute's arguments and its input allow it.</summary>
    public void Add(string name, Operator op, LayerOrigin origin) => Add(name, op, origin, Current);

    /// <summary>Adds a layer that reads <paramref name="inputs"/>.</summary>
    public void Add(string name, Operator op, LayerOrigin origin, params int[] inputs)
    {
        if (!Failed && TryAdd(name, op, origin, inputs) is { } finding)
            _findings.Add(finding);
    }

    /// <summary>The same where a mistake is the caller's to report: then nothing is added, and the builder goes on.</summary>
    public Finding? TryAdd(string name, Operator op, LayerOrigin origin, params int[] inputs)
    {
        Shape[] shapes = inputs.Select(ShapeOf).ToArray();
        if (op.Check(new OperatorSite(op, shapes, name, origin, Attribute)) is { } finding)
            return finding;
        Current = _layers.Count;
        _layers.Add(new Layer(Current, name, op, inputs.ToEquatableArray(), op.Output(shapes), origin));
        return null;
    }

    /// <summary>Notes an error, unless there is one already.</summary>
    internal void Report(Rule rule, int attributeIndex, string? argument, string message, params FindingProperty[] properties)
    {
        if (!Failed)
            _findings.Add(new Finding(rule.Id, attributeIndex, argument, message, properties.ToEquatableArray()));
    }
}
