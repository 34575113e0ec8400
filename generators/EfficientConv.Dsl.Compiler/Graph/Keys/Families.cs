using EfficientConv.Dsl.Compiler.Declarations;

namespace EfficientConv.Dsl.Compiler.Graph.Keys;

/// <summary>What the block attributes have in common with the published modules, whatever the style of the model around them.</summary>
internal static class Families
{
    private static readonly HashSet<string> Blocks =
    [
        "Bottleneck", "DepthwiseSeparable", "FactorizedConv2d", "InvertedResidual", "EfficientConvBlock", "FusedMBConv", "UniversalInvertedBottleneck",
        "ResNetBasicBlock", "ResNetBottleneck", "RepVGGBlock", "MobileOneBlock", "MobileOneConv2d",
    ];

    /// <summary>Module names inside the blocks that have only one published form, by attribute and role; a batch norm's has <c>_bn</c> behind the role.</summary>
    private static readonly Dictionary<string, string> Names = new()
    {
        ["ResNetBasicBlock.conv1"] = "conv1", ["ResNetBasicBlock.conv1_bn"] = "bn1", ["ResNetBasicBlock.conv2"] = "conv2", ["ResNetBasicBlock.conv2_bn"] = "bn2",
        ["ResNetBasicBlock.downsample"] = "downsample.0", ["ResNetBasicBlock.downsample_bn"] = "downsample.1",
        ["ResNetBottleneck.conv1"] = "conv1", ["ResNetBottleneck.conv1_bn"] = "bn1", ["ResNetBottleneck.conv2"] = "conv2", ["ResNetBottleneck.conv2_bn"] = "bn2",
        ["ResNetBottleneck.conv3"] = "conv3", ["ResNetBottleneck.conv3_bn"] = "bn3",
        ["ResNetBottleneck.downsample"] = "downsample.0", ["ResNetBottleneck.downsample_bn"] = "downsample.1",
        ["UniversalInvertedBottleneck.start"] = "dw_start.conv", ["UniversalInvertedBottleneck.start_bn"] = "dw_start.bn",
        ["UniversalInvertedBottleneck.expand"] = "pw_exp.conv", ["UniversalInvertedBottleneck.expand_bn"] = "pw_exp.bn",
        ["UniversalInvertedBottleneck.middle"] = "dw_mid.conv", ["UniversalInvertedBottleneck.middle_bn"] = "dw_mid.bn",
        ["UniversalInvertedBottleneck.project"] = "pw_proj.conv", ["UniversalInvertedBottleneck.project_bn"] = "pw_proj.bn",
        ["UniversalInvertedBottleneck.end"] = "dw_end.conv", ["UniversalInvertedBottleneck.end_bn"] = "dw_end.bn",
    };

    /// <summary>Whether <paramref name="kind"/> is a block of several layers.</summary>
    public static bool IsBlock(string kind) => Blocks.Contains(kind);

    /// <summary>Whether <paramref name="kind"/> is a single convolution.</summary>
    public static bool IsConvolution(string kind) => kind is "Conv2d" or "PointwiseConv2d" or "DepthwiseConv2d" or "ConvTranspose2d";

    /// <summary>Channels that a block makes of <paramref name="input"/> channels.</summary>
    public static int OutChannels(AttributeDeclaration block, int input)
    {
        if (block.Kind == "ResNetBottleneck")
            return ResNetBottleneckExpansion * block.Int("planes", input / ResNetBottleneckExpansion);
        int given = block.Int("outChannels");
        return given == AttributeDeclaration.Unset ? input : given;
    }

    /// <summary>Output channels of a ResNet bottleneck for each of its planes.</summary>
    public const int ResNetBottleneckExpansion = 4;

    /// <summary>The published name of a module, and the tutorial's count where there is none.</summary>
    public static string Part(BlockPart part)
    {
        if (Names.TryGetValue($"{part.Kind}.{part.Role}{(part.IsNorm ? "_bn" : string.Empty)}", out string? name))
            return name;
        string member = part.Kind is "Bottleneck" or "DepthwiseSeparable" or "FactorizedConv2d" ? "net" : "block";
        return FormattableString.Invariant($"{member}.{part.Module}");
    }
}
