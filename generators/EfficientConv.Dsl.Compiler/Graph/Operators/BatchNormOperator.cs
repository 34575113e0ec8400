using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph.Keys;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Batch normalisation with running statistics.</summary>
public sealed record BatchNormOperator(TensorKey Key, double Epsilon) : Operator
{
    /// <inheritdoc/>
    public override string Name => "BatchNorm2d";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.NormOrActivation;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => true;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.OverInput;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Inputs with
    {
        StatisticsBytes = EquatableArray.Of(ElementType.Float32.Bytes(output.Channels), ElementType.Float32.Bytes(output.Channels)),
    };

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override EquatableArray<ParameterTensor> Tensors(Shape input) => EquatableArray.Of(
        ParameterTensor.Of(Key, "weight", ParameterKind.BatchNormWeight, input.Channels), ParameterTensor.Of(Key, "bias", ParameterKind.BatchNormBias, input.Channels),
        ParameterTensor.Of(Key, "running_mean", ParameterKind.RunningMean, input.Channels), ParameterTensor.Of(Key, "running_var", ParameterKind.RunningVariance, input.Channels));

    /// <inheritdoc/>
    public override long MultiplyAdds(Shape input, Shape output) => 0;

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => null;

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => new WrittenAttribute("BatchNorm").With("eps", Epsilon, KeyScheme.DefaultEpsilon).Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.Of(OnnxNode.Of(
        "BatchNormalization", [OnnxInput.First, .. Tensors(inputs[0]).Select(tensor => OnnxInput.Parameter(tensor))], OnnxAttribute.Of("epsilon", (float)Epsilon)));

    internal static BatchNormOperator Read(AttributeReader reader, Shape input, TensorKey key) =>
        new(key, reader.Attribute.IsExplicit("eps") ? reader.PositiveNumber("eps", reader.Epsilon) : reader.Epsilon);
}
