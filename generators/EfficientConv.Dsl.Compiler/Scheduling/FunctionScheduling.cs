using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>Schedules operators that one function of the runtime computes, which shares the map out among threads by itself: the layouts that it reads and writes, and its call.</summary>
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
        RuntimeFunction function = new($"MapPadding.{(planar ? "Planes" : "Pixels")}<{pad.Mode}Edge>", IsVector: false);
        Operand[] maps = planar ? [Storage.Input, Storage.Output] : [Storage.Input, input.View.PixelStep, Storage.Output, output.View.PixelStep];
        FunctionCall call = function.Call(
            Effort.Copied(stage.Output.Count),
        [
            .. maps, stage.Input.Channels, stage.Input.Height, stage.Input.Width, pad.Padding.Top, pad.Padding.Bottom, pad.Padding.Left, pad.Padding.Right, pad.Value, OwnPart.Instance,
        ]);
        plan.BeginStep();
        plan.AddStep(MapNests.Whole("Pad", input.View, output.View, call), input, null, output, null, StepPart.Of(stage, $"{pad.Name}, {pad.Padding}"));
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
        float epsilon = (float)norm.Epsilon;
        plan.BeginStep();
        ArenaOffset[] offsets = [.. norm.Tensors(shape).Select(_ => plan.Reserve(padded))];
        if (norm.Affine)
            plan.Pack(stage, [.. norm.Tensors(shape).Select((tensor, i) => new PackTensor(plan.Absolute(offsets[i]), PlanBuilder.WeightBytes(padded), tensor.Key))]);
        Pointer weight = Storage.Weights.At(norm.Affine ? offsets[0] : default), bias = Storage.Weights.At(norm.Affine ? offsets[1] : default);
        Effort effort = Effort.Copied(stage.Input.Count + stage.Output.Count);
        ScratchArena? scratch = null;
        FunctionCall call;
        if (planar)
        {
            call = new RuntimeFunction("GroupNormalization.Planes").Call(
                effort, Storage.Input, Storage.Output, weight, bias, epsilon, shape.Channels, shape.Pixels, norm.Groups, norm.Affine, OwnPart.Instance);
        }
        else
        {
            scratch = plan.NewScratch();
            Pointer own = Pointer.Own.At(scratch.Own(3 * padded)), rows = Storage.Scratch.At(scratch.Shared(checked(2 * shape.Height * padded)));
            call = new RuntimeFunction("GroupNormalization.Pixels").Call(
                effort, Storage.Input, input.View.PixelStep, Storage.Output, output.View.PixelStep, weight, bias, own, rows, epsilon, shape.Channels, shape.Height, shape.Width,
                norm.Groups, norm.Affine, OwnPart.Instance);
        }

        plan.AddStep(
            MapNests.Whole(name, input.View, output.View, call, offsets.Length * shape.Channels), input, null, output, scratch,
            StepPart.Of(stage, norm.Groups == shape.Channels ? "instance norm" : FormattableString.Invariant($"group norm, {norm.Groups} groups")));
        return output;
    }
}
