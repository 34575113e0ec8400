using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>What of a kernel's work the threads share that run it at the same time.</summary>
public enum WorkShare
{
    /// <summary>Nothing: a call does it all.</summary>
    None,

    /// <summary>Tiles of pixels.</summary>
    Tiles,

    /// <summary>Panels of output channels.</summary>
    Panels,

    /// <summary>Tiles of pixels, panel after panel of output channels, so that a thread reads few weights but those of its own panels.</summary>
    TilesOfPanels,

    /// <summary>Rows of the map: the kernel's pixels are one row, and the caller says how many it wants.</summary>
    Rows,
}

/// <summary>A method with all sizes fixed; equal kernels share one method.</summary>
public abstract record Kernel
{
    /// <summary>What it prefetches, each at most once.</summary>
    public EquatableArray<Prefetch> Prefetches { get; init; }

    /// <summary>How it prefetches <paramref name="what"/>, or null.</summary>
    public Prefetch? PrefetchOf(Prefetched what) => Prefetches.FirstOrDefault(prefetch => prefetch.What == what);
}

/// <summary>A kernel that sums up products in accumulators.</summary>
/// <param name="Epilogue">What it does around its sums.</param>
public abstract record SumKernel(Epilogue Epilogue) : Kernel;

/// <summary>What lies in the lanes of a matrix product's vectors. Its rows, of which a value at a time is in all lanes, are the other side of it.</summary>
public enum LaneAxis
{
    /// <summary>Output channels, whose weights are packed in panels; rows are pixels.</summary>
    Channels,

    /// <summary>Pixels of planes, so that NCHW is read and written where it lies; rows are output channels.</summary>
    Pixels,

    /// <summary>
    /// Eight output channels of two neighbouring pixels, where channels alone would leave a vector of 16 half empty; rows are pairs of pixels. The input holds both pixels' values
    /// of a channel side by side, and one 64-bit broadcast feeds all lanes.
    /// </summary>
    PixelPairs,
}

/// <summary>A matrix product in register tiles.</summary>
/// <param name="Lanes">What lies in the lanes.</param>
/// <param name="Groups">Products of these tiles in a call.</param>
/// <param name="Taps">Length of a sum.</param>
/// <param name="OutRowStep">Floats from an output row to the next; of pairs, from a pixel to the next.</param>
/// <param name="Epilogue">What it does around its sums.</param>
/// <param name="Panels">Register tiles: panels of vectors, and the rows over which each goes.</param>
/// <param name="Share">What threads share.</param>
public abstract record ProductKernel(LaneAxis Lanes, int Groups, int Taps, int OutRowStep, Epilogue Epilogue, EquatableArray<PanelRun> Panels, WorkShare Share)
    : SumKernel(Epilogue)
{
    /// <summary>Steps of the sums of a call that does all its pixels.</summary>
    public int Steps => Panels.Sum(run => run.Count * run.Tiles.Sum(tile => tile.Count)) * Taps;
}

/// <summary>
/// 1x1 convolution as a matrix product, <c>C[p][n] = act(start + sum over k of A[p][k] * W[k][n])</c>, over packed panels of weights.
/// </summary>
/// <param name="Pixels">Pixels; an even number where two share a vector.</param>
/// <param name="InChannels">Length of the sum.</param>
/// <param name="OutChannels">Output channels without padding, for the comment.</param>
/// <param name="ChannelBlock">Input channels that lie together; <paramref name="InChannels"/> when all do.</param>
/// <param name="ChannelBlockStep">Floats from such a block to the next.</param>
/// <param name="ChannelStep">Floats from an input channel to the next.</param>
/// <param name="PixelStep">Floats from an input pixel, or a pair of them, to the next.</param>
/// <param name="OutRowStep">Floats from an output pixel to the next; from an output channel where pixels lie in the lanes.</param>
/// <param name="OutVectorStep">Floats from an output vector to the next.</param>
/// <param name="Epilogue">What it does around its sums.</param>
/// <param name="Panels">Register tiles.</param>
/// <param name="Share">What threads share.</param>
/// <param name="Lanes">What lies in the lanes.</param>
public sealed record PointwiseKernel(
    int Pixels, int InChannels, int OutChannels, int ChannelBlock, int ChannelBlockStep, int ChannelStep, int PixelStep, int OutRowStep, int OutVectorStep,
    Epilogue Epilogue, EquatableArray<PanelRun> Panels, WorkShare Share = WorkShare.None, LaneAxis Lanes = LaneAxis.Channels)
    : ProductKernel(Lanes, 1, InChannels, OutRowStep, Epilogue, Panels, Share)
{
    /// <summary>Of planes, each <paramref name="inPlaneStep"/> and <paramref name="outPlaneStep"/> floats behind the one before.</summary>
    public static PointwiseKernel OfPlanes(
        VectorTarget target, int pixels, int inChannels, int outChannels, int inPlaneStep, int outPlaneStep, Epilogue epilogue, WorkShare share = WorkShare.None) =>
        new(
            pixels, inChannels, outChannels, inChannels, 0, inPlaneStep, 1, outPlaneStep, target.Lanes, epilogue, RegisterTiling.OfPlanes(target, outChannels, pixels), share,
            LaneAxis.Pixels);

    /// <summary>Of pairs of pixels, each <paramref name="pairStep"/> floats behind the one before; at most <paramref name="largest"/> pairs in a tile.</summary>
    public static PointwiseKernel OfPairs(int pixels, int inChannels, int outChannels, int pairStep, int outPixelStep, Epilogue epilogue, int largest) =>
        new(
            pixels, inChannels, outChannels, inChannels, 0, 2, pairStep, outPixelStep, 8, epilogue with { Store = StoreForm.Halves },
            EquatableArray.Of(new PanelRun(0, (outChannels + 7) / 8, 1, RegisterTiling.Split(pixels / 2, largest))), WorkShare.None, LaneAxis.PixelPairs);

    /// <summary>How its text shares work: what does all in a call does it as one row, or as the one part of its tiles.</summary>
    public WorkShare Form => Share != WorkShare.None ? Share : Panels.All(run => run.Tiles.Count == 1) ? WorkShare.Rows : WorkShare.TilesOfPanels;

    /// <summary>What it prefetches into the second-level cache step by step, besides squeeze-and-excitation's weights; null for nothing.</summary>
    public Prefetch? StepPrefetch => Prefetches.FirstOrDefault(prefetch => prefetch.What is Prefetched.Weights or Prefetched.Given or Prefetched.Residual);
}

/// <summary>Where a kernel with windows finds its input rows.</summary>
/// <param name="RingRows">Rows of the ring buffer, or 0 when all rows lie in a plane.</param>
/// <param name="RowStep">Floats from a row to the next.</param>
/// <param name="PixelStep">Floats from a pixel to the next.</param>
/// <param name="Left">Zero columns before each row.</param>
/// <param name="Right">Zero columns after each row.</param>
/// <param name="ChannelStep">Floats from a channel to the next; a row of one channel after the other where it is more than 1.</param>
public sealed record RowSource(int RingRows, int RowStep, int PixelStep, int Left, int Right, int ChannelStep = 1);

/// <summary>A run of equal column tiles of one output row.</summary>
/// <param name="FirstColumn">First output column.</param>
/// <param name="Columns">Output columns of a tile.</param>
/// <param name="Count">Tiles in the run.</param>
public readonly record struct ColumnRun(int FirstColumn, int Columns, int Count);

/// <summary>Geometry of a window along a row.</summary>
/// <param name="Kernel">Kernel size.</param>
/// <param name="Stride">Horizontal stride.</param>
/// <param name="Dilation">Dilation, both ways.</param>
/// <param name="PadLeft">Zero columns in front that the convolution asks for.</param>
/// <param name="InWidth">Input columns.</param>
/// <param name="OutWidth">Output columns.</param>
public sealed record RowWindow(Extent Kernel, int Stride, Extent Dilation, int PadLeft, int InWidth, int OutWidth);

/// <summary>One output row of a depthwise (or narrow grouped) convolution: every lane is a channel of its own.</summary>
/// <param name="Vectors">Vectors of channels.</param>
/// <param name="Channels">Channels without padding, for the comment.</param>
/// <param name="InPerGroup">Input values that each output lane reads at a tap.</param>
/// <param name="LaneStep">Floats between those values.</param>
/// <param name="VectorStep">Floats from an input vector to the next.</param>
/// <param name="Window">Geometry.</param>
/// <param name="Source">Input rows.</param>
/// <param name="OutPixelStep">Floats from an output pixel to the next.</param>
/// <param name="OutVectorStep">Floats from an output vector to the next.</param>
/// <param name="Epilogue">What it does around its sums.</param>
/// <param name="Columns">Column tiles.</param>
public sealed record ChannelPerLaneKernel(
    int Vectors, int Channels, int InPerGroup, int LaneStep, int VectorStep, RowWindow Window, RowSource Source, int OutPixelStep, int OutVectorStep,
    Epilogue Epilogue, EquatableArray<ColumnRun> Columns) : SumKernel(Epilogue);

/// <summary>One output row of a dense or grouped convolution: a matrix product whose sum runs over the taps.</summary>
/// <param name="Groups">Groups.</param>
/// <param name="InPerGroup">Input channels of a group.</param>
/// <param name="OutPerGroup">Output channels of a group.</param>
/// <param name="Window">Geometry.</param>
/// <param name="Source">Input rows. Of planes, a <see cref="PlanarRow"/> of each channel after the other.</param>
/// <param name="OutRowStep">Floats from an output pixel to the next; from an output channel where pixels lie in the lanes.</param>
/// <param name="Epilogue">What it does around its sums.</param>
/// <param name="Panels">Register tiles over one group's outputs.</param>
/// <param name="Share">What threads share.</param>
/// <param name="Lanes">What lies in the lanes.</param>
public sealed record ConvolutionKernel(
    int Groups, int InPerGroup, int OutPerGroup, RowWindow Window, RowSource Source, int OutRowStep,
    Epilogue Epilogue, EquatableArray<PanelRun> Panels, WorkShare Share = WorkShare.None, LaneAxis Lanes = LaneAxis.Channels)
    : ProductKernel(Lanes, Groups, InPerGroup * Window.Kernel.Height * Window.Kernel.Width, OutRowStep, Epilogue, Panels, Share)
{
    /// <summary>Whether a kernel row is one run of inputs: where a pixel's channels and the next pixel's are neighbours in memory.</summary>
    public bool HasRuns => Window.Kernel.Width == 1 || (Window.Dilation.Width == 1 && Source.ChannelStep == 1 && Source.PixelStep == InPerGroup);

    /// <summary>Layout of a padded row of one channel, where pixels lie in the lanes.</summary>
    public PlanarRow Row => new(Window.Stride, Source.ChannelStep / Window.Stride);
}

/// <summary>One output row of a pooling layer.</summary>
/// <param name="IsMaximum">Maximum, else mean.</param>
/// <param name="CountIncludePad">Whether padding counts in the mean's divisor.</param>
/// <param name="Vectors">Vectors of channels.</param>
/// <param name="Channels">Channels without padding, for the comment.</param>
/// <param name="Window">Geometry.</param>
/// <param name="PadRight">Zero columns after, for the mean's divisor.</param>
/// <param name="Source">Input rows.</param>
/// <param name="OutPixelStep">Floats from an output pixel to the next.</param>
/// <param name="Columns">Column tiles.</param>
public sealed record PoolKernel(
    bool IsMaximum, bool CountIncludePad, int Vectors, int Channels, RowWindow Window, int PadRight, RowSource Source, int OutPixelStep,
    EquatableArray<ColumnRun> Columns) : Kernel
{
    /// <summary>Window columns that count in the mean of output column <paramref name="column"/>: with padding up to the padded width, else those inside the map.</summary>
    public int CountedColumns(int column)
    {
        int first = (column * Window.Stride) - Window.PadLeft;
        IEnumerable<int> taps = Enumerable.Range(0, Window.Kernel.Width).Select(tap => first + (tap * Window.Dilation.Width));
        return CountIncludePad ? taps.Count(x => x < Window.InWidth + PadRight) : taps.Count(x => x >= 0 && x < Window.InWidth);
    }
}
