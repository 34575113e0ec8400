using System.ComponentModel;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// The weights' side of Winograd's F(4 x 4, 3 x 3) (Lavin and Gray 2016) with the points 0, 3/4, -3/4, 3/2, -3/2 and infinity.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Winograd
{
    private const int Taps = 3;
    private const int Edge = 6;

    // Row i: 1, p, p^2 over the product of p's differences from the other points; the last row is infinity's.
    private static readonly double[] s_transform = Transform([0, 0.75, -0.75, 1.5, -1.5]);

    /// <summary>
    /// Panels for the 36 matrix products: destination[product * productStep + (panel * I + c) * panelWidth + lane] =
    /// (G w G^T)[product] of output channel outStart + panel * panelWidth + lane and input channel c, 0 from outEnd on. Computed in
    /// double precision and rounded once.
    /// </summary>
    /// <param name="convolution">A 3 x 3 convolution of one group.</param>
    /// <param name="destination">35 * productStep + panelCount * I * panelWidth values.</param>
    /// <param name="outStart">First output channel.</param>
    /// <param name="outEnd">One past the last output channel.</param>
    /// <param name="panelWidth">Lanes per panel.</param>
    /// <param name="panelCount">Panels.</param>
    /// <param name="productStep">Values from a product's panels to the next product's.</param>
    /// <exception cref="ArgumentException">The convolution is not 3 x 3, or the destination is too short.</exception>
    public static void PackPanels(FoldedConvolution convolution, Span<float> destination, int outStart, int outEnd, int panelWidth, int panelCount, int productStep)
    {
        ArgumentNullException.ThrowIfNull(convolution);
        int inChannels = convolution.SumLength / (Taps * Taps);
        if (convolution.SumLength % (Taps * Taps) != 0)
            throw new ArgumentException($"Expected a 3 x 3 convolution, found a sum of {convolution.SumLength}.", nameof(convolution));
        long expected = (((long)Edge * Edge) - 1) * productStep + ((long)panelCount * inChannels * panelWidth);
        if (destination.Length < expected)
            throw new ArgumentException($"Expected room for {expected} floats, found {destination.Length}.", nameof(destination));
        Span<double> products = stackalloc double[Edge * Edge];
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
                    TransformWeights(convolution.Weights.Slice(weights, Taps * Taps), products);
                    for (int product = 0; product < products.Length; product++)
                        destination[(product * productStep) + position + lane] = (float)products[product];
                }

                for (int product = 0; product < products.Length; product++)
                    destination.Slice((product * productStep) + position + lanes, panelWidth - lanes).Clear();
            }
        }
    }

    private static void TransformWeights(ReadOnlySpan<float> weights, Span<double> products)
    {
        Span<double> half = stackalloc double[Edge * Taps];
        for (int i = 0; i < Edge; i++)
        {
            for (int x = 0; x < Taps; x++)
                half[(i * Taps) + x] = (s_transform[i * Taps] * weights[x]) + (s_transform[(i * Taps) + 1] * weights[Taps + x]) + (s_transform[(i * Taps) + 2] * weights[(2 * Taps) + x]);
        }

        for (int i = 0; i < Edge; i++)
        {
            for (int j = 0; j < Edge; j++)
                products[(i * Edge) + j] = (s_transform[j * Taps] * half[i * Taps]) + (s_transform[(j * Taps) + 1] * half[(i * Taps) + 1]) + (s_transform[(j * Taps) + 2] * half[(i * Taps) + 2]);
        }
    }

    private static double[] Transform(ReadOnlySpan<double> points)
    {
        double[] transform = new double[Edge * Taps];
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
