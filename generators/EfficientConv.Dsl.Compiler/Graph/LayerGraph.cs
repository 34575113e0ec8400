using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Where a layer comes from.</summary>
/// <param name="AttributeIndex">Index into the declaration's attributes; -1 for the class itself.</param>
/// <param name="Role">What the layer is inside its block (<c>expand</c>, <c>depthwise</c>, ...); empty for a plain layer.</param>
public readonly record struct LayerOrigin(int AttributeIndex, string Role);

/// <summary>One layer: an operator, its inputs and the shape of what it makes.</summary>
/// <param name="Id">Position in <see cref="LayerGraph.Layers"/>.</param>
/// <param name="Name">Canonical name, for example <c>0.expand</c>.</param>
/// <param name="Operator">What it computes.</param>
/// <param name="Inputs">Ids of the layers whose outputs it reads.</param>
/// <param name="Output">Shape of its output.</param>
/// <param name="Origin">The attribute that made it.</param>
public sealed record Layer(int Id, string Name, Operator Operator, EquatableArray<int> Inputs, Shape Output, LayerOrigin Origin);

/// <summary>A network as single layers in topological order, blocks expanded; layer 0 is the input and the last layer the output.</summary>
/// <param name="IsChannelsLast">Whether the user's spans are NHWC.</param>
/// <param name="Layers">The layers.</param>
public sealed record LayerGraph(bool IsChannelsLast, EquatableArray<Layer> Layers)
{
    /// <summary>Shape of the input.</summary>
    public Shape Input => Layers[0].Output;

    /// <summary>The last layer.</summary>
    public Layer Last => Layers[Layers.Count - 1];

    /// <summary>Shape of the output.</summary>
    public Shape Output => Last.Output;

    /// <summary>How many layers read each layer's output.</summary>
    public int[] CountUses()
    {
        int[] uses = new int[Layers.Count];
        foreach (Layer layer in Layers)
        {
            foreach (int input in layer.Inputs)
                uses[input]++;
        }

        return uses;
    }
}
