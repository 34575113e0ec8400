using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Every pixel's channels to mean 0 and variance 1, then weight and bias by channel: torchvision's and timm's <c>LayerNorm2d</c>.</summary>
/// <param name="Key">Prefix of weight and bias.</param>
/// <param name="Epsilon">Added to the variance.</param>
public sealed record LayerNormOperator(TensorKey Key, double Epsilon) : Operator
{
    /// <summary>Eps where none is given: torchvision's and timm's.</summary>
    private const double DefaultEpsilon = 1e-6;

    /// <inheritdoc/>
    public override string Name => "LayerNorm2d";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.NormOrActivation;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => false;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.New;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Inputs with
    {
        OwnBytes = EquatableArray.Of(ElementType.Float32.Bytes(output.Pixels), ElementType.Float32.Bytes(output.Pixels)),
    };

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override EquatableArray<ParameterTensor> Tensors(Shape input) => EquatableArray.Of(
        ParameterTensor.Of(Key, "weight", ParameterKind.LayerNormWeight, input.Channels), ParameterTensor.Of(Key, "bias", ParameterKind.LayerNormBias, input.Channels));

    /// <inheritdoc/>
    public override long MultiplyAdds(Shape input, Shape output) => 0;

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => null;

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => new WrittenAttribute("LayerNorm2d").With("eps", Epsilon, DefaultEpsilon).Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.Of(
        // ONNX normalises the last axes, so that the channels go there and back.
        OnnxNode.Of("Transpose", [OnnxInput.First], OnnxAttribute.Of("perm", 0, 2, 3, 1)).As("last"),
        OnnxNode.Of(
            "LayerNormalization", [OnnxInput.Result("last"), .. Tensors(inputs[0]).Select(tensor => OnnxInput.Parameter(tensor))],
            OnnxAttribute.Of("axis", -1), OnnxAttribute.Of("epsilon", (float)Epsilon)).As("normal"),
        OnnxNode.Of("Transpose", [OnnxInput.Result("normal")], OnnxAttribute.Of("perm", 0, 3, 1, 2)));

    internal static LayerNormOperator Read(AttributeReader reader, Shape input, TensorKey key) => new(key, reader.PositiveNumber("eps", DefaultEpsilon));
}
