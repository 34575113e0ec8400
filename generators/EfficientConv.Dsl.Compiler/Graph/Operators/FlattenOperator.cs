using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>C x H x W to (C*H*W) x 1 x 1 in PyTorch's order.</summary>
public sealed record FlattenOperator : WeightlessOperator
{
    /// <inheritdoc/>
    public override string Name => "Flatten";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.Function;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => false;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.View;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Nothing;

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => new(checked(inputs[0].Channels * inputs[0].Height * inputs[0].Width), 1, 1);

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => null;

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => new WrittenAttribute("Flatten").Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.Of(OnnxNode.Reshape(OnnxInput.First, 1, -1, 1, 1));
}
