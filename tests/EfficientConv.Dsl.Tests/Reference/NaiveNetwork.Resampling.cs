using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Tests.Reference;

// Operators that change a map's size by other means than a window.
internal sealed partial class NaiveNetwork
{
    /// <summary>As the formula reads: every input value is added to all output pixels that its taps reach.</summary>
    private double[] ConvolveTransposed(TransposedConvolutionOperator t, double[] x, Shape input, Shape output)
    {
        float[] weights = Tensor(t.Key, "weight");
        float[]? bias = t.Bias ? Tensor(t.Key, "bias") : null;
        int inPerGroup = input.Channels / t.Groups, outPerGroup = output.Channels / t.Groups;
        double[] y = [.. Enumerable.Range(0, (int)output.Count).Select(i => (double)(bias?[i / output.Pixels] ?? 0))];
        for (int c = 0; c < input.Channels; c++)
        {
            for (int row = 0; row < input.Height; row++)
            {
                for (int column = 0; column < input.Width; column++)
                {
                    double value = x[(((c * input.Height) + row) * input.Width) + column];
                    for (int o = 0; o < outPerGroup; o++)
                    {
                        for (int ky = 0; ky < t.Kernel.Height; ky++)
                        {
                            for (int kx = 0; kx < t.Kernel.Width; kx++)
                            {
                                int outRow = (row * t.Stride.Height) - t.Padding.Top + (ky * t.Dilation.Height), outColumn = (column * t.Stride.Width) - t.Padding.Left + (kx * t.Dilation.Width);
                                if (outRow < 0 || outRow >= output.Height || outColumn < 0 || outColumn >= output.Width)
                                    continue;
                                double weight = weights[(((((c * outPerGroup) + o) * t.Kernel.Height) + ky) * t.Kernel.Width) + kx];
                                y[((((c / inPerGroup * outPerGroup) + o) * output.Height) + outRow) * output.Width + outColumn] += weight * value;
                            }
                        }
                    }
                }
            }
        }

        return y;
    }

    private static double[] Upsample(UpsampleOperator u, double[] x, Shape input) => Map(x, input, u.Size, (plane, row, column) =>
    {
        if (u.Mode == InterpolationMode.Nearest)
            return plane(Nearest(row, input.Height, u.Size.Height, u.ScaleHeight, input.Channels), Nearest(column, input.Width, u.Size.Width, u.ScaleWidth, input.Channels));
        float rowStep = u.RowStep(input), columnStep = u.ColumnStep(input);
        float y = Position(row, rowStep, u.AlignCorners), z = Position(column, columnStep, u.AlignCorners);
        int top = Math.Min((int)y, input.Height - 1), left = Math.Min((int)z, input.Width - 1), bottom = u.Size.Height == input.Height ? top : Math.Min(top + 1, input.Height - 1), right = u.Size.Width == input.Width ? left : Math.Min(left + 1, input.Width - 1);
        double below = Math.Clamp(y - top, 0, 1), behind = Math.Clamp(z - left, 0, 1);
        return ((1 - below) * (((1 - behind) * plane(top, left)) + (behind * plane(top, right)))) + (below * (((1 - behind) * plane(bottom, left)) + (behind * plane(bottom, right))));
    });

    /// <summary>
    /// PyTorch's two ways: <c>nearest_idx</c> for one channel, whose memory is channels last as well; <c>HelperInterpNearest</c> for several. Both agree with PyTorch 1.13 for
    /// all sizes up to 60 and some 190 scales.
    /// </summary>
    internal static int Nearest(int index, int input, int output, double scale, int channels)
    {
        if (channels == 1 && (output == input || output == 2 * input))
            return index / (output / input);
        float step = scale > 0 ? (float)(1.0 / scale) : (float)input / output;
        return (int)Math.Min(MathF.Floor(index * step), input - 1);
    }

    private static float Position(int index, float step, bool alignCorners) => alignCorners ? step * index : Math.Max((step * (index + 0.5f)) - 0.5f, 0);

    private static double[] Pad(PadOperator p, double[] x, Shape input)
    {
        Shape output = p.Output(input);
        return Map(x, input, new Extent(output.Height, output.Width), (plane, row, column) =>
        {
            (int y, int z) = (row - p.Padding.Top, column - p.Padding.Left);
            if (p.Mode == Compiler.Graph.PadMode.Constant)
                return y < 0 || y >= input.Height || z < 0 || z >= input.Width ? p.Value : plane(y, z);
            return plane(Inside(y, input.Height), Inside(z, input.Width));
        });

        int Inside(int index, int length) => p.Mode == Compiler.Graph.PadMode.Reflect
            ? length - 1 - Math.Abs(length - 1 - Math.Abs(index))
            : Math.Min(Math.Max(index, 0), length - 1);
    }

    private static double[] AdaptivePool(AdaptivePoolOperator a, double[] x, Shape input) => Map(x, input, a.Size, (plane, row, column) =>
    {
        (int top, int bottom) = Window(row, input.Height, a.Size.Height);
        (int left, int right) = Window(column, input.Width, a.Size.Width);
        double[] values = [.. from y in Enumerable.Range(top, bottom - top) from z in Enumerable.Range(left, right - left) select plane(y, z)];
        return a.IsMaximum ? values.Aggregate(Math.Max) : values.Average();

        static (int From, int To) Window(int index, int length, int outputs) => (index * length / outputs, (int)Math.Ceiling((index + 1) * length / (double)outputs));
    });

    /// <summary><c>view(C, r, r, H, W).permute(0, 3, 1, 4, 2)</c>.</summary>
    private static double[] PixelShuffle(double[] x, Shape input, int factor)
    {
        Shape output = new(input.Channels / factor / factor, input.Height * factor, input.Width * factor);
        return [.. Enumerable.Range(0, x.Length).Select(i =>
        {
            int c = i / output.Pixels, row = i % output.Pixels / output.Width, column = i % output.Width;
            int channel = (c * factor * factor) + (row % factor * factor) + (column % factor);
            return x[(((channel * input.Height) + (row / factor)) * input.Width) + (column / factor)];
        })];
    }

    /// <summary>Every output pixel of every channel from that channel's plane.</summary>
    private static double[] Map(double[] x, Shape input, Extent size, Func<Func<int, int, double>, int, int, double> pixel)
    {
        double[] y = new double[input.Channels * size.Height * size.Width];
        for (int c = 0, i = 0; c < input.Channels; c++)
        {
            int channel = c;
            for (int row = 0; row < size.Height; row++)
            {
                for (int column = 0; column < size.Width; column++, i++)
                    y[i] = pixel((inRow, inColumn) => x[(((channel * input.Height) + inRow) * input.Width) + inColumn], row, column);
            }
        }

        return y;
    }
}
