using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>
/// Where stages write: an output of the network straight into the user's span, a part of a concatenation straight into its channels of the whole,
/// so that joining costs nothing. Whatever cannot be written in place is copied when it is due.
/// </summary>
internal sealed class OutputPlacement
{
    private readonly PlanBuilder _plan;
    private readonly StageGraph _graph;
    private readonly int[] _uses;
    private readonly HashSet<int> _made;
    private readonly List<(int Stage, TensorSlot Slot)> _outputs = [];
    private readonly Dictionary<int, TensorSlot?> _destinations = [];
    private readonly Dictionary<int, ConcatStage> _wholeOf = [];

    public OutputPlacement(PlanBuilder plan, StageGraph graph, EquatableArray<StageGroup> groups)
    {
        _plan = plan;
        _graph = graph;
        _uses = graph.CountUses();
        _made = [.. groups.Select(g => g.Last.Id)];
        int offset = 0;
        foreach (int output in graph.Outputs)
        {
            Shape shape = graph.Stages[output].Output;

            // A map of one channel is a plane in either layout, and kernels with a pixel in every lane fill their vectors with it.
            TensorView view = Scheduler.UserView(shape, graph.IsChannelsLast);
            _outputs.Add((output, new TensorSlot(TensorPlace.Output, shape.Channels == 1 && shape.Pixels > 1 ? view with { IsPlanar = true } : view, start: offset)));
            offset = checked(offset + (int)shape.Count);
        }

        OutputBytes = _outputs.Sum(output => output.Slot.View.Bytes);
        foreach (ConcatStage whole in groups.Select(g => g.Last).OfType<ConcatStage>())
        {
            foreach (int part in whole.Inputs)
            {
                if (!_wholeOf.ContainsKey(part))
                    _wholeOf.Add(part, whole);
            }
        }
    }

    /// <summary>Bytes of all outputs.</summary>
    public long OutputBytes { get; }

    /// <summary>Where the stage writes, or null where it may choose.</summary>
    public TensorSlot? DestinationOf(int stage)
    {
        if (!_destinations.TryGetValue(stage, out TensorSlot? destination))
        {
            destination = InOutput(stage) ?? InWhole(stage);
            _destinations.Add(stage, destination);
        }

        return destination;
    }

    /// <summary>The tensor of a concatenation, which may be made before the concatenation's turn because its parts are written into it.</summary>
    public TensorSlot WholeOf(ConcatStage stage)
    {
        if (DestinationOf(stage.Id) is not { } whole)
            _destinations[stage.Id] = whole = _plan.NewTensor(stage.Output);
        return whole;
    }

    /// <summary>Copies what <paramref name="stage"/> made to those of the user's outputs that it did not write itself.</summary>
    public void Deliver(Stage stage, TensorSlot slot)
    {
        foreach ((int output, TensorSlot destination) in _outputs)
        {
            if (output == stage.Id && destination != slot)
                Scheduler.Deliver(_plan, slot, destination);
        }
    }

    /// <summary>A tensor that is read again stays in the workspace, whose layout the kernels prefer.</summary>
    private TensorSlot? InOutput(int stage) => _uses[stage] == 1 ? _outputs.FirstOrDefault(o => o.Stage == stage).Slot : null;

    private TensorSlot? InWhole(int stage)
    {
        // A slice is a view of another tensor, and the input lies where the user put it.
        if (!_wholeOf.TryGetValue(stage, out ConcatStage whole) || !_made.Contains(stage) || _graph.Stages[stage] is SliceStage or InputStage)
            return null;
        int part = whole.Inputs.TakeWhile(i => i != stage).Count(), first = ChannelsBefore(whole, part), count = _graph.Stages[stage].Output.Channels;
        TensorSlot destination = WholeOf(whole).Channels(first, count, WritesWholeVectors(whole, part, first + count) && first % VectorTarget.WidestLanes == 0);

        // Others that read the part read it where it lies, so it must be easy to read there.
        bool readElsewhere = _uses[stage] > 1;
        return readElsewhere && (!destination.View.IsPadded || destination.Place == TensorPlace.Output) ? null : destination;
    }

    /// <summary>Whether whole vectors at the end of the part's pixels spoil nothing: the parts that begin under them are written later.</summary>
    private bool WritesWholeVectors(ConcatStage whole, int part, int end)
    {
        int reach = PlanBuilder.PadChannels(end);
        for (int next = part + 1; next < whole.Inputs.Count && ChannelsBefore(whole, next) < reach; next++)
        {
            if (whole.Inputs[next] <= whole.Inputs[part])
                return false;
        }

        return true;
    }

    private int ChannelsBefore(ConcatStage whole, int part) => whole.Inputs.Take(part).Sum(i => _graph.Stages[i].Output.Channels);
}
