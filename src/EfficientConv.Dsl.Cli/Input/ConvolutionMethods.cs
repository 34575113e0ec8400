using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Measuring;

namespace EfficientConv.Dsl.Cli.Input;

/// <summary>The layer that is asked about: channels, map and window.</summary>
/// <param name="In">Input channels.</param>
/// <param name="Out">Output channels.</param>
/// <param name="Size">Height and width of the input.</param>
/// <param name="Kernel">Kernel size, odd.</param>
/// <param name="Stride">Stride.</param>
internal sealed record LayerQuestion(int In, int Out, int Size, int Kernel, int Stride)
{
    public override string ToString() => FormattableString.Invariant($"{Kernel}x{Kernel} {In} -> {Out} at {Size} x {Size}") + (Stride == 1 ? string.Empty : FormattableString.Invariant($", stride {Stride}"));
}

/// <summary>A way to compute it, with the batch norms and ReLUs of the tutorial's modules.</summary>
/// <param name="Id">Short name for JSON and the command line.</param>
/// <param name="Name">Name in tables.</param>
/// <param name="Declaration">Its attributes.</param>
/// <param name="Text">Its attributes as a user would write them.</param>
internal sealed record ConvolutionMethod(string Id, string Name, NetworkDeclaration Declaration, string Text)
{
    private static readonly int[] s_groups = [4, 3, 2];

    /// <summary>Every method that can compute <paramref name="q"/>.</summary>
    public static IReadOnlyList<ConvolutionMethod> All(LayerQuestion q)
    {
        int groups = s_groups.FirstOrDefault(g => q.In % g == 0 && q.Out % g == 0), padding = q.Kernel / 2, mid = Math.Max(1, q.Out / 4);
        List<ConvolutionMethod> methods =
        [
            Of("standard", "standard", q, ("Conv2d", [("outChannels", q.Out), ("kernelSize", q.Kernel), ("stride", q.Stride), ("padding", padding), ("bias", false)]), ("BatchNorm", []), ("ReLU", [])),
            Of("separable", "depthwise separable", q, ("DepthwiseSeparable", [("outChannels", q.Out), ("kernelSize", q.Kernel), ("stride", q.Stride)])),
            Of("bottleneck", FormattableString.Invariant($"bottleneck, {mid} inside"), q, ("Bottleneck", [("midChannels", mid), ("outChannels", q.Out), ("kernelSize", q.Kernel), ("stride", q.Stride)])),
            Of("inverted", "inverted residual, x4", q, ("InvertedResidual", [("outChannels", q.Out), ("expansion", 4.0), ("kernelSize", q.Kernel), ("stride", q.Stride)])),
            Of("factorized", FormattableString.Invariant($"factorized {q.Kernel}x1, 1x{q.Kernel}"), q, ("FactorizedConv2d", [("outChannels", q.Out), ("kernelSize", q.Kernel), ("stride", q.Stride)])),
        ];
        if (groups > 0)
        {
            methods.Add(Of("grouped", FormattableString.Invariant($"grouped, {groups} groups"), q, ("Conv2d",
                [("outChannels", q.Out), ("kernelSize", q.Kernel), ("stride", q.Stride), ("padding", padding), ("groups", groups), ("bias", false)]), ("BatchNorm", []), ("ReLU", [])));
        }

        return methods;
    }

    /// <summary>More methods of the tutorial, which do not answer the memory question but can be chosen.</summary>
    public static IReadOnlyList<ConvolutionMethod> Choices(LayerQuestion q) =>
    [
        .. All(q),
        Of("efficient", "inverted, x4, with SE", q, ("EfficientConvBlock", [("outChannels", q.Out), ("expansion", 4.0), ("kernelSize", q.Kernel), ("stride", q.Stride)])),
        Of("dilated", "standard, dilation 2", q,
            ("Conv2d", [("outChannels", q.Out), ("kernelSize", q.Kernel), ("stride", q.Stride), ("padding", q.Kernel - 1), ("dilation", 2), ("bias", false)]), ("BatchNorm", []), ("ReLU", [])),
        Of("separable-dilated", "separable, dilation 2", q,
            ("DepthwiseSeparable", [("outChannels", q.Out), ("kernelSize", q.Kernel), ("stride", q.Stride), ("dilation", 2)])),
    ];

    private static ConvolutionMethod Of(string id, string name, LayerQuestion q, params (string Kind, (string Name, object Value)[] Arguments)[] layers)
    {
        AttributeDeclaration[] attributes = [.. layers.Select(layer => DeclarationReflection.Attribute(layer.Kind, layer.Arguments.Where(argument => argument is not ("stride", 1))))];
        NetworkDeclaration declaration = new(
            "Methods", [], char.ToUpperInvariant(id[0]) + id[1..].Replace("-", string.Empty, StringComparison.Ordinal), "class", true,
            attributes.Prepend(DeclarationReflection.Attribute("InputShape", ("channels", q.In), ("height", q.Size), ("width", q.Size))).ToEquatableArray(), []);
        return new ConvolutionMethod(id, name, declaration, string.Join(", ", attributes.Select(AttributeText.Of)));
    }

    /// <summary>Pixels of the input, down and across, that one output pixel sees.</summary>
    public static (int Height, int Width) ReceptiveField(LayerGraph graph)
    {
        int height = 1, width = 1, jumpHeight = 1, jumpWidth = 1;
        foreach (Layer layer in graph.Layers)
        {
            (Extent kernel, Extent stride, Extent dilation)? window = layer.Operator switch
            {
                ConvolutionOperator c => (c.Kernel, c.Stride, c.Dilation),
                PoolOperator p => (p.Kernel, p.Stride, p.Dilation),
                _ => null,
            };

            // Squeeze-and-excitation weighs channels by the whole map; what a pixel sees as a pattern is the windows'.
            if (window is not { } w || graph.Layers[layer.Inputs[0]].Output.Pixels == 1)
                continue;
            height += (w.kernel.Height - 1) * w.dilation.Height * jumpHeight;
            width += (w.kernel.Width - 1) * w.dilation.Width * jumpWidth;
            jumpHeight *= w.stride.Height;
            jumpWidth *= w.stride.Width;
        }

        return (height, width);
    }
}
