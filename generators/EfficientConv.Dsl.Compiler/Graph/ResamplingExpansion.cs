namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Layers whose output has another size by other means than a window: transposed convolution, upsampling, adaptive pooling.</summary>
internal static class ResamplingExpansion
{
    /// <summary>The operator, or null after a finding.</summary>
    public static Operator? Operator(Shape input, AttributeReader reader, TensorKey key) => reader.Kind switch
    {
        "ConvTranspose2d" => Transposed(input, reader, key),
        "Upsample" => Upsample(input, reader),
        "PixelShuffle" => new PixelShuffleOperator(Math.Min(reader.Positive("factor", 1), 1 << 10)),
        _ => Adaptive(input, reader, reader.Kind == "AdaptiveMaxPool2d"),
    };

    private static TransposedConvolutionOperator Transposed(Shape input, AttributeReader reader, TensorKey key)
    {
        if (reader.Enumeration("AutoPad", AutoPadMode.Explicit) is not AutoPadMode.Explicit and var mode)
            reader.Invalid("AutoPad", $"{mode}", "Explicit: the output's size says nothing of the input's");
        Extent kernel = reader.Kernel(3), stride = reader.Stride(Extent.Square(1)), dilation = reader.Dilation();
        return new TransposedConvolutionOperator(
            key, reader.Positive("outChannels", input.Channels), kernel, stride, reader.Padding(kernel, stride, dilation, input, default),
            Extent.Square(reader.NotNegative("outputPadding", 0)), dilation, reader.Positive("groups", 1), reader.Bool("bias", true));
    }

    private static UpsampleOperator? Upsample(Shape input, AttributeReader reader)
    {
        double scale = reader.PositiveNumber("scale", 2);
        InterpolationMode mode = reader.Enumeration("mode", InterpolationMode.Nearest);
        bool alignCorners = reader.Bool("alignCorners", false);
        if (alignCorners && mode != InterpolationMode.Bilinear)
            reader.Invalid("alignCorners", "true", "false where the mode is not Bilinear");
        bool height = reader.IsSet("Height"), width = reader.IsSet("Width");
        double rows = height ? reader.Positive("Height", 1) : Math.Floor(input.Height * scale), columns = width ? reader.Positive("Width", 1) : Math.Floor(input.Width * scale);
        if (rows is >= 1 and <= MaxSize && columns is >= 1 and <= MaxSize)
            return new UpsampleOperator(new Extent((int)rows, (int)columns), mode, alignCorners, height ? 0 : scale, width ? 0 : scale);
        reader.Invalid("scale", FormattableString.Invariant($"{scale}"), FormattableString.Invariant($"such that the output has from 1 to {MaxSize} rows and columns"));
        return null;
    }

    /// <summary>Windows of one size are those of a plain pooling layer, whose kernel knows them.</summary>
    private static Operator Adaptive(Shape input, AttributeReader reader, bool isMaximum)
    {
        int height = reader.Positive("height", 1);
        Extent size = new(height, reader.Positive("width", height));
        if (size == Extent.Square(1) && !isMaximum)
            return new GlobalAveragePoolOperator();
        if (input.Height % size.Height != 0 || input.Width % size.Width != 0)
            return new AdaptivePoolOperator(isMaximum, size);
        Extent window = new(input.Height / size.Height, input.Width / size.Width);
        return new PoolOperator(isMaximum, window, window, default, Extent.Square(1), CeilMode: false, CountIncludePad: true);
    }

    /// <summary>More rows or columns are surely a mistake.</summary>
    private const int MaxSize = 1 << 20;
}
