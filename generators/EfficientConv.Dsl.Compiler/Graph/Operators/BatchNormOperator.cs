using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph.Keys;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Batch normalisation with running statistics.</summary>
/// <param name="Key">Prefix of its tensors.</param>
/// <param name="Epsilon">Added to the variance.</param>
/// <param name="Affine">Whether there are weight and bias; else they are 1 and 0.</param>
public sealed record BatchNormOperator(TensorKey Key, double Epsilon, bool Affine = true) : Operator
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
    public override EquatableArray<ParameterTensor> Tensors(Shape input)
    {
        ParameterTensor[] affine = Affine ? [Of("weight", ParameterKind.BatchNormWeight), Of("bias", ParameterKind.BatchNormBias)] : [];
        return EquatableArray.Of([.. affine, Of("running_mean", ParameterKind.RunningMean), Of("running_var", ParameterKind.RunningVariance)]);

        ParameterTensor Of(string name, ParameterKind kind) => ParameterTensor.Of(Key, name, kind, input.Channels);
    }

    /// <inheritdoc/>
    public override long MultiplyAdds(Shape input, Shape output) => 0;

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => null;

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => new WrittenAttribute("BatchNorm").With("eps", Epsilon, KeyScheme.DefaultEpsilon).With("affine", Affine, true).Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs)
    {
        int channels = inputs[0].Channels;
        OnnxInput[] affine = Affine ? [] : [OnnxInput.Floats("ones", [.. Enumerable.Repeat(1f, channels)]), OnnxInput.Floats("zeros", new float[channels])];
        return OnnxForm.Of(OnnxNode.Of(
            "BatchNormalization", [OnnxInput.First, .. affine, .. Tensors(inputs[0]).Select(tensor => OnnxInput.Parameter(tensor))], OnnxAttribute.Of("epsilon", (float)Epsilon)));
    }

    internal static BatchNormOperator Read(AttributeReader reader, Shape input, TensorKey key) =>
        new(key, reader.Attribute.IsExplicit("eps") ? reader.PositiveNumber("eps", reader.Epsilon) : reader.Epsilon, reader.Bool("affine", true));
}
