using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>
/// Neighbouring pixels in vectors: <paramref name="Count"/> panels of <paramref name="Vectors"/> vectors from pixel <paramref name="First"/> on.
/// The last panel may begin inside the one before it, so that it ends at the last pixel; what both compute is the same.
/// </summary>
public readonly record struct PixelRun(int First, int Vectors, int Count);

/// <summary>1x1 convolution of planes: a pixel in every lane, weights broadcast, so that NCHW is read and written where it lies.</summary>
/// <param name="Pixels">Pixels.</param>
/// <param name="InChannels">Length of the sum.</param>
/// <param name="OutChannels">Output channels.</param>
/// <param name="InPlaneStep">Floats from an input channel to the next.</param>
/// <param name="OutPlaneStep">Floats from an output channel to the next.</param>
/// <param name="Epilogue">What it does around its sums; a residual's planes are as far apart as the output's.</param>
/// <param name="Runs">Panels of pixels.</param>
/// <param name="Tiles">Tiles of output channels, each packed [k][channel].</param>
/// <param name="Share">Whether threads share the panels of pixels.</param>
public sealed record PlanarPointwiseKernel(
    int Pixels, int InChannels, int OutChannels, int InPlaneStep, int OutPlaneStep, Epilogue Epilogue,
    EquatableArray<PixelRun> Runs, EquatableArray<TileRun> Tiles, WorkShare Share = WorkShare.None) : SumKernel(Epilogue);

/// <summary>
/// Rows of one zero-padded plane whose columns are sorted by their remainder modulo the stride, so that every tap's columns are neighbours:
/// column x lies at <c>(x % stride) * phase length + x / stride</c>.
/// </summary>
/// <param name="Phases">The horizontal stride.</param>
/// <param name="PhaseLength">Columns of a phase.</param>
public readonly record struct PlanarRow(int Phases, int PhaseLength)
{
    /// <summary>Floats of a row.</summary>
    public int Length => Phases * PhaseLength;

    /// <summary>Where padded column <paramref name="column"/> lies.</summary>
    public int At(int column) => ((column % Phases) * PhaseLength) + (column / Phases);
}

/// <summary>Some output rows of one channel of a depthwise convolution, a pixel in every lane.</summary>
/// <param name="Window">Geometry.</param>
/// <param name="StrideHeight">Vertical stride.</param>
/// <param name="Rows">Output rows.</param>
/// <param name="Row">The padded plane's rows.</param>
/// <param name="OutRowStep">Floats from an output row to the next.</param>
/// <param name="WeightsInRegisters">Whether all taps' weights stay in registers; else each is broadcast from memory where it is used.</param>
/// <param name="Epilogue">What it does around its sums.</param>
/// <param name="Runs">Panels of output columns.</param>
public sealed record PlanarDepthwiseKernel(
    RowWindow Window, int StrideHeight, int Rows, PlanarRow Row, int OutRowStep, bool WeightsInRegisters, Epilogue Epilogue, EquatableArray<PixelRun> Runs)
    : SumKernel(Epilogue)
{
    /// <summary>Pixels of a row that is narrower than a vector; null where whole vectors are stored.</summary>
    public int? Narrow { get; init; }
}

/// <summary>One output row, in planes, of a dense or grouped convolution.</summary>
/// <param name="Groups">Groups.</param>
/// <param name="InChannels">Input channels of a group.</param>
/// <param name="OutChannels">Output channels of a group.</param>
/// <param name="Window">Geometry.</param>
/// <param name="RingRows">Rows of the ring; each holds all channels, one padded row after the other.</param>
/// <param name="Row">The padded rows.</param>
/// <param name="OutPlaneStep">Floats from an output channel to the next.</param>
/// <param name="Epilogue">What it does around its sums.</param>
/// <param name="Runs">Panels of output columns.</param>
/// <param name="Tiles">Tiles of a group's output channels, each packed [ky][kx][c][channel].</param>
public sealed record PlanarConvolutionKernel(
    int Groups, int InChannels, int OutChannels, RowWindow Window, int RingRows, PlanarRow Row, int OutPlaneStep, Epilogue Epilogue,
    EquatableArray<PixelRun> Runs, EquatableArray<TileRun> Tiles) : SumKernel(Epilogue);

/// <summary>How planes are padded before a window runs over them.</summary>
/// <param name="PadTop">Zero rows above.</param>
/// <param name="PadLeft">Zero columns in front.</param>
/// <param name="Rows">Rows of the padded buffer.</param>
/// <param name="Row">Layout of a row.</param>
/// <param name="Offset">Where the buffer lies in the scratch memory.</param>
public sealed record PlanarPadding(int PadTop, int PadLeft, int Rows, PlanarRow Row, ArenaOffset Offset);
