namespace EfficientConv.Dsl.Cli.Tests.Import;

/// <summary>An image with its channels last, and what TensorFlow Lite's operators do to it, as their definitions have it.</summary>
internal sealed record Pixels(int Height, int Width, int Channels, double[] Values)
{
    public double this[int y, int x, int c] => Values[(((y * Width) + x) * Channels) + c];

    public static Pixels Of(int height, int width, int channels, Func<int, int, int, double> value) =>
        new(height, width, channels, [.. Enumerable.Range(0, height * width * channels).Select(i => value(i / channels / width, i / channels % width, i % channels))]);

    public Pixels Each(Func<double, double> function) => this with { Values = Array.ConvertAll(Values, value => function(value)) };

    public Pixels Each(Func<double, int, double> function) => Of(Height, Width, Channels, (y, x, c) => function(this[y, x, c], c));

    public Pixels With(Pixels other, Func<double, double, double> function) =>
        Of(Height, Width, Channels, (y, x, c) => function(this[y, x, c], other[other.Height == 1 ? 0 : y, other.Width == 1 ? 0 : x, other.Channels == 1 ? 0 : c]));

    /// <summary>Weights of shape outputs, rows, columns, channels of a group.</summary>
    public Pixels Convolution(float[] weights, int outs, int kernel, float[]? bias, int stride, bool isSame, int dilation = 1, int groups = 1)
    {
        int ins = Channels / groups;
        return Windows(kernel, stride, isSame, dilation, outs, (taps, o) => (bias?[o] ?? 0) + taps.Sum(tap =>
            Enumerable.Range(0, ins).Sum(i => this[tap.Y, tap.X, (o / (outs / groups) * ins) + i] * weights[(((o * kernel) + tap.Row) * kernel * ins) + (tap.Column * ins) + i])));
    }

    /// <summary>Weights of shape 1, rows, columns, outputs.</summary>
    public Pixels Depthwise(float[] weights, int kernel, float[] bias, int stride, bool isSame, int multiplier) =>
        Windows(kernel, stride, isSame, 1, Channels * multiplier, (taps, o) => bias[o] + taps.Sum(tap =>
            this[tap.Y, tap.X, o / multiplier] * weights[(((tap.Row * kernel) + tap.Column) * Channels * multiplier) + o]));

    /// <summary>Every pixel spreads over the larger image, whose padding is that of the convolution back.</summary>
    public Pixels TransposedConvolution(float[] weights, int outs, int kernel, float[]? bias, int stride, bool isSame, int height, int width)
    {
        int top = isSame ? Math.Max((((height + stride - 1) / stride - 1) * stride) + kernel - height, 0) / 2 : 0, left = isSame
            ? Math.Max((((width + stride - 1) / stride - 1) * stride) + kernel - width, 0) / 2 : 0;
        double[] sums = new double[height * width * outs];
        for (int i = 0; i < Height * Width * Channels * kernel * kernel * outs; i++)
        {
            int o = i % outs, column = i / outs % kernel, row = i / outs / kernel % kernel, place = i / outs / kernel / kernel;
            int c = place % Channels, x = place / Channels % Width, y = place / Channels / Width, toY = (y * stride) - top + row, toX = (x * stride) - left + column;
            if (toY >= 0 && toX >= 0 && toY < height && toX < width)
                sums[(((toY * width) + toX) * outs) + o] += this[y, x, c] * weights[(((o * kernel) + row) * kernel * Channels) + (column * Channels) + c];
        }

        return new Pixels(height, width, outs, [.. sums.Select((sum, i) => sum + (bias?[i % outs] ?? 0))]);
    }

    public Pixels Maximum(int kernel, int stride, bool isSame) => Windows(kernel, stride, isSame, 1, Channels, (taps, c) => taps.Max(tap => this[tap.Y, tap.X, c]));

    public Pixels Average(int kernel, int stride, bool isSame) => Windows(kernel, stride, isSame, 1, Channels, (taps, c) => taps.Average(tap => this[tap.Y, tap.X, c]));

    public Pixels Mean() => Of(1, 1, Channels, (_, _, c) => Enumerable.Range(0, Height * Width).Average(i => Values[(i * Channels) + c]));

    public Pixels Softmax(double beta) => Of(Height, Width, Channels, (y, x, c) =>
        Math.Exp(beta * this[y, x, c]) / Enumerable.Range(0, Channels).Sum(k => Math.Exp(beta * this[y, x, k])));

    public Pixels Slice(int start, int count) => Of(Height, Width, count, (y, x, c) => this[y, x, start + c]);

    public Pixels Bilinear(int height, int width, Func<int, int, int, double> source) => Of(height, width, Channels, (y, x, c) =>
    {
        double row = Math.Clamp(source(y, Height, height), 0, Height - 1), column = Math.Clamp(source(x, Width, width), 0, Width - 1);
        int top = (int)row, left = (int)column, bottom = Math.Min(top + 1, Height - 1), right = Math.Min(left + 1, Width - 1);
        return ((1 - row + top) * (((1 - column + left) * this[top, left, c]) + ((column - left) * this[top, right, c]))) + ((row - top) * (((1 - column + left) * this[bottom,
            left, c]) + ((column - left) * this[bottom, right, c])));
    });

    private Pixels Windows(int kernel, int stride, bool isSame, int dilation, int channels, Func<List<(int Y, int X, int Row, int Column)>, int, double> value)
    {
        // Same: as many outputs as strides begin in the image, and the odd pixel of padding after it.
        int span = (dilation * (kernel - 1)) + 1, rows = isSame ? (Height + stride - 1) / stride : (Height - span + stride) / stride, columns = isSame
            ? (Width + stride - 1) / stride : (Width - span + stride) / stride;
        int top = isSame ? Math.Max(((rows - 1) * stride) + span - Height, 0) / 2 : 0, left = isSame ? Math.Max(((columns - 1) * stride) + span - Width, 0) / 2 : 0;
        return Of(rows, columns, channels, (y, x, c) => value(
            [.. from row in Enumerable.Range(0, kernel)
                from column in Enumerable.Range(0, kernel)
                let fromY = (y * stride) - top + (row * dilation)
                let fromX = (x * stride) - left + (column * dilation)
                where fromY >= 0 && fromY < Height && fromX >= 0 && fromX < Width
                select (fromY, fromX, row, column)],
            c));
    }
}
