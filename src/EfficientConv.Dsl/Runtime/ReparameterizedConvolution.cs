using System.ComponentModel;

namespace EfficientConv.Dsl.Runtime;

/// <summary>A convolution with bias that stands for the sum of branches, each with a batch norm of its own (RepVGG, Ding et al. 2021, section 3.3).</summary>
/// <param name="WeightKey">The sum's weights, [O, I / groups, k, k].</param>
/// <param name="BiasKey">The sum's bias, [O].</param>
/// <param name="Eps">The batch norms' eps.</param>
/// <param name="Branches">The branches.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record ReparameterizedConvolution(string WeightKey, string BiasKey, double Eps, params ReparameterizedBranch[] Branches)
{
    /// <summary>The tensors of the branches, for a sum of shape <paramref name="sum"/>.</summary>
    internal IEnumerable<TensorSpec> Tensors(TensorSpec sum)
    {
        int outChannels = sum.Shape[0];
        foreach (ReparameterizedBranch branch in Branches)
        {
            if (branch.ConvolutionKey is { } key)
                yield return Spec(key + ".weight", TensorKind.Weight, outChannels, sum.Shape[1], branch.KernelSize, branch.KernelSize);
            yield return Spec(branch.NormKey + ".weight", TensorKind.BatchNormWeight, outChannels);
            yield return Spec(branch.NormKey + ".bias", TensorKind.BatchNormBias, outChannels);
            yield return Spec(branch.NormKey + ".running_mean", TensorKind.RunningMean, outChannels);
            yield return Spec(branch.NormKey + ".running_var", TensorKind.RunningVariance, outChannels);
        }

        static TensorSpec Spec(string key, TensorKind kind, params int[] shape) => new(key, key, kind, shape);
    }

    /// <summary>
    /// Replaces the branches' values by the sum's: W = sum of W_b * g_b, each kernel in the middle of the sum's and the input itself as a kernel of one 1, and
    /// b = sum of beta_b - mean_b * g_b with g = gamma / sqrt(variance + eps). In double precision, rounded once.
    /// </summary>
    internal void Sum(TensorSpec sum, Dictionary<string, float[]> values)
    {
        int outChannels = sum.Shape[0], inPerGroup = sum.Shape[1], size = sum.Shape[2];
        double[] weights = new double[sum.ElementCount];
        double[] bias = new double[outChannels];
        foreach (ReparameterizedBranch branch in Branches)
        {
            float[]? kernel = branch.ConvolutionKey is { } key ? Take(key + ".weight") : null;
            float[] gamma = Take(branch.NormKey + ".weight"), beta = Take(branch.NormKey + ".bias");
            float[] mean = Take(branch.NormKey + ".running_mean"), variance = Take(branch.NormKey + ".running_var");
            int margin = (size - branch.KernelSize) / 2;
            for (int o = 0; o < outChannels; o++)
            {
                double scale = gamma[o] / Math.Sqrt(variance[o] + Eps);
                bias[o] += beta[o] - (mean[o] * scale);
                if (kernel is null)
                {
                    // With as many channels in as out, output o of a group reads input o of the same group.
                    weights[Index(o, o % inPerGroup, size / 2, size / 2)] += scale;
                    continue;
                }
                for (int i = 0; i < inPerGroup; i++)
                {
                    for (int y = 0; y < branch.KernelSize; y++)
                    {
                        for (int x = 0; x < branch.KernelSize; x++)
                            weights[Index(o, i, y + margin, x + margin)] += kernel[(((((o * inPerGroup) + i) * branch.KernelSize) + y) * branch.KernelSize) + x] * scale;
                    }
                }
            }
        }
        values[WeightKey] = Array.ConvertAll(weights, w => (float)w);
        values[BiasKey] = Array.ConvertAll(bias, b => (float)b);

        int Index(int o, int i, int y, int x) => (((((o * inPerGroup) + i) * size) + y) * size) + x;

        float[] Take(string name)
        {
            values.Remove(name, out float[]? taken);
            return taken!;
        }
    }
}

/// <summary>One branch: a bias-free convolution and its batch norm, or the batch norm of the input itself.</summary>
/// <param name="ConvolutionKey">Prefix of the convolution's weight; null for the input itself.</param>
/// <param name="NormKey">Prefix of the batch norm's tensors.</param>
/// <param name="KernelSize">Rows and columns of its kernel.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record ReparameterizedBranch(string? ConvolutionKey, string NormKey, int KernelSize);
