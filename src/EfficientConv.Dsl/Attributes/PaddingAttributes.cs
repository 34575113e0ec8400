using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>What stands in the rows and columns that a padding adds.</summary>
public enum PadMode
{
    /// <summary>One value, <c>torch.nn.ConstantPad2d</c>; zero is <c>torch.nn.ZeroPad2d</c>.</summary>
    Constant,

    /// <summary>The map mirrored at its edge pixels, which are not repeated, <c>torch.nn.ReflectionPad2d</c>: row -1 is row 1.</summary>
    Reflect,

    /// <summary>The edge pixels again, <c>torch.nn.ReplicationPad2d</c>: row -1 is row 0.</summary>
    Replicate,
}

/// <summary>
/// Rows and columns around the map, <c>torch.nn.ConstantPad2d</c>, <c>ZeroPad2d</c>, <c>ReflectionPad2d</c> or <c>ReplicationPad2d</c>: [C, H, W] to
/// [C, top + H + bottom, left + W + right]. Every side has an amount of its own: <c>Pad2d(PaddingBottom = 1)</c> adds one row at the end. No parameters, no MACs. Negative
/// amounts, reflected ones that are not smaller than the map, and a value in another mode than constant are an error (ECD0004). Zeros that
/// only a convolution with a window reads are that convolution's own padding and cost nothing.
/// </summary>
/// <param name="padding">Added on each side.</param>
/// <param name="mode">What stands there.</param>
/// <param name="value">The value of <see cref="PadMode.Constant"/>.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class Pad2dAttribute(int padding = 0, PadMode mode = PadMode.Constant, double value = 0) : LayerAttribute
{
    /// <summary>Added on each side.</summary>
    public int Padding { get; } = padding;

    /// <summary>What stands there.</summary>
    public PadMode Mode { get; } = mode;

    /// <summary>The value of <see cref="PadMode.Constant"/>.</summary>
    public double Value { get; } = value;

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
}
