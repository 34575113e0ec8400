using System.ComponentModel;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// What each byte of each channel becomes: (x / 255 - mean) / std in 32-bit floats, three roundings, as torchvision's <c>ToTensor</c> and <c>Normalize</c>
/// compute it. 256 values a channel are all that there are, so they are computed once, and an image costs one look-up a value.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed unsafe class ImageNormalization
{
    /// <summary>Values of a channel.</summary>
    internal const int Levels = 256;

    private readonly AlignedBuffer _values;

    /// <summary>Computes the values.</summary>
    /// <param name="mean">One a channel.</param>
    /// <param name="std">One a channel.</param>
    public ImageNormalization(ReadOnlySpan<float> mean, ReadOnlySpan<float> std)
    {
        Channels = mean.Length;
        _values = new AlignedBuffer(Channels * Levels);
        Span<float> values = _values.Span;
        for (int c = 0; c < mean.Length; c++)
        {
            for (int x = 0; x < Levels; x++)
            {
                // Stored in between, so that no step keeps more digits than a float has.
                float unit = x / 255f;
                float centred = unit - mean[c];
                values[(c * Levels) + x] = centred / std[c];
            }
        }
    }

    /// <summary>Channels.</summary>
    public int Channels { get; }

    /// <summary>Channel after channel; the memory never moves.</summary>
    internal ReadOnlySpan<float> Values => _values.Span;

    internal float* First => (float*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _values.First);
}
