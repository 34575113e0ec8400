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
internal sealed class PlanBuilder(VectorTarget target)
{
    /// <summary>Everything begins on a cache line of 64 bytes.</summary>
    private const int Alignment = 16;

    private readonly List<Draft> _drafts = [];
    private readonly List<StagePacking> _packing = [];
    private readonly List<TensorSlot> _slots = [];
    private int _packedLength;
    private int _stepWeights;

    public VectorTarget Target => target;

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

    public void AddStep(Driver driver, TensorSlot input, TensorSlot? residual, TensorSlot output, int scratchLength, string comment)
    {
        int index = _drafts.Count;
        foreach (TensorSlot? slot in new[] { input, residual, output })
            slot?.Use(index);
        _drafts.Add(new Draft(driver, input, residual, output, _stepWeights, scratchLength, comment));
        _stepWeights = _packedLength;
    }

    public NetworkPlan Build(long inputLength, long outputLength)
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
            steps.Add(new Step(d.Driver, Resolve(d.Input), d.Residual is null ? null : Resolve(d.Residual), Resolve(d.Output), d.Weights, scratch, d.Comment));
        }

        return new NetworkPlan(target, Math.Max(_packedLength, Alignment), Math.Max(workspace, Alignment), inputLength + outputLength + workspace, _packing.ToEquatableArray(), steps.ToEquatableArray());

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
