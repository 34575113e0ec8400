using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>The network's input.</summary>
public sealed record InputOperator : WeightlessOperator
{
    /// <inheritdoc/>
    public override string Name => "Input";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.Input;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => false;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.New;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Nothing;

    /// <inheritdoc/>
    public override (int Least, int Most) Arity => (0, 0);

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => throw new InvalidOperationException("The input has the shape that the declaration gives it.");

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => null;

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => null;

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.None("it is the graph's input and no node");
}
