using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>x times a learned factor by channel (Touvron et al. 2021).</summary>
/// <param name="Key">The factors themselves: <c>gamma</c> of timm's modules, <c>layer_scale</c> of torchvision's.</param>
public sealed record LayerScaleOperator(TensorKey Key) : Operator
{
    /// <inheritdoc/>
    public override string Name => "LayerScale";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.NormOrActivation;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => true;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.New;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Inputs;

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override EquatableArray<ParameterTensor> Tensors(Shape input) => EquatableArray.Of(new ParameterTensor(Key, ParameterKind.LayerScale, EquatableArray.Of(input.Channels)));

    /// <inheritdoc/>
    public override long MultiplyAdds(Shape input, Shape output) => 0;

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => null;

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => new WrittenAttribute("LayerScale").Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.Of(
        OnnxNode.Of("Mul", [OnnxInput.First, OnnxInput.Parameter(Tensors(inputs[0])[0], inputs[0].Channels, 1, 1)]));

    internal static LayerScaleOperator Read(AttributeReader reader, Shape input, TensorKey key) => new(key.With("gamma"));
}
