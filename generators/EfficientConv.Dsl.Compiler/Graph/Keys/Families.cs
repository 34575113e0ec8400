using EfficientConv.Dsl.Compiler.Declarations;

namespace EfficientConv.Dsl.Compiler.Graph.Keys;

/// <summary>What the block attributes have in common with the published modules, whatever the style of the model around them.</summary>
internal static class Families
{
    private static readonly HashSet<string> Blocks =
    [
        "Bottleneck", "DepthwiseSeparable", "FactorizedConv2d", "InvertedResidual", "EfficientConvBlock", "FusedMBConv", "UniversalInvertedBottleneck",
        "ResNetBasicBlock", "ResNetBottleneck", "RepVGGBlock", "MobileOneBlock", "MobileOneConv2d", "ShuffleUnitV1", "ShuffleUnitV2", "Fire",
        "GhostBottleneck", "ConvNeXtBlock", "NonBottleneck1D", "ERFNetDownsampler", "ERFNetUpsampler", "ASPP",
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
        ["ShuffleUnitV2.branch1_depthwise"] = "branch1.0", ["ShuffleUnitV2.branch1_depthwise_bn"] = "branch1.1",
        ["ShuffleUnitV2.branch1_project"] = "branch1.2", ["ShuffleUnitV2.branch1_project_bn"] = "branch1.3",
        ["ShuffleUnitV2.branch2_expand"] = "branch2.0", ["ShuffleUnitV2.branch2_expand_bn"] = "branch2.1",
        ["ShuffleUnitV2.branch2_depthwise"] = "branch2.3", ["ShuffleUnitV2.branch2_depthwise_bn"] = "branch2.4",
        ["ShuffleUnitV2.branch2_project"] = "branch2.5", ["ShuffleUnitV2.branch2_project_bn"] = "branch2.6",
        ["ShuffleUnitV1.reduce"] = "branch_main_1.0", ["ShuffleUnitV1.reduce_bn"] = "branch_main_1.1",
        ["ShuffleUnitV1.depthwise"] = "branch_main_1.3", ["ShuffleUnitV1.depthwise_bn"] = "branch_main_1.4",
        ["ShuffleUnitV1.expand"] = "branch_main_2.0", ["ShuffleUnitV1.expand_bn"] = "branch_main_2.1",
        ["RepVGGBlock.conv"] = string.Empty, ["MobileOneConv2d.conv"] = string.Empty, ["MobileOneBlock.depthwise"] = "0", ["MobileOneBlock.pointwise"] = "1",
        ["Fire.squeeze"] = "squeeze", ["Fire.expand1x1"] = "expand1x1", ["Fire.expand3x3"] = "expand3x3",
        ["GhostBottleneck.ghost1_primary"] = "ghost1.primary_conv.0", ["GhostBottleneck.ghost1_primary_bn"] = "ghost1.primary_conv.1",
        ["GhostBottleneck.ghost1_cheap"] = "ghost1.cheap_operation.0", ["GhostBottleneck.ghost1_cheap_bn"] = "ghost1.cheap_operation.1",
        ["GhostBottleneck.ghost2_primary"] = "ghost2.primary_conv.0", ["GhostBottleneck.ghost2_primary_bn"] = "ghost2.primary_conv.1",
        ["GhostBottleneck.ghost2_cheap"] = "ghost2.cheap_operation.0", ["GhostBottleneck.ghost2_cheap_bn"] = "ghost2.cheap_operation.1",
        ["GhostBottleneck.depthwise"] = "conv_dw", ["GhostBottleneck.depthwise_bn"] = "bn_dw", ["GhostBottleneck.se"] = "se",
        ["GhostBottleneck.shortcut_depthwise"] = "shortcut.0", ["GhostBottleneck.shortcut_depthwise_bn"] = "shortcut.1",
        ["GhostBottleneck.shortcut_project"] = "shortcut.2", ["GhostBottleneck.shortcut_project_bn"] = "shortcut.3",
        ["ConvNeXtBlock.depthwise"] = "conv_dw", ["ConvNeXtBlock.norm"] = "norm", ["ConvNeXtBlock.expand"] = "mlp.fc1", ["ConvNeXtBlock.project"] = "mlp.fc2",
        ["ConvNeXtBlock.gamma"] = "gamma",
        ["NonBottleneck1D.vertical1"] = "conv3x1_1", ["NonBottleneck1D.horizontal1"] = "conv1x3_1", ["NonBottleneck1D.bn1"] = "bn1",
        ["NonBottleneck1D.vertical2"] = "conv3x1_2", ["NonBottleneck1D.horizontal2"] = "conv1x3_2", ["NonBottleneck1D.bn2"] = "bn2",
        ["ERFNetDownsampler.conv"] = "conv", ["ERFNetDownsampler.bn"] = "bn", ["ERFNetUpsampler.conv"] = "conv", ["ERFNetUpsampler.bn"] = "bn",
        ["ASPP.point"] = "convs.0.0", ["ASPP.point_bn"] = "convs.0.1", ["ASPP.dilated1"] = "convs.1.0", ["ASPP.dilated1_bn"] = "convs.1.1",
        ["ASPP.dilated2"] = "convs.2.0", ["ASPP.dilated2_bn"] = "convs.2.1", ["ASPP.dilated3"] = "convs.3.0", ["ASPP.dilated3_bn"] = "convs.3.1",
        ["ASPP.pooled"] = "convs.4.1", ["ASPP.pooled_bn"] = "convs.4.2", ["ASPP.project"] = "project.0", ["ASPP.project_bn"] = "project.1",
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
