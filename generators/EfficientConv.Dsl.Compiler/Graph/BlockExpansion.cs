using EfficientConv.Dsl.Compiler.Graph.Blocks;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>The block attributes as macros over plain layers: which family expands which.</summary>
internal static class BlockExpansion
{
    private const int TutorialReduction = 4;

    /// <summary>Expands a block; false where the attribute is none.</summary>
    public static bool Expand(GraphBuilder builder, AttributeReader reader, TensorKey key)
    {
        switch (reader.Kind)
        {
            case "SqueezeExcitation":
                SqueezeExpansion.Expand(builder, reader, key);
                return true;
            case "Bottleneck":
                TutorialBlocks.ExpandBottleneck(builder, reader, key);
                return true;
            case "DepthwiseSeparable":
                TutorialBlocks.ExpandSeparable(builder, reader, key);
                return true;
            case "FactorizedConv2d":
                TutorialBlocks.ExpandFactorized(builder, reader, key);
                return true;
            case "InvertedResidual":
                InvertedResidualBlocks.Expand(builder, reader, key, defaultReduction: 0);
                return true;
            case "EfficientConvBlock":
                InvertedResidualBlocks.Expand(builder, reader, key, TutorialReduction);
                return true;
            case "FusedMBConv":
                InvertedResidualBlocks.ExpandFused(builder, reader, key);
                return true;
            case "UniversalInvertedBottleneck":
                InvertedResidualBlocks.ExpandUniversal(builder, reader, key);
                return true;
            case "ResNetBasicBlock":
                ResNetBlocks.ExpandBasic(builder, reader, key);
                return true;
            case "ResNetBottleneck":
                ResNetBlocks.ExpandBottleneck(builder, reader, key);
                return true;
            case "RepVGGBlock":
                ReparameterizedBlocks.ExpandRepVGG(builder, reader, key);
                return true;
            case "MobileOneBlock":
                ReparameterizedBlocks.ExpandMobileOne(builder, reader, key);
                return true;
            case "MobileOneConv2d":
                ReparameterizedBlocks.ExpandMobileOneConvolution(builder, reader, key);
                return true;
            case "ShuffleUnitV1":
                ShuffleBlocks.ExpandV1(builder, reader, key);
                return true;
            case "ShuffleUnitV2":
                ShuffleBlocks.ExpandV2(builder, reader, key);
                return true;
            case "Fire":
                FireBlocks.Expand(builder, reader, key);
                return true;
            case "GhostBottleneck":
                GhostBlocks.Expand(builder, reader, key);
                return true;
            case "ConvNeXtBlock":
                ConvNeXtBlocks.Expand(builder, reader, key);
                return true;
            case "NonBottleneck1D":
                ErfNetBlocks.ExpandNonBottleneck(builder, reader, key);
                return true;
            case "ERFNetDownsampler":
                ErfNetBlocks.ExpandDownsampler(builder, reader, key);
                return true;
            case "ERFNetUpsampler":
                ErfNetBlocks.ExpandUpsampler(builder, reader, key);
                return true;
            case "ASPP":
                PyramidBlocks.ExpandASPP(builder, reader, key);
                return true;
            default:
                return false;
        }
    }
}
