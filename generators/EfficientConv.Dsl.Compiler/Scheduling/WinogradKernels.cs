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
