namespace EfficientConv.Dsl;

/// <summary>The bytes of a pixel in memory, in ascending addresses.</summary>
public enum PixelFormat
{
    /// <summary>Red, green, blue.</summary>
    Rgb,

    /// <summary>Blue, green, red.</summary>
    Bgr,

    /// <summary>Red, green, blue, and a fourth byte that is not read.</summary>
    Rgba,

    /// <summary>Blue, green, red, and a fourth byte that is not read.</summary>
    Bgra,

    /// <summary>One byte, which stands for red, green and blue.</summary>
    Gray,
}
