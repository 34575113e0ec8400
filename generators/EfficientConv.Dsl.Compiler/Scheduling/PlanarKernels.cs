using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>
/// Neighbouring pixels in vectors: <paramref name="Count"/> panels of <paramref name="Vectors"/> vectors from pixel <paramref name="First"/> on.
/// The last panel may begin inside the one before it, so that it ends at the last pixel; what both compute is the same.
/// </summary>
public readonly record struct PixelRun(int First, int Vectors, int Count);

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

/// <summary>How planes are padded before a window runs over them.</summary>
/// <param name="PadTop">Zero rows above.</param>
/// <param name="PadLeft">Zero columns in front.</param>
/// <param name="Rows">Rows of the padded buffer.</param>
/// <param name="Row">Layout of a row.</param>
/// <param name="Offset">Where the buffer lies in the scratch memory.</param>
public sealed record PlanarPadding(int PadTop, int PadLeft, int Rows, PlanarRow Row, ArenaOffset Offset);
