using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>A depthwise convolution of some channels that reads and writes their planes where they lie, without a padded copy; a pixel in every lane.</summary>
/// <param name="Window">Geometry.</param>
/// <param name="Input">Pixels of an input plane.</param>
/// <param name="Output">Pixels of an output plane.</param>
/// <param name="Epilogue">What it does around its sums.</param>
/// <param name="Masks">Lanes that are not cleared, a bit each: what lies outside the map counts as zero.</param>
public abstract record UnpaddedDepthwiseKernel(RowWindow Window, Extent Input, Extent Output, Epilogue Epilogue, EquatableArray<int> Masks) : SumKernel(Epilogue);

/// <summary>Neighbouring output pixels in one vector.</summary>
/// <param name="At">The first one's place in the plane.</param>
/// <param name="Count">Pixels to store; a whole vector may be stored where it stays inside the plane, because those after come later.</param>
/// <param name="LastLoad">The load after which it is stored; -1 where no tap reaches the map.</param>
public readonly record struct FlatVector(int At, int Count, int LastLoad);

/// <summary>What a loaded vector is multiplied with: the weight of <paramref name="Tap"/>, for the output vector <paramref name="Vector"/>.</summary>
public readonly record struct FlatUse(int Vector, int Tap);

/// <summary>Input pixels side by side that serve one column of taps of several output rows.</summary>
/// <param name="At">The first one's place in the plane; may lie outside.</param>
/// <param name="Mask">Index of the mask, or -1.</param>
/// <param name="Uses">Where they are used.</param>
public sealed record FlatLoad(int At, int Mask, EquatableArray<FlatUse> Uses);

/// <summary>
/// A small map with stride 1 whose output is as large: the plane is one run of pixels, so that a vector covers several narrow rows, and the pixels
/// under a tap are as many pixels further on. Everything is unrolled.
/// </summary>
/// <param name="Window">Geometry.</param>
/// <param name="Map">Pixels of a plane.</param>
/// <param name="Epilogue">What it does around its sums.</param>
/// <param name="Masks">Masks.</param>
/// <param name="Vectors">Output vectors.</param>
/// <param name="Loads">Loads, from the top down.</param>
/// <param name="WeightsInRegisters">Whether all weights stay in registers.</param>
/// <param name="MasksInRegisters">Whether all masks stay in registers.</param>
public sealed record FlatDepthwiseKernel(
    RowWindow Window, Extent Map, Epilogue Epilogue, EquatableArray<int> Masks, EquatableArray<FlatVector> Vectors, EquatableArray<FlatLoad> Loads,
    bool WeightsInRegisters, bool MasksInRegisters) : UnpaddedDepthwiseKernel(Window, Map, Map, Epilogue, Masks);

/// <summary>The columns under one tap of an output vector: lanes of two neighbouring vectors.</summary>
/// <param name="At">First column of the two vectors.</param>
/// <param name="Lanes">Index of the table of lanes.</param>
/// <param name="Mask">Index of the mask, or -1.</param>
public readonly record struct StridedTap(int At, int Lanes, int Mask);

/// <summary>Output columns in one vector.</summary>
/// <param name="Column">The first one.</param>
/// <param name="Taps">Each kernel column's.</param>
public sealed record StridedVector(int Column, EquatableArray<StridedTap> Taps);

/// <summary>A wide map with horizontal stride 2: every second column is picked out of two vectors in registers.</summary>
/// <param name="Window">Geometry.</param>
/// <param name="Input">Pixels of an input plane.</param>
/// <param name="Output">Pixels of an output plane.</param>
/// <param name="StrideHeight">Vertical stride.</param>
/// <param name="PadTop">Zero rows above.</param>
/// <param name="Epilogue">What it does around its sums.</param>
/// <param name="Masks">Masks.</param>
/// <param name="Tables">Tables of lanes: in lane i the place, in the two vectors, of the value that belongs there.</param>
/// <param name="Vectors">Output vectors of a row.</param>
public sealed record StridedDepthwiseKernel(
    RowWindow Window, Extent Input, Extent Output, int StrideHeight, int PadTop, Epilogue Epilogue, EquatableArray<int> Masks,
    EquatableArray<EquatableArray<int>> Tables, EquatableArray<StridedVector> Vectors) : UnpaddedDepthwiseKernel(Window, Input, Output, Epilogue, Masks);
