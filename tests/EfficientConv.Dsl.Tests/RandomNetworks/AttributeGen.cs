using EfficientConv.Dsl.Compiler.Graph;
using FsCheck;
using FsCheck.Fluent;

namespace EfficientConv.Dsl.Tests.RandomNetworks;

/// <summary>Generators of one attribute as text, given the shape that comes in. They may give what the rules forbid: <see cref="NetworkGen"/> filters.</summary>
internal static class AttributeGen
{
    private static readonly string[] s_activations = Enum.GetNames<Activation>();

    /// <summary>Channel counts: few, vector widths, and what fits none of them.</summary>
    public static Gen<int> Channels { get; } = Gen.Frequency((3, Gen.Elements(1, 3, 5, 8, 16, 24, 37, 64)), (2, Gen.Choose(1, 70)));

    private static Gen<int> Kernel { get; } = Gen.Frequency((4, Gen.Constant(3)), (1, Gen.Constant(1)), (2, Gen.Choose(1, 7)));

    private static Gen<int> SmallStep { get; } = Gen.Frequency((4, Gen.Constant(1)), (2, Gen.Constant(2)), (1, Gen.Constant(3)));

    private static Gen<string> ActivationName { get; } = Gen.Frequency(
        (1, Gen.Constant("ReLU")), (2, Gen.Elements(s_activations))).Select(name => "Activation." + name);

    private static Gen<string> GateName { get; } = Gen.Elements("Activation.Sigmoid", "Activation.HardSigmoid", "Activation.Tanh");

    /// <summary>Every kind of attribute.</summary>
    public static IReadOnlyDictionary<string, Func<Shape, Gen<string>>> Kinds { get; } = new Dictionary<string, Func<Shape, Gen<string>>>
    {
        ["Conv2d"] = s => Convolution(Gen.Constant(1)),
        ["GroupedConv2d"] = s => Convolution(Gen.Elements(Divisors(s.Channels))),
        ["PointwiseConv2d"] = s =>
            from groups in Gen.Frequency((3, Gen.Constant(1)), (1, Gen.Elements(Divisors(s.Channels))))
            from channels in OutChannels(groups)
            from stride in SmallStep
            from bias in Flag
            select $"PointwiseConv2d({channels}, stride: {stride}, groups: {groups}, bias: {bias})",
        ["DepthwiseConv2d"] = s =>
            from kernel in Kernel
            from stride in SmallStep
            from dilation in SmallStep
            from padding in Padding(kernel, dilation)
            from multiplier in Gen.Frequency((3, Gen.Constant(1)), (1, Gen.Choose(2, 3)))
            from bias in Flag
            from rest in Rectangular(stride)
            select $"DepthwiseConv2d({kernel}, stride: {stride}, padding: {padding}, dilation: {dilation}, multiplier: {multiplier}, bias: {bias}{rest})",
        ["BatchNorm"] = s => Gen.Elements("BatchNorm", "BatchNorm(0.001)", "BatchNorm(eps: 0.1)"),
        ["Activation"] = s => Gen.Frequency(
            (4, ActivationName.Select(name => $"Activation({name})")),
            (2, Gen.Elements("ReLU", "ReLU6", "HardSwish", "SiLU", "Sigmoid", "HardSigmoid", "GELU", "Tanh", "LeakyReLU(0.2)", "LeakyReLU", "Hardtanh(-0.5, 1.25)", "Softplus(2)")),
            (1, Gen.Elements("PReLU", $"PReLU({s.Channels})", "Activation(Activation.PReLU)", "Activation(Activation.PReLUPerChannel)", "Activation(Activation.LeakyReLU, Slope = 0.25)"))),
        ["MaxPool2d"] = s =>
            from window in PoolWindow
            from dilation in Gen.Frequency((3, Gen.Constant(1)), (1, Gen.Choose(2, 3)))
            select $"MaxPool2d({window.Ordered}, dilation: {dilation}, ceilMode: {window.Ceil}{window.Properties})",
        ["AvgPool2d"] = s =>
            from window in PoolWindow
            from count in Flag
            select $"AvgPool2d({window.Ordered}, ceilMode: {window.Ceil}, countIncludePad: {count}{window.Properties})",
        ["LayerNorm2d"] = s => Gen.Elements("LayerNorm2d", "LayerNorm2d(1e-3)"),
        ["GroupNorm"] = s =>
            from groups in Gen.Elements(Divisors(s.Channels))
            from affine in Flag
            select $"GroupNorm({groups}, affine: {affine})",
        ["InstanceNorm2d"] = s =>
            from affine in Flag
            from tracks in Flag
            select $"InstanceNorm2d(affine: {affine}, trackRunningStats: {tracks})",
        ["Pad2d"] = s =>
            from all in Gen.Choose(0, 3)
            from mode in Gen.Elements("PadMode.Constant", "PadMode.Constant", "PadMode.Constant, 1.5", "PadMode.Reflect", "PadMode.Replicate")
            from rest in Gen.Elements(string.Empty, string.Empty, ", PaddingBottom = 1", ", PaddingLeft = 0, PaddingTop = 2", ", PaddingWidth = 4")
            select $"Pad2d({all}, {mode}{rest})",
        ["LayerScale"] = s => Gen.Constant("LayerScale"),
        ["SliceChannels"] = s => from start in Gen.Choose(0, s.Channels - 1) from count in Gen.Choose(1, s.Channels - start) select $"SliceChannels({start}, {count})",
        ["ConvTranspose2d"] = s =>
            from groups in Gen.Frequency((3, Gen.Constant(1)), (1, Gen.Elements(Divisors(s.Channels))))
            from channels in OutChannels(groups)
            from kernel in Gen.Choose(1, 5)
            from stride in Gen.Choose(1, 3)
            from padding in Gen.Choose(0, kernel)
            from outputPadding in Gen.Choose(0, stride - 1)
            from dilation in SmallStep
            from bias in Flag
            from rest in Gen.Frequency((4, Gen.Constant(string.Empty)), (1, Gen.Constant(", StrideHeight = 4")), (1, Gen.Constant(", KernelWidth = 2, PaddingLeft = 0")))
            select $"ConvTranspose2d({channels}, {kernel}, stride: {stride}, padding: {padding}, outputPadding: {outputPadding}, groups: {groups}, bias: {bias}, dilation: {dilation}{rest})",
        ["Upsample"] = s => Gen.OneOf(
            from scale in Gen.Elements("2", "3", "1.5", "0.7", "1")
            from mode in Gen.Elements("Interpolation.Nearest", "Interpolation.Bilinear", "Interpolation.Bilinear, alignCorners: true")
            select $"Upsample({scale}, {mode})",
            from height in Gen.Choose(1, 2 * s.Height)
            from width in Gen.Choose(1, 2 * s.Width)
            from mode in Gen.Elements("Interpolation.Nearest", "Interpolation.Bilinear", "Interpolation.Bilinear, alignCorners: true")
            select $"Upsample(mode: {mode}, Height = {height}, Width = {width})"),
        ["PixelShuffle"] = s => Gen.Elements(Enumerable.Range(1, 4).Where(f => s.Channels % (f * f) == 0).ToArray()).Select(f => $"PixelShuffle({f})"),
        ["AdaptiveAvgPool2d"] = s => Gen.OneOf(
            Gen.Choose(1, s.Height + 2).Select(h => $"AdaptiveAvgPool2d({h})"),
            from h in Gen.Elements(Divisors(s.Height)) from w in Gen.Choose(1, s.Width) select $"AdaptiveAvgPool2d({h}, {w})"),
        ["AdaptiveMaxPool2d"] = s => from h in Gen.Choose(1, s.Height) from w in Gen.Choose(1, s.Width + 1) select $"AdaptiveMaxPool2d({h}, {w})",
        ["GlobalAvgPool"] = s => Gen.Constant("GlobalAvgPool"),
        ["Flatten"] = s => Gen.Constant("Flatten"),
        ["Linear"] = s => from features in Channels from bias in Flag select $"Linear({features}, bias: {bias})",
        ["ChannelShuffle"] = s => Gen.Elements(Divisors(s.Channels)).Select(groups => $"ChannelShuffle({groups})"),
        ["Softmax"] = s => Gen.Constant("Softmax"),
        ["SqueezeExcitation"] = s =>
            from squeezed in Gen.Choose(1, Math.Max(1, s.Channels))
            from activation in ActivationName
            from gate in GateName
            select $"SqueezeExcitation(activation: {activation}, gate: {gate}, squeezeChannels: {squeezed})",
        ["Bottleneck"] = s =>
            from groups in Gen.Elements(1, 1, 2, 4)
            from middle in Gen.Choose(1, 10)
            from channels in OutOrIn(s.Channels)
            from kernel in Kernel
            from stride in SmallStep
            from dilation in SmallStep
            from activation in ActivationName
            from shortcut in ShortcutName
            select $"Bottleneck({middle * groups}, {channels}, {kernel}, stride: {stride}, dilation: {dilation}, groups: {groups}, activation: {activation}, shortcut: {shortcut})",
        ["DepthwiseSeparable"] = s =>
            from channels in OutOrIn(s.Channels)
            from kernel in Kernel
            from stride in SmallStep
            from dilation in SmallStep
            from activation in ActivationName
            from rest in BlockPadding(kernel, stride)
            select $"DepthwiseSeparable({channels}, {kernel}, stride: {stride}, dilation: {dilation}, activation: {activation}{rest})",
        ["InvertedResidual"] = s =>
            from block in MobileBlock(s)
            from squeeze in Gen.Frequency((3, Gen.Constant(string.Empty)), (1, Gen.Choose(1, 9).Select(n => $", squeezeChannels: {n}, gate: Activation.HardSigmoid")), (1, Gen.Constant(", squeezeReduction: 2")))
            from always in Flag
            select $"InvertedResidual({block.Ordered}{squeeze}, alwaysExpand: {always}{block.Properties})",
        ["EfficientConvBlock"] = s =>
            from block in MobileBlock(s)
            from reduction in Gen.Choose(1, 5)
            from inner in ActivationName
            from gate in GateName
            select $"EfficientConvBlock({block.Ordered}, squeezeReduction: {reduction}, squeezeActivation: {inner}, gate: {gate}{block.Properties})",
        ["FactorizedConv2d"] = s =>
            from channels in OutOrIn(s.Channels)
            from kernel in Gen.Choose(1, 7)
            from stride in SmallStep
            from dilation in SmallStep
            from activation in ActivationName
            select $"FactorizedConv2d({channels}, {kernel}, stride: {stride}, dilation: {dilation}, activation: {activation})",
        ["InvertedResidualOptions"] = s =>
            from channels in OutOrIn(s.Channels)
            from expansion in Gen.Elements("1", "1.3", "2.5", "6")
            from reduction in Gen.Choose(1, 5)
            from source in Gen.Elements("SqueezeSource.Hidden", "SqueezeSource.Input")
            from divisor in Gen.Elements(string.Empty, ", SqueezeDivisor = 8", ", SqueezeDivisor = 4")
            from activation in ActivationName
            select $"InvertedResidual({channels}, expansion: {expansion}, kernelSize: 5, activation: {activation}, squeezeReduction: {reduction}, SqueezeFrom = {source}, ChannelDivisor = 8{divisor})",
        ["FusedMBConv"] = s =>
            from channels in OutOrIn(s.Channels)
            from expansion in Gen.Elements("1", "2", "2.3")
            from kernel in Kernel
            from stride in SmallStep
            from activation in ActivationName
            from squeeze in Gen.Elements(string.Empty, ", squeezeReduction: 3")
            select $"FusedMBConv({channels}, {expansion}, {kernel}, {stride}, {activation}{squeeze}, ChannelDivisor = 4)",
        ["UniversalInvertedBottleneck"] = s =>
            from channels in OutOrIn(s.Channels)
            from expansion in Gen.Elements("1", "2", "3.5")
            from start in Gen.Elements(0, 3, 5)
            from middle in Gen.Elements(0, 3, 5)
            from end in Gen.Elements(0, 0, 3)
            from stride in SmallStep
            select $"UniversalInvertedBottleneck({channels}, {expansion}, {start}, {middle}, {end}, {stride})",
        ["ResNetBasicBlock"] = s =>
            from channels in OutOrIn(s.Channels)
            from stride in SmallStep
            from dilation in Gen.Elements(1, 1, 2)
            from activation in ActivationName
            from algorithm in Gen.Elements(string.Empty, ", Algorithm = ConvAlgorithm.Direct")
            select $"ResNetBasicBlock({channels}, {stride}, {activation}, {dilation}{algorithm})",
        ["ResNetBottleneck"] = s =>
            from planes in Gen.Choose(1, 12)
            from stride in SmallStep
            from groups in Gen.Elements(1, 1, 2, 4)
            from width in Gen.Elements(64, 64, 128)
            from activation in ActivationName
            select $"ResNetBottleneck({planes}, {stride}, {groups}, {width}, {activation})",
        ["ShuffleUnitV1"] = s =>
            from groups in Gen.Elements(Divisors(s.Channels))
            from width in Gen.Choose(1, 4)
            from stride in SmallStep
            select $"ShuffleUnitV1({(stride == 1 ? s.Channels : 4 * groups * width * s.Channels)}, {stride}, {groups})",
        ["ShuffleUnitV2"] = s =>
            from half in Gen.Choose(1, 30)
            from stride in SmallStep
            from kernel in Gen.Elements(3, 5)
            from activation in ActivationName
            select $"ShuffleUnitV2({(stride == 1 ? s.Channels : 2 * half)}, {stride}, {kernel}, {activation})",
        ["Fire"] = s =>
            from squeezed in Gen.Choose(1, 20)
            from first in Channels
            from second in Channels
            from activation in ActivationName
            select $"Fire({squeezed}, {first}, {second}, {activation})",
        ["GhostBottleneck"] = s =>
            from hidden in Channels
            from channels in OutOrIn(s.Channels)
            from kernel in Gen.Elements(3, 5)
            from stride in SmallStep
            from squeeze in Gen.Elements(string.Empty, ", squeezeReduction: 4")
            select $"GhostBottleneck({hidden}, {channels}, {kernel}, {stride}{squeeze})",
        ["ConvNeXtBlock"] = s =>
            from expansion in Gen.Elements(1, 2, 4)
            from kernel in Gen.Elements(3, 7)
            from scale in Flag
            select $"ConvNeXtBlock({expansion}, {kernel}, layerScale: {scale})",
        ["NonBottleneck1D"] = s =>
            from dilation in Gen.Choose(1, 4)
            from activation in ActivationName
            select $"NonBottleneck1D({dilation}, {activation})",
        ["ERFNetDownsampler"] = s =>
            from more in Gen.Choose(1, 30)
            select $"ERFNetDownsampler({s.Channels + more})",
        ["ERFNetUpsampler"] = s =>
            from channels in Channels
            from activation in ActivationName
            select $"ERFNetUpsampler({channels}, {activation})",
        ["ASPP"] = s =>
            from channels in Gen.Choose(1, 12)
            from first in Gen.Choose(1, 3)
            from second in Gen.Choose(2, 6)
            from third in Gen.Choose(4, 18)
            from activation in ActivationName
            select $"ASPP({channels}, {first}, {second}, {third}, {activation})",
        ["RepVGGBlock"] = s =>
            from groups in Gen.Elements(Divisors(s.Channels))
            from channels in Gen.Frequency((1, Gen.Constant(s.Channels)), (1, OutChannels(groups)))
            from stride in SmallStep
            select $"RepVGGBlock({channels}, {stride}, {groups})",
        ["MobileOneBlock"] = s =>
            from channels in OutOrIn(s.Channels)
            from kernel in Gen.Elements(3, 5)
            from stride in SmallStep
            select $"MobileOneBlock({channels}, {kernel}, {stride}, 2)",
        ["MobileOneConv2d"] = s =>
            from channels in OutOrIn(s.Channels)
            from kernel in Gen.Elements(1, 3)
            from stride in SmallStep
            select $"MobileOneConv2d({channels}, {kernel}, {stride})",
    };

    private static Gen<string> Flag { get; } = Gen.Elements("true", "false");

    private static Gen<string> ShortcutName { get; } = Gen.Frequency((3, Gen.Constant("Shortcut.Auto")), (1, Gen.Elements("Shortcut.None", "Shortcut.Required")));

    private static Gen<(string Ordered, string Ceil, string Properties)> PoolWindow { get; } =
        from kernel in Gen.Choose(1, 5)
        from stride in Gen.Choose(1, 3)
        from padding in Gen.Choose(0, kernel / 2)
        from ceil in Flag
        from rest in Gen.Frequency(
            (5, Gen.Constant(string.Empty)), (1, Gen.Choose(1, 5).Select(k => $", KernelWidth = {k}")), (1, Gen.Constant(", StrideHeight = 1")),
            (1, Gen.Constant(", PaddingTop = 0, PaddingRight = 0")), (1, Gen.Constant(", AutoPad = AutoPad.SameUpper")))
        select ($"{kernel}, stride: {stride}, padding: {padding}", ceil, rest);

    /// <summary>A composition of plain layers that the compiler may fuse: [1x1], depthwise, [SE], 1x1, with batch norm and activations between or not.</summary>
    public static Gen<string[]> DepthwiseChain { get; } =
        from hidden in Channels
        from outputs in Channels
        from kernel in Kernel
        from stride in SmallStep
        from dilation in SmallStep
        from padding in Padding(kernel, dilation)
        from flags in Gen.ArrayOf(Gen.Elements(true, false), 6)
        from first in ActivationName
        from second in ActivationName
        from squeezed in Gen.Choose(1, 8)
        select new[]
        {
            flags[0] ? $"PointwiseConv2d({hidden}, bias: {Text(flags[2])}), {(flags[1] ? "BatchNorm, " : string.Empty)}Activation({first})" : string.Empty,
            $"DepthwiseConv2d({kernel}, stride: {stride}, padding: {padding}, dilation: {dilation}, bias: {Text(flags[3])})",
            flags[2] ? "BatchNorm" : string.Empty,
            $"Activation({second})",
            flags[4] ? $"SqueezeExcitation(squeezeChannels: {squeezed})" : string.Empty,
            $"PointwiseConv2d({outputs}, bias: {Text(flags[5])})",
            flags[1] ? "BatchNorm" : string.Empty,
            flags[5] ? $"Activation({first})" : string.Empty,
        };

    private static Gen<string> Convolution(Gen<int> anyGroups) =>
        from groups in anyGroups
        from channels in OutChannels(groups)
        from kernel in Kernel
        from stride in SmallStep
        from dilation in SmallStep
        from padding in Padding(kernel, dilation)
        from bias in Flag
        from rest in Rectangular(stride)
        select $"Conv2d({channels}, {kernel}, stride: {stride}, padding: {padding}, dilation: {dilation}, groups: {groups}, bias: {bias}{rest})";

    private static Gen<(string Ordered, string Properties)> MobileBlock(Shape s) =>
        from channels in OutOrIn(s.Channels)
        from expansion in Gen.Elements("1", "2", "3", "4", "6")
        from hidden in Gen.Frequency((4, Gen.Constant(string.Empty)), (1, Channels.Select(h => $", hiddenChannels: {h}")))
        from kernel in Kernel
        from stride in SmallStep
        from dilation in SmallStep
        from activation in ActivationName
        from shortcut in ShortcutName
        from rest in BlockPadding(kernel, stride)
        select ($"{channels}, expansion: {expansion}, kernelSize: {kernel}, stride: {stride}, dilation: {dilation}, activation: {activation}, shortcut: {shortcut}{hidden}", rest);

    private static Gen<int> OutChannels(int groups) => groups == 1 ? Channels : Gen.Choose(1, Math.Max(1, 70 / groups)).Select(n => n * groups);

    private static Gen<int> OutOrIn(int channels) => Gen.Frequency((1, Gen.Constant(channels)), (1, Channels));

    private static Gen<int> Padding(int kernel, int dilation) => Gen.Frequency((3, Gen.Constant(dilation * (kernel - 1) / 2)), (1, Gen.Constant(0)), (1, Gen.Choose(0, kernel)));

    private static Gen<string> BlockPadding(int kernel, int stride) => Gen.Frequency(
        (5, Gen.Constant(string.Empty)), (1, Gen.Choose(0, kernel).Select(p => $", Padding = {p}")),
        (1, Gen.Constant(stride == 1 ? ", AutoPad = AutoPad.Same" : ", AutoPad = AutoPad.SameUpper")), (1, Gen.Constant(", Eps = 0.001")));

    private static Gen<string> Rectangular(int stride) => Gen.Frequency(
        (8, Gen.Constant(string.Empty)),
        (1, from h in Gen.Choose(1, 7) from w in Gen.Choose(1, 7) select $", KernelHeight = {h}, KernelWidth = {w}"),
        (1, Gen.Choose(1, 3).Select(s => $", StrideHeight = {s}")),
        (1, Gen.Choose(1, 3).Select(d => $", DilationWidth = {d}")),
        (1, Gen.ArrayOf(Gen.Choose(0, 4), 4).Select(p => $", PaddingTop = {p[0]}, PaddingBottom = {p[1]}, PaddingLeft = {p[2]}, PaddingRight = {p[3]}")),
        (1, from h in Gen.Choose(0, 3) from w in Gen.Choose(0, 3) select $", PaddingHeight = {h}, PaddingWidth = {w}"),
        (1, Gen.Constant(stride == 1 ? ", AutoPad = AutoPad.Same" : ", AutoPad = AutoPad.SameUpper")));

    private static int[] Divisors(int n) => [.. Enumerable.Range(1, n).Where(d => n % d == 0)];

    private static string Text(bool flag) => flag ? "true" : "false";
}
