using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>
/// A loop nest around kernels. All offsets into weights and scratch are relative to the step's own, so that blocks of equal shape share one method.
/// </summary>
/// <param name="Title">What it is, as a method name: <c>InvertedResidual</c>, <c>Pointwise</c>, ...</param>
/// <param name="Input">What it reads.</param>
/// <param name="Residual">What else it reads, or null.</param>
/// <param name="Output">What it writes.</param>
public abstract record Driver(string Title, TensorView Input, TensorView? Residual, TensorView Output)
{
    /// <summary>The kernels that it calls, in the order of their first calls.</summary>
    public virtual IEnumerable<Kernel> Kernels => [];

    /// <summary>Whether its input is an image of bytes, which it converts row by row.</summary>
    public virtual bool ReadsImage => false;

    /// <summary>Whether it prefetches weights of a later step, which its caller names.</summary>
    public virtual bool PrefetchesNext => false;
}

/// <summary>What a loop nest does with the rows that its kernels have made, after their <see cref="Epilogue"/>.</summary>
/// <param name="Pass">An activation that is too long for an epilogue.</param>
/// <param name="Buffer">Where the rows lie in the scratch memory while the output cannot be written directly, and are moved from; else null.</param>
public sealed record Finish(ActivationFunction Pass, ArenaOffset? Buffer)
{
    /// <summary>Whether nothing is left to do.</summary>
    public bool IsNone => Pass.IsNone && Buffer is null;

    /// <summary>Whether the pass goes over the output, behind the way there, because pixels of the buffer have many lanes that hold nothing.</summary>
    public bool PassesOutput(TensorView output, int pixelStep) =>
        !Pass.IsNone && Buffer is not null && output.IsTight && pixelStep > (output.IsPlanar && output.Shape.Channels > 1 ? 2 : 1) * output.Shape.Channels;
}

/// <summary>1x1 convolution over a whole map, in chunks of pixels.</summary>
/// <param name="Input">Input.</param>
/// <param name="Residual">Residual, or null.</param>
/// <param name="Output">Output.</param>
/// <param name="Kernel">The kernel for one chunk.</param>
/// <param name="Chunks">Chunks.</param>
/// <param name="ChannelBlocks">Blocks of output channels; more than one only with one chunk, and with a buffer or without a pass.</param>
/// <param name="Bias">Offset of the bias in the weights.</param>
/// <param name="Finish">What is done with a chunk's pixels.</param>
public sealed record PointwiseDriver(
    TensorView Input, TensorView? Residual, TensorView Output, PointwiseKernel Kernel, int Chunks, int ChannelBlocks, ArenaOffset Bias, Finish Finish)
    : Driver("Pointwise", Input, Residual, Output)
{
    /// <inheritdoc/>
    public override IEnumerable<Kernel> Kernels => [Kernel];

    /// <inheritdoc/>
    public override bool PrefetchesNext => Kernel.PrefetchOf(Prefetched.Given) is not null;
}

/// <summary>How rows come into a ring buffer.</summary>
public enum RowLoad
{
    /// <summary>No ring: the kernel reads the tensor where it lies.</summary>
    None,

    /// <summary>Pixels are copied, or gathered from planes.</summary>
    Copy,

    /// <summary>Rows of planes are copied, one channel after the other.</summary>
    Planes,

    /// <summary>Every output lane's own input is laid out.</summary>
    Replicate,

    /// <summary>Rows of an image of bytes are converted, pixel after pixel.</summary>
    ImagePixels,

    /// <summary>The same, one channel after the other.</summary>
    ImagePlanes,
}

/// <summary>Row after row of a convolution or pooling layer.</summary>
/// <param name="Title">Name.</param>
/// <param name="Input">Input.</param>
/// <param name="Residual">Residual, or null.</param>
/// <param name="Output">Output.</param>
/// <param name="Kernel">The kernel for one row: <see cref="LanewiseKernel"/>, <see cref="ConvolutionKernel"/> or <see cref="PoolKernel"/>.</param>
/// <param name="Window">The kernel's window.</param>
/// <param name="Source">The kernel's source.</param>
/// <param name="Load">How rows come into the ring.</param>
/// <param name="Ring">Offset of the ring in the scratch memory.</param>
/// <param name="Groups">Groups, for <see cref="RowLoad.Replicate"/>.</param>
/// <param name="StrideHeight">Vertical stride.</param>
/// <param name="PadTop">Zero rows above.</param>
/// <param name="PadBottom">Zero rows below.</param>
/// <param name="Bias">Offset of the bias in the weights, or null.</param>
/// <param name="Finish">What is done with a row.</param>
/// <param name="OutPixelStep">Floats from a pixel to the next where the kernel writes.</param>
/// <param name="ChannelBlocks">
/// Blocks of channels that run over all rows one after the other, so that the rows under a window stay in the first-level cache, or a dense convolution's
/// weights in the second-level cache.
/// </param>
public sealed record RowDriver(
    string Title, TensorView Input, TensorView? Residual, TensorView Output, Kernel Kernel, RowWindow Window, RowSource Source, RowLoad Load, ArenaOffset Ring, int Groups,
    int StrideHeight, int PadTop, int PadBottom, ArenaOffset? Bias, Finish Finish, int OutPixelStep, int ChannelBlocks = 1) : Driver(Title, Input, Residual, Output)
{
    /// <summary>What makes the rows in the ring, or null; its weights are the step's.</summary>
    public StemPart? Stem { get; init; }

    /// <summary>Activation behind the stem as a pass.</summary>
    public ActivationFunction StemPass { get; init; } = ActivationFunction.None;

    /// <summary>The map whose rows the kernel reads.</summary>
    public Shape Map => Stem?.Output ?? Input.Shape;

    /// <inheritdoc/>
    public override IEnumerable<Kernel> Kernels => Stem is null ? [Kernel] : [Kernel, Stem.Kernel];

    /// <inheritdoc/>
    public override bool ReadsImage => (Stem?.Load ?? Load) is RowLoad.ImagePixels or RowLoad.ImagePlanes;
}

/// <summary>Squeeze-and-excitation's small products and where their memory lies.</summary>
/// <param name="Channels">Channels of the map.</param>
/// <param name="Squeezed">Hidden channels.</param>
/// <param name="Reduce">First product.</param>
/// <param name="Activation">Activation behind it as a pass.</param>
/// <param name="Expand">Second product.</param>
/// <param name="Gate">Gate as a pass.</param>
/// <param name="ReduceWeights">Offset of the first product's weights; its bias follows at <paramref name="ReduceBias"/>.</param>
/// <param name="ReduceBias">Offset of the first bias.</param>
/// <param name="ExpandWeights">Offset of the second product's weights.</param>
/// <param name="ExpandBias">Offset of the second bias.</param>
/// <param name="Sums">Offset of the channel sums, later the gate, in the scratch memory.</param>
/// <param name="Hidden">Offset of the hidden values in the scratch memory.</param>
public sealed record SqueezePart(
    int Channels, int Squeezed, PointwiseKernel Reduce, ActivationFunction Activation, PointwiseKernel Expand, ActivationFunction Gate,
    ArenaOffset ReduceWeights, ArenaOffset ReduceBias, ArenaOffset ExpandWeights, ArenaOffset ExpandBias, ArenaOffset Sums, ArenaOffset Hidden)
{
    /// <summary>Both products.</summary>
    public IEnumerable<Kernel> Kernels => [Reduce, Expand];

    /// <summary>Channel sums with those of the last vector's empty lanes.</summary>
    public int PaddedChannels => PlanBuilder.PadChannels(Channels);
}

/// <summary>A projection's weights times the gate of squeeze-and-excitation.</summary>
/// <param name="Offset">Offset of the products in the scratch memory.</param>
/// <param name="Rows">Input channels: rows of a panel.</param>
/// <param name="Panels">Panels, one run behind the other.</param>
public sealed record GatedWeights(ArenaOffset Offset, int Rows, EquatableArray<GatedPanels> Panels);

/// <summary>Panels of equal width.</summary>
/// <param name="Count">Panels.</param>
/// <param name="Width">Floats of a row.</param>
/// <param name="Tiles">Tiles of pixels that share a panel, where threads share tiles panel after panel and each scales the panels of its own tiles; 0 where each scales all.</param>
public readonly record struct GatedPanels(int Count, int Width, int Tiles);

/// <summary>A convolution with a window whose rows are made where a block needs them, from input rows in a ring of its own.</summary>
/// <param name="Kernel">The kernel for one row.</param>
/// <param name="Output">The map whose rows it makes.</param>
/// <param name="Load">How input rows come into the ring.</param>
/// <param name="Ring">Offset of the ring in the scratch memory.</param>
/// <param name="StrideHeight">Vertical stride.</param>
/// <param name="PadTop">Zero rows above.</param>
public sealed record StemPart(ConvolutionKernel Kernel, Shape Output, RowLoad Load, ArenaOffset Ring, int StrideHeight, int PadTop);

/// <summary>
/// Expand, depthwise, project with rows outside and slabs of hidden channels inside: the expanded rows live in a ring per slab.
/// </summary>
/// <param name="Title">Name.</param>
/// <param name="Input">Input.</param>
/// <param name="Residual">Residual, or null.</param>
/// <param name="Output">Output.</param>
/// <param name="Expand">Expansion of one row into one slab, or null when a stem makes the rows or the depthwise layer reads the input.</param>
/// <param name="Stem">What makes the rows in place of an expansion, or null; then there is one slab.</param>
/// <param name="ExpandPass">Activation behind the expansion or the stem as a pass.</param>
/// <param name="Depthwise">One row of one slab.</param>
/// <param name="DepthwisePass">Activation behind it as a pass.</param>
/// <param name="Squeeze">Squeeze-and-excitation, or null; with it the depthwise rows of the whole map are kept.</param>
/// <param name="Project">Projection of one step's rows, or of the whole map with squeeze-and-excitation.</param>
/// <param name="Finish">What is done with what it made.</param>
/// <param name="Load">How rows come into the ring without an expansion.</param>
/// <param name="Hidden">Hidden channels.</param>
/// <param name="HiddenStep">Floats from a pixel to the next of the depthwise rows.</param>
/// <param name="Slab">Hidden channels of a slab.</param>
/// <param name="Rows">Output rows of a step.</param>
/// <param name="StrideHeight">Vertical stride.</param>
/// <param name="PadTop">Zero rows above.</param>
/// <param name="Ring">Offset of the rings in the scratch memory.</param>
/// <param name="DepthwiseRows">Offset of the depthwise rows.</param>
/// <param name="Gated">The projection's weights times the gate, or null where the depthwise rows are multiplied.</param>
/// <param name="Offsets">Offsets into the weights.</param>
public sealed record FusedRowsDriver(
    string Title, TensorView Input, TensorView? Residual, TensorView Output,
    PointwiseKernel? Expand, StemPart? Stem, ActivationFunction ExpandPass, LanewiseKernel Depthwise, ActivationFunction DepthwisePass, SqueezePart? Squeeze,
    ProductKernel Project, Finish Finish, RowLoad Load, int Hidden, int HiddenStep, int Slab, int Rows, int StrideHeight, int PadTop,
    ArenaOffset Ring, ArenaOffset DepthwiseRows, GatedWeights? Gated, FusedOffsets Offsets) : Driver(Title, Input, Residual, Output)
{
    /// <summary>Slabs.</summary>
    public int Slabs => HiddenStep / Slab;

    /// <summary>The map whose rows the depthwise layer reads.</summary>
    public Shape Expanded => Stem?.Output ?? Input.Shape;

    /// <summary>Whether the projection adds the stem's rows, which lie in the ring; a step is one row then.</summary>
    public bool AddsExpanded => Residual is null && Project.Epilogue.AddsResidual;

    /// <inheritdoc/>
    public override IEnumerable<Kernel> Kernels => [.. new Kernel?[] { Stem?.Kernel, Expand, Depthwise }.OfType<Kernel>(), .. Squeeze?.Kernels ?? [], Project];

    /// <inheritdoc/>
    public override bool ReadsImage => Stem?.Load is RowLoad.ImagePixels or RowLoad.ImagePlanes;
}

/// <summary>Where a fused block's weights lie, relative to the step's own.</summary>
/// <param name="Expand">The expansion's or the stem's panels, slab after slab.</param>
/// <param name="ExpandBias">Its bias.</param>
/// <param name="Depthwise">Depthwise lanes.</param>
/// <param name="DepthwiseBias">Depthwise bias.</param>
/// <param name="Project">Projection's panels, slab after slab when there are slabs.</param>
/// <param name="ProjectBias">Projection's bias.</param>
public sealed record FusedOffsets(ArenaOffset Expand, ArenaOffset ExpandBias, ArenaOffset Depthwise, ArenaOffset DepthwiseBias, ArenaOffset Project, ArenaOffset ProjectBias);

/// <summary>
/// Expand, depthwise, project one slab of hidden channels after the other over the whole map; the projection adds up in the output. Where a row
/// fills register tiles, threads work on rows of their own and each expands the rows at its edges again. On narrower maps the products run over the
/// whole map, and each thread makes slabs of its own that all project together. With squeeze-and-excitation the depthwise slabs of the whole map are kept:
/// the projection runs over them when the gate is known.
/// </summary>
/// <param name="Title">Name.</param>
/// <param name="Input">Input.</param>
/// <param name="Residual">Residual, or null.</param>
/// <param name="Output">Output.</param>
/// <param name="ByRow">Whether threads work on rows of their own.</param>
/// <param name="Expand">Expansion of a row or of the map into one slab, or null when the depthwise layer reads the input.</param>
/// <param name="ExpandPass">Activation behind it as a pass.</param>
/// <param name="Depthwise">One row of one slab.</param>
/// <param name="DepthwisePass">Activation behind it as a pass.</param>
/// <param name="First">Projection of the first slab.</param>
/// <param name="Middle">Projection of those between.</param>
/// <param name="LastKernel">Projection of the last slab.</param>
/// <param name="Finish">What is done with what it made.</param>
/// <param name="Squeeze">Squeeze-and-excitation, or null.</param>
/// <param name="Hidden">Hidden channels.</param>
/// <param name="Slab">Hidden channels of a slab.</param>
/// <param name="StrideHeight">Vertical stride.</param>
/// <param name="PadTop">Zero rows above.</param>
/// <param name="Expanded">Offset of the expanded slab in the scratch memory.</param>
/// <param name="DepthwiseSlab">Offset of the depthwise slab, or of all of them where threads share them.</param>
/// <param name="Gated">A slab's projection weights times the gate, or null where the depthwise slab is multiplied.</param>
/// <param name="Offsets">Offsets into the weights.</param>
public sealed record FusedSlabsDriver(
    string Title, TensorView Input, TensorView? Residual, TensorView Output, bool ByRow,
    PointwiseKernel? Expand, ActivationFunction ExpandPass, LanewiseKernel Depthwise, ActivationFunction DepthwisePass,
    PointwiseKernel First, PointwiseKernel Middle, PointwiseKernel LastKernel, Finish Finish, SqueezePart? Squeeze,
    int Hidden, int Slab, int StrideHeight, int PadTop, ArenaOffset Expanded, ArenaOffset DepthwiseSlab, GatedWeights? Gated, FusedOffsets Offsets)
    : Driver(Title, Input, Residual, Output)
{
    /// <summary>Slabs.</summary>
    public int Slabs => Hidden / Slab;

    /// <summary>What the products prefetch; null until that is planned.</summary>
    public SlabPrefetch? Prefetch { get; init; }

    /// <inheritdoc/>
    public override bool PrefetchesNext => !ByRow && (First.PrefetchOf(Prefetched.Given) ?? Expand?.PrefetchOf(Prefetched.Given)) is not null;

    /// <summary>The projections that run: with two slabs of different first and last kernels there is none between.</summary>
    public IEnumerable<PointwiseKernel> Projections => Slabs == 1 ? [First] : LastKernel == Middle ? [First, Middle] : Slabs == 2 ? [First, LastKernel] : [First, LastKernel, Middle];

    /// <inheritdoc/>
    public override IEnumerable<Kernel> Kernels => [.. new Kernel?[] { Expand, Depthwise }.OfType<Kernel>(), .. Squeeze?.Kernels ?? [], .. Projections];
}

/// <summary>Squeeze-and-excitation of a map that exists already.</summary>
/// <param name="Title">Name.</param>
/// <param name="Input">Input.</param>
/// <param name="Output">Output.</param>
/// <param name="Squeeze">The products.</param>
/// <param name="Summed">What threads share out before the gate.</param>
/// <param name="Sum">What makes the sums.</param>
/// <param name="Scaled">What they share out behind the gate; null for the same again.</param>
/// <param name="Scale">What multiplies with the gate.</param>
public sealed record SqueezeDriver(
    string Title, TensorView Input, TensorView Output, SqueezePart Squeeze, RuntimeRange Summed, EquatableArray<RuntimeCall> Sum, RuntimeRange? Scaled,
    EquatableArray<RuntimeCall> Scale) : Driver(Title, Input, null, Output)
{
    /// <inheritdoc/>
    public override IEnumerable<Kernel> Kernels => Squeeze.Kernels;
}
