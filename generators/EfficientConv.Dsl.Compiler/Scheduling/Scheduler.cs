using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>
/// Decides everything that the emitter prints: which kernels with which tiles, the form of each fused block, layouts, buffers and where weights are packed.
/// What decides the order of additions (which kernel a convolution gets) never depends on the instruction set, so that all give the same bits.
/// </summary>
public static class Scheduler
{
    /// <summary>
    /// Plans <paramref name="groups"/> for <paramref name="target"/> and the caches of <paramref name="settings"/>; measured schedules in
    /// <paramref name="overrides"/> go before them.
    /// </summary>
    public static NetworkPlan Plan(StageGraph graph, EquatableArray<StageGroup> groups, VectorTarget target, ScheduleSettings settings, ScheduleOverrides? overrides = null)
    {
        settings = settings.For(target);
        PlanBuilder plan = new(target, settings);
        Shape input = graph.Stages[0].Output;
        TensorView inputView = UserView(input, graph.IsChannelsLast);

        // A map of one channel is a plane, as it is in the output: nothing has to be widened to whole vectors at every pixel.
        TensorSlot inputSlot = new(TensorPlace.Input, input.Channels == 1 && input.Pixels > 1 ? inputView with { IsPlanar = true } : inputView);
        Dictionary<int, TensorSlot> slots = new() { [0] = inputSlot };
        OutputPlacement placement = new(plan, graph, groups);
        placement.Deliver(graph.Stages[0], inputSlot);
        // What was measured for single blocks, or is asked for, goes before a chain that nobody asked for.
        bool chains = settings.FusedBlocks > 1 || (settings.FusedBlocks == 0 && settings.IsFree && overrides is null);
        for (int i = 0; i < groups.Count; i++)
        {
            StageGroup group = groups[i];
            DepthwiseGroup[] chain = chains ? ChainScheduling.Find(graph, groups, i, target, settings) : [];
            if (chain.Length > 1)
            {
                // A chain is the first that there is.
                chains = false;
                Stage end = chain[chain.Length - 1].Last;
                foreach (DepthwiseGroup _ in chain)
                    plan.BeginGroup(null, overrides);
                slots[end.Id] = ChainScheduling.Schedule(plan, chain, slots[chain[0].Source], placement.DestinationOf(end.Id));
                placement.Deliver(end, slots[end.Id]);
                i += chain.Length - 1;
                continue;
            }

            Stage last = group.Last;
            TensorSlot? destination = placement.DestinationOf(last.Id);
            if (destination is null && PlanarScheduling.KeepsPlanes(target, group, slots, graph))
                destination = plan.NewPlanarTensor(last.Output);
            plan.BeginGroup(LayerKey.Of(group, slots[group.Reads.First()].View.IsPlanar, destination is { View.IsPlanar: true }), overrides);
            slots[last.Id] = group switch
            {
                DepthwiseGroup fused => FusedScheduling.Schedule(plan, fused, slots, destination),
                PoolGroup pool => ConvolutionScheduling.SchedulePool(plan, pool, slots, destination),
                SingleGroup { Stage: ConvolutionStage stage } => ConvolutionScheduling.Schedule(plan, stage, slots, destination),
                SingleGroup { Stage: PoolStage stage } => ConvolutionScheduling.SchedulePool(plan, stage, slots[stage.Inputs[0]], destination),
                SingleGroup { Stage: ConcatStage stage } => JoinScheduling.Schedule(plan, stage, slots, destination, placement),
                SingleGroup { Stage: InterleaveStage stage } => JoinScheduling.Schedule(plan, stage, slots, destination),
                SingleGroup { Stage: TransposedStage stage } => TransposedScheduling.Schedule(plan, stage, slots[stage.Inputs[0]], destination),
                SingleGroup { Stage: SliceStage stage } => JoinScheduling.Schedule(plan, stage, slots[stage.Inputs[0]], destination),
                SingleGroup { Stage: FunctionStage stage } => FunctionScheduling.Schedule(plan, stage, AsPixels(slots[stage.Inputs[0]]), destination),
                SingleGroup single => MapScheduling.Schedule(plan, single.Stage, slots, destination),
                _ => throw new InvalidOperationException($"{group} has no schedule."),
            };
            placement.Deliver(last, slots[last.Id]);
        }

        return PrefetchPlanning.Plan(plan.Build(inputSlot.View.Bytes + placement.OutputBytes), settings);
    }

    /// <summary>The user's span: NCHW, or NHWC without padding. A map of one pixel is a vector either way.</summary>
    internal static TensorView UserView(Shape shape, bool channelsLast) =>
        channelsLast || shape.Pixels == 1 || shape.Channels == 1
            ? new TensorView(shape, false, shape.Channels, shape.Channels % VectorTarget.WidestLanes == 0)
            : new TensorView(shape, true, 1, false);

    /// <summary>The user's map of one channel by its pixels: norms add up planes in another order, and their bits stay.</summary>
    private static TensorSlot AsPixels(TensorSlot slot) =>
        slot is { Place: TensorPlace.Input, View: { IsPlanar: true, Shape.Channels: 1 } view } ? slot.Pixels(0, view with { IsPlanar = false }) : slot;

    /// <summary><paramref name="slot"/>, or a copy of it with whole vectors at every pixel.</summary>
    internal static TensorSlot Padded(PlanBuilder plan, TensorSlot slot) => slot.View.IsPadded ? slot : Copy(plan, slot);

    /// <summary><paramref name="slot"/>, or a copy of it laid out as a tensor of the workspace.</summary>
    internal static TensorSlot Plain(PlanBuilder plan, TensorSlot slot) => IsPlain(slot) ? slot : Copy(plan, slot);

    /// <summary>Whether the tensor is laid out as one of the workspace, wherever it lies.</summary>
    internal static bool IsPlain(TensorSlot slot) => slot.View == PlanBuilder.PaddedView(slot.View.Shape);

    /// <summary>Copies <paramref name="source"/> into <paramref name="destination"/> when there is one; the slot to read from now on.</summary>
    internal static TensorSlot Deliver(PlanBuilder plan, TensorSlot source, TensorSlot? destination)
    {
        if (destination is null)
            return source;
        plan.AddStep(
            MapNests.Copy(source.View, destination.View), source, null, destination, null, StepPart.Copy($"{(source.View.IsPadded ? "padded NHWC" : source.View)} to {destination.View}"));
        return destination;
    }

    /// <summary>
    /// Copies <paramref name="source"/> into <paramref name="destination"/>, whose elements lie side by side, and computes an activation there: over no lane that holds nothing.
    /// </summary>
    internal static TensorSlot DeliverActivated(PlanBuilder plan, TensorSlot source, TensorSlot destination, ActivationFunction function, StepPart part)
    {
        bool sameOrder = source.View.HasOrderOf(destination.View);
        if (!sameOrder)
            Deliver(plan, source, destination);
        TensorSlot from = sameOrder ? source : destination;
        plan.AddStep(MapNests.ActivationOfValues(from.View, destination.View, function, inPlace: !sameOrder), from, null, destination, null, part);
        return destination;
    }

    private static TensorSlot Copy(PlanBuilder plan, TensorSlot slot)
    {
        TensorSlot copy = plan.NewTensor(slot.View.Shape);
        plan.AddStep(MapNests.Copy(slot.View, copy.View), slot, null, copy, null, StepPart.Copy($"{slot.View} to padded NHWC"));
        return copy;
    }
}
