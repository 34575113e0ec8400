using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>The layers that a rule looks at, with what they read, who reads them and where they come from.</summary>
internal sealed class LayerContext
{
    private readonly NetworkDeclaration _declaration;
    private readonly List<Layer>[] _readers;

    public LayerContext(NetworkDeclaration declaration, IReadOnlyList<Layer> layers)
    {
        (_declaration, Layers) = (declaration, layers);
        _readers = [.. layers.Select(_ => new List<Layer>(1))];
        foreach (Layer layer in layers)
        {
            foreach (int input in layer.Inputs)
                _readers[input].Add(layer);
        }
    }

    public IReadOnlyList<Layer> Layers { get; }

    /// <summary>The attribute that made <paramref name="layer"/>, of the declaration or of a template in it; null for the class itself.</summary>
    public AttributeDeclaration? AttributeOf(Layer layer) => layer.Origin.Inside?.Attribute ??
        (layer.Origin.AttributeIndex >= 0 && layer.Origin.AttributeIndex < _declaration.Attributes.Count ? _declaration.Attributes[layer.Origin.AttributeIndex] : null);

    /// <summary>The layer that <paramref name="layer"/> reads first.</summary>
    public Layer SourceOf(Layer layer) => Layers[layer.Inputs[0]];

    /// <summary>Shape of what <paramref name="layer"/> reads first.</summary>
    public Shape InputOf(Layer layer) => SourceOf(layer).Output;

    /// <summary>The one layer that reads <paramref name="layer"/>, if there is exactly one.</summary>
    public Layer? SoleReader(Layer layer) => _readers[layer.Id] is { Count: 1 } readers ? readers[0] : null;

    /// <summary>The next layer that is neither batch norm nor an activation, if nothing else reads what lies between.</summary>
    public Layer? NextAfterNormAndActivation(Layer layer)
    {
        Layer? next = SoleReader(layer);
        while (next is { Operator: BatchNormOperator or ActivationOperator or PReLUOperator })
            next = SoleReader(next);
        return next;
    }
}
