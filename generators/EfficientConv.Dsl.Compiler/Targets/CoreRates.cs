namespace EfficientConv.Dsl.Compiler.Targets;

/// <summary>Cycles of both transforms of a form of Winograd's algorithm for one tile and one vector of channels; they are estimates.</summary>
/// <param name="Input">Of the input.</param>
/// <param name="Output">Of the output, without an activation.</param>
public readonly record struct TransformCycles(int Input, int Output);

/// <summary>
/// What a core takes for the work of kernels. Times are predicted by these rates, schedules chosen and Winograd's form decided: whoever weighs one kernel against another finds
/// its constants here and nowhere else. Cycles are those of a core that starts <see cref="VectorOperations"/> in each. Choosing compares forms of one block and leaves out
/// what they have in common, so it needs other values for a call than predicting does; such values are named for the choice.
/// </summary>
public sealed record CoreRates
{
    /// <summary>Vector operations, multiply-adds among them, that start in a cycle.</summary>
    public double VectorOperations { get; init; } = 2;

    /// <summary>Vector loads that start in a cycle.</summary>
    public double VectorLoads { get; init; } = 2;

    /// <summary>Cycles from the start of a multiply-add to its result.</summary>
    public double Latency { get; init; } = 4;

    /// <summary>Cycles to store a vector.</summary>
    public double StoreCycles { get; init; } = 1;

    /// <summary>Cycles of the loop around a step of a sum.</summary>
    public double LoopCycles { get; init; } = 0.25;

    /// <summary>Sums of neighbouring output columns that overlap while a window moves over a row.</summary>
    public int WindowChains { get; init; } = 4;

    /// <summary>Cycles of a load that crosses cache lines, as those of a plane's rows under a tap do.</summary>
    public double UnalignedLoadCycles { get; init; } = 1;

    /// <summary>Cycles of a load of an unrolled plane, beside the multiply-adds that use it.</summary>
    public double FlatLoadCycles { get; init; } = 0.32;

    /// <summary>Cycles of a tap whose columns are picked out of two vectors.</summary>
    public double PickedTapCycles { get; init; } = 2.5;

    /// <summary>Winograd's F(4x4, 3x3).</summary>
    public TransformCycles WinogradF4x4 { get; init; } = new(290, 190);

    /// <summary>Winograd's F(2x2, 3x3).</summary>
    public TransformCycles WinogradF2x2 { get; init; } = new(70, 50);

    /// <summary>The same with stride 2.</summary>
    public TransformCycles WinogradF2x2Stride2 { get; init; } = new(100, 70);

    /// <summary>Cycles to copy, sum or scale a vector in a pass of its own.</summary>
    public double CopyCycles { get; init; } = 3;

    /// <summary>Cycles to move a value between planes and pixels.</summary>
    public double TransposeCycles { get; init; } = 0.45;

    /// <summary>Cycles of a vector in both passes of squeeze-and-excitation: one that sums up, whose additions wait for each other, and one that scales.</summary>
    public double SumAndScaleCycles { get; init; } = 9.9;

    /// <summary>Cycles by which a vector takes longer where a map is walked from pixel to pixel, in steps that no prefetcher follows.</summary>
    public double WalkCycles { get; init; } = 5.1;

    /// <summary>Cycles to interleave 16 channels of two tensors: loads, permutations and stores.</summary>
    public double InterleaveCycles { get; init; } = 4;

    /// <summary>Cycles of a pixel beside that.</summary>
    public double InterleavedPixelCycles { get; init; } = 18;

    /// <summary>Part of a kernel's call that copying a row into a padded one takes besides.</summary>
    public double PadRowCalls { get; init; } = 1 / 8.0;

    /// <summary>Copies that take as long as sorting a row's columns by their remainder modulo the stride.</summary>
    public double PhasedRowCopies { get; init; } = 2;

    /// <summary>Cycles around a kernel: its call, the first addresses, its last results.</summary>
    public double CallCycles { get; init; } = 25;

    /// <summary>Of traffic and arithmetic, how much of the shorter is not hidden after the longer.</summary>
    public double NotOverlapped { get; init; } = 0.2;

    /// <summary>Seconds of one run of a network beside its steps: checking lengths and taking a workspace.</summary>
    public double RunSeconds { get; init; } = 60e-9;

    /// <summary>Bytes a cycle from the second-level cache that the multiply-adds around them do not hide.</summary>
    public double SecondLevelRate { get; init; } = 64;

    /// <summary>The same for a slab's maps: they are written and read from end to end, which the prefetchers follow, until they take much of the second-level cache.</summary>
    public double MapRate { get; init; } = 384;

    /// <summary>How much longer that takes for maps as large as the second-level cache.</summary>
    public double LargeMaps { get; init; } = 6.4;

    /// <summary>Bytes a cycle from the second-level cache of weights that are read in their order, well before they are needed.</summary>
    public double WeightRate { get; init; } = 256;

    /// <summary>The same while as many bytes are prefetched into that cache: measured, a line in somewhat more than 3 cycles.</summary>
    public double BusyWeightRate { get; init; } = 20;

    /// <summary>Bytes a cycle from beyond the second-level cache.</summary>
    public double FarRate { get; init; } = 8;

    /// <summary>Bytes a cycle from memory.</summary>
    public double MemoryRate { get; init; } = 3.2;

    /// <summary>Part of the time for weights from beyond the second-level cache that is left where each slab's are prefetched while the one before is computed.</summary>
    public double PrefetchedPart { get; init; } = 0.25;

    /// <summary>Part of the first-level cache that is for what else passes through.</summary>
    public double PassingPart { get; init; } = 0.5;

    /// <summary>Cycles of a tap of a depthwise row inside a block: a multiply-add and, as neighbours share what they load, about half a load.</summary>
    public double DepthwiseTapCycles { get; init; } = 0.6;

    /// <summary>Cycles after such a row's sums, for each vector of the output.</summary>
    public double DepthwiseStoreCycles { get; init; } = 2;

    /// <summary>Pixels of a register tile of a block's products, for how often weights are read.</summary>
    public double TilePixels { get; init; } = 14;

    /// <summary>Cycles of a call of a kernel where forms of a block are compared, whose tiles have no costs of their own there: arguments, constants, the first and the last tile.</summary>
    public double ChoiceCallCycles { get; init; } = 90;

    /// <summary>Cycles of a step of rows: its three kinds of kernels displace each other from what the core has decoded and predicted.</summary>
    public double ChoiceStepCycles { get; init; } = 300;

    /// <summary>How much of one thread's time an odd number of steps or slabs has to save, times their number: two threads cannot share them evenly.</summary>
    public double OddShares { get; init; } = 0.1;

    /// <summary>Schedules that differ by less than this are the same to the model; of them the one with the least memory is taken.</summary>
    public double Resolution { get; init; } = 1.002;

    /// <summary>
    /// The same with a stem inside, whose rows are as many tiles as their step has rows: more of them cost memory, which the form is there to save, and no time
    /// that could be measured.
    /// </summary>
    public double StemResolution { get; init; } = 1.06;

    /// <summary>Cycles to move a value between planes and pixels where that decides whether a convolution runs over planes: the planes lie in the second-level cache then.</summary>
    public double ChoiceTransposeCycles { get; init; } = 1;

    /// <summary>Of the direct sum's time what Winograd's algorithm may take at most to be taken unasked.</summary>
    public double MostOfDirect { get; init; } = 0.9;
}
