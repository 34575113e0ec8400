using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Maximum or mean over windows that share the map out evenly: row i reads floor(i * H / h) to ceil((i + 1) * H / h).</summary>
public sealed record AdaptivePoolOperator(bool IsMaximum, Extent Size) : WeightlessOperator
{
    /// <inheritdoc/>
    public override string Name => IsMaximum ? "AdaptiveMaxPool2d" : "AdaptiveAvgPool2d";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.Pooling;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => true;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.New;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.OfPooling(IsMaximum, output);

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => new(inputs[0].Channels, Size.Height, Size.Width);

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => site.OutputSize();

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => new WrittenAttribute(Name).With("height", Size.Height).With("width", Size.Width, Size.Height).Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.Of([.. Axis(OnnxInput.First, 2, "row", inputs[0].Height, Size.Height), .. Axis(OnnxInput.Result("rows"), 3, "column", inputs[0].Width, Size.Width)]);

    /// <summary>Windows of one size are those of a plain pooling layer, whose kernel knows them.</summary>
    internal static Operator Read(AttributeReader reader, Shape input, bool isMaximum)
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

    /// <summary>
    /// One axis in ONNX, which pools with windows of one size only: each output is a slice reduced to one row or column. A rectangle's mean is the mean of its rows'
    /// means, because all of them are equally long.
    /// </summary>
    private IEnumerable<OnnxNode> Axis(OnnxInput source, int axis, string name, int length, int outputs)
    {
        string[] labels = [.. Enumerable.Range(0, outputs).Select(i => FormattableString.Invariant($"{name}{i}"))];
        for (int i = 0; i < outputs; i++)
        {
            int from = (int)((long)i * length / outputs), to = (int)((((long)(i + 1) * length) + outputs - 1) / outputs);
            yield return OnnxNode.Of("Slice", [source, OnnxInput.Integers("start", from), OnnxInput.Integers("end", to), OnnxInput.Integers("axis", axis)]).As(labels[i] + "_window");
            yield return OnnxNode.Of(IsMaximum ? "ReduceMax" : "ReduceMean", [OnnxInput.Result(labels[i] + "_window"), OnnxInput.Integers("axes", axis)]).As(labels[i]);
        }

        OnnxNode all = OnnxNode.Of("Concat", [.. labels.Select(OnnxInput.Result)], OnnxAttribute.Of("axis", axis));
        yield return axis == 2 ? all.As("rows") : all;
    }
}
