using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>Why two tensors that should be added have different shapes: which dimension differs, which layer made it so, and what would make them equal.</summary>
internal static class ShapeDifference
{
    /// <summary>The dimensions that differ, each with both sizes and the layers that made them.</summary>
    public static string Describe(IReadOnlyList<Layer> layers, int left, int right)
    {
        Shape a = layers[left].Output, b = layers[right].Output;
        List<string> parts = [];
        if (a.Channels != b.Channels)
            parts.Add(FormattableString.Invariant($"channels {a.Channels}, made by {Maker(layers, left, s => s.Channels)}, and {b.Channels}, made by {Maker(layers, right, s => s.Channels)}"));
        if (a.Height != b.Height || a.Width != b.Width)
            parts.Add(FormattableString.Invariant($"{a.Height} x {a.Width} pixels, made by {Maker(layers, left, s => (s.Height, s.Width))}, and {b.Height} x {b.Width}, made by {Maker(layers, right, s => (s.Height, s.Width))}"));
        return string.Join("; ", parts);
    }

    /// <summary>
    /// The channels, stride or padding of one convolution with which the sum of <paramref name="left"/> and <paramref name="right"/> works, for a fix at its attribute; nothing where no
    /// single one would do.
    /// </summary>
    public static FindingProperty[] Fix(IReadOnlyList<Layer> layers, int left, int right)
    {
        Shape wanted = layers[right].Output;
        Layer channels = MakerLayer(layers, left, s => s.Channels), pixels = MakerLayer(layers, left, s => (s.Height, s.Width));
        Layer culprit = layers[left].Output.Channels != wanted.Channels ? channels : pixels;
        bool isOne = layers[left].Output.Channels == wanted.Channels || (layers[left].Output.Height == wanted.Height && layers[left].Output.Width == wanted.Width) || channels.Origin.AttributeIndex == pixels.Origin.AttributeIndex;
        if (!isOne || culprit.Operator is not ConvolutionOperator { IsLinear: false } || culprit.Inputs.Count == 0)
            return [];

        List<(string, string)> edits = [];
        if (layers[left].Output.Channels != wanted.Channels)
            edits.Add(("outChannels", FixProposal.Text(wanted.Channels)));
        if (pixels.Operator is ConvolutionOperator window && (pixels.Output.Height != wanted.Height || pixels.Output.Width != wanted.Width))
        {
            Shape input = layers[pixels.Inputs[0]].Output;
            ConvolutionOperator unstrided = window with { Stride = Extent.Square(1) };
            int keeping = (ShapeInference.EffectiveKernel(window.Kernel.Height, window.Dilation.Height) - 1) / 2;
            if (window.Stride != Extent.Square(1))
                edits.Add(("stride", "1"));
            if (!Fits(unstrided))
            {
                unstrided = unstrided with { Padding = Padding.Symmetric(keeping, keeping) };
                edits.Add(("padding", FixProposal.Text(keeping)));
            }

            if (!Fits(unstrided))
                return [];

            bool Fits(ConvolutionOperator candidate) => candidate.Output(input) is var shape && shape.Height == wanted.Height && shape.Width == wanted.Width;
        }

        return edits.Count == 0 ? [] : [FixProposal.Set(0, [.. edits]), FixProposal.At(culprit.Origin.AttributeIndex)];
    }

    private static string Maker<T>(IReadOnlyList<Layer> layers, int layer, Func<Shape, T> dimension)
        where T : IEquatable<T> => $"\"{MakerLayer(layers, layer, dimension).Name}\"";

    /// <summary>The last layer before <paramref name="layer"/>, or itself, whose input has another size.</summary>
    private static Layer MakerLayer<T>(IReadOnlyList<Layer> layers, int layer, Func<Shape, T> dimension)
        where T : IEquatable<T>
    {
        Layer current = layers[layer];
        while (current.Inputs.Count > 0 && dimension(layers[current.Inputs[0]].Output).Equals(dimension(current.Output)))
            current = layers[current.Inputs[0]];
        return current;
    }
}
