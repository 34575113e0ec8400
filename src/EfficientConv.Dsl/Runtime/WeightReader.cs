using System.ComponentModel;

namespace EfficientConv.Dsl.Runtime;

/// <summary>A checkpoint's values after validation, by <see cref="TensorSpec.Key"/>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class WeightReader
{
    private readonly Dictionary<string, float[]> _values;

    internal WeightReader(Dictionary<string, float[]> values) => _values = values;

    /// <summary>A tensor's values in row-major order; not to be written to.</summary>
    /// <exception cref="KeyNotFoundException">The network's parameter list lacks the key.</exception>
    public float[] Tensor(string key) => _values[key];

    /// <summary>A convolution, or a linear layer as one of 1 x 1.</summary>
    /// <param name="weightKey">Weights, O * I * kh * kw values in OIHW order.</param>
    /// <param name="biasKey">Bias, O values; null for zeros.</param>
    /// <param name="outChannels">O.</param>
    /// <param name="inChannelsPerGroup">I.</param>
    /// <param name="kernelHeight">kh.</param>
    /// <param name="kernelWidth">kw.</param>
    /// <exception cref="ArgumentException">The counts do not fit the tensors.</exception>
    public FoldedConvolution Convolution(
        string weightKey, string? biasKey, int outChannels, int inChannelsPerGroup, int kernelHeight, int kernelWidth) =>
        new(Tensor(weightKey), biasKey is null ? new float[outChannels] : Tensor(biasKey), outChannels, inChannelsPerGroup, kernelHeight, kernelWidth);
}
