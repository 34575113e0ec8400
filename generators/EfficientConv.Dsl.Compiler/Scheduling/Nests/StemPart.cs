using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>A convolution with a window whose rows are made where the layer after it needs them, from input rows in a ring of its own.</summary>
/// <param name="Kernel">The kernel for one row.</param>
/// <param name="Input">The input.</param>
/// <param name="Output">The map whose rows it makes.</param>
/// <param name="Load">How input rows come into the ring.</param>
/// <param name="Memory">Offset of the ring in the scratch memory.</param>
/// <param name="StrideHeight">Vertical stride.</param>
/// <param name="PadTop">Zero rows above.</param>
internal sealed record StemPart(ConvolutionKernel Kernel, TensorView Input, Shape Output, RowLoad Load, ArenaOffset Memory, int StrideHeight, int PadTop)
{
    private RowRing Ring => new(
        "Input", new VerticalAxis(Kernel.Window.Kernel.Height, StrideHeight, Kernel.Window.Dilation.Height, PadTop, Input.Shape.Height), Kernel.Source, Storage.Input);

    /// <summary>Declares the ring of input rows, in the thread's <paramref name="own"/> memory.</summary>
    public void Declare(NestBuilder nest, Pointer own) => Ring.Declare(nest, own.At(Memory));

    /// <summary>One row of the map, and before it the input rows that its window still lacks.</summary>
    public void MakeRow(NestBuilder nest, LayerWeights weights, Scalar row, Pointer destination)
    {
        RowRing ring = Ring;
        ring.PlaceWindow(nest, row);
        ring.Fill(nest, ring.Rows, Input.Shape.Height / (double)Output.Height, (loaded, slot) => nest.Add(new LoadRow(Load, Input, Kernel.Source, loaded, slot, MayBeImage: true)));
        nest.Add(new Call(Kernel, ring.Begin, destination)
        {
            Rows = ring.Arguments.ToEquatableArray(),
            Weights = weights.Weights,
            Bias = weights.Bias,
        });
    }
}
