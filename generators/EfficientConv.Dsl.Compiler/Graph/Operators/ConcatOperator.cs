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
    public override Shape Output(IReadOnlyList<Shape> inputs) => inputs[0] with { Channels = checked(inputs.Sum(s => s.Channels)) };

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => site.OutputSize();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.Of("Concat", inputs.Count, OnnxAttribute.Of("axis", 1));
}
