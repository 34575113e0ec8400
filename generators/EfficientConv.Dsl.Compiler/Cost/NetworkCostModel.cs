using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Cost;

/// <summary>What one layer costs for one image.</summary>
/// <param name="Name">Canonical name.</param>
/// <param name="Operator">PyTorch's name of the layer.</param>
/// <param name="Kind">What the layer is.</param>
/// <param name="Input">Shape in.</param>
/// <param name="Output">Shape out.</param>
/// <param name="Parameters">Parameters, as PyTorch counts them.</param>
/// <param name="MultiplyAdds">Multiply-adds of convolutions and linear layers.</param>
/// <param name="LiveBytes">Bytes of activations alive while it runs, layer by layer.</param>
public sealed record LayerCost(string Name, string Operator, OperatorKind Kind, Shape Input, Shape Output, long Parameters, long MultiplyAdds, long LiveBytes)
{
    /// <summary>Multiply-adds for each byte of input, output and weights.</summary>
    public double Intensity => MultiplyAdds / (double)ElementType.Float32.Bytes(Input.Count + Output.Count + Parameters);
}

/// <summary>What a network costs for one image; batch norm's weight and bias are parameters, its running statistics are not.</summary>
/// <param name="Parameters">Parameters.</param>
/// <param name="MultiplyAdds">Multiply-adds; a branch that no output needs has parameters and none of these.</param>
/// <param name="ActivationSum">Elements that convolutions and linear layers write (timm's macts).</param>
/// <param name="OutputSum">Elements that all modules write (torchsummary); sums, gates' products and reshaping are no modules.</param>
/// <param name="PeakBytesLayerwise">Most bytes of activations alive at once when every layer writes a whole tensor; batch norm and activations work in place.</param>
/// <param name="SavedBytes">Bytes of activations that training keeps for the backward pass.</param>
/// <param name="Layers">Layer by layer.</param>
public sealed record NetworkCost(
    long Parameters, long MultiplyAdds, long ActivationSum, long OutputSum, long PeakBytesLayerwise, long SavedBytes, EquatableArray<LayerCost> Layers);

/// <summary>Adds up what each layer's operator says of parameters, multiply-adds and memory.</summary>
public static class NetworkCostModel
{
    /// <summary>Counts <paramref name="graph"/>.</summary>
    public static NetworkCost Measure(LayerGraph graph)
    {
        List<LayerCost> layers = [];
        MemoryTimeline live = LayerMemory.Layerwise(graph);
        bool[] needed = graph.FindNeeded();
        long activations = 0, outputs = 0;
        foreach (Layer layer in graph.Layers.Skip(1))
        {
            Shape input = graph.Layers[layer.Inputs[0]].Output;
            Operator op = layer.Operator;
            layers.Add(new LayerCost(
                layer.Name, op.Name, op.Kind, input, layer.Output, op.ParameterCount(input), needed[layer.Id] ? op.MultiplyAdds(input, layer.Output) : 0, live.Points[layers.Count].LiveBytes));
            if (!needed[layer.Id])
                continue;
            if (op.Kind != OperatorKind.Function)
                outputs += layer.Output.Count;
            if (op.Kind == OperatorKind.Convolution)
                activations += layer.Output.Count;
        }

        return new NetworkCost(
            layers.Sum(l => l.Parameters), layers.Sum(l => l.MultiplyAdds), activations, outputs, live.PeakBytes, TrainingMemory.Saved(graph).MapBytes, layers.ToEquatableArray());
    }
}
