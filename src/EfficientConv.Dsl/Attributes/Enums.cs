namespace EfficientConv.Dsl;

/// <summary>The order of the values in the spans that the user passes.</summary>
public enum TensorLayout
{
    /// <summary>Channel planes one after the other: index (c * height + y) * width + x, as PyTorch.</summary>
    NCHW,

    /// <summary>All channels of a pixel together: index (y * width + x) * channels + c, as TensorFlow.</summary>
    NHWC,
}

/// <summary>How the padding of a spatial layer is chosen.</summary>
public enum AutoPad
{
    /// <summary>The padding that the attribute gives.</summary>
    Explicit,

    /// <summary>PyTorch's <c>padding='same'</c> (stride 1 only): d * (k - 1) in total, the odd pixel at right and bottom.</summary>
    Same,

    /// <summary>
    /// TensorFlow's 'same': output = ceil(input / s), in total max((output - 1) * s + d * (k - 1) + 1 - input, 0),
    /// the odd pixel at right and bottom.
    /// </summary>
    SameUpper,
}

/// <summary>Whether a block adds its input to its output.</summary>
public enum Shortcut
{
    /// <summary>Adds if and only if the stride is 1 and the channels in equal the channels out.</summary>
    Auto,

    /// <summary>Adds; a compile-time error where the shapes differ.</summary>
    Required,

    /// <summary>Does not add.</summary>
    None,
}

/// <summary>Which channels the squeeze channels of a block are a fraction of.</summary>
public enum SqueezeSource
{
    /// <summary>The expanded channels, as MobileNetV3.</summary>
    Hidden,

    /// <summary>The channels of the block's input, as EfficientNet; at least 1.</summary>
    Input,
}

/// <summary>How a dense 3 x 3 convolution with stride 1 or 2 is computed.</summary>
public enum ConvAlgorithm
{
    /// <summary>
    /// Winograd's algorithm where it is faster, with at least 16 channels on both sides; the direct sum elsewhere. The choice is the same on every
    /// instruction set.
    /// </summary>
    Auto,

    /// <summary>The sum as written, one chain of fused multiply-adds per output.</summary>
    Direct,

    /// <summary>
    /// Winograd's F(4 x 4, 3 x 3), 2.25 multiplications an output instead of 9 with four times the memory for weights, or F(2 x 2, 3 x 3), 4 and 1.8 times, where few
    /// pixels share many weights; with stride 2 6.25 and 1.8 times. A non-finite input value makes every tile of 4 x 4 or 2 x 2 outputs that reads it non-finite,
    /// and so can finite ones from about 3e37 on.
    /// </summary>
    Winograd,
}

/// <summary>How an upsampling layer makes values between pixels.</summary>
public enum Interpolation
{
    /// <summary>The nearest pixel above and to the left, PyTorch's 'nearest'.</summary>
    Nearest,

    /// <summary>Linear between the two rows and the two columns around, PyTorch's 'bilinear'.</summary>
    Bilinear,
}
