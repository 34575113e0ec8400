using System.ComponentModel;

namespace EfficientConv.Dsl.Runtime;

/// <summary>Forms of Winograd's algorithm.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public enum WinogradForm
{
    /// <summary>F(4 x 4, 3 x 3).</summary>
    F4x4,

    /// <summary>F(2 x 2, 3 x 3).</summary>
    F2x2,

    /// <summary>F(2 x 2, 3 x 3) with stride 2.</summary>
    F2x2Stride2,
}

/// <summary>
/// The weights' side of Winograd's algorithm (Lavin and Gray 2016) for kernels of 3 x 3. F(4 x 4, 3 x 3) has the points 0, 3/4, -3/4, 3/2, -3/2 and infinity,
/// F(2 x 2, 3 x 3) has 0, 1, -1 and infinity. With stride 2 each dimension is F(2, 2) of the even pixels, with the points 0, 1 and infinity, and the odd
/// pixels times the middle tap.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Winograd
{
    private const int Taps = 3;

    // One dimension: a row of factors of the three taps for each different weight.
    private static readonly double[] s_f4 = Transform([0, 0.75, -0.75, 1.5, -1.5]);
    private static readonly double[] s_f2 = Transform([0, 1, -1]);
    private static readonly double[] s_f2Stride2 = [1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0];

    /// <summary>
    /// Panels for the matrix products: destination[weights * weightStep + (panel * I + c) * panelWidth + lane] =
    /// (G w G^T)[weights] of output channel outStart + panel * panelWidth + lane and input channel c, 0 from outEnd on. Computed in
    /// double precision and rounded once.
    /// </summary>
    /// <param name="form">Form: 36 different weights, 16 or 16.</param>
    /// <param name="convolution">A 3 x 3 convolution of one group.</param>
    /// <param name="destination">The different weights but one times weightStep + panelCount * I * panelWidth values.</param>
    /// <param name="outStart">First output channel.</param>
    /// <param name="outEnd">One past the last output channel.</param>
    /// <param name="panelWidth">Lanes per panel.</param>
    /// <param name="panelCount">Panels.</param>
    /// <param name="weightStep">Values from a product's panels to those of the next weights.</param>
    /// <exception cref="ArgumentException">The convolution is not 3 x 3, or the destination is too short.</exception>
    public static void PackPanels(WinogradForm form, FoldedConvolution convolution, Span<float> destination, int outStart, int outEnd, int panelWidth, int panelCount, int weightStep)
    {
        ArgumentNullException.ThrowIfNull(convolution);
        ReadOnlySpan<double> transform = form switch
        {
            WinogradForm.F4x4 => s_f4,
            WinogradForm.F2x2 => s_f2,
            _ => s_f2Stride2,
        };
        int edge = transform.Length / Taps;
        int inChannels = convolution.SumLength / (Taps * Taps);
        if (convolution.SumLength % (Taps * Taps) != 0)
            throw new ArgumentException($"Expected a 3 x 3 convolution, found a sum of {convolution.SumLength}.", nameof(convolution));
        long expected = ((((long)edge * edge) - 1) * weightStep) + ((long)panelCount * inChannels * panelWidth);
        if (destination.Length < expected)
            throw new ArgumentException($"Expected room for {expected} floats, found {destination.Length}.", nameof(destination));
        Span<double> products = stackalloc double[edge * edge];
        for (int panel = 0; panel < panelCount; panel++)
        {
            int first = outStart + (panel * panelWidth);
            int lanes = Math.Clamp(outEnd - first, 0, panelWidth);
            for (int c = 0; c < inChannels; c++)
            {
                int position = ((panel * inChannels) + c) * panelWidth;
                for (int lane = 0; lane < lanes; lane++)
                {
                    int weights = ((first + lane) * convolution.SumLength) + (c * Taps * Taps);
                    TransformWeights(transform, convolution.Weights.Slice(weights, Taps * Taps), products);
                    for (int product = 0; product < products.Length; product++)
                        destination[(product * weightStep) + position + lane] = (float)products[product];
                }

                for (int product = 0; product < products.Length; product++)
                    destination.Slice((product * weightStep) + position + lanes, panelWidth - lanes).Clear();
            }
        }
    }

    private static void TransformWeights(ReadOnlySpan<double> transform, ReadOnlySpan<float> weights, Span<double> products)
    {
        int edge = transform.Length / Taps;
        Span<double> half = stackalloc double[edge * Taps];
        for (int i = 0; i < edge; i++)
        {
            for (int x = 0; x < Taps; x++)
                half[(i * Taps) + x] = (transform[i * Taps] * weights[x]) + (transform[(i * Taps) + 1] * weights[Taps + x]) + (transform[(i * Taps) + 2] * weights[(2 * Taps) + x]);
        }

        for (int i = 0; i < edge; i++)
        {
            for (int j = 0; j < edge; j++)
                products[(i * edge) + j] = (transform[j * Taps] * half[i * Taps]) + (transform[(j * Taps) + 1] * half[(i * Taps) + 1]) + (transform[(j * Taps) + 2] * half[(i * Taps) + 2]);
        }
    }

    // Row i: 1, p, p^2 over the product of p's differences from the other points; the last row is infinity's.
    private static double[] Transform(ReadOnlySpan<double> points)
    {
        double[] transform = new double[(points.Length + 1) * Taps];
        for (int i = 0; i < points.Length; i++)
        {
            double differences = 1;
            for (int j = 0; j < points.Length; j++)
            {
                if (j != i)
                    differences *= points[i] - points[j];
            }

            transform[i * Taps] = 1 / differences;
            transform[(i * Taps) + 1] = points[i] / differences;
            transform[(i * Taps) + 2] = points[i] * points[i] / differences;
        }

        transform[^1] = 1;
        return transform;
    }
}
