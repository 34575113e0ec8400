using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>Where a tensor lives.</summary>
public enum TensorPlace
{
    /// <summary>The span that the user passes in.</summary>
    Input,

    /// <summary>The span that the user wants filled.</summary>
    Output,

    /// <summary>The workspace.</summary>
    Workspace,
}

/// <summary>
/// How a tensor's elements are laid out. Planar (NCHW): element (c, p) at <c>c * pixels + p</c>. Otherwise (NHWC) at <c>p * PixelStride + c</c>.
/// </summary>
/// <param name="Shape">Shape.</param>
/// <param name="IsPlanar">NCHW.</param>
/// <param name="PixelStride">Elements from a pixel to the next, when not planar.</param>
/// <param name="IsPadded">Whether whole vectors may be read and written at every pixel: lanes after the last channel are there, and hold anything.</param>
/// <param name="RowStride">Elements from a row to the next where that is not the row's own length, else 0: some of the rows or columns of a larger map.</param>
public sealed record TensorView(Shape Shape, bool IsPlanar, int PixelStride, bool IsPadded, int RowStride = 0)
{
    /// <summary>Type of the elements.</summary>
    public ElementType Element { get; init; } = ElementType.Float32;

    /// <summary>How a range of pixels lies in memory: in so many runs, a channel's step apart, with so many elements for each pixel.</summary>
    public (int Count, int PixelElements) Runs => IsPlanar ? (Shape.Channels, 1) : (1, Shape.Channels);

    /// <summary>Elements from a pixel to the next.</summary>
    public int PixelStep => IsPlanar ? 1 : PixelStride;

    /// <summary>Elements from a row to the next (of one channel plane when planar).</summary>
    public int RowStep => RowStride > 0 ? RowStride : Shape.Width * PixelStep;

    /// <summary>Elements from a channel to the next.</summary>
    public int ChannelStep => IsPlanar ? Shape.Pixels : 1;

    /// <summary>The step of functions that move pixels: elements from a channel to the next when planar, else from a pixel to the next.</summary>
    public int MoveStep => IsPlanar ? ChannelStep : PixelStep;

    /// <summary>Whether the tensor's pixels follow each other with nothing of another tensor between.</summary>
    public bool IsDense => RowStride == 0 && (IsPlanar || PixelStride == Shape.Channels || (IsPadded && PixelStride == PlanBuilder.PixelStride(Shape)));

    /// <summary>Whether its elements follow each other with nothing between.</summary>
    public bool IsTight => RowStride == 0 && (IsPlanar || PixelStride == Shape.Channels);

    /// <summary>Whether both have the same elements in the same order, with nothing between: a map of one channel is a plane, however it is called.</summary>
    public bool HasOrderOf(TensorView other) => Shape == other.Shape && IsTight && other.IsTight && (IsPlanar == other.IsPlanar || Shape.Channels == 1 || Shape.Pixels == 1);

    /// <summary>Elements that the tensor takes.</summary>
    public int Length => IsPlanar ? (int)Shape.Count : Shape.Pixels * PixelStride;

    /// <summary>Bytes that the tensor takes.</summary>
    public long Bytes => Element.Bytes(Length);

    /// <summary>Whether a kernel may read and write whole vectors of <paramref name="lanes"/> elements at every pixel, without reaching into the next one's.</summary>
    public bool HoldsVectors(int lanes) => !IsPlanar && (IsPadded || Shape.Channels % lanes == 0);

    /// <inheritdoc/>
    public override string ToString() => IsPlanar ? $"{Shape} NCHW" : $"{Shape} NHWC";
}

/// <summary>A tensor of the plan.</summary>
/// <param name="Place">Where it lives.</param>
/// <param name="Offset">Where in that place it begins.</param>
/// <param name="View">Layout.</param>
/// <param name="Whole">Number of the tensor that it is, or is a part of.</param>
public sealed record Tensor(TensorPlace Place, ArenaOffset Offset, TensorView View, int Whole);

/// <summary>One call of the network's run: a loop nest with its tensors, its weights and its scratch memory.</summary>
/// <param name="Nest">The loop nest; equal ones share one method.</param>
/// <param name="Input">What it reads.</param>
/// <param name="Residual">What it adds, or null.</param>
/// <param name="Output">What it writes.</param>
/// <param name="Weights">Where its packed weights begin.</param>
/// <param name="Scratch">Where its scratch memory begins in the workspace.</param>
/// <param name="ScratchBytes">Bytes of scratch memory.</param>
/// <param name="Parts">What it computes, at least one part.</param>
/// <param name="Notes">How it does that, a line each.</param>
/// <param name="Key">Its <see cref="LayerKey"/>; empty for what has no schedule to choose.</param>
/// <param name="Group">Which of the network's groups it is part of.</param>
public sealed record Step(
    LoopNest Nest, Tensor Input, Tensor? Residual, Tensor Output, ArenaOffset Weights, ArenaOffset Scratch, long ScratchBytes, EquatableArray<StepPart> Parts, EquatableArray<string> Notes, string Key, int Group)
{
    /// <summary>Weights of a later step that it prefetches; null for none.</summary>
    public WeightShare? Prefetch { get; init; }

    /// <summary>Ids of the layers that it computes, or of which it computes some pixels.</summary>
    public IEnumerable<int> LayerIds => Parts.SelectMany(part => part.LayerIds);

    /// <summary>Lines for the reader of the generated code.</summary>
    public IEnumerable<string> Description => Parts.Select(part => part.ToString()).Concat(Notes);

    /// <summary>The block or the layers: <c>4</c> or <c>4.expand</c>, <c>0..2</c> for several that are no block; a stem and its block are <c>0+3</c>.</summary>
    public string Name => Nest.HasStem ? $"{Parts[0].Name}+{NameOf(Parts.Skip(1).ToEquatableArray())}" : NameOf(Parts);

    /// <summary>The layers, the loop nest and the shapes in one line: <c>4: InvertedResidual 16 x 112 x 112 -&gt; 24 x 56 x 56</c>.</summary>
    public string Title => $"{Name}: {Nest.Title} {Input.View.Shape} -> {Output.View.Shape}";

    private static string NameOf(EquatableArray<StepPart> parts)
    {
        string first = parts[0].Name, last = parts[parts.Count - 1].Name;
        int dot = first.LastIndexOf('.');
        return parts.Count == 1 ? first : dot > 0 && last.StartsWith(first.Substring(0, dot + 1), StringComparison.Ordinal) ? first.Substring(0, dot) : $"{first}..{last}";
    }
}

/// <summary>What a step computes: a stage, or another layout of what one made.</summary>
/// <param name="Name">Name of the stage; <see cref="Layout"/> for a copy.</param>
/// <param name="LayerIds">Ids of its layers; none for a copy.</param>
/// <param name="Text">What is computed of what shapes; empty where the name says it.</param>
public sealed record StepPart(string Name, EquatableArray<int> LayerIds, string Text)
{
    /// <summary>Name of what only changes the layout.</summary>
    public const string Layout = "layout";

    /// <summary>A stage: its layers, what is computed and the shapes.</summary>
    public static StepPart Of(Folding.Stage stage, string what) => new(stage.Name, stage.LayerIds, $"{what}: {stage.Input} -> {stage.Output}");

    /// <summary>A copy in another layout.</summary>
    public static StepPart Copy(string text) => new(Layout, [], text);

    /// <inheritdoc/>
    public override string ToString() => Text.Length == 0 ? Name : $"{Name}: {Text}";
}

/// <summary>Something of a measured schedule that cannot be, for example because the channels changed.</summary>
/// <param name="Layer">The schedule's layer.</param>
/// <param name="Isa">Its instruction set.</param>
/// <param name="What">What does not fit: <c>slab 48</c>.</param>
public sealed record ScheduleMisfit(string Layer, string Isa, string What);

/// <summary>How one convolution's weights are stored.</summary>
/// <param name="Source">The stage that the weights belong to.</param>
/// <param name="Convolution">The convolution; null for a stage with other tensors.</param>
/// <param name="InPerGroup">Its input channels per group.</param>
/// <param name="BatchNorm">Batch norm to fold, or to apply by itself.</param>
/// <param name="Instructions">What is written where.</param>
public sealed record StagePacking(Folding.Stage Source, ConvolutionOperator? Convolution, int InPerGroup, BatchNormOperator? BatchNorm, EquatableArray<PackInstruction> Instructions);

/// <summary>A block of packed weights.</summary>
/// <param name="Offset">Where in the packed weights it begins.</param>
/// <param name="Bytes">Its bytes.</param>
public abstract record PackInstruction(ArenaOffset Offset, long Bytes);

/// <summary>Panels of a matrix product, [panel][k][lane]: output channels <paramref name="OutStart"/> to <paramref name="OutEnd"/>, zeros beyond.</summary>
public sealed record PackPanels(ArenaOffset Offset, long Bytes, int OutStart, int OutEnd, int PanelWidth, int PanelCount, int KStart, int KCount) : PackInstruction(Offset, Bytes);

/// <summary>Weights for a product of <see cref="LaneAxis.PixelPairs"/>: [k][group of eight channels][channel, twice].</summary>
public sealed record PackPixelPairs(ArenaOffset Offset, long Bytes, int KStart, int KCount) : PackInstruction(Offset, Bytes);

/// <summary>Bias for a product of <see cref="LaneAxis.PixelPairs"/>, each value twice.</summary>
public sealed record PackBiasPairs(ArenaOffset Offset, long Bytes) : PackInstruction(Offset, Bytes);

/// <summary>Bias, padded with zeros.</summary>
public sealed record PackBias(ArenaOffset Offset, long Bytes) : PackInstruction(Offset, Bytes);

/// <summary>A batch norm that is not folded, or factors by channel: scales, then shifts, each padded to half of the length and, for pairs, each value twice.</summary>
public sealed record PackScaleShift(ArenaOffset Offset, long Bytes, Operator Operator, bool InPairs = false) : PackInstruction(Offset, Bytes);

/// <summary>A tensor as it is, padded with zeros.</summary>
public sealed record PackTensor(ArenaOffset Offset, long Bytes, TensorKey Key) : PackInstruction(Offset, Bytes);

/// <summary>PReLU's slopes, one a channel, or each twice.</summary>
public sealed record PackSlopes(ArenaOffset Offset, long Bytes, PReLUOperator PReLU, bool InPairs = false) : PackInstruction(Offset, Bytes);

/// <summary>Everything that the emitter prints for one instruction set; it decides nothing.</summary>
/// <param name="Target">Instruction set.</param>
/// <param name="PackedBytes">Bytes of packed weights.</param>
/// <param name="WorkspaceBytes">Bytes of workspace.</param>
/// <param name="PartScratchBytes">Bytes of scratch memory that every further thread needs for itself.</param>
/// <param name="PeakBytes">Bytes of input, output and workspace together.</param>
/// <param name="Packing">How weights are stored.</param>
/// <param name="Steps">What runs, in order.</param>
/// <param name="Tensors">When each tensor of the workspace is needed.</param>
/// <param name="Misfits">Measured schedules that cannot be; the cost model's stand in their place.</param>
public sealed record NetworkPlan(
    VectorTarget Target, long PackedBytes, long WorkspaceBytes, long PartScratchBytes, long PeakBytes, EquatableArray<StagePacking> Packing, EquatableArray<Step> Steps,
    EquatableArray<TensorLife> Tensors, EquatableArray<ScheduleMisfit> Misfits)
{
    /// <summary>How images of bytes come in, where the network takes any.</summary>
    public ImagePlan? Image { get; init; }

    /// <summary>The loop nests, a method each, in the order in which the steps first run them.</summary>
    public IEnumerable<LoopNest> Nests => Steps.Select(step => step.Nest).Distinct();

    /// <summary>The kernels, a method each, in the order in which the loop nests first call them.</summary>
    public IEnumerable<Kernel> Kernels => Nests.SelectMany(nest => nest.Kernels).Distinct();
}

/// <summary>A tensor in the workspace.</summary>
/// <param name="First">Number of the step that writes it first.</param>
/// <param name="Last">Number of the last step that reads or writes it.</param>
/// <param name="Bytes">Bytes that it takes.</param>
public sealed record TensorLife(int First, int Last, long Bytes);
