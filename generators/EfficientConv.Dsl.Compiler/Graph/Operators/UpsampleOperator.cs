using EfficientConv.Dsl.Compiler.Declarations;
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
    public float RowStep(Shape input) => Step(input.Height, Size.Height, ScaleHeight, input.Channels);

    /// <summary>Columns in from one column out to the next.</summary>
    public float ColumnStep(Shape input) => Step(input.Width, Size.Width, ScaleWidth, input.Channels);

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

    /// <summary>An attribute has one scale for both axes, and for each axis a size in its place.</summary>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs)
    {
        double scale = Math.Max(ScaleHeight, ScaleWidth);
        return ScaleHeight > 0 && ScaleWidth > 0 && ScaleHeight != ScaleWidth ? null : new WrittenAttribute("Upsample")
            .With("scale", scale > 0 ? scale : 2.0, 2.0).With("mode", Mode, InterpolationMode.Nearest).With("alignCorners", AlignCorners, false)
            .With("Height", ScaleHeight > 0 ? AttributeDeclaration.Unset : Size.Height, AttributeDeclaration.Unset)
            .With("Width", ScaleWidth > 0 ? AttributeDeclaration.Unset : Size.Width, AttributeDeclaration.Unset).Done();
    }

    /// <summary>
    /// A node has either scales or sizes for all axes. An axis whose step is not that of its two sizes is one of its own: picked pixel by pixel where the nearest one is
    /// taken (readers disagree on the rounding, and copy where the size stays), else with the scale.
    /// </summary>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs)
    {
        Shape input = inputs[0];
        List<OnnxNode> nodes = [];
        OnnxInput source = OnnxInput.First;
        AddOwn(2, input.Height, Size.Height, ScaleHeight, RowStep(input), "rows");
        AddOwn(3, input.Width, Size.Width, ScaleWidth, ColumnStep(input), "columns");
        if (nodes.Count < 2)
            nodes.Add(Resize(source, OnnxInput.Absent, OnnxInput.Integers("sizes", 1, input.Channels, Size.Height, Size.Width)));
        nodes[nodes.Count - 1] = nodes[nodes.Count - 1].As(string.Empty);
        return OnnxForm.Of([.. nodes]);

        void AddOwn(int axis, int length, int outputs, double scale, float step, string label)
        {
            if (!IsByScale(length, outputs, scale, input.Channels) || outputs == length * scale)
                return;
            OnnxNode node = Mode == InterpolationMode.Nearest
                ? OnnxNode.Of("Gather", [source, OnnxInput.Integers("indices", [.. Enumerable.Range(0, outputs).Select(i => (long)Math.Min((int)(i * step), length - 1))])], OnnxAttribute.Of("axis", axis))
                : Resize(source, OnnxInput.Floats("scales", [.. Enumerable.Range(0, 4).Select(i => i == axis ? Factor(length, outputs, scale) : 1)]));
            nodes.Add(node.As(label));
            source = OnnxInput.Result(label);
        }
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

    private float Step(int input, int output, double scale, int channels)
    {
        if (AlignCorners)
            return input == output ? 1 : output > 1 ? (input - 1) / (float)(output - 1) : 0;
        return IsByScale(input, output, scale, channels) ? (float)(1.0 / scale) : input / (float)output;
    }

    /// <summary>
    /// Whether an axis' step follows from the scale and not from its two sizes. Bilinear copies an axis that keeps its size, whatever the scale. PyTorch's nearest does
    /// so, and takes i >> 1 where the size doubles (a scale up to 2 + 1 / n), only in its kernel for channels last; a map of one channel counts as such, several
    /// channels go by the scale.
    /// </summary>
    private bool IsByScale(int input, int output, double scale, int channels) =>
        scale > 0 && !AlignCorners && !(Mode == InterpolationMode.Bilinear && input == output) && !(Mode == InterpolationMode.Nearest && channels == 1 && (input == output || output == 2 * input));

    /// <summary>The scale in single precision, such that a reader finds the same size, whether it multiplies in single or in double precision.</summary>
    private static float Factor(int length, int outputs, double scale)
    {
        const float Step = 1.2e-7f;
        float factor = (float)scale;
        while ((double)length * factor < outputs)
            factor *= 1 + Step;
        while ((float)(length * factor) >= outputs + 1)
            factor *= 1 - Step;
        return factor;
    }

    private OnnxNode Resize(OnnxInput source, params OnnxInput[] scalesOrSizes) => OnnxNode.Of("Resize", [source, OnnxInput.Absent, .. scalesOrSizes], Mode switch
    {
        InterpolationMode.Nearest => [OnnxAttribute.Of("mode", "nearest"), OnnxAttribute.Of("coordinate_transformation_mode", "asymmetric"), OnnxAttribute.Of("nearest_mode", "floor")],
        InterpolationMode.Bilinear => [OnnxAttribute.Of("mode", "linear"), OnnxAttribute.Of("coordinate_transformation_mode", AlignCorners ? "align_corners" : "half_pixel")],
        _ => throw new InvalidOperationException($"{Mode} has no ONNX form."),
    });
}
