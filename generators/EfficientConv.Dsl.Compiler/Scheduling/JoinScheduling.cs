using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>Schedules what only moves channels: concatenation and slices, which are addresses wherever the layout allows it.</summary>
internal static class JoinScheduling
{
    /// <summary>Copies the parts that are not in their place yet.</summary>
    public static TensorSlot Schedule(PlanBuilder plan, ConcatStage stage, IReadOnlyDictionary<int, TensorSlot> slots, TensorSlot? destination, OutputPlacement placement)
    {
        TensorSlot whole = destination ?? placement.WholeOf(stage);
        int first = 0;
        foreach (int input in stage.Inputs)
        {
            TensorSlot part = slots[input];
            int channels = part.View.Shape.Channels;

            // A tensor that is joined twice lies in one place only. Other parts are in theirs already: no lane after the last channel may be written.
            if (!part.IsChannelsOf(whole, first))
                Scheduler.Deliver(plan, part, whole.Channels(first, channels, isPadded: false));
            first += channels;
        }

        return whole;
    }

    /// <summary>Interleaves pixel by pixel; neither side needs whole vectors.</summary>
    public static TensorSlot Schedule(PlanBuilder plan, InterleaveStage stage, IReadOnlyDictionary<int, TensorSlot> slots, TensorSlot? destination)
    {
        TensorSlot first = Pixels(plan, slots[stage.Inputs[0]]), second = Pixels(plan, slots[stage.Inputs[1]]);
        TensorSlot output = destination is { View.IsPlanar: false } ? destination : plan.NewTensor(stage.Output);
        plan.BeginStep();
        plan.AddStep(
            Interleave(first.View, second.View, output.View, stage.First), first, second, output, null,
            new StepPart(stage.Name, stage.LayerIds, FormattableString.Invariant($"channels of two tensors in turn, from channel {stage.First} on: 2 x {stage.Input} -> {stage.Output}")));
        return output == destination ? output : Scheduler.Deliver(plan, output, destination);
    }

    /// <summary>Two tensors' channels in turn, from channel <paramref name="from"/> of each on.</summary>
    private static LoopNest Interleave(TensorView first, TensorView second, TensorView output, int from) => MapNests.OverPixels(
        "Interleave", first, second, output, grouped: false, calls: own =>
        [
            RuntimeFunction.InterleaveChannels.Call(
                new Effort(Work.Interleaved, output.Shape.Count, output.Shape.Pixels), Storage.Input.At((own.First * first.PixelStep) + from), first.PixelStep,
                Storage.Residual.At((own.First * second.PixelStep) + from), second.PixelStep, own.In(Storage.Output, output), output.PixelStep, output.Shape.Channels / 2, own.Count),
        ]);

    private static TensorSlot Pixels(PlanBuilder plan, TensorSlot slot) => slot.View.IsPlanar ? Scheduler.Padded(plan, slot) : slot;

    /// <summary>A view of some channels of the input.</summary>
    public static TensorSlot Schedule(PlanBuilder plan, SliceStage stage, TensorSlot input, TensorSlot? destination) =>
        Scheduler.Deliver(plan, input.Channels(stage.Start, stage.Output.Channels), destination);
}
