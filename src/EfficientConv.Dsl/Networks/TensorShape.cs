namespace EfficientConv.Dsl;

/// <summary>The shape of one image's tensor, without the batch. A vector of N features is N x 1 x 1.</summary>
/// <param name="Channels">Channels.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
public readonly record struct TensorShape(int Channels, int Height, int Width)
{
    /// <summary>Channels * Height * Width.</summary>
    public long ElementCount => (long)Channels * Height * Width;

    /// <summary>For example <c>24 x 56 x 56</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Channels} x {Height} x {Width}");
}
