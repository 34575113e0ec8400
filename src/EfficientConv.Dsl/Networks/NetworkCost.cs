namespace EfficientConv.Dsl;

/// <summary>What one layer costs for one image.</summary>
/// <param name="Name">The layer's name or index.</param>
/// <param name="Operator">The layer's kind, <c>Conv2d</c>.</param>
/// <param name="Input">The shape that comes in.</param>
/// <param name="Output">The shape that goes out.</param>
/// <param name="Parameters">Parameters as PyTorch counts them: batch norm's weight and bias in, its running statistics out.</param>
/// <param name="MultiplyAdds">Multiply-adds (MACs) of convolutions and linear layers.</param>
/// <param name="WeightBytes">Bytes of the parameters in 32-bit floats.</param>
/// <param name="LiveBytes">Bytes of activations alive while the layer runs, when layer after layer runs.</param>
public sealed record LayerCost(
    string Name, string Operator, TensorShape Input, TensorShape Output, long Parameters, long MultiplyAdds, long WeightBytes, long LiveBytes)
{
    /// <summary>Multiply-adds for each byte of input, output and weights.</summary>
    public double ArithmeticIntensity => MultiplyAdds / (double)(((Input.ElementCount + Output.ElementCount) * sizeof(float)) + WeightBytes);
}

/// <summary>What a network costs for one image, in total and layer by layer.</summary>
/// <param name="Parameters">Parameters as PyTorch counts them: batch norm's weight and bias in, its running statistics out.</param>
/// <param name="MultiplyAdds">Multiply-adds (MACs) of convolutions and linear layers.</param>
/// <param name="WeightBytes">Bytes of the parameters in 32-bit floats.</param>
/// <param name="ActivationSum">Elements that convolutions and linear layers write (timm's macts).</param>
/// <param name="OutputSum">Elements that all modules write (torchsummary's outputs).</param>
/// <param name="PeakBytesLayerwise">Peak bytes of live activations when layer after layer runs, as in a framework.</param>
/// <param name="PeakBytesFused">Bytes that a call takes as the generated code runs: input, output and the workspace for AVX-512.</param>
/// <param name="SavedBytes">Bytes of activations that training keeps for one image's backward pass.</param>
/// <param name="Layers">The layers in the order in which they run.</param>
public sealed record NetworkCost(
    long Parameters,
    long MultiplyAdds,
    long WeightBytes,
    long ActivationSum,
    long OutputSum,
    long PeakBytesLayerwise,
    long PeakBytesFused,
    long SavedBytes,
    IReadOnlyList<LayerCost> Layers);
