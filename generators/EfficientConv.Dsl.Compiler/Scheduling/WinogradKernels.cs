using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>Tiles of the zero-padded input to the factors of their products, [product][tile][channel].</summary>
/// <param name="Form">Form.</param>
/// <param name="Channels">Channels without padding, for the comment.</param>
/// <param name="Vectors">Vectors of channels.</param>
/// <param name="TileRows">Rows of tiles of a step.</param>
/// <param name="TileColumns">Tiles of a row.</param>
/// <param name="RowStep">Floats from an input row to the next.</param>
/// <param name="PixelStep">Floats from an input pixel to the next.</param>
/// <param name="TileStep">Floats from a tile's factors to the next tile's.</param>
/// <param name="ProductStep">Floats from a product's factors to the next product's.</param>
/// <param name="Share">What threads share: nothing, rows of tiles or, as panels, vectors of channels.</param>
public sealed record WinogradInputKernel(
    WinogradForm Form, int Channels, int Vectors, int TileRows, int TileColumns, int RowStep, int PixelStep, int TileStep, int ProductStep, WorkShare Share) : Kernel;

/// <summary>The products of tiles to output pixels: <c>act((sum + bias) + residual)</c>.</summary>
/// <param name="Form">Form.</param>
/// <param name="Channels">Channels without padding, for the comment.</param>
/// <param name="Vectors">Vectors of channels.</param>
/// <param name="TileRows">Rows of tiles of a step.</param>
/// <param name="Width">Output columns; the last tile may reach beyond.</param>
/// <param name="TileStep">Floats from a tile's product to the next tile's.</param>
/// <param name="ProductStep">Floats from a product to the next.</param>
/// <param name="OutPixelStep">Floats from an output pixel to the next; rows follow each other without a gap.</param>
/// <param name="Epilogue">What it does with the sums; what the accumulators of other kernels begin with is added here.</param>
/// <param name="Share">What threads share: nothing, rows of tiles or, as panels, vectors of channels.</param>
public sealed record WinogradOutputKernel(
    WinogradForm Form, int Channels, int Vectors, int TileRows, int Width, int TileStep, int ProductStep, int OutPixelStep,
    Epilogue Epilogue, WorkShare Share) : SumKernel(Epilogue);

/// <summary>Dense 3x3 convolution by Winograd's algorithm, some rows of tiles a step.</summary>
/// <param name="Input">Input.</param>
/// <param name="Residual">Residual, or null.</param>
/// <param name="Output">Output.</param>
/// <param name="Transform">Input transform of one step.</param>
/// <param name="Product">One of the products of one step: a matrix product over the tiles, whose sum runs over the input channels.</param>
/// <param name="Inverse">Output transform of one step.</param>
/// <param name="PadTop">Zero rows above.</param>
/// <param name="PadLeft">Zero columns in front.</param>
/// <param name="Weights">Offset of the products' panels in the weights.</param>
/// <param name="WeightStep">Floats from a product's panels to those of other weights.</param>
/// <param name="Zeros">Offset of zeros in the weights, with which the products begin.</param>
/// <param name="Bias">Offset of the bias in the weights.</param>
/// <param name="Window">Offset in the scratch memory of the step's input rows with zeros around them. Where threads work on one step together, this and the others but <paramref name="Temporary"/> are shared.</param>
/// <param name="Tiles">Offset of the transformed tiles.</param>
/// <param name="Products">Offset of the products.</param>
/// <param name="Temporary">Offset of one tile between the two halves of a transform.</param>
/// <param name="Finish">What is done with a step's output rows.</param>
public sealed record WinogradDriver(
    TensorView Input, TensorView? Residual, TensorView Output, WinogradInputKernel Transform, PointwiseKernel Product, WinogradOutputKernel Inverse,
    int PadTop, int PadLeft, ArenaOffset Weights, int WeightStep, ArenaOffset Zeros, ArenaOffset Bias, ArenaOffset Window, ArenaOffset Tiles, ArenaOffset Products, ArenaOffset Temporary,
    Finish Finish) : Driver("Winograd", Input, Residual, Output)
{
    /// <inheritdoc/>
    public override IEnumerable<Kernel> Kernels => [Transform, Product, Inverse];

    /// <summary>Whether threads work on one step together, or each on steps of its own.</summary>
    public bool SharesSteps => Transform.Share != WorkShare.None;

    /// <summary>Form.</summary>
    public WinogradForm Form => Transform.Form;
}

/// <summary>
/// Transformed weights of the products, one after the other <paramref name="ProductStep"/> floats apart, each as one block of
/// <see cref="PackPanels"/> after the other with the input channels as the sum.
/// </summary>
/// <param name="Form">Form.</param>
/// <param name="Offset">Where in the packed weights they begin.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="ProductStep">Floats from a product's panels to the next product's.</param>
/// <param name="Panels">The first product's panels, at their offsets from its start.</param>
public sealed record PackWinogradPanels(WinogradForm Form, ArenaOffset Offset, long Bytes, int ProductStep, EquatableArray<PackPanels> Panels) : PackInstruction(Offset, Bytes);
