using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>Schedules operators that one function of the runtime computes, which shares the map out among threads by itself: the layouts that it reads and writes, and its call.</summary>
internal static class FunctionScheduling
{
    private static readonly RuntimeReference s_input = new(RuntimeOperand.Input), s_output = new(RuntimeOperand.Output);

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
        RuntimeArgument[] maps = planar ? [s_input, s_output] : [s_input, input.View.PixelStep, s_output, output.View.PixelStep];
        FunctionCall call = function.Call(
        [
            .. maps, stage.Input.Channels, stage.Input.Height, stage.Input.Width, pad.Padding.Top, pad.Padding.Bottom, pad.Padding.Left, pad.Padding.Right, pad.Value, new RuntimePart(),
        ]);
        plan.BeginStep();
        plan.AddStep(new RuntimeDriver("Pad", input.View, null, output.View, RuntimeRange.Map, RuntimeCall.Of(call)), input, null, output, null, StepPart.Of(stage, $"{pad.Name}, {pad.Padding}"));
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
        RuntimeReference weight = At(RuntimeOperand.Weights, norm.Affine ? offsets[0] : default), bias = At(RuntimeOperand.Weights, norm.Affine ? offsets[1] : default);
        ScratchArena? scratch = null;
        FunctionCall call;
        if (planar)
        {
            call = new RuntimeFunction("GroupNormalization.Planes").Call(s_input, s_output, weight, bias, epsilon, shape.Channels, shape.Pixels, norm.Groups, norm.Affine, new RuntimePart());
        }
        else
        {
            scratch = plan.NewScratch();
            RuntimeReference own = At(RuntimeOperand.OwnScratch, scratch.Own(3 * padded)), rows = At(RuntimeOperand.Scratch, scratch.Shared(checked(2 * shape.Height * padded)));
            call = new RuntimeFunction("GroupNormalization.Pixels").Call(
                s_input, input.View.PixelStep, s_output, output.View.PixelStep, weight, bias, own, rows, epsilon, shape.Channels, shape.Height, shape.Width, norm.Groups, norm.Affine, new RuntimePart());
        }

        plan.AddStep(
            new RuntimeDriver(name, input.View, null, output.View, RuntimeRange.Map, RuntimeCall.Of(call), RuntimeWork.Computed) { Weights = offsets.Length * shape.Channels }, input, null, output, scratch,
            StepPart.Of(stage, norm.Groups == shape.Channels ? "instance norm" : FormattableString.Invariant($"group norm, {norm.Groups} groups")));
        return output;
    }

    private static RuntimeReference At(RuntimeOperand operand, ArenaOffset offset) => new(operand, 0, offset.In(ElementType.Float32));
}
