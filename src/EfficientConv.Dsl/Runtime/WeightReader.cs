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

    /// <summary>One phase of a transposed convolution, as the plain convolution that computes it.</summary>
    /// <param name="weightKey">Weights, I * O / groups * kh * kw values in the order [I, O / groups, kh, kw].</param>
    /// <param name="biasKey">Bias, O values; null for zeros.</param>
    /// <param name="outChannels">O.</param>
    /// <param name="groups">Groups.</param>
    /// <param name="kernelHeight">kh.</param>
    /// <param name="kernelWidth">kw.</param>
    /// <param name="taps">The phase's taps.</param>
    /// <exception cref="ArgumentException">The counts do not fit the tensors.</exception>
    public FoldedConvolution TransposedConvolution(
        string weightKey, string? biasKey, int outChannels, int groups, int kernelHeight, int kernelWidth, TransposedTaps taps)
    {
        float[] weights = Tensor(weightKey);
        int outPerGroup = outChannels / groups, inPerGroup = weights.Length / (outChannels * kernelHeight * kernelWidth);
        if (weights.Length != (long)inPerGroup * outChannels * kernelHeight * kernelWidth)
            throw new ArgumentException($"Expected a multiple of {outChannels} x {kernelHeight} x {kernelWidth} weights, found {weights.Length}.", nameof(weightKey));
        float[] phase = new float[outChannels * inPerGroup * taps.Rows * taps.Columns];
        int next = 0;
        for (int o = 0; o < outChannels; o++)
        {
            for (int c = 0; c < inPerGroup; c++)
            {
                int input = (o / outPerGroup * inPerGroup) + c, plane = ((input * outPerGroup) + (o % outPerGroup)) * kernelHeight * kernelWidth;
                for (int y = 0; y < taps.Rows; y++)
                {
                    for (int x = 0; x < taps.Columns; x++)
                        phase[next++] = weights[plane + ((taps.FirstRow - (y * taps.RowStep)) * kernelWidth) + taps.FirstColumn - (x * taps.ColumnStep)];
                }
            }
        }

        return new(phase, biasKey is null ? new float[outChannels] : Tensor(biasKey), outChannels, inPerGroup, taps.Rows, Math.Max(taps.Columns, 1));
    }
}
