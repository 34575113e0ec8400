using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Channel c * factor^2 + i * factor + j becomes row i, column j of each pixel's square.</summary>
public sealed record PixelShuffleOperator(int Factor) : WeightlessOperator
{
    /// <inheritdoc/>
    public override string Name => "PixelShuffle";

    /// <inheritdoc/>
    public override OperatorKind Kind => OperatorKind.Module;

    /// <inheritdoc/>
    public override bool KeepsGroups(Shape input) => false;

    /// <inheritdoc/>
    public override OutputMemory Writes(Shape output) => OutputMemory.New;

    /// <inheritdoc/>
    public override SavedForBackward Saves(Shape output) => SavedForBackward.Nothing;

    /// <inheritdoc/>
    public override Shape Output(IReadOnlyList<Shape> inputs) => new(inputs[0].Channels / (Factor * Factor), checked(inputs[0].Height * Factor), checked(inputs[0].Width * Factor));

    /// <inheritdoc/>
    internal override Finding? Check(OperatorSite site) => site.Input.Channels % ((long)Factor * Factor) == 0 ? null : site.Broken(
        RuleCatalog.ShuffleGroups, "factor", $"has factor {Factor}, whose square does not divide its {site.Input.Channels} channels (channels must be divisible by factor * factor)",
        FixProposal.Alternatives("factor", FixProposal.Nearest(Factor, (int)Math.Sqrt(site.Input.Channels), factor => site.Input.Channels % (factor * factor) == 0, 3)));

    /// <inheritdoc/>
    public override AttributeDeclaration? Attribute(IReadOnlyList<Shape> inputs) => new WrittenAttribute("PixelShuffle").With("factor", Factor).Done();

    /// <inheritdoc/>
    public override OnnxForm Onnx(IReadOnlyList<Shape> inputs) => OnnxForm.Of("DepthToSpace", 1, OnnxAttribute.Of("blocksize", Factor), OnnxAttribute.Of("mode", "CRD"));

    internal static PixelShuffleOperator Read(AttributeReader reader, Shape input, TensorKey key) => new(Math.Min(reader.Positive("factor", 1), 1 << 10));
}
