using EfficientConv.Dsl.Compiler.Declarations;

namespace EfficientConv.Dsl.Compiler.Graph.Keys;

/// <summary>
/// timm's EfficientNet builder and its MobileNet V3, V4 and GhostNet: <c>conv_stem</c>, <c>bn1</c>, <c>blocks.s.b</c>, <c>conv_head</c>, <c>classifier</c>. A
/// convolution that a stage mark puts into a stage is a block of its own, with <c>conv</c> and <c>bn1</c> (timm's 'cn').
/// </summary>
internal sealed class TimmBlocks(IReadOnlyList<AttributeDeclaration> modules, double epsilon) : KeyScheme(modules)
{
    public override double Epsilon => epsilon;

    protected override (string Reduce, string Expand) Squeeze => ("conv_reduce", "conv_expand");

    public override string Part(BlockPart part) => (part.Kind, part.Role, part.IsNorm) switch
    {
        (_, "se", _) => "se",

        // timm's batch norm holds the activation after it.
        ("InvertedResidual" or "EfficientConvBlock" or "DepthwiseSeparable" or "FusedMBConv", _, _) when part.IsActivation => Part(part.NormBefore) + ".act",
        ("InvertedResidual" or "EfficientConvBlock", "expand", false) => "conv_pw",
        ("InvertedResidual" or "EfficientConvBlock", "expand", true) => "bn1",
        ("InvertedResidual" or "EfficientConvBlock" or "DepthwiseSeparable", "depthwise", false) => "conv_dw",
        ("InvertedResidual" or "EfficientConvBlock" or "DepthwiseSeparable", "depthwise", true) => part.Expands ? "bn2" : "bn1",
        ("InvertedResidual" or "EfficientConvBlock", "project", false) => part.Expands ? "conv_pwl" : "conv_pw",
        ("InvertedResidual" or "EfficientConvBlock", "project", true) => part.Expands ? "bn3" : "bn2",
        ("DepthwiseSeparable", "pointwise", false) => "conv_pw",
        ("DepthwiseSeparable", "pointwise", true) => "bn2",
        ("FusedMBConv", "expand", false) => "conv_exp",
        ("FusedMBConv", "project", false) => part.Expands ? "conv_pwl" : "conv",
        ("FusedMBConv", "expand", true) => "bn1",
        ("FusedMBConv", "project", true) => part.Expands ? "bn2" : "bn1",
        _ => base.Part(part),
    };

    protected override string LayerKey(AttributeDeclaration layer)
    {
        bool isNorm = layer.Kind == "BatchNorm";
        if (layer.Kind == "Linear")
            return "classifier";
        if (IsStageLayer)
            return FormattableString.Invariant($"blocks.{Stage}.{Block}.{(isNorm ? "bn1" : "conv")}");
        if (!IsHead && Stage < 0)
            return isNorm ? "bn1" : "conv_stem";

        // After the pooling, as in MobileNetV4, the head's norm has a name of its own.
        return !isNorm ? "conv_head" : IsPooled ? "norm_head" : "bn2";
    }

    protected override string BlockKey(AttributeDeclaration block) => FormattableString.Invariant($"blocks.{Stage}.{Block}");
}
