using System.ComponentModel;

namespace EfficientConv.Dsl.Runtime;

/// <summary>A convolution's weights and bias, with batch norm folded in where asked, and the orders in which kernels read them.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class FoldedConvolution
{
    private const int PairGroup = 8;

    private readonly float[] _weights;
    private readonly float[] _bias;
    private readonly int _inChannels;
    private readonly int _kernelWidth;
    private readonly int _taps;

    internal FoldedConvolution(float[] weights, float[] bias, int outChannels, int inChannelsPerGroup, int kernelHeight, int kernelWidth)
    {
        if (weights.Length != (long)outChannels * inChannelsPerGroup * kernelHeight * kernelWidth)
            throw new ArgumentException($"Expected {outChannels} x {inChannelsPerGroup} x {kernelHeight} x {kernelWidth} weights, found {weights.Length}.", nameof(weights));
        if (bias.Length != outChannels)
            throw new ArgumentException($"Expected {outChannels} biases, found {bias.Length}.", nameof(bias));
        _weights = weights;
        // A kernel starts its sums with the bias, and -0 as a start would change the sign of a zero result.
        _bias = Array.ConvertAll(bias, value => value + 0f);
        OutChannels = outChannels;
        _inChannels = inChannelsPerGroup;
        _kernelWidth = kernelWidth;
        _taps = kernelHeight * kernelWidth;
    }

    /// <summary>Output channels.</summary>
    public int OutChannels { get; }

    /// <summary>Length of one output's sum: kernel height * kernel width * input channels per group.</summary>
    public int SumLength => _taps * _inChannels;

    /// <summary>Weights in OIHW order.</summary>
    public ReadOnlySpan<float> Weights => _weights;

    /// <summary>One bias per output channel, zeros where the layer has none; never -0.</summary>
    public ReadOnlySpan<float> Bias => _bias;

    /// <summary>
    /// The convolution with the batch norm after it folded in: w' = w * g and b' = (b - mean) * g + beta with
    /// g = gamma / sqrt(variance + eps), computed in double precision and rounded once.
    /// </summary>
    /// <param name="weights">The checkpoint.</param>
    /// <param name="weightKey">Gamma, O values.</param>
    /// <param name="biasKey">Beta, O values.</param>
    /// <param name="meanKey">Running mean, O values.</param>
    /// <param name="varianceKey">Running variance, O values.</param>
    /// <param name="eps">Added to the variance.</param>
    public FoldedConvolution FoldBatchNorm(
        WeightReader weights, string? weightKey, string? biasKey, string meanKey, string varianceKey, double eps)
    {
        var norm = new BatchNormTensors(weights, weightKey, biasKey, meanKey, varianceKey, eps);
        float[] folded = new float[_weights.Length];
        float[] bias = new float[OutChannels];
        for (int o = 0; o < OutChannels; o++)
        {
            double scale = norm.Scale(o);
            for (int k = o * SumLength; k < (o + 1) * SumLength; k++)
                folded[k] = (float)(_weights[k] * scale);
            bias[o] = (float)norm.Shift(o, _bias[o]);
        }
        return new(folded, bias, OutChannels, _inChannels, _taps / _kernelWidth, _kernelWidth);
    }

    /// <summary>The convolution with factors by output channel after it folded in: w' = w * s and b' = b * s, rounded once.</summary>
    /// <param name="scale">O values.</param>
    public FoldedConvolution FoldScale(float[] scale)
    {
        ArgumentNullException.ThrowIfNull(scale);
        float[] folded = new float[_weights.Length];
        float[] bias = new float[OutChannels];
        for (int o = 0; o < OutChannels; o++)
        {
            for (int k = o * SumLength; k < (o + 1) * SumLength; k++)
                folded[k] = _weights[k] * scale[o];
            bias[o] = _bias[o] * scale[o];
        }
        return new(folded, bias, OutChannels, _inChannels, _taps / _kernelWidth, _kernelWidth);
    }

    /// <summary>A 1x1 convolution with every tap as output channels of its own: channel tap * O + o has tap's weights and the bias of o.</summary>
    public FoldedConvolution TapsToChannels()
    {
        float[] weights = new float[_weights.Length];
        for (int o = 0; o < OutChannels; o++)
        {
            for (int k = 0; k < SumLength; k++)
                weights[(((k % _taps * OutChannels) + o) * _inChannels) + (k / _taps)] = _weights[(o * SumLength) + k];
        }
        float[] bias = new float[_taps * OutChannels];
        for (int i = 0; i < bias.Length; i++)
            bias[i] = _bias[i % OutChannels];
        return new(weights, bias, bias.Length, _inChannels, 1, 1);
    }

    /// <summary>A batch norm alone: y = x * scale + shift, computed in double precision and rounded once each.</summary>
    /// <param name="weights">The checkpoint.</param>
    /// <param name="weightKey">Gamma, C values.</param>
    /// <param name="biasKey">Beta, C values.</param>
    /// <param name="meanKey">Running mean, C values.</param>
    /// <param name="varianceKey">Running variance, C values.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="scale">At least C values; zeros after the channels.</param>
    /// <param name="shift">At least C values; zeros after the channels.</param>
    public static void BatchNormScaleShift(
        WeightReader weights, string? weightKey, string? biasKey, string meanKey, string varianceKey, double eps,
        Span<float> scale, Span<float> shift)
    {
        ArgumentNullException.ThrowIfNull(weights);
        var norm = new BatchNormTensors(weights, weightKey, biasKey, meanKey, varianceKey, eps);
        int channels = weights.Tensor(meanKey).Length;
        scale[channels..].Clear();
        shift[channels..].Clear();
        for (int c = 0; c < channels; c++)
        {
            scale[c] = (float)norm.Scale(c);
            shift[c] = (float)norm.Shift(c, 0) + 0f;
        }
    }

    /// <summary>
    /// Panels for a matrix product: destination[panel][k][lane] = W[outStart + panel * panelWidth + lane][kStart + k], 0
    /// from outEnd on. The sum's index k runs over (ky, kx, c), c fastest.
    /// </summary>
    /// <param name="destination">panelCount * kCount * panelWidth values.</param>
    /// <param name="outStart">First output channel.</param>
    /// <param name="outEnd">One past the last output channel.</param>
    /// <param name="panelWidth">Lanes per panel.</param>
    /// <param name="panelCount">Panels.</param>
    /// <param name="kStart">First index of the sum.</param>
    /// <param name="kCount">Indices of the sum.</param>
    public void PackPanels(Span<float> destination, int outStart, int outEnd, int panelWidth, int panelCount, int kStart, int kCount)
    {
        CheckLength(destination, (long)panelCount * kCount * panelWidth);
        int next = 0;
        for (int panel = 0; panel < panelCount; panel++)
        {
            int first = outStart + (panel * panelWidth);
            int lanes = Math.Clamp(outEnd - first, 0, panelWidth);
            for (int k = kStart; k < kStart + kCount; k++)
            {
                Span<float> row = destination.Slice(next, panelWidth);
                int position = Position(k);
                for (int lane = 0; lane < lanes; lane++)
                    row[lane] = _weights[((first + lane) * SumLength) + position];
                row[lanes..].Clear();
                next += panelWidth;
            }
        }
    }

    /// <summary>
    /// Weights for two pixels at a time: [k][group of 8 output channels][16], each channel's weight twice in a row, 0 after
    /// the output channels.
    /// </summary>
    /// <param name="destination">kCount * ceil(O / 8) * 16 values.</param>
    /// <param name="kStart">First index of the sum.</param>
    /// <param name="kCount">Indices of the sum.</param>
    public void PackPixelPairs(Span<float> destination, int kStart, int kCount)
    {
        int groups = (OutChannels + PairGroup - 1) / PairGroup;
        CheckLength(destination, (long)kCount * groups * PairGroup * 2);
        int next = 0;
        for (int k = kStart; k < kStart + kCount; k++)
        {
            int position = Position(k);
            for (int o = 0; o < groups * PairGroup; o++)
            {
                float weight = o < OutChannels ? _weights[(o * SumLength) + position] : 0f;
                destination[next++] = weight;
                destination[next++] = weight;
            }
        }
    }

    /// <summary>The bias, then zeros to the end.</summary>
    /// <param name="destination">At least O values.</param>
    public void PackBias(Span<float> destination)
    {
        CheckLength(destination, OutChannels);
        _bias.CopyTo(destination);
        destination[OutChannels..].Clear();
    }

    /// <summary>The bias as <see cref="PackPixelPairs"/> has the weights: each value twice in a row, then zeros to the end.</summary>
    /// <param name="destination">At least 2 * O values.</param>
    public void PackBiasPairs(Span<float> destination)
    {
        CheckLength(destination, 2L * OutChannels);
        PackPairs(_bias, destination);
    }

    /// <summary>Each value twice in a row, then zeros to the end.</summary>
    /// <param name="values">One for each output channel.</param>
    /// <param name="destination">At least twice as many.</param>
    public static void PackPairs(ReadOnlySpan<float> values, Span<float> destination)
    {
        for (int o = 0; o < values.Length; o++)
            destination[2 * o] = destination[(2 * o) + 1] = values[o];
        destination[(2 * values.Length)..].Clear();
    }

    // Where the sum's index k, in the order (ky, kx, c), stands among an output channel's weights, in the order (c, ky, kx).
    private int Position(int k) => (k % _inChannels * _taps) + (k / _inChannels);

    private static void CheckLength(Span<float> destination, long expected)
    {
        if (destination.Length < expected)
            throw new ArgumentException($"Expected room for {expected} floats, found {destination.Length}.", nameof(destination));
    }

    private readonly struct BatchNormTensors(
        WeightReader weights, string? weightKey, string? biasKey, string meanKey, string varianceKey, double eps)
    {
        private readonly float[]? _gamma = weightKey is null ? null : weights.Tensor(weightKey);
        private readonly float[]? _beta = biasKey is null ? null : weights.Tensor(biasKey);
        private readonly float[] _mean = weights.Tensor(meanKey);
        private readonly float[] _variance = weights.Tensor(varianceKey);
        private readonly double _eps = eps;

        internal double Scale(int channel) => (_gamma?[channel] ?? 1) / Math.Sqrt(_variance[channel] + _eps);

        internal double Shift(int channel, double bias) => ((bias - _mean[channel]) * Scale(channel)) + (_beta?[channel] ?? 0);
    }
}
