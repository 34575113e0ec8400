using EfficientConv.Dsl.Compiler.Declarations;

namespace EfficientConv.Dsl.Compiler.Graph.Keys;

/// <summary><c>mobilenet_v2</c> and <c>mobilenet_v3</c>: <c>features.N</c> counts the units.</summary>
/// <param name="modules">The layer attributes.</param>
/// <param name="member">The block's <c>nn.Sequential</c>: <c>conv</c> in V2, where the projection stands in it unwrapped, <c>block</c> in V3.</param>
/// <param name="epsilon">Batch norm's eps.</param>
internal sealed class TorchvisionFeatures(IReadOnlyList<AttributeDeclaration> modules, string member, double epsilon) : KeyScheme(modules)
{
    public override double Epsilon => epsilon;

    public override string Part(BlockPart part) => TorchvisionParts.Of(part, member) ?? base.Part(part);

    protected override string LayerKey(AttributeDeclaration layer) =>
        layer.Kind == "Linear" ? Classifier() : FormattableString.Invariant($"features.{Unit}.{PartOfUnit(layer)}");

    protected override string BlockKey(AttributeDeclaration block) => FormattableString.Invariant($"features.{Unit}");
}

/// <summary><c>efficientnet</c>: <c>features.0</c> is the stem, then one entry a stage, then the head's convolution.</summary>
internal sealed class TorchvisionEfficientNet(IReadOnlyList<AttributeDeclaration> modules) : KeyScheme(modules)
{
    public override string Part(BlockPart part) => TorchvisionParts.Of(part, "block") ?? base.Part(part);

    protected override string LayerKey(AttributeDeclaration layer) =>
        layer.Kind == "Linear" ? Classifier() : FormattableString.Invariant($"features.{(IsHead ? Stage + 2 : 0)}.{PartOfUnit(layer)}");

    protected override string BlockKey(AttributeDeclaration block) => FormattableString.Invariant($"features.{Stage + 1}.{Block}");
}

/// <summary><c>mnasnet</c>: <c>layers.N</c> counts plain layers one by one and every stage as one.</summary>
internal sealed class TorchvisionMnasNet(IReadOnlyList<AttributeDeclaration> modules) : KeyScheme(modules)
{
    public override string Part(BlockPart part) =>
        part.Kind == "InvertedResidual" ? FormattableString.Invariant($"layers.{part.Module}") : base.Part(part);

    protected override string LayerKey(AttributeDeclaration layer) => layer.Kind == "Linear" ? Classifier() : FormattableString.Invariant($"layers.{Item}");

    protected override string BlockKey(AttributeDeclaration block) => FormattableString.Invariant($"layers.{Item}.{Block}");
}

/// <summary>ResNet and ResNeXt: <c>conv1</c>, <c>bn1</c>, <c>layerS.B</c>, <c>fc</c>.</summary>
internal sealed class TorchvisionResNet(IReadOnlyList<AttributeDeclaration> modules) : KeyScheme(modules)
{
    protected override string LayerKey(AttributeDeclaration layer) => layer.Kind switch
    {
        "Linear" => "fc",
        "BatchNorm" => FormattableString.Invariant($"bn{Unit + 1}"),
        _ => FormattableString.Invariant($"conv{Unit + 1}"),
    };

    protected override string BlockKey(AttributeDeclaration block) => FormattableString.Invariant($"layer{Stage + 1}.{Block}");
}

/// <summary><c>shufflenet_v2</c>: <c>conv1</c>, <c>stage2</c> to <c>stage4</c>, <c>conv5</c>, <c>fc</c>.</summary>
internal sealed class TorchvisionShuffleNet(IReadOnlyList<AttributeDeclaration> modules) : KeyScheme(modules)
{
    protected override string LayerKey(AttributeDeclaration layer) =>
        layer.Kind == "Linear" ? "fc" : FormattableString.Invariant($"conv{(IsHead ? Stage + 3 : 1)}.{PartOfUnit(layer)}");

    protected override string BlockKey(AttributeDeclaration block) => FormattableString.Invariant($"stage{Stage + 2}.{Block}");
}

/// <summary><c>squeezenet</c>: <c>features.N</c> counts every attribute; after the last block follows the classifier, which begins with dropout.</summary>
internal sealed class TorchvisionSqueezeNet(IReadOnlyList<AttributeDeclaration> modules) : KeyScheme(modules)
{
    protected override string LayerKey(AttributeDeclaration layer) => IsHead ? "classifier.1" : FormattableString.Invariant($"features.{Position}");

    protected override string BlockKey(AttributeDeclaration block) => FormattableString.Invariant($"features.{Position}");
}

/// <summary>Names inside the blocks of torchvision's mobile networks.</summary>
internal static class TorchvisionParts
{
    /// <summary>
    /// <c>member.U.0</c> and <c>member.U.1</c> for unit U,
    /// and <c>member.U.2</c> for an activation with tensors. MobileNetV2's projection is not wrapped: <c>conv.U</c> and <c>conv.U+1</c>.
    /// Null where torchvision has no such block.
    /// </summary>
    public static string? Of(BlockPart part, string member)
    {
        if (part.Kind is not ("InvertedResidual" or "FusedMBConv"))
            return null;
        if (part.Role == "se")
            return FormattableString.Invariant($"{member}.{part.Unit}");
        if (part.IsActivation)
            return FormattableString.Invariant($"{member}.{part.OwnUnit}.2");
        int norm = part.IsNorm ? 1 : 0;
        return member == "conv" && part.Role == "project"
            ? FormattableString.Invariant($"conv.{part.Unit + norm}")
            : FormattableString.Invariant($"{member}.{part.Unit}.{norm}");
    }
}
