using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Sum of two tensors of one shape, or of maps of one size.</summary>
/// <param name="PadsChannels">Whether the channels that one of them lacks are zeros.</param>
public sealed record AddOperator(bool PadsChannels = false) : WeightlessOperator
{
    /// <inheritdoc/>
    public override string Name => "Add";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.Function;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => false;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.New;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Nothing;

    /// <inheritdoc/>
    public override (int Least, int Most) Arity => (2, 2);

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => inputs[Narrower(inputs) == 0 ? 1 : 0];

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => PadsChannels && HasOneSize(site.Inputs[0], site.Inputs[1]) ? null : site.SameShapes();

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => new WrittenAttribute("Add").With("padChannels", PadsChannels, false).Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs)
    {
        if (Narrower(inputs) is not (>= 0 and var narrower))
            return OnnxForm.Of("Add", 2);
        OnnxInput pads = OnnxInput.Integers("pads", 0, 0, 0, 0, 0, inputs[1 - narrower].Channels - inputs[narrower].Channels, 0, 0), padded = OnnxInput.Result("padded");
        return OnnxForm.Of(
            OnnxNode.Of("Pad", [OnnxInput.Layer(narrower), pads, OnnxInput.Scalar("value", 0)], OnnxAttribute.Of("mode", "constant")).As("padded"),
            OnnxNode.Of("Add", narrower == 0 ? [padded, OnnxInput.Layer(1)] : [OnnxInput.First, padded]));
    }

    /// <summary>Whether only the channels of two maps differ, if anything.</summary>
    internal static bool HasOneSize(Shape left, Shape right) => left.Height == right.Height && left.Width == right.Width;

    /// <summary>The number of the input with fewer channels; -1 where both have as many.</summary>
    private static int Narrower(IReadOnlyList<Shape> inputs) => inputs[0].Channels < inputs[1].Channels ? 0 : inputs[1].Channels < inputs[0].Channels ? 1 : -1;
}
