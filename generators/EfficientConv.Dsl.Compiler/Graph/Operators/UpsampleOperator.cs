using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>How values between pixels are made, numbered as the attribute enumeration of the runtime library.</summary>
public enum InterpolationMode
{
    /// <summary>The nearest pixel above and to the left.</summary>
    Nearest,

    /// <summary>Linear between the two rows and the two columns around.</summary>
    Bilinear,
}

/// <summary>A larger (or smaller) map, as <c>torch.nn.Upsample</c>.</summary>
/// <param name="Size">Rows and columns out.</param>
/// <param name="Mode">How values between pixels are made.</param>
/// <param name="AlignCorners">Whether the corner pixels' centres fall onto each other.</param>
/// <param name="ScaleHeight">Rows out for each one in, as given; 0 where the size was given.</param>
/// <param name="ScaleWidth">Columns out for each one in, as given; 0 where the size was given.</param>
public sealed record UpsampleOperator(Extent Size, InterpolationMode Mode, bool AlignCorners, double ScaleHeight, double ScaleWidth) : WeightlessOperator
{
    /// <summary>More rows or columns are surely a mistake.</summary>
    private const int MaxSize = 1 << 20;

    /// <summary>Rows in from one row out to the next, in single precision as PyTorch computes it.</summary>
    public float RowStep(int height) => Step(height, Size.Height, ScaleHeight);

    /// <summary>Columns in from one column out to the next.</summary>
    public float ColumnStep(int width) => Step(width, Size.Width, ScaleWidth);

    /// <inheritdoc/>
    public override string Name => "Upsample";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.Module;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => true;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.New;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Nothing;

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => new(inputs[0].Channels, Size.Height, Size.Width);

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => site.OutputSize();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs)
    {
        Shape input = inputs[0];
        bool rowsByScale = IsByScale(input.Height, Size.Height, ScaleHeight), columnsByScale = IsByScale(input.Width, Size.Width, ScaleWidth);
        if (rowsByScale == columnsByScale)
            return OnnxForm.Of(Resize(OnnxInput.First, rowsByScale, input.Channels, (float)ScaleHeight, (float)ScaleWidth, Size));

        // A node has either scales or sizes, and each axis needs the one that gives its step: one axis after the other.
        Extent rows = new(Size.Height, input.Width);
        return OnnxForm.Of(
            Resize(OnnxInput.First, rowsByScale, input.Channels, (float)ScaleHeight, 1, rows).As("rows"),
            Resize(OnnxInput.Result("rows"), columnsByScale, input.Channels, 1, (float)ScaleWidth, Size));
    }

    internal static UpsampleOperator? Read(AttributeReader reader, Shape input, TensorKey key)
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

    // An axis that keeps its size is copied, whatever the scale, as PyTorch does it.
    private float Step(int input, int output, double scale) => input == output ? 1 : AlignCorners
        ? output > 1 ? (input - 1) / (float)(output - 1) : 0
        : scale > 0 ? (float)(1.0 / scale) : input / (float)output;

    /// <summary>Whether an axis' step follows from the scale and not from its two sizes, which differ where the size was rounded down.</summary>
    private bool IsByScale(int input, int output, double scale) => scale > 0 && !AlignCorners && input != output && output != input * scale;

    private OnnxNode Resize(OnnxInput source, bool byScale, int channels, float rowScale, float columnScale, Extent size)
    {
        OnnxInput[] factors = byScale ? [OnnxInput.Floats("scales", 1, 1, rowScale, columnScale)] : [OnnxInput.Absent, OnnxInput.Integers("sizes", 1, channels, size.Height, size.Width)];
        OnnxAttribute[] attributes = Mode switch
        {
            InterpolationMode.Nearest => [OnnxAttribute.Of("mode", "nearest"), OnnxAttribute.Of("coordinate_transformation_mode", "asymmetric"), OnnxAttribute.Of("nearest_mode", "floor")],
            InterpolationMode.Bilinear => [OnnxAttribute.Of("mode", "linear"), OnnxAttribute.Of("coordinate_transformation_mode", AlignCorners ? "align_corners" : "half_pixel")],
            _ => throw new InvalidOperationException($"{Mode} has no ONNX form."),
        };
        return OnnxNode.Of("Resize", [source, OnnxInput.Absent, .. factors], attributes);
    }
}
