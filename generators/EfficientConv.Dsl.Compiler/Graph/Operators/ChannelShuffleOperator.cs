using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Channel j*groups+i of the output is channel i*(C/groups)+j of the input.</summary>
public sealed record ChannelShuffleOperator(int Groups) : WeightlessOperator
{
    /// <inheritdoc/>
    public override string Name => "ChannelShuffle";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.Module;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => MovesNothing(input);

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => MovesNothing(output) ? OutputMemory.View : OutputMemory.New;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Nothing;

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => site.ShuffleGroups(Groups);

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => new WrittenAttribute("ChannelShuffle").With("groups", Groups).Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.Of(
        OnnxNode.Reshape(OnnxInput.First, 1, Groups, inputs[0].Channels / Groups, inputs[0].Height, inputs[0].Width).As("groups"),
        OnnxNode.Of("Transpose", [OnnxInput.Result("groups")], OnnxAttribute.Of("perm", 0, 2, 1, 3, 4)).As("swapped"),
        OnnxNode.Reshape(OnnxInput.Result("swapped"), 1, inputs[0].Channels, inputs[0].Height, inputs[0].Width));

    private bool MovesNothing(Shape shape) => Groups == 1 || Groups == shape.Channels;

    internal static ChannelShuffleOperator Read(AttributeReader reader, Shape input, TensorKey key) => new(reader.Positive("groups", 1));
}
