using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Softmax over channels.</summary>
public sealed record SoftmaxOperator : WeightlessOperator
{
    /// <inheritdoc/>
    public override string Name => "Softmax";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.Module;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => false;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.New;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Output;

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => null;

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => new WrittenAttribute("Softmax").Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.Of("Softmax", 1, OnnxAttribute.Of("axis", 1));
}
