using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>Schedules operators that one function of the runtime computes: the layouts that it reads and writes, and its call.</summary>
internal static class FunctionScheduling
{
    public static TensorSlot Schedule(PlanBuilder plan, FunctionStage stage, TensorSlot input, TensorSlot? destination)
    {
        TensorSlot output = stage.Operator switch
        {
            PadOperator pad => Pad(plan, stage, pad, input, destination),
            GroupNormOperator norm => GroupNorm(plan, stage, norm, input, destination),
            _ => throw new InvalidOperationException($"{stage.Operator} has no schedule."),
        };
        return output == destination ? output : Scheduler.Deliver(plan, output, destination);
    }

    /// <summary>Planes stay planes, since what reads them copies their rows anyway; pixels are copied as they lie.</summary>
    private static TensorSlot Pad(PlanBuilder plan, FunctionStage stage, PadOperator pad, TensorSlot input, TensorSlot? destination)
    {
        bool planar = input.View.IsPlanar;
        TensorSlot output = destination?.View.IsPlanar == planar ? destination! : planar ? plan.NewPlanarTensor(stage.Output) : plan.NewTensor(stage.Output);
        FunctionArgument[] sizes =
        [
            FunctionArgument.Of(stage.Input.Channels), FunctionArgument.Of(stage.Input.Height), FunctionArgument.Of(stage.Input.Width),
            .. FunctionArgument.Of(pad.Padding), FunctionArgument.Of(pad.Value),
        ];
        WholeMapCall call = planar
            ? WholeMapCall.OfType("MapPadding.Planes", $"{pad.Mode}Edge", [FunctionArgument.Input, FunctionArgument.Output, .. sizes])
            : WholeMapCall.OfType(
                "MapPadding.Pixels", $"{pad.Mode}Edge",
                [FunctionArgument.Input, FunctionArgument.Of(input.View.PixelStep), FunctionArgument.Output, FunctionArgument.Of(output.View.PixelStep), .. sizes]);
        plan.BeginStep();
        plan.AddStep(new FunctionDriver("Pad", input.View, output.View, call, 0, stage.Output.Count), input, null, output, null, StepPart.Of(stage, $"{pad.Name}, {pad.Padding}"));
        return output;
    }

    /// <summary>Between the user's planes every plane is read where it lies; else pixels have their channels in whole vectors.</summary>
    private static TensorSlot GroupNorm(PlanBuilder plan, FunctionStage stage, GroupNormOperator norm, TensorSlot input, TensorSlot? destination)
    {
        bool planar = input.View.IsPlanar && destination is { View.IsPlanar: true };
        if (!planar)
            input = Scheduler.Padded(plan, input);
        TensorSlot output = planar || destination is { View: { IsPadded: true, IsDense: true } } ? destination! : plan.NewTensor(stage.Output);
        Shape shape = stage.Input;
        string name = norm.Groups == shape.Channels ? "InstanceNorm" : "GroupNorm";
        int padded = PlanBuilder.PadChannels(shape.Channels);
        plan.BeginStep();
        ArenaOffset[] offsets = [.. norm.Tensors(shape).Select(_ => plan.Reserve(padded))];
        if (norm.Affine)
            plan.Pack(stage, [.. norm.Tensors(shape).Select((tensor, i) => new PackTensor(plan.Absolute(offsets[i]), PlanBuilder.WeightBytes(padded), tensor.Key))]);
        FunctionArgument weight = FunctionArgument.Weights(norm.Affine ? offsets[0] : default), bias = FunctionArgument.Weights(norm.Affine ? offsets[1] : default);
        FunctionArgument epsilon = FunctionArgument.Of((float)norm.Epsilon), channels = FunctionArgument.Of(shape.Channels);
        FunctionArgument groups = FunctionArgument.Of(norm.Groups), affine = FunctionArgument.Of(norm.Affine);
        ScratchArena? scratch = null;
        WholeMapCall call;
        if (planar)
        {
            call = WholeMapCall.OfVector(
                "GroupNormalization.Planes", FunctionArgument.Input, FunctionArgument.Output, weight, bias, epsilon, channels, FunctionArgument.Of(shape.Pixels), groups, affine);
        }
        else
        {
            scratch = plan.NewScratch();
            FunctionArgument own = FunctionArgument.OwnScratch(scratch.Own(3 * padded)), rows = FunctionArgument.SharedScratch(scratch.Shared(checked(2 * shape.Height * padded)));
            call = WholeMapCall.OfVector(
                "GroupNormalization.Pixels", FunctionArgument.Input, FunctionArgument.Of(input.View.PixelStep), FunctionArgument.Output, FunctionArgument.Of(output.View.PixelStep),
                weight, bias, own, rows, epsilon, channels, FunctionArgument.Of(shape.Height), FunctionArgument.Of(shape.Width), groups, affine);
        }

        plan.AddStep(
            new FunctionDriver(name, input.View, output.View, call, offsets.Length * shape.Channels, 3 * shape.Count), input, null, output, scratch,
            StepPart.Of(stage, norm.Groups == shape.Channels ? "instance norm" : FormattableString.Invariant($"group norm, {norm.Groups} groups")));
        return output;
    }
}
