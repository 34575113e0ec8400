using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>A call of a function of the runtime as C#.</summary>
internal static class FunctionText
{
    /// <summary>The statement that calls <paramref name="call"/> for the thread's part.</summary>
    public static string Of(WholeMapCall call, VectorSyntax vector) =>
        $"{call.Function}<{call.TypeArgument ?? vector.Simd}>({string.Join(", ", call.Arguments.Select(Of).Append("part"))});";

    private static string Of(FunctionArgument argument) => argument switch
    {
        MemoryArgument memory => "ref " + KernelText.At(Of(memory.Memory), memory.Offset),
        SizeArgument size => FormattableString.Invariant($"{size.Value}"),
        NumberArgument number => Of(number.Value),
        FlagArgument flag => flag.Value ? "true" : "false",
        _ => throw new InvalidOperationException($"{argument} has no text."),
    };

    private static string Of(StepMemory memory) => memory switch
    {
        StepMemory.Input => "input",
        StepMemory.Output => "output",
        StepMemory.Weights => "weights",
        StepMemory.OwnScratch => "part.Own(ref scratch)",
        StepMemory.SharedScratch => "scratch",
        _ => throw new InvalidOperationException($"{memory} has no name."),
    };

    private static string Of(float value) =>
        float.IsNaN(value) ? "float.NaN"
        : float.IsInfinity(value) ? value > 0 ? "float.PositiveInfinity" : "float.NegativeInfinity"
        : FormattableString.Invariant($"{value:R}f");
}
