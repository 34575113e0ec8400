namespace EfficientConv.Dsl;

/// <summary>What a tensor of a checkpoint is for; it decides which values are legal and how random ones are drawn.</summary>
public enum TensorKind
{
    /// <summary>Weights of a convolution, [O, I / groups, kh, kw], or of a linear layer, [O, I].</summary>
    Weight,

    /// <summary>Bias of a convolution or linear layer, [O].</summary>
    Bias,

    /// <summary>Batch norm's scale (gamma), [C].</summary>
    BatchNormWeight,

    /// <summary>Batch norm's shift (beta), [C].</summary>
    BatchNormBias,

    /// <summary>Batch norm's running mean, [C].</summary>
    RunningMean,

    /// <summary>Batch norm's running variance, [C]; negative values are refused.</summary>
    RunningVariance,

    /// <summary>PReLU's slopes, [1] or [C].</summary>
    PReLUSlope,

    /// <summary>Scale of a norm whose statistics are the input's, [C]: layer, group, instance norm.</summary>
    LayerNormWeight,

    /// <summary>Shift of such a norm, [C].</summary>
    LayerNormBias,

    /// <summary>Factors by channel, [C].</summary>
    LayerScale,
}

/// <summary>A tensor that a checkpoint must hold.</summary>
/// <param name="Key">The key in the state dict of the equivalent PyTorch module, <c>block.0.weight</c>.</param>
/// <param name="CanonicalKey">The key by this library's own names, accepted as well.</param>
/// <param name="Kind">What the tensor is for.</param>
/// <param name="Shape">
/// The shape as PyTorch has it. For <see cref="TensorKind.Weight"/> and <see cref="TensorKind.LayerScale"/>, dimensions of 1 at the end may be missing or added; a single
/// <see cref="TensorKind.PReLUSlope"/> may be a scalar.
/// </param>
public sealed record TensorSpec(string Key, string CanonicalKey, TensorKind Kind, params int[] Shape)
{
    /// <summary>The product of <see cref="Shape"/>.</summary>
    public long ElementCount
    {
        get
        {
            long count = 1;
            foreach (int dimension in Shape)
                count = checked(count * dimension);
            return count;
        }
    }

    internal bool Matches(IReadOnlyList<long> found)
    {
        // torch.nn.PReLU's one slope is often stored as a scalar.
        if (Kind == TensorKind.PReLUSlope && Shape is [1] && found.Count == 0)
            return true;
        int expectedRank = Shape.Length;
        int foundRank = found.Count;
        if (Kind is TensorKind.Weight or TensorKind.LayerScale)
        {
            while (expectedRank > 1 && Shape[expectedRank - 1] == 1)
                expectedRank--;
            while (foundRank > 1 && found[foundRank - 1] == 1)
                foundRank--;
        }
        if (expectedRank != foundRank)
            return false;
        for (int i = 0; i < expectedRank; i++)
        {
            if (Shape[i] != found[i])
                return false;
        }
        return true;
    }
}
