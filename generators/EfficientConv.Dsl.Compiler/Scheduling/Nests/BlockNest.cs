using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>The tensors of a block.</summary>
/// <param name="Title">Title of its loop nest.</param>
/// <param name="Input">Input.</param>
/// <param name="Residual">Residual, or null.</param>
/// <param name="Output">Output.</param>
internal sealed record BlockTensors(string Title, TensorView Input, TensorView? Residual, TensorView Output);

/// <summary>The channels between the layers of a block, and how they are cut.</summary>
/// <param name="Count">Channels.</param>
/// <param name="Slab">Channels of a slab.</param>
/// <param name="Slabs">Slabs.</param>
internal sealed record HiddenChannels(int Count, int Slab, int Slabs)
{
    /// <summary>Channels of all slabs.</summary>
    public int Padded => Slab * Slabs;
}

/// <summary>The depthwise layer of a block.</summary>
/// <param name="Kernel">One row of one slab.</param>
/// <param name="Activation">Activation after it, where it is too long for an epilogue.</param>
/// <param name="Axis">Vertical geometry.</param>
internal sealed record DepthwiseLayer(ChannelPerLaneKernel Kernel, ActivationFunction Activation, VerticalAxis Axis)
{
    /// <summary>Weights of a channel.</summary>
    public int Taps => Axis.Kernel * Kernel.Window.Kernel.Width;
}

/// <summary>Squeeze-and-excitation inside a block.</summary>
/// <param name="Squeeze">Its products.</param>
/// <param name="Weights">The projection's weights times the gate, or null where the depthwise values are multiplied.</param>
internal sealed record BlockGate(SqueezePart Squeeze, GatedWeights? Weights);

/// <summary>A projection's weights times the gate of squeeze-and-excitation.</summary>
/// <param name="Offset">Offset of the products in the scratch memory.</param>
/// <param name="Rows">Input channels: rows of a panel.</param>
/// <param name="Panels">Panels, one run after the other.</param>
internal sealed record GatedWeights(ArenaOffset Offset, int Rows, EquatableArray<GatedPanels> Panels)
{
    /// <summary>Multiplies <paramref name="weights"/> by <paramref name="gate"/> into <paramref name="products"/>.</summary>
    public void AddTo(NestBuilder nest, Pointer weights, Pointer gate, Pointer products)
    {
        int before = 0, run = 0;
        foreach ((int panels, int width, int tiles) in Panels)
        {
            Scalar from = before, count = panels;
            if (tiles > 0)
            {
                // A thread needs those of its own tiles.
                Variable first = new(FormattableString.Invariant($"firstPanel{run}")), own = new(FormattableString.Invariant($"panels{run}"));
                nest.Define((first, Scalar.FirstOf(panels * tiles) / tiles), (own, ((Scalar.EndOf(panels * tiles) + (tiles - 1)) / tiles) - first));
                from += first * (Rows * width);
                count = own;
            }

            nest.Call(RuntimeFunction.ScaleRows, default, weights.At(from), gate, products.At(from), count, Rows, width);
            before += panels * Rows * width;
            run++;
        }
    }
}

/// <summary>Panels of equal width.</summary>
/// <param name="Count">Panels.</param>
/// <param name="Width">Floats of a row.</param>
/// <param name="Tiles">Tiles of pixels that share a panel, where threads share tiles panel after panel and each scales the panels of its own tiles; 0 where each scales all.</param>
internal readonly record struct GatedPanels(int Count, int Width, int Tiles);

/// <summary>Where a block's weights lie, relative to the step's own.</summary>
/// <param name="Expand">The expansion's or the stem's panels, slab after slab.</param>
/// <param name="ExpandBias">Its bias.</param>
/// <param name="Depthwise">Depthwise weights.</param>
/// <param name="DepthwiseBias">Depthwise bias.</param>
/// <param name="Project">Projection's panels, slab after slab when there are slabs.</param>
/// <param name="ProjectBias">Projection's bias.</param>
internal sealed record BlockWeights(ArenaOffset Expand, ArenaOffset ExpandBias, ArenaOffset Depthwise, ArenaOffset DepthwiseBias, ArenaOffset Project, ArenaOffset ProjectBias)
{
    /// <summary>Declares a layer's weights and bias under its name.</summary>
    public static LayerWeights Declare(NestBuilder nest, string layer, ArenaOffset weights, ArenaOffset bias) =>
        new(nest.Bind(layer + "Weights", Storage.Weights.At(weights)), nest.Bind(layer + "Bias", Storage.Weights.At(bias)));
}

/// <summary>A layer's weights and bias.</summary>
internal sealed record LayerWeights(Pointer Weights, Pointer Bias);
