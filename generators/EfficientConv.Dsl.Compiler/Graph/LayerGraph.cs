using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Where a layer comes from.</summary>
/// <param name="AttributeIndex">Index into the declaration's attributes; -1 for the class itself, or where the graph does not come from attributes.</param>
/// <param name="Role">What the layer is inside its block (<c>expand</c>, <c>depthwise</c>, ...); empty for a plain layer.</param>
/// <param name="Inside">Which attribute of which template, where the one of the declaration is a <c>Use</c>; else null.</param>
public readonly record struct LayerOrigin(int AttributeIndex, string Role, TemplatePart? Inside = null)
{
    /// <summary>What the layer is elsewhere, for messages: <c>node "Conv_12" of model.onnx</c>; null for one that an attribute made.</summary>
    public string? Source { get; private init; }

    /// <summary>The origin of a layer that no attribute made.</summary>
    /// <param name="source">What and where it is, as messages say it.</param>
    public static LayerOrigin Of(string source) => new(-1, string.Empty) { Source = source };
}

/// <summary>An attribute of a template.</summary>
/// <param name="Template">The template's name.</param>
/// <param name="Index">The attribute's place in the template.</param>
/// <param name="Attribute">The attribute.</param>
public sealed record TemplatePart(string Template, int Index, AttributeDeclaration Attribute);

/// <summary>One layer: an operator, its inputs and the shape of what it makes.</summary>
/// <param name="Id">Position in <see cref="LayerGraph.Layers"/>.</param>
/// <param name="Name">Canonical name, for example <c>0.expand</c>.</param>
/// <param name="Operator">What it computes.</param>
/// <param name="Inputs">Ids of the layers whose outputs it reads.</param>
/// <param name="Output">Shape of its output.</param>
/// <param name="Origin">The attribute that made it.</param>
public sealed record Layer(int Id, string Name, Operator Operator, EquatableArray<int> Inputs, Shape Output, LayerOrigin Origin)
{
    /// <summary>Name of the block that it is a part of; a plain layer is one by itself. Templates are placed several times, so an attribute may make several.</summary>
    public string Block => Origin.Role.Length > 0 && Name.EndsWith("." + Origin.Role, StringComparison.Ordinal) ? Name.Substring(0, Name.Length - Origin.Role.Length - 1) : Name;

    /// <summary>Whether both come from one attribute in one place.</summary>
    public bool IsOfBlock(Layer other) => Origin.AttributeIndex == other.Origin.AttributeIndex && Block == other.Block;
}

/// <summary>A tensor that the network gives back.</summary>
/// <param name="Name">What the user calls it.</param>
/// <param name="Layer">Id of the layer that makes it.</param>
public sealed record NetworkOutput(string Name, int Layer);

/// <summary>A network as single layers in topological order, blocks expanded; layer 0 is the input.</summary>
/// <param name="IsChannelsLast">Whether the user's spans are NHWC.</param>
/// <param name="Layers">The layers.</param>
/// <param name="NamedOutputs">The outputs in the order in which they lie in the user's span; without any, the last layer's tensor is the only one.</param>
public sealed record LayerGraph(bool IsChannelsLast, EquatableArray<Layer> Layers, EquatableArray<NetworkOutput> NamedOutputs = default)
{
    /// <summary>What the last output is called where the user gave no name.</summary>
    public const string DefaultOutput = "output";

    /// <summary>The images of bytes that the network also takes, or null.</summary>
    public ImageInput? Image { get; init; }

    /// <summary>Shape of the input.</summary>
    public Shape Input => Layers[0].Output;

    /// <summary>The outputs, at least one.</summary>
    public EquatableArray<NetworkOutput> Outputs => NamedOutputs.Count > 0 ? NamedOutputs : EquatableArray.Of(new NetworkOutput(DefaultOutput, Layers.Count - 1));

    /// <summary>The layer that makes the last output.</summary>
    public Layer Last => Layers[Outputs[Outputs.Count - 1].Layer];

    /// <summary>Shape of the last output.</summary>
    public Shape Output => Last.Output;

    /// <summary>Shape of all outputs together: that of the only one, or a vector of all elements.</summary>
    public Shape OutputSpan => Outputs.Count == 1 ? Output : new Shape(checked((int)Outputs.Sum(o => Layers[o.Layer].Output.Count)), 1, 1);

    /// <summary>Which layers an output needs; the others are in the checkpoint and never run.</summary>
    public bool[] FindNeeded()
    {
        bool[] needed = new bool[Layers.Count];
        foreach (NetworkOutput output in Outputs)
            needed[output.Layer] = true;
        for (int i = Layers.Count - 1; i > 0; i--)
        {
            foreach (int input in Layers[i].Inputs)
                needed[input] |= needed[i];
        }

        return needed;
    }

    /// <summary>How many layers read each layer's output; being an output of the network counts as well.</summary>
    public int[] CountUses()
    {
        int[] uses = new int[Layers.Count];
        foreach (Layer layer in Layers)
        {
            foreach (int input in layer.Inputs)
                uses[input]++;
        }

        foreach (NetworkOutput output in Outputs)
            uses[output.Layer]++;
        return uses;
    }
}
