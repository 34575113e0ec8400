using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>
/// A node of a loop nest. A nest says all that a step does: which loops run in which order, what threads share, which kernels are called with what. It is printed as it
/// is (<c>NestEmitter</c>), and what it costs is counted over it (<c>NestWork</c>).
/// </summary>
public abstract record Nest
{
    /// <summary>The nodes inside.</summary>
    public virtual IEnumerable<Nest> Inner => [];

    /// <summary>The nest with <paramref name="change"/> made to every node that is no loop.</summary>
    public virtual Nest Rewrite(Func<Nest, Nest> change) => change(this);

    /// <summary>It and all nodes inside, in the order of the text.</summary>
    public IEnumerable<Nest> Flatten() => Inner.SelectMany(nest => nest.Flatten()).Prepend(this);
}

/// <summary>A constant.</summary>
public sealed record DefineConstant(Variable Name, Scalar Value) : Nest;

/// <summary>An integer, and perhaps more of them.</summary>
public sealed record Define(EquatableArray<Definition> Definitions) : Nest;

/// <summary>An integer and what it is.</summary>
public readonly record struct Definition(Variable Name, Scalar Value);

/// <summary>Another value for an integer.</summary>
public sealed record Assign(Variable Name, Scalar Value) : Nest;

/// <summary>A table of small integers.</summary>
public sealed record DefineTables(EquatableArray<Table> Tables) : Nest;

/// <summary>A name for a place in memory.</summary>
public sealed record Bind(Storage Name, Pointer To) : Nest;

/// <summary>From here on the scratch memory is the thread's own part of it.</summary>
public sealed record UseOwnScratch : Nest;

/// <summary>A comment for the reader of the generated code.</summary>
public sealed record Comment(string Text) : Nest;

/// <summary>An empty line, which parts what the nest prepares from what it does.</summary>
public sealed record Blank : Nest;

/// <summary>A loop that every thread runs as a whole.</summary>
/// <param name="Index">Its index.</param>
/// <param name="From">First value.</param>
/// <param name="To">The first value that is not run.</param>
/// <param name="Body">What is done.</param>
/// <param name="Trips">How often one thread alone does it, on average, each time that it comes here.</param>
public sealed record For(Variable Index, Scalar From, Scalar To, EquatableArray<Nest> Body, double Trips) : Nest
{
    /// <summary>From an index to the next.</summary>
    public Scalar Step { get; init; } = 1;

    /// <inheritdoc/>
    public override IEnumerable<Nest> Inner => Body;

    /// <inheritdoc/>
    public override Nest Rewrite(Func<Nest, Nest> change) => this with { Body = Body.Select(nest => nest.Rewrite(change)).ToEquatableArray() };
}

/// <summary>A loop whose units threads share: each does some neighbouring ones.</summary>
/// <param name="Index">Its index.</param>
/// <param name="Units">Units.</param>
/// <param name="Body">What is done for one of them.</param>
public sealed record Parallel(Variable Index, int Units, EquatableArray<Nest> Body) : Nest
{
    /// <inheritdoc/>
    public override IEnumerable<Nest> Inner => Body;

    /// <inheritdoc/>
    public override Nest Rewrite(Func<Nest, Nest> change) => this with { Body = Body.Select(nest => nest.Rewrite(change)).ToEquatableArray() };
}

/// <summary>Units that threads share without a loop: declares the thread's first one and how many it has.</summary>
/// <param name="First">The first one.</param>
/// <param name="Count">How many.</param>
/// <param name="Units">All units.</param>
/// <param name="Group">So many stay together, as far as there are as many.</param>
public sealed record Split(Variable First, Variable Count, int Units, int Group) : Nest
{
    /// <summary>Groups that threads share.</summary>
    public int Groups => (Units + Group - 1) / Group;
}

/// <summary>What is done under a condition.</summary>
/// <param name="When">The condition.</param>
/// <param name="Then">What is done where it holds.</param>
/// <param name="Else">What is done where it does not.</param>
/// <param name="Share">The share of its runs in which the condition holds, for a single thread.</param>
public sealed record If(Condition When, EquatableArray<Nest> Then, EquatableArray<Nest> Else, double Share = 1) : Nest
{
    /// <inheritdoc/>
    public override IEnumerable<Nest> Inner => Then.Concat(Else);

    /// <inheritdoc/>
    public override Nest Rewrite(Func<Nest, Nest> change) => this with
    {
        Then = Then.Select(nest => nest.Rewrite(change)).ToEquatableArray(),
        Else = Else.Select(nest => nest.Rewrite(change)).ToEquatableArray(),
    };
}

/// <summary>All threads wait until each of them is here.</summary>
public sealed record Barrier : Nest;

/// <summary>The rows under a window: declares the first one and which rows of the kernel lie inside the map.</summary>
/// <param name="Window">What it declares.</param>
/// <param name="Row">The output row.</param>
/// <param name="Axis">Vertical geometry.</param>
public sealed record PlaceWindow(WindowRows Window, Scalar Row, VerticalAxis Axis) : Nest;

/// <summary>A window's rows.</summary>
/// <param name="First">Its first input row; negative above the map.</param>
/// <param name="From">The kernel's first row inside the map.</param>
/// <param name="To">The first row after them.</param>
public sealed record WindowRows(Variable First, Variable From, Variable To)
{
    /// <summary>The usual names.</summary>
    public static WindowRows Usual { get; } = new(new("first"), new("from"), new("to"));
}

/// <summary>Vertical geometry of a window.</summary>
/// <param name="Kernel">Rows of the kernel.</param>
/// <param name="Stride">Input rows from an output row to the next.</param>
/// <param name="Dilation">Input rows from a row of the kernel to the next.</param>
/// <param name="PadTop">Zero rows above.</param>
/// <param name="Height">Rows of the map.</param>
public sealed record VerticalAxis(int Kernel, int Stride, int Dilation, int PadTop, int Height)
{
    /// <summary>Zero rows below, where a mean counts them.</summary>
    public int PadBottom { get; init; }

    /// <summary>Input rows under a window.</summary>
    public int Reach => ((Kernel - 1) * Dilation) + 1;
}

/// <summary>
/// A ring of a map's rows that are made when a window comes to them, each once: row after row from <paramref name="Next"/> on, until there are those before
/// <paramref name="End"/>.
/// </summary>
/// <param name="Next">Number of the row that is made next; goes on from window to window.</param>
/// <param name="First">First row of the window: those before it are not needed any more.</param>
/// <param name="End">The row after the window's last.</param>
/// <param name="Rows">Rows of the map.</param>
/// <param name="Body">Makes row <paramref name="Next"/>.</param>
/// <param name="Trips">Rows that one thread alone makes, on average, each time that it comes here.</param>
public sealed record FillRing(Variable Next, Scalar First, Scalar End, int Rows, EquatableArray<Nest> Body, double Trips) : Nest
{
    /// <inheritdoc/>
    public override IEnumerable<Nest> Inner => Body;

    /// <inheritdoc/>
    public override Nest Rewrite(Func<Nest, Nest> change) => this with { Body = Body.Select(nest => nest.Rewrite(change)).ToEquatableArray() };
}

/// <summary>A call of a kernel.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Input">What it reads.</param>
/// <param name="Output">What it writes.</param>
public sealed record Call(Kernel Kernel, Pointer Input, Pointer Output) : Nest
{
    /// <summary>The weights, for kernels that have some.</summary>
    public Pointer? Weights { get; init; }

    /// <summary>The bias, for kernels that have one.</summary>
    public Pointer? Bias { get; init; }

    /// <summary>The residual; read by kernels whose sums begin with it.</summary>
    public Pointer? Residual { get; init; }

    /// <summary>Room for what the kernel keeps meanwhile.</summary>
    public Pointer? Temporary { get; init; }

    /// <summary>Integers after what it reads: a window's place in a ring and its rows, or how many rows there are.</summary>
    public EquatableArray<Scalar> Rows { get; init; }

    /// <summary>How many units it does, after all others: rows or channels.</summary>
    public Scalar? Count { get; init; }

    /// <summary>How often the kernel's work is done by one call.</summary>
    public double Times { get; init; } = 1;

    /// <summary>What it may prefetch: kernels whose caller names it are given it.</summary>
    public Pointer? Given { get; init; }

    /// <summary>Weights of squeeze-and-excitation that it may prefetch.</summary>
    public Pointer? GateWeights { get; init; }

    /// <summary>What is read after it, which <see cref="PrefetchPlanning"/> may have it prefetch.</summary>
    public EquatableArray<Upcoming> Upcoming { get; init; }

    /// <summary>Values that it moves from far apart besides what it computes, as what it costs counts them.</summary>
    public Effort Effort { get; init; }
}

/// <summary>What is read after a call of a product.</summary>
/// <param name="What">What it is.</param>
/// <param name="Floats">Floats of it.</param>
/// <param name="Calls">Calls that share the work of prefetching them.</param>
/// <param name="Distance">Where weights begin, in floats from the call's own.</param>
public sealed record Upcoming(Prefetched What, int Floats, int Calls = 1, int Distance = 0)
{
    /// <summary>Steps of the sums of a call in which it is prefetched, where that is not all of them.</summary>
    public int? Steps { get; init; }

    /// <summary>Floats for each step of the sums, where these do not follow from <see cref="Floats"/>.</summary>
    public int? Step { get; init; }

    /// <summary>Bytes of the tensor that it is a part of, where it is worth prefetching only if the tensor has left the second-level cache.</summary>
    public long FarBytes { get; init; } = long.MaxValue;
}

/// <summary>How rows come into a ring.</summary>
public enum RowLoad
{
    /// <summary>No ring: the kernel reads the tensor where it lies.</summary>
    None,

    /// <summary>Pixels are copied, or gathered from planes.</summary>
    Copy,

    /// <summary>Rows of planes are copied, one channel after the other.</summary>
    Planes,

    /// <summary>Rows of an image of bytes are converted, pixel after pixel.</summary>
    ImagePixels,

    /// <summary>The same, one channel after the other.</summary>
    ImagePlanes,
}

/// <summary>A row of the input comes into its place in a ring.</summary>
/// <param name="Load">How.</param>
/// <param name="Input">The input.</param>
/// <param name="To">Layout of the ring's rows.</param>
/// <param name="Row">The row.</param>
/// <param name="Slot">Its first pixel's place.</param>
/// <param name="MayBeImage">Whether an image of bytes may stand in for the input: where each row is loaded once, and nothing else reads the input.</param>
public sealed record LoadRow(RowLoad Load, TensorView Input, RowSource To, Scalar Row, Pointer Slot, bool MayBeImage) : Nest
{
    /// <summary>What it takes time for.</summary>
    public Effort Effort => new(Load == RowLoad.Copy && Input.IsPlanar ? Work.Transposed : Work.Copied, Input.Shape.Count / (double)Input.Shape.Height);
}

/// <summary>A call of a function of the runtime.</summary>
/// <param name="Function">The function.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Effort">What it takes time for.</param>
public sealed record FunctionCall(RuntimeFunction Function, EquatableArray<Operand> Arguments, Effort Effort = default) : Nest;

/// <summary>An activation of finished values, in place, where it is too long for a kernel's epilogue.</summary>
/// <param name="Function">The activation.</param>
/// <param name="Values">The first value.</param>
/// <param name="Count">How many.</param>
/// <param name="Total">How many all threads do together.</param>
public sealed record PostOp(ActivationFunction Function, Pointer Values, Scalar Count, double Total) : Nest;

/// <summary>Zeros.</summary>
public sealed record Clear(Pointer Values, Scalar Count) : Nest;

/// <summary>Values copied as they lie.</summary>
/// <param name="From">From where.</param>
/// <param name="To">To where.</param>
/// <param name="Count">How many.</param>
/// <param name="Effort">What it takes time for.</param>
public sealed record Copy(Pointer From, Pointer To, Scalar Count, Effort Effort = default) : Nest;

/// <summary>What moving values takes time for.</summary>
public enum Work
{
    /// <summary>Nothing that counts.</summary>
    None,

    /// <summary>Values are read and written.</summary>
    Copied,

    /// <summary>Values are moved from NCHW to NHWC or back.</summary>
    Transposed,

    /// <summary>Values are summed up by channel and scaled by it: both passes of squeeze-and-excitation.</summary>
    SummedAndScaled,

    /// <summary>Values are read and written by a vector of channels from pixel to pixel.</summary>
    Walked,

    /// <summary>Channels of two tensors are written in turn, pixel by pixel.</summary>
    Interleaved,

    /// <summary>Rows of planes are copied between zeros.</summary>
    Padded,

    /// <summary>The same with columns sorted by their remainder by the stride.</summary>
    PaddedByPhase,
}

/// <summary>Values that are moved.</summary>
/// <param name="Work">How.</param>
/// <param name="Values">Values, of all threads together.</param>
/// <param name="Units">Pixels or rows, for work that takes time for each.</param>
public readonly record struct Effort(Work Work, double Values, double Units = 0)
{
    /// <summary>Values that are read and written.</summary>
    public static Effort Copied(double values) => new(Work.Copied, values);

    /// <summary>Values that are moved from NCHW to NHWC or back.</summary>
    public static Effort Transposed(double values) => new(Work.Transposed, values);
}
