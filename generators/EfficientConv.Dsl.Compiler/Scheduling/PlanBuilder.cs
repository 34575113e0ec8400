using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>A tensor while the plan is built: its place in the workspace is found when all its uses are known.</summary>
/// <param name="place">Where it lives.</param>
/// <param name="view">Layout.</param>
/// <param name="whole">The tensor that it is a part of, or null.</param>
/// <param name="start">Where in <paramref name="whole"/>, or in the user's span, it begins, in floats.</param>
internal sealed class TensorSlot(TensorPlace place, TensorView view, TensorSlot? whole = null, int start = 0)
{
    private int _offset = start;

    public TensorPlace Place => place;

    public TensorView View => view;

    /// <summary>The tensor itself, or that which it is a part of.</summary>
    public TensorSlot Whole => whole?.Whole ?? this;

    public int FirstStep { get; private set; } = int.MaxValue;

    public int LastStep { get; private set; } = -1;

    public int Offset
    {
        get => (whole?.Offset ?? 0) + _offset;
        set => _offset = value;
    }

    /// <summary>Where in a pixel of the whole it begins, when the whole is not planar.</summary>
    private int PixelOffset => whole is null ? 0 : whole.PixelOffset + _offset;

    /// <summary>
    /// Some of its channels, where they lie. Whole vectors may be read at every pixel where those behind the last channel lie within the pixel;
    /// <paramref name="isPadded"/> says whether they may be written.
    /// </summary>
    public TensorSlot Channels(int first, int count, bool isPadded = true)
    {
        bool fits = view.IsPadded && PixelOffset + first + PlanBuilder.Align(count) <= view.PixelStride;
        return new TensorSlot(place, view with { Shape = view.Shape with { Channels = count }, IsPadded = fits && isPadded }, this, first * view.ChannelStep);
    }

    /// <summary>Whether it is the channels of <paramref name="other"/> from <paramref name="first"/> on.</summary>
    public bool IsChannelsOf(TensorSlot other, int first) => whole == other && _offset == first * other.View.ChannelStep;

    /// <summary>Pixels of it that begin at <paramref name="offset"/> floats, laid out as <paramref name="part"/> says.</summary>
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
    /// <summary>Everything begins on a cache line of 64 bytes.</summary>
    private const int Alignment = 16;

    /// <summary>Pixels a multiple of so many floats apart share few sets of the first-level cache.</summary>
    private const int CrowdedStride = 512;

    private readonly List<Draft> _drafts = [];
    private readonly List<StagePacking> _packing = [];
    private readonly List<TensorSlot> _slots = [];
    private int _packedLength;
    private int _stepWeights;

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

    /// <summary>Channels are padded to 16 whatever the vector width, so that all instruction sets share one layout of maps.</summary>
    public static TensorView PaddedView(Shape shape) => new(shape, false, PixelStride(shape), true);

    /// <summary>
    /// Floats from a pixel of a tensor in the workspace to the next. Pixels 2 or 4 KiB apart fall into one or two sets of a first-level cache, which holds 8 or 12 lines
    /// of a set, and a tile reads 14 pixels in turn. Two lines between them spread them, and leave pairs of lines, which are prefetched together, in pairs.
    /// </summary>
    public static int PixelStride(Shape shape)
    {
        int stride = Align(shape.Channels);
        return shape.Pixels > 1 && stride % CrowdedStride == 0 ? stride + (2 * Alignment) : stride;
    }

    public static int Align(int length) => (length + Alignment - 1) / Alignment * Alignment;

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

    private bool IsTile(int tile) => tile >= 1 && tile <= RegisterTiling.MaxVectors(target);

    /// <summary>Register tiles of a product, as wide as the measured schedule says; <paramref name="distantSum"/> as <see cref="RegisterTiling.Choose"/> has it.</summary>
    public EquatableArray<PanelRun> Tiles(int pixels, int vectors, int distantSum = 0) =>
        RegisterTiling.Choose(target, pixels, vectors, Override is { } asked && IsTile(asked.Tile) ? asked.Tile : 0, distantSum);

    /// <summary>Begins a step: offsets of weights packed from now on are relative to here.</summary>
    public void BeginStep() => _stepWeights = _packedLength;

    /// <summary>Reserves packed weights; the offset is relative to the step's own.</summary>
    public int Reserve(int length)
    {
        int offset = _packedLength;
        _packedLength = checked(_packedLength + Align(length));
        return offset - _stepWeights;
    }

    /// <summary>Absolute offset of a step-relative one.</summary>
    public int Absolute(int offset) => _stepWeights + offset;

    public void Pack(Stage stage, ConvolutionOperator? convolution, int inPerGroup, BatchNormOperator? batchNorm, params PackInstruction[] instructions) =>
        _packing.Add(new StagePacking(stage, convolution, inPerGroup, batchNorm, instructions.ToEquatableArray()));

    public void Pack(Stage stage, params PackInstruction[] instructions) => Pack(stage, null, 0, null, instructions);

    public void Pack(ConvolutionStage stage, params PackInstruction[] instructions) => Pack(stage, stage.Convolution, stage.InPerGroup, stage.BatchNorm, instructions);

    public void AddStep(Driver driver, TensorSlot input, TensorSlot? residual, TensorSlot output, ScratchArena? scratch, StepPart part, params string[] notes) =>
        AddStep(driver, input, residual, output, scratch, [part], notes);

    public void AddStep(Driver driver, TensorSlot input, TensorSlot? residual, TensorSlot output, ScratchArena? scratch, IEnumerable<StepPart> parts, params string[] notes)
    {
        int index = _drafts.Count;
        foreach (TensorSlot? slot in new[] { input, residual, output })
            slot?.Use(index);
        _drafts.Add(new Draft(driver, input, residual, output, _stepWeights, scratch?.Length ?? 0, scratch?.OwnLength ?? 0, parts.ToEquatableArray(), notes.ToEquatableArray(), _key, _group));
        _stepWeights = _packedLength;
    }

    /// <summary>Adds a note to the last step.</summary>
    public void AddNote(string note) => _drafts[_drafts.Count - 1] = _drafts[_drafts.Count - 1] with { Notes = _drafts[_drafts.Count - 1].Notes.Append(note).ToEquatableArray() };

    public NetworkPlan Build(long inputLength, long outputLength)
    {
        List<Placed> placed = [];
        int workspace = 0;
        List<TensorLife> tensors = [];
        foreach (TensorSlot slot in _slots.Where(s => s.Place == TensorPlace.Workspace && s.LastStep >= 0))
        {
            TensorLife life = new(slot.FirstStep, slot.LastStep, Align(slot.View.Length));
            slot.Offset = Place(life.Length, life.First, life.Last);
            tensors.Add(life);
        }

        List<Step> steps = [];
        for (int i = 0; i < _drafts.Count; i++)
        {
            Draft d = _drafts[i];
            int scratch = d.ScratchLength == 0 ? 0 : Place(Align(d.ScratchLength), i, i);
            steps.Add(new Step(d.Driver, Resolve(d.Input), d.Residual is null ? null : Resolve(d.Residual), Resolve(d.Output), d.Weights, scratch, d.ScratchLength, d.Parts, d.Notes, d.Key, d.Group));
        }

        return new NetworkPlan(
            target, Math.Max(_packedLength, Alignment), Math.Max(workspace, Alignment), Math.Max(_drafts.Max(d => d.OwnLength), Alignment),
            inputLength + outputLength + Math.Max(workspace, Alignment), _packing.ToEquatableArray(), steps.ToEquatableArray(), tensors.ToEquatableArray(), _misfits.Distinct().ToEquatableArray());

        Tensor Resolve(TensorSlot slot) => new(slot.Place, slot.Offset, slot.View, _slots.IndexOf(slot.Whole));

        // First fit: the lowest offset that overlaps nothing alive at the same time.
        int Place(int length, int first, int last)
        {
            int offset = 0;
            foreach (Placed other in placed.Where(p => p.First <= last && p.Last >= first).OrderBy(p => p.Offset))
            {
                if (other.Offset >= offset + length)
                    break;
                offset = Math.Max(offset, other.Offset + other.Length);
            }

            placed.Add(new Placed(offset, length, first, last));
            workspace = Math.Max(workspace, checked(offset + length));
            return offset;
        }
    }

    private sealed record Draft(Driver Driver, TensorSlot Input, TensorSlot? Residual, TensorSlot Output, int Weights, int ScratchLength, int OwnLength, EquatableArray<StepPart> Parts, EquatableArray<string> Notes, string Key, int Group);

    private readonly record struct Placed(int Offset, int Length, int First, int Last);
}

/// <summary>Scratch memory of one step: first what every thread has for itself, then what all share.</summary>
internal sealed class ScratchArena
{
    private bool _shared;

    /// <summary>Floats in all.</summary>
    public int Length { get; private set; }

    /// <summary>Floats that every thread has for itself.</summary>
    public int OwnLength { get; private set; }

    /// <summary>Reserves memory that every thread has for itself.</summary>
    public int Own(int length)
    {
        if (_shared)
            throw new InvalidOperationException("A thread's own memory lies in front of what all share.");
        int offset = Take(length);
        OwnLength = Length;
        return offset;
    }

    /// <summary>Reserves memory that all threads share.</summary>
    public int Shared(int length)
    {
        _shared = true;
        return Take(length);
    }

    private int Take(int length)
    {
        int offset = Length;
        Length = checked(Length + PlanBuilder.Align(length));
        return offset;
    }
}
