namespace EfficientConv.Dsl.Compiler.Shapes;

/// <summary>Sizes along one axis, by PyTorch's formulas.</summary>
public static class ShapeInference
{
    /// <summary>More pixels than any padded input has, and few enough that sums of a few of them are integers.</summary>
    private const int Huge = 1 << 28;

    /// <summary>Pixels from the first to the last tap of a kernel: <c>dilation * (kernel - 1) + 1</c>, at most <c>2^28</c>, which fits nowhere.</summary>
    public static int EffectiveKernel(int kernel, int dilation) => (int)Math.Min(((long)dilation * (kernel - 1)) + 1, Huge);

    /// <summary>
    /// Output size of a window: <c>floor((input + before + after - dilation * (kernel - 1) - 1) / stride) + 1</c> (torch.nn.Conv2d);
    /// zero or less when the kernel does not fit.
    /// </summary>
    public static int WindowOutput(int input, int before, int after, int kernel, int stride, int dilation)
    {
        int room = checked(input + before + after - EffectiveKernel(kernel, dilation));
        return room < 0 ? 0 : (room / stride) + 1;
    }

    /// <summary>Output size of a pooling window with <c>ceil_mode</c>: rounded up, but no window starts in the padding after the input (torch.nn.MaxPool2d).</summary>
    public static int WindowOutputCeil(int input, int before, int after, int kernel, int stride, int dilation)
    {
        int room = checked(input + before + after - EffectiveKernel(kernel, dilation));
        if (room < 0)
            return 0;
        int output = ((room + stride - 1) / stride) + 1;
        return (output - 1) * stride >= input + before ? output - 1 : output;
    }

    /// <summary>
    /// Output size of a transposed convolution: <c>(input - 1) * stride - padding + dilation * (kernel - 1) + output padding + 1</c>
    /// (torch.nn.ConvTranspose2d); zero or less when the padding takes everything away.
    /// </summary>
    public static int TransposedOutput(int input, int padding, int kernel, int stride, int dilation, int outputPadding) =>
        checked(((input - 1) * stride) - padding + EffectiveKernel(kernel, dilation) + outputPadding);

    /// <summary>Padding of PyTorch's <c>padding='same'</c> for stride 1: the total is the effective kernel less one, the odd pixel after.</summary>
    public static (int Before, int After) SamePadding(int kernel, int dilation)
    {
        int total = EffectiveKernel(kernel, dilation) - 1;
        return (total / 2, total - (total / 2));
    }

    /// <summary>Padding of TensorFlow's 'SAME': <c>max((ceil(input / stride) - 1) * stride + effective kernel - input, 0)</c>, the odd pixel after.</summary>
    public static (int Before, int After) SameUpperPadding(int input, int kernel, int stride, int dilation)
    {
        int output = (input + stride - 1) / stride;
        int total = Math.Max(checked(((output - 1) * stride) + EffectiveKernel(kernel, dilation) - input), 0);
        return (total / 2, total - (total / 2));
    }
}
