using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Some channels of a tensor, <c>x[:, start:start + count]</c>.</summary>
public sealed record SliceOperator(int Start, int Count) : WeightlessOperator
{
    /// <inheritdoc/>
    public override string Name => "Slice";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.Function;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => false;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.View;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Nothing;

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => inputs[0] with { Channels = Count };

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => Start + (long)Count <= site.Input.Channels ? null : site.Broken(
        RuleCatalog.InvalidValue, "count", $"takes channels {Start} to {Start + (long)Count - 1} of {site.Input.Channels} (start + count must be at most the channel count)");

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => new WrittenAttribute("SliceChannels").With("start", Start).With("count", Count).Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.Of(OnnxNode.Of(
        "Slice", [OnnxInput.First, OnnxInput.Integers("start", Start), OnnxInput.Integers("end", Start + Count), OnnxInput.Integers("axis", 1)]));
}
