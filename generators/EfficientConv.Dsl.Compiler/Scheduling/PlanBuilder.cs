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
internal sealed class PlanBuilder(VectorTarget target)
{
    /// <summary>Everything begins on a cache line of 64 bytes.</summary>
    private const int Alignment = 16;

    private readonly List<Draft> _drafts = [];
    private readonly List<StagePacking> _packing = [];
    private readonly List<TensorSlot> _slots = [];
    private int _packedLength;
    private int _stepWeights;

    private readonly List<ScheduleMisfit> _misfits = [];
    private readonly List<string> _keys = [];
    private string _key = string.Empty;

    public VectorTarget Target => target;

    /// <summary>The measured schedule of the group that is being planned, or null.</summary>
    public ScheduleOverride? Override { get; private set; }

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
        Override = key is null ? null : overrides?.Find(key, target);
    }

    /// <summary><paramref name="asked"/> where it <paramref name="fits"/>; else nothing, and the misfit is noted.</summary>
    public int? Asked(string what, int asked, bool fits)
    {
        if (asked == 0)
            return null;
        if (fits)
            return asked;
        Misfit(FormattableString.Invariant($"{what} {asked}"));
        return null;
    }

    /// <summary>Notes that something of the measured schedule cannot be.</summary>
    public void Misfit(string what) => _misfits.Add(new ScheduleMisfit(_key, target.Name, what));

    /// <summary>Register tiles of a product, as wide as the measured schedule says.</summary>
    public EquatableArray<PanelRun> Tiles(int pixels, int vectors) =>
        RegisterTiling.Choose(target, pixels, vectors, Override is null ? 0 : Asked("tile", Override.Tile, Override.Tile >= 1 && Override.Tile <= RegisterTiling.MaxVectors(target)) ?? 0);

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

    public void AddStep(Driver driver, TensorSlot input, TensorSlot? residual, TensorSlot output, int scratchLength, string comment)
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

        _drafts.Add(new Draft(driver, input, residual, output, _stepWeights, scratchLength, comment));
        _keys.Add(_key);
        _stepWeights = _packedLength;
    }

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
            steps.Add(new Step(d.Driver, Resolve(d.Input), d.Residual is null ? null : Resolve(d.Residual), Resolve(d.Output), d.Weights, scratch, d.ScratchLength, d.Comment, _keys[i]));
        }

        return new NetworkPlan(target, Math.Max(_packedLength, Alignment), Math.Max(workspace, Alignment), input.Count + output.Count + Math.Max(workspace, Alignment), _packing.ToEquatableArray(), steps.ToEquatableArray(), _misfits.Distinct().ToEquatableArray());

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

    private sealed record Draft(Driver Driver, TensorSlot Input, TensorSlot? Residual, TensorSlot Output, int Weights, int ScratchLength, string Comment);

    private readonly record struct Placed(int Offset, int Length, int First, int Last);
}

/// <summary>Scratch memory of one step.</summary>
internal sealed class ScratchArena
{
    public int Length { get; private set; }

    public int Reserve(int length)
    {
        int offset = Length;
        Length = checked(Length + PlanBuilder.Align(length));
        return offset;
    }
}
