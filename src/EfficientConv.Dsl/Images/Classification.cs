using EfficientConv.Dsl.Runtime;

namespace EfficientConv.Dsl;

/// <summary>What is done with a classifier's output.</summary>
public static class Classification
{
    /// <summary>
    /// Logits to probabilities, exp(x - max) / sum, as the <c>Softmax</c> layer computes it: the same bits with every instruction set. In place where both spans are the same memory.
    /// </summary>
    /// <param name="logits">The logits, at least one.</param>
    /// <param name="probabilities">As many.</param>
    /// <exception cref="ArgumentException">The lengths differ, or are 0.</exception>
    public static void Softmax(ReadOnlySpan<float> logits, Span<float> probabilities)
    {
        if (logits.IsEmpty || probabilities.Length != logits.Length)
            throw new ArgumentException($"Softmax needs as many probabilities as logits, and at least one; found {logits.Length} logits and {probabilities.Length} probabilities.", nameof(probabilities));
        logits.CopyTo(probabilities);
        Elementwise.Softmax<Simd128>(ref probabilities[0], probabilities.Length);
    }

    /// <summary>
    /// Indices of the largest scores, the largest first; of equal ones the lower index. NaN counts as larger than everything, as in <c>torch.topk</c>. Allocates nothing.
    /// </summary>
    /// <param name="scores">Logits or probabilities.</param>
    /// <param name="indices">Filled; at most as many as there are scores.</param>
    /// <exception cref="ArgumentException">There are more indices than scores.</exception>
    public static void TopK(ReadOnlySpan<float> scores, Span<int> indices)
    {
        if (indices.Length > scores.Length)
            throw new ArgumentException($"There are {scores.Length} scores; {indices.Length} of them were asked for.", nameof(indices));
        int found = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            int place = found;
            while (place > 0 && IsGreater(scores[i], scores[indices[place - 1]]))
                place--;
            if (place == indices.Length)
                continue;
            found = Math.Min(found + 1, indices.Length);
            for (int moved = found - 1; moved > place; moved--)
                indices[moved] = indices[moved - 1];
            indices[place] = i;
        }
    }

    private static bool IsGreater(float left, float right) => left > right || (float.IsNaN(left) && !float.IsNaN(right));
}
