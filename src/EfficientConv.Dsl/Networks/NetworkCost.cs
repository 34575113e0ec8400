namespace EfficientConv.Dsl;

/// <summary>What one layer costs for one image.</summary>
/// <param name="Name">The layer's name or index.</param>
/// <param name="Operator">The layer's kind, <c>Conv2d</c>.</param>
/// <param name="Input">The shape that comes in.</param>
/// <param name="Output">The shape that goes out.</param>
/// <param name="Parameters">Parameters as PyTorch counts them: batch norm's weight and bias in, its running statistics out.</param>
/// <param name="MultiplyAdds">Multiply-adds (MACs) of convolutions and linear layers.</param>
/// <param name="WeightBytes">Bytes of the parameters in 32-bit floats.</param>
public sealed record LayerCost(
    string Name, string Operator, TensorShape Input, TensorShape Output, long Parameters, long MultiplyAdds, long WeightBytes);

/// <summary>What a network costs for one image, in total and layer by layer.</summary>
/// <param name="Parameters">Parameters as PyTorch counts them: batch norm's weight and bias in, its running statistics out.</param>
/// <param name="MultiplyAdds">Multiply-adds (MACs) of convolutions and linear layers.</param>
/// <param name="WeightBytes">Bytes of the parameters in 32-bit floats.</param>
/// <param name="ActivationSum">Sum of the layers' output elements.</param>
/// <param name="PeakBytesLayerwise">Peak bytes of live activations when layer after layer runs, as in a framework.</param>
/// <param name="PeakBytesFused">Peak bytes of live activations as the generated code runs, workspace included.</param>
/// <param name="Layers">The layers in the order in which they run.</param>
public sealed record NetworkCost(
    long Parameters,
    long MultiplyAdds,
    long WeightBytes,
    long ActivationSum,
    long PeakBytesLayerwise,
    long PeakBytesFused,
    IReadOnlyList<LayerCost> Layers);
