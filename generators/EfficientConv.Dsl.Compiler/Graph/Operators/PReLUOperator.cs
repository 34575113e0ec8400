using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>PReLU with one slope or one a channel.</summary>
public sealed record PReLUOperator(TensorKey Key, int Parameters) : Operator
{
    /// <inheritdoc/>
    public override string Name => "PReLU";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.NormOrActivation;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => true;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.OverInput;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Inputs;

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override EquatableArray<ParameterTensor> Tensors(Shape input) => EquatableArray.Of(ParameterTensor.Of(Key, "weight", ParameterKind.PReLUSlope, Parameters));

    /// <inheritdoc/>
    public override long MultiplyAdds(Shape input, Shape output) => 0;

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => Parameters == 1 || Parameters == site.Input.Channels ? null : site.Broken(
        RuleCatalog.InvalidValue, "numParameters", $"has {Parameters} parameters for {site.Input.Channels} channels (numParameters must be 1 or the channel count)");

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => new WrittenAttribute("PReLU").With("numParameters", Parameters, 1).Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.Of(
        OnnxNode.Of("PRelu", [OnnxInput.First, OnnxInput.Parameter(Tensors(inputs[0])[0], Parameters, 1, 1)]));

    /// <summary>The operator of an activation's kind after a map.</summary>
    internal static PReLUOperator Of(ActivationKind kind, TensorKey key, Shape input) => new(key, kind == ActivationKind.PReLUPerChannel ? input.Channels : 1);

    internal static PReLUOperator Read(AttributeReader reader, Shape input, TensorKey key) => new(key, reader.Positive("numParameters", 1));
}
