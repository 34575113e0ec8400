using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>Normalisation over the channels of each pixel.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class LayerNormalization
{
    // The sums run in 16 chains whatever the vector, channel c in chain c % 16, and meet in one fixed tree: the same bits everywhere.
    private const int Chains = 16;

    /// <summary>
    /// y = (x - mean) / sqrt(variance + eps) * weight + bias with the mean and the variance (divisor C) of the pixel's channels, as
    /// <c>torch.nn.functional.layer_norm</c> over the last dimension.
    /// </summary>
    /// <typeparam name="V">The vector.</typeparam>
    /// <param name="source">The first pixel; whole vectors are read.</param>
    /// <param name="sourceStride">From one pixel to the next.</param>
    /// <param name="destination">The first pixel's result; whole vectors are written.</param>
    /// <param name="destinationStride">From one result to the next.</param>
    /// <param name="weight">One per channel, padded to 16.</param>
    /// <param name="bias">One per channel, padded to 16.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="pixels">Pixels.</param>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Normalize<V>(
        ref float source, nint sourceStride, ref float destination, nint destinationStride, ref float weight, ref float bias, float eps,
        int channels, int pixels)
        where V : struct, ISimd<V>
    {
        Span<float> chains = stackalloc float[Chains];
        Span<float> rest = stackalloc float[Chains];
        ref float firstChain = ref MemoryMarshal.GetReference(chains);
        ref float firstRest = ref MemoryMarshal.GetReference(rest);
        int whole = channels - (channels % Chains);
        for (int p = 0; p < pixels; p++)
        {
            ref float pixel = ref Unsafe.Add(ref source, p * sourceStride);
            ref float result = ref Unsafe.Add(ref destination, p * destinationStride);

            // Lanes after the last channel hold anything: they must not reach the sums.
            rest.Clear();
            MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref pixel, whole), channels - whole).CopyTo(rest);
            for (int j = 0; j < Chains; j += V.Lanes)
            {
                V sum = V.Load(ref firstRest, j);
                for (int c = j; c < whole; c += Chains)
                    sum = V.Add(sum, V.Load(ref pixel, c));
                V.Store(sum, ref firstChain, j);
            }
            float mean = Total(ref firstChain) / channels;

            rest[(channels - whole)..].Fill(mean);
            V means = V.Create(mean);
            for (int j = 0; j < Chains; j += V.Lanes)
            {
                V last = V.Subtract(V.Load(ref firstRest, j), means);
                V sum = V.Multiply(last, last);
                for (int c = j; c < whole; c += Chains)
                {
                    V difference = V.Subtract(V.Load(ref pixel, c), means);
                    sum = V.FusedMultiplyAdd(difference, difference, sum);
                }
                V.Store(sum, ref firstChain, j);
            }
            V scale = V.Create(1f / MathF.Sqrt((Total(ref firstChain) / channels) + eps));
            for (int c = 0; c < channels; c += V.Lanes)
            {
                V normal = V.Multiply(V.Subtract(V.Load(ref pixel, c), means), scale);
                V.Store(V.FusedMultiplyAdd(normal, V.Load(ref weight, c), V.Load(ref bias, c)), ref result, c);
            }
        }
    }

    private static float Total(ref float chains)
    {
        for (int half = Chains / 2; half > 0; half /= 2)
        {
            for (int i = 0; i < half; i++)
                Unsafe.Add(ref chains, i) += Unsafe.Add(ref chains, i + half);
        }
        return chains;
    }
}
