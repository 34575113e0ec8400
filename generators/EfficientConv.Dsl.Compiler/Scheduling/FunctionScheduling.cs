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
        FunctionCall call = planar
            ? FunctionCall.OfType("MapPadding.Planes", $"{pad.Mode}Edge", [FunctionArgument.Input, FunctionArgument.Output, .. sizes])
            : FunctionCall.OfType(
                "MapPadding.Pixels", $"{pad.Mode}Edge",
                [FunctionArgument.Input, FunctionArgument.Of(input.View.PixelStep), FunctionArgument.Output, FunctionArgument.Of(output.View.PixelStep), .. sizes]);
        plan.BeginStep();
        plan.AddStep(new FunctionDriver("Pad", input.View, output.View, call, 0, stage.Output.Count), input, null, output, null, StepPart.Of(stage, $"{pad.Name}, {pad.Padding}"));
        return output;
    }
}
