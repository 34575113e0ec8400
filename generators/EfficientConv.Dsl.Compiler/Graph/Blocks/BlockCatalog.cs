namespace EfficientConv.Dsl.Compiler.Graph.Blocks;

/// <summary>All blocks there are.</summary>
internal static class BlockCatalog
{
    /// <summary>The rows.</summary>
    public static IReadOnlyList<Block> All { get; } =
    [
        SqueezeExpansion.SqueezeExcitation,
        TutorialBlocks.Bottleneck, TutorialBlocks.DepthwiseSeparable, TutorialBlocks.FactorizedConv2d,
        InvertedResidualBlocks.InvertedResidual, InvertedResidualBlocks.EfficientConvBlock, InvertedResidualBlocks.FusedMBConv, InvertedResidualBlocks.UniversalInvertedBottleneck,
        ResNetBlocks.ResNetBasicBlock, ResNetBlocks.ResNetBottleneck,
        ReparameterizedBlocks.RepVGGBlock, ReparameterizedBlocks.MobileOneBlock, ReparameterizedBlocks.MobileOneConv2d,
        ShuffleBlocks.ShuffleUnitV1, ShuffleBlocks.ShuffleUnitV2,
        FireBlocks.Fire, GhostBlocks.GhostBottleneck, ConvNeXtBlocks.ConvNeXtBlock,
        ErfNetBlocks.NonBottleneck1D, ErfNetBlocks.ERFNetDownsampler, ErfNetBlocks.ERFNetUpsampler,
        PyramidBlocks.ASPP,
    ];

    private static readonly Dictionary<string, Block> s_byKind = All.ToDictionary(block => block.Kind);

    private static readonly HashSet<string> s_arguments = [.. All.SelectMany(block => block.Arguments).Select(argument => argument.Name)];

    /// <summary>The block of an attribute; null where it is a layer or something else.</summary>
    public static Block? Find(string kind) => s_byKind.TryGetValue(kind, out Block? block) ? block : null;

    /// <summary>The block of an attribute that is one.</summary>
    public static Block Of(string kind) => Find(kind) ?? throw new InvalidOperationException($"The attribute {kind} is no block.");

    /// <summary>Whether some block has an argument of that name.</summary>
    public static bool Knows(string argument) => s_arguments.Contains(argument);
}
