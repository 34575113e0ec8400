using EfficientConv.Dsl.Compiler.Folding;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>Schedules operators that one function of the runtime computes: the layouts that it reads and writes, and its call.</summary>
internal static class FunctionScheduling
{
    public static TensorSlot Schedule(PlanBuilder plan, FunctionStage stage, TensorSlot input, TensorSlot? destination) => stage.Operator switch
    {
        _ => throw new InvalidOperationException($"{stage.Operator} has no schedule."),
    };
}
