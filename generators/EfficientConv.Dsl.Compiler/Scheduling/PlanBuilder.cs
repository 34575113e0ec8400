using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>A tensor while the plan is built: its place in the workspace is found when all its uses are known.</summary>
/// <param name="place">Where it lives.</param>
/// <param name="view">Layout.</param>
/// <param name="whole">The tensor that it is a part of, or null.</param>
/// <param name="start">Where in <paramref name="whole"/>, or in the user's span, it begins, in elements.</param>
internal sealed class TensorSlot(TensorPlace place, TensorView view, TensorSlot? whole = null, int start = 0)
{
    private ArenaOffset _offset = new(view.Element.Bytes(start));

    public TensorPlace Place => place;

    public TensorView View => view;

    /// <summary>The tensor itself, or that which it is a part of.</summary>
    public TensorSlot Whole => whole?.Whole ?? this;

    public int FirstStep { get; private set; } = int.MaxValue;

    public int LastStep { get; private set; } = -1;

    public ArenaOffset Offset
    {
        get => (whole?.Offset ?? default) + _offset;
        set => _offset = value;
    }

    /// <summary>Where in a pixel of the whole it begins, when the whole is not planar.</summary>
    private int PixelOffset => whole is null ? 0 : whole.PixelOffset + start;

    /// <summary>
    /// Some of its channels, where they lie. Whole vectors may be read at every pixel where those after the last channel lie within the pixel;
    /// <paramref name="isPadded"/> says whether they may be written.
    /// </summary>
    public TensorSlot Channels(int first, int count, bool isPadded = true)
    {
        bool fits = view.IsPadded && PixelOffset + first + PlanBuilder.PadChannels(count) <= view.PixelStride;
        return new TensorSlot(place, view with { Shape = view.Shape with { Channels = count }, IsPadded = fits && isPadded }, this, first * view.ChannelStep);
    }

    /// <summary>Whether it is the channels of <paramref name="other"/> from <paramref name="first"/> on.</summary>
    public bool IsChannelsOf(TensorSlot other, int first) => whole == other && start == first * other.View.ChannelStep;

    /// <summary>Pixels of it that begin at <paramref name="offset"/> elements, laid out as <paramref name="part"/> says.</summary>
    public TensorSlot Pixels(int offset, TensorView part) => new(place, part, this, offset);

    /// <summary>Notes that <paramref name="step"/> reads or writes it.</summary>
    public void Use(int step)
    {
        FirstStep = Math.Min(FirstStep, step);
        LastStep = Math.Max(LastStep, step);
        whole?.Use(step);
    }
}

/// <summary>Collects steps, packed weights and memory of a plan.</summary>
internal sealed class PlanBuilder(VectorTarget target, ScheduleSettings settings)
{
    /// <summary>Pixels a multiple of so many bytes apart share few sets of the first-level cache.</summary>
    private const int CrowdedBytes = 2048;

    /// <summary>Type of everything that is computed and packed.</summary>
    private static readonly ElementType s_element = ElementType.Float32;

    private readonly List<Draft> _drafts = [];
    private readonly List<StagePacking> _packing = [];
    private readonly List<TensorSlot> _slots = [];
    private readonly Arena _packed = new(target.Caches.LineBytes);
    private ArenaOffset _stepWeights;

    private readonly List<ScheduleMisfit> _misfits = [];
    private string _key = string.Empty;
    private int _group = -1;

    public VectorTarget Target => target;

    /// <summary>The measured schedule of the group that is being planned, or null.</summary>
    public ScheduleOverride? Override { get; private set; }

    /// <summary>What the group that is being planned is scheduled for: its measured schedule goes before the project's settings.</summary>
    public ScheduleSettings Settings => Override is null ? settings : settings with { Form = Override.BlockForm, Rows = Override.Rows, Slab = Override.Slab };

    /// <summary>A tensor in the workspace, whole vectors at every pixel.</summary>
    public TensorSlot NewTensor(Shape shape) => Track(new TensorSlot(TensorPlace.Workspace, PaddedView(shape)));

    /// <summary>A tensor in the workspace, plane after plane.</summary>
    public TensorSlot NewPlanarTensor(Shape shape) => Track(new TensorSlot(TensorPlace.Workspace, new TensorView(shape, true, 1, false)));

    public TensorSlot Track(TensorSlot slot)
    {
        _slots.Add(slot);
        return slot;
    }

    /// <summary>Channels are padded to the widest vector whatever the target's is, so that all instruction sets share one layout of maps.</summary>
    public static TensorView PaddedView(Shape shape) => new(shape, false, PixelStride(shape), true);

    /// <summary>
    /// Elements from a pixel of a tensor in the workspace to the next. Pixels 2 or 4 KiB apart fall into one or two sets of a first-level cache, which holds 8 or 12 lines
    /// of a set, and a tile reads 14 pixels in turn. Two lines between them spread them, and leave pairs of lines, which are prefetched together, in pairs.
    /// </summary>
    public static int PixelStride(Shape shape)
    {
        int stride = PadChannels(shape.Channels), line = VectorTarget.Reference.Caches.LineBytes / s_element.Size;
        return shape.Pixels > 1 && s_element.Bytes(stride) % CrowdedBytes == 0 ? stride + (2 * line) : stride;
    }

    /// <summary>Channels in whole vectors of every target.</summary>
    public static int PadChannels(int channels) => (channels + VectorTarget.WidestLanes - 1) / VectorTarget.WidestLanes * VectorTarget.WidestLanes;

    /// <summary>Elements in whole cache lines.</summary>
    public int AlignToLine(int elements) => checked((int)(_packed.Align(s_element.Bytes(elements)) / s_element.Size));

    /// <summary>Elements of a cache line.</summary>
    public int LineLength => target.Caches.LineBytes / s_element.Size;

    /// <summary>Scratch memory for a step.</summary>
    public ScratchArena NewScratch() => new(target.Caches.LineBytes, s_element);

    /// <summary>Begins a group, which may have a measured schedule.</summary>
    public void BeginGroup(string? key, ScheduleOverrides? overrides)
    {
        _key = key ?? string.Empty;
        _group++;
        Override = key is null ? null : overrides?.Find(key, target);
        if (Override is { Tile: not 0 } asked && !IsTile(asked.Tile))
            Misfit(FormattableString.Invariant($"tile {asked.Tile}"));
    }

    /// <summary>Notes what of a block's measured schedule could not be.</summary>
    public void NoteMisfits(BlockSchedule chosen)
    {
        if (Override is not { } asked)
            return;
        if (asked.BlockForm != BlockForm.Auto && asked.BlockForm != chosen.Form)
            Misfit("form " + asked.Form);
        else if (asked.Rows > 0 && asked.Rows != chosen.Rows)
            Misfit(FormattableString.Invariant($"rows {asked.Rows}"));
        else if (asked.Slab > 0 && asked.Slab != chosen.Slab)
            Misfit(FormattableString.Invariant($"slab {asked.Slab}"));
    }

    private void Misfit(string what) => _misfits.Add(new ScheduleMisfit(_key, target.Name, what));

    private bool IsTile(int tile) => tile >= 1 && tile <= target.WidestPanel;

    /// <summary>Register tiles of a product, as wide as the measured schedule says; <paramref name="distantSum"/> as <see cref="RegisterTiling.Choose"/> has it.</summary>
    public EquatableArray<PanelRun> Tiles(int pixels, int vectors, int distantSum = 0) =>
        RegisterTiling.Choose(target, pixels, vectors, Override is { } asked && IsTile(asked.Tile) ? asked.Tile : 0, distantSum);

    /// <summary>Begins a step: offsets of weights packed from now on are relative to here.</summary>
    public void BeginStep() => _stepWeights = new ArenaOffset(_packed.Bytes);

    /// <summary>Reserves packed weights; the offset is relative to the step's own.</summary>
    public ArenaOffset Reserve(int count) => _packed.Take(count, s_element).Plus(-_stepWeights.Bytes);

    /// <summary>
    /// Reserves what an <see cref="Epilogue"/> reads for each of <paramref name="channels"/> output channels: their bias and, where <paramref name="stage"/> has some, slopes
    /// after it, then factors and summands; and says how it is packed. <paramref name="inPairs"/> for a product of <see cref="LaneAxis.PixelPairs"/>, whose channels stand twice.
    /// </summary>
    public (ArenaOffset Bias, PackInstruction[] Packing) ReserveBias(int channels, ConvolutionStage? stage, bool inPairs = false)
    {
        long bytes = WeightBytes(channels);
        ArenaOffset bias = Reserve(channels * (1 + (stage?.PReLU is null ? 0 : 1) + (stage?.ScaleShift is null ? 0 : 2))), next = Absolute(bias);
        List<PackInstruction> packing = [inPairs ? new PackBiasPairs(next, bytes) : new PackBias(next, bytes)];
        next = next.Plus(bytes);
        if (stage?.PReLU is { } prelu)
        {
            packing.Add(new PackSlopes(next, bytes, prelu, inPairs));
            next = next.Plus(bytes);
        }

        if (stage?.ScaleShift is { } scale)
            packing.Add(new PackScaleShift(next, 2 * bytes, scale.Operator, inPairs));
        return (bias, [.. packing]);
    }

    /// <summary>Bytes of <paramref name="count"/> weights.</summary>
    public static long WeightBytes(int count) => s_element.Bytes(count);

    /// <summary>Absolute offset of a step-relative one.</summary>
    public ArenaOffset Absolute(ArenaOffset offset) => _stepWeights + offset;

    public void Pack(Stage stage, ConvolutionOperator? convolution, int inPerGroup, BatchNormOperator? batchNorm, params PackInstruction[] instructions) =>
        _packing.Add(new StagePacking(stage, convolution, inPerGroup, batchNorm, instructions.ToEquatableArray()));

    public void Pack(Stage stage, params PackInstruction[] instructions) => Pack(stage, null, 0, null, instructions);

    public void Pack(ConvolutionStage stage, params PackInstruction[] instructions) => Pack(stage, stage.Convolution, stage.InPerGroup, stage.BatchNorm, instructions);

    public void AddStep(LoopNest nest, TensorSlot input, TensorSlot? residual, TensorSlot output, ScratchArena? scratch, StepPart part, params string[] notes) =>
        AddStep(nest, input, residual, output, scratch, [part], notes);

    public void AddStep(LoopNest nest, TensorSlot input, TensorSlot? residual, TensorSlot output, ScratchArena? scratch, IEnumerable<StepPart> parts, params string[] notes)
    {
        int index = _drafts.Count;
        foreach (TensorSlot? slot in new[] { input, residual, output })
            slot?.Use(index);
        _drafts.Add(new Draft(nest, input, residual, output, _stepWeights, scratch?.Bytes ?? 0, scratch?.OwnBytes ?? 0, parts.ToEquatableArray(), notes.ToEquatableArray(), _key, _group));
        BeginStep();
    }

    /// <summary>Adds a note to the last step.</summary>
    public void AddNote(string note) => _drafts[_drafts.Count - 1] = _drafts[_drafts.Count - 1] with { Notes = _drafts[_drafts.Count - 1].Notes.Append(note).ToEquatableArray() };

    /// <summary>The plan.</summary>
    /// <param name="spanBytes">Bytes of the user's input and output.</param>
    public NetworkPlan Build(long spanBytes)
    {
        List<Placed> placed = [];
        long workspace = 0, line = target.Caches.LineBytes;
        List<TensorLife> tensors = [];
        foreach (TensorSlot slot in _slots.Where(s => s.Place == TensorPlace.Workspace && s.LastStep >= 0))
        {
            TensorLife life = new(slot.FirstStep, slot.LastStep, _packed.Align(slot.View.Bytes));
            slot.Offset = Place(life.Bytes, life.First, life.Last);
            tensors.Add(life);
        }

        List<Step> steps = [];
        for (int i = 0; i < _drafts.Count; i++)
        {
            Draft d = _drafts[i];
            ArenaOffset scratch = d.ScratchBytes == 0 ? default : Place(_packed.Align(d.ScratchBytes), i, i);
            steps.Add(new Step(d.Nest, Resolve(d.Input), d.Residual is null ? null : Resolve(d.Residual), Resolve(d.Output), d.Weights, scratch, d.ScratchBytes, d.Parts, d.Notes, d.Key, d.Group));
        }

        workspace = Math.Max(workspace, line);
        return new NetworkPlan(
            target, Math.Max(_packed.Bytes, line), workspace, Math.Max(_drafts.Max(d => d.OwnBytes), line), spanBytes + workspace,
            _packing.ToEquatableArray(), steps.ToEquatableArray(), tensors.ToEquatableArray(), _misfits.Distinct().ToEquatableArray());

        Tensor Resolve(TensorSlot slot) => new(slot.Place, slot.Offset, slot.View, _slots.IndexOf(slot.Whole));

        // First fit: the lowest offset that overlaps nothing alive at the same time.
        ArenaOffset Place(long bytes, int first, int last)
        {
            long offset = 0;
            foreach (Placed other in placed.Where(p => p.First <= last && p.Last >= first).OrderBy(p => p.Offset))
            {
                if (other.Offset >= offset + bytes)
                    break;
                offset = Math.Max(offset, other.Offset + other.Bytes);
            }

            placed.Add(new Placed(offset, bytes, first, last));
            workspace = Math.Max(workspace, offset + bytes);
            _ = new ArenaOffset(workspace).In(s_element); // Further than 32-bit integers of elements reach is an error.
            return new ArenaOffset(offset);
        }
    }

    private sealed record Draft(
        LoopNest Nest, TensorSlot Input, TensorSlot? Residual, TensorSlot Output, ArenaOffset Weights, long ScratchBytes, long OwnBytes, EquatableArray<StepPart> Parts, EquatableArray<string> Notes,
        string Key, int Group);

    private readonly record struct Placed(long Offset, long Bytes, int First, int Last);
}
