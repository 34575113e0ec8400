using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Tensors of one height and width joined along the channels, <c>torch.cat(inputs, dim=1)</c>.</summary>
public sealed record ConcatOperator : WeightlessOperator
{
    /// <inheritdoc/>
    public override string Name => "Concat";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.Function;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => false;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.New;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Nothing;

    /// <inheritdoc/>
    public override (int Least, int Most) Arity => (1, int.MaxValue);

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => inputs[0] with { Channels = checked(inputs.Sum(s => s.Channels)) };

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) =>
        site.Inputs.FirstOrDefault(shape => (shape.Height, shape.Width) != (site.Input.Height, site.Input.Width)) is { Channels: > 0 } other
            ? site.Broken(RuleCatalog.ImpossibleConcat, null, $"joins {other} to {site.Input} (heights and widths must be equal)")
            : site.OutputSize();

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => new WrittenAttribute("Concat").Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.Of("Concat", inputs.Count, OnnxAttribute.Of("axis", 1));
}
