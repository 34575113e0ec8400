using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Rules;

/// <summary>A sliding window along one axis.</summary>
/// <param name="Name"><c>Height</c> or <c>Width</c>, as in the names of the attributes' properties.</param>
/// <param name="Pixels"><c>rows</c> or <c>columns</c>.</param>
/// <param name="SideBefore"><c>Top</c> or <c>Left</c>.</param>
/// <param name="SideAfter"><c>Bottom</c> or <c>Right</c>.</param>
/// <param name="Input">Pixels that come in.</param>
/// <param name="Output">Pixels that go out.</param>
/// <param name="Kernel">Taps.</param>
/// <param name="Stride">Pixels from one window to the next.</param>
/// <param name="Dilation">Pixels from one tap to the next.</param>
/// <param name="Before">Padding in front.</param>
/// <param name="After">Padding after.</param>
internal readonly record struct SpatialAxis(
    string Name, string Pixels, string SideBefore, string SideAfter, int Input, int Output, int Kernel, int Stride, int Dilation, int Before, int After)
{
    /// <summary>Pixels from the first to the last tap.</summary>
    public int Effective => ShapeInference.EffectiveKernel(Kernel, Dilation);

    /// <summary>Padding of both sides.</summary>
    public int Total => Before + After;

    /// <summary>Padding of both sides that keeps the size at stride 1.</summary>
    public int Keeping => Effective - 1;

    /// <summary>Pixels of the input after the last one that a window reads.</summary>
    public int Unread => Math.Max(0, Before + Input - (((Output - 1) * Stride) + Effective));

    /// <summary>Arguments that set this axis's padding, the most specific first.</summary>
    public string[] PaddingArguments => [.. Graph.PaddingArguments.Sides(Name, SideBefore, SideAfter, Before >= After), "padding", "Padding"];

    /// <summary>Both axes of a convolution or a pooling, or nothing.</summary>
    public static SpatialAxis[] Of(Operator op, Shape input, Shape output) => op switch
    {
        ConvolutionOperator { IsLinear: false } c => Both(input, output, c.Kernel, c.Stride, c.Dilation, c.Padding),
        PoolOperator p => Both(input, output, p.Kernel, p.Stride, p.Dilation, p.Padding),
        _ => [],
    };

    private static SpatialAxis[] Both(Shape input, Shape output, Extent kernel, Extent stride, Extent dilation, Padding padding) =>
    [
        new("Height", "rows", "Top", "Bottom", input.Height, output.Height, kernel.Height, stride.Height, dilation.Height, padding.Top, padding.Bottom),
        new("Width", "columns", "Left", "Right", input.Width, output.Width, kernel.Width, stride.Width, dilation.Width, padding.Left, padding.Right),
    ];
}
