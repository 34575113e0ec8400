namespace EfficientConv.Dsl;

/// <summary>Guesses from tensor names which published model wrote them.</summary>
internal static class KeyStyles
{
    // Parts of a name, # for a number, * at the end of a part for any ending. The more telling ones stand in front.
    private static readonly (KeyStyle Style, string[] Parts)[] Patterns =
    [
        (KeyStyle.RepVGG, ["rbr_dense"]),
        (KeyStyle.RepVGG, ["rbr_reparam"]),
        (KeyStyle.MobileOne, ["rbr_conv", "#"]),
        (KeyStyle.MobileOne, ["reparam_conv"]),
        (KeyStyle.ERFNet, ["encoder", "initial_block"]),
        (KeyStyle.TorchvisionSqueezeNet, ["features", "#", "squeeze"]),
        (KeyStyle.TorchvisionShuffleNetV2, ["stage*", "#", "branch2"]),
        (KeyStyle.TorchvisionEfficientNet, ["features", "#", "#", "block", "#"]),
        (KeyStyle.TorchvisionMobileNetV3, ["features", "#", "block", "#"]),
        (KeyStyle.TorchvisionMobileNetV2, ["features", "#", "conv", "#"]),
        (KeyStyle.TorchvisionMnasNet, ["layers", "#", "#", "layers", "#"]),
        (KeyStyle.TorchvisionResNet, ["layer1", "#", "conv1"]),
        (KeyStyle.Timm, ["blocks", "#", "#"]),
        (KeyStyle.Tutorial, ["block", "#"]),
        (KeyStyle.Tutorial, ["net", "#"]),
    ];

    /// <summary>The likely style, or null where nothing is telling.</summary>
    internal static KeyStyle? Guess(IEnumerable<string> names)
    {
        string[][] split = [.. names.Select(name => name.Split('.'))];
        foreach ((KeyStyle style, string[] parts) in Patterns)
        {
            if (Array.Exists(split, name => Contains(name, parts)))
                return style;
        }
        return null;
    }

    /// <summary>Whether a part of a name is a module's index.</summary>
    internal static bool IsNumber(string part) => part.Length > 0 && !part.AsSpan().ContainsAnyExceptInRange('0', '9');

    private static bool Contains(string[] name, string[] parts)
    {
        for (int start = 0; start + parts.Length <= name.Length; start++)
        {
            int matched = 0;
            while (matched < parts.Length && Matches(name[start + matched], parts[matched]))
                matched++;
            if (matched == parts.Length)
                return true;
        }
        return false;
    }

    private static bool Matches(string found, string part) => part switch
    {
        "#" => IsNumber(found),
        [.. var start, '*'] => found.StartsWith(start, StringComparison.Ordinal),
        _ => found == part,
    };
}
