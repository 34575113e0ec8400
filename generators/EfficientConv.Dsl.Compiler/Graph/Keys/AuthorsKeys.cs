using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph.Blocks;

namespace EfficientConv.Dsl.Compiler.Graph.Keys;

/// <summary>
/// RepVGG and MobileOne of their authors: <c>stage0</c>, <c>stageS.B</c>, <c>linear</c>. A MobileOne block is two modules, the depthwise and the pointwise one.
/// </summary>
internal sealed class Reparameterized(IReadOnlyList<AttributeDeclaration> modules) : KeyScheme(modules)
{
    public override string Part(BlockPart part) => part.Kind == "MobileOneBlock"
        ? FormattableString.Invariant($"{(2 * Block) + part.OwnUnit}{(part.IsActivation ? ".activation" : string.Empty)}")
        : BlockCatalog.Of(part.Kind).Role(part.Role).Key ?? string.Empty;

    protected override string LayerKey(AttributeDeclaration layer) => layer.Kind == "Linear" ? "linear" : FormattableString.Invariant($"layer{Position}");

    protected override string BlockKey(AttributeDeclaration block) =>
        Stage == 0 ? "stage0" : block.Kind == "MobileOneBlock" ? FormattableString.Invariant($"stage{Stage}") : FormattableString.Invariant($"stage{Stage}.{Block}");
}

/// <summary>ERFNet of its authors: an encoder that begins with a downsampler of its own name, and a decoder from the first upsampler on.</summary>
internal sealed class SegmentationErf(IReadOnlyList<AttributeDeclaration> modules) : KeyScheme(modules)
{
    private int _decoder = -1;

    public override double Epsilon => 1e-3;

    /// <summary>The encoder's own output is trained first and not part of the whole network's.</summary>
    protected override string LayerKey(AttributeDeclaration layer) => _decoder < 0 ? "encoder.output_conv" : "decoder.output_conv";

    protected override string BlockKey(AttributeDeclaration block)
    {
        if (_decoder >= 0 || block.Kind == "ERFNetUpsampler")
            return FormattableString.Invariant($"decoder.layers.{++_decoder}");
        return Position == 0 ? "encoder.initial_block" : FormattableString.Invariant($"encoder.layers.{Position - 1}");
    }
}
