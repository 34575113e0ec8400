using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>A tensor while the plan is built: its place in the workspace is found when all its uses are known.</summary>
internal sealed class TensorSlot(TensorPlace place, TensorView view)
{
    public TensorPlace Place => place;

    public TensorView View => view;

    public int FirstStep { get; set; } = int.MaxValue;

    public int LastStep { get; set; } = -1;

    public int Offset { get; set; }
}

/// <summary>Collects steps, packed weights and memory of a plan.</summary>
internal sealed class PlanBuilder(VectorTarget target, ScheduleSettings settings)
{
    /// <summary>Everything begins on a cache line of 64 bytes.</summary>
    private const int Alignment = 16;

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
    public static TensorView PaddedView(Shape shape) => new(shape, false, Align(shape.Channels), true);

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

    /// <summary>Register tiles of a product, as wide as the measured schedule says.</summary>
    public EquatableArray<PanelRun> Tiles(int pixels, int vectors) =>
        RegisterTiling.Choose(target, pixels, vectors, Override is { } asked && IsTile(asked.Tile) ? asked.Tile : 0);

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

    public void Pack(ConvolutionStage stage, params PackInstruction[] instructions) => Pack(stage, stage.Convolution, stage.InPerGroup, stage.BatchNorm, instructions);

    public void AddStep(Driver driver, TensorSlot input, TensorSlot? residual, TensorSlot output, ScratchArena? scratch, string comment)
    {
        int index = _drafts.Count;
        foreach (TensorSlot? slot in new[] { input, residual, output })
        {
            if (slot is not null)
            {
                slot.FirstStep = Math.Min(slot.FirstStep, index);
                slot.LastStep = Math.Max(slot.LastStep, index);
            }
        }

        _drafts.Add(new Draft(driver, input, residual, output, _stepWeights, scratch?.Length ?? 0, scratch?.OwnLength ?? 0, comment, _key, _group));
        _stepWeights = _packedLength;
    }

    /// <summary>Adds a line to the last step's comment.</summary>
    public void AppendComment(string line) => _drafts[_drafts.Count - 1] = _drafts[_drafts.Count - 1] with { Comment = _drafts[_drafts.Count - 1].Comment + "\n" + line };

    public NetworkPlan Build(Shape input, Shape output)
    {
        List<Placed> placed = [];
        int workspace = 0;
        foreach (TensorSlot slot in _slots.Where(s => s.Place == TensorPlace.Workspace && s.LastStep >= 0))
            slot.Offset = Place(Align(slot.View.Length), slot.FirstStep, slot.LastStep);

        List<Step> steps = [];
        for (int i = 0; i < _drafts.Count; i++)
        {
            Draft d = _drafts[i];
            int scratch = d.ScratchLength == 0 ? 0 : Place(Align(d.ScratchLength), i, i);
            steps.Add(new Step(d.Driver, Resolve(d.Input), d.Residual is null ? null : Resolve(d.Residual), Resolve(d.Output), d.Weights, scratch, d.ScratchLength, d.Comment, d.Key, d.Group));
        }

        return new NetworkPlan(
            target, Math.Max(_packedLength, Alignment), Math.Max(workspace, Alignment), Math.Max(_drafts.Max(d => d.OwnLength), Alignment),
            input.Count + output.Count + Math.Max(workspace, Alignment), _packing.ToEquatableArray(), steps.ToEquatableArray(), _misfits.Distinct().ToEquatableArray());

        static Tensor Resolve(TensorSlot slot) => new(slot.Place, slot.Offset, slot.View);

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

    private sealed record Draft(Driver Driver, TensorSlot Input, TensorSlot? Residual, TensorSlot Output, int Weights, int ScratchLength, int OwnLength, string Comment, string Key, int Group);

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
