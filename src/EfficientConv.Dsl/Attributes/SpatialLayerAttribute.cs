namespace EfficientConv.Dsl;

/// <summary>
/// Base of the layers that slide a window over the image. The square arguments of the constructors are what these
/// properties override; each is <see cref="Channels.Unset"/> until it is set. Output size per axis:
/// floor((in + before + after - dilation * (kernel - 1) - 1) / stride) + 1.
/// </summary>
public abstract class SpatialLayerAttribute : LayerAttribute
{
    private protected SpatialLayerAttribute()
    {
    }

    /// <summary>Rows of the window.</summary>
    public int KernelHeight { get; set; } = Channels.Unset;

    /// <summary>Columns of the window.</summary>
    public int KernelWidth { get; set; } = Channels.Unset;

    /// <summary>Rows from one window to the next.</summary>
    public int StrideHeight { get; set; } = Channels.Unset;

    /// <summary>Columns from one window to the next.</summary>
    public int StrideWidth { get; set; } = Channels.Unset;

    /// <summary>Rows added at the top and at the bottom.</summary>
    public int PaddingHeight { get; set; } = Channels.Unset;

    /// <summary>Columns added at the left and at the right.</summary>
    public int PaddingWidth { get; set; } = Channels.Unset;

    /// <summary>Rows added at the top; wins over <see cref="PaddingHeight"/>.</summary>
    public int PaddingTop { get; set; } = Channels.Unset;

    /// <summary>Rows added at the bottom; wins over <see cref="PaddingHeight"/>.</summary>
    public int PaddingBottom { get; set; } = Channels.Unset;

    /// <summary>Columns added at the left; wins over <see cref="PaddingWidth"/>.</summary>
    public int PaddingLeft { get; set; } = Channels.Unset;

    /// <summary>Columns added at the right; wins over <see cref="PaddingWidth"/>.</summary>
    public int PaddingRight { get; set; } = Channels.Unset;

    /// <summary>Rows from one tap of the window to the next.</summary>
    public int DilationHeight { get; set; } = Channels.Unset;

    /// <summary>Columns from one tap of the window to the next.</summary>
    public int DilationWidth { get; set; } = Channels.Unset;

    /// <summary>Computes the padding from the shapes instead of taking it from the attribute.</summary>
    public AutoPad AutoPad { get; set; }
}
