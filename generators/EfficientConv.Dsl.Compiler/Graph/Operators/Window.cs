using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>What operators with a sliding window share.</summary>
internal static class Window
{
    /// <summary>Shape of what a window makes.</summary>
    public static Shape Output(Shape input, int channels, Extent kernel, Extent stride, Padding padding, Extent dilation) => new(
        channels,
        ShapeInference.WindowOutput(input.Height, padding.Top, padding.Bottom, kernel.Height, stride.Height, dilation.Height),
        ShapeInference.WindowOutput(input.Width, padding.Left, padding.Right, kernel.Width, stride.Width, dilation.Width));

    /// <summary>The same with a last window that may hang over the edge.</summary>
    public static Shape OutputCeil(Shape input, int channels, Extent kernel, Extent stride, Padding padding, Extent dilation) => new(
        channels,
        ShapeInference.WindowOutputCeil(input.Height, padding.Top, padding.Bottom, kernel.Height, stride.Height, dilation.Height),
        ShapeInference.WindowOutputCeil(input.Width, padding.Left, padding.Right, kernel.Width, stride.Width, dilation.Width));

    /// <summary>TensorFlow's 'SAME' padding.</summary>
    public static Padding SameUpper(Shape input, Extent kernel, Extent stride, Extent dilation)
    {
        (int top, int bottom) = ShapeInference.SameUpperPadding(input.Height, kernel.Height, stride.Height, dilation.Height);
        (int left, int right) = ShapeInference.SameUpperPadding(input.Width, kernel.Width, stride.Width, dilation.Width);
        return new Padding(top, bottom, left, right);
    }

    /// <summary>Kernel, stride and padding as ONNX has them.</summary>
    public static OnnxAttribute[] Onnx(Extent kernel, Extent stride, Padding padding) =>
        [OnnxAttribute.Of("kernel_shape", kernel), OnnxAttribute.Of("strides", stride), OnnxAttribute.Of("pads", padding)];
}
