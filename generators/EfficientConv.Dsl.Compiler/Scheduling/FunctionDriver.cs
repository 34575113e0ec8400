using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>One function of the runtime over a whole map, which shares its loops among threads by itself.</summary>
/// <param name="Title">What it is, as a method name.</param>
/// <param name="Input">What it reads.</param>
/// <param name="Output">What it writes.</param>
/// <param name="Call">The call.</param>
/// <param name="Weights">Elements of its weights.</param>
/// <param name="MovedValues">Values that its loops go over, as often as they do; for predicted times.</param>
public sealed record FunctionDriver(string Title, TensorView Input, TensorView Output, WholeMapCall Call, int Weights, long MovedValues) : Driver(Title, Input, null, Output);

/// <summary>A call of a function of the runtime that works over a whole map.</summary>
/// <param name="Function">Its class and name.</param>
/// <param name="TypeArgument">The type that it is made for; null for the vector of the instruction set.</param>
/// <param name="Arguments">What it is given; the thread's part comes behind.</param>
public sealed record WholeMapCall(string Function, string? TypeArgument, EquatableArray<FunctionArgument> Arguments)
{
    /// <summary>A function made for the vector of the instruction set.</summary>
    public static WholeMapCall OfVector(string function, params FunctionArgument[] arguments) => new(function, null, arguments.ToEquatableArray());

    /// <summary>A function made for <paramref name="type"/>.</summary>
    public static WholeMapCall OfType(string function, string type, params FunctionArgument[] arguments) => new(function, type, arguments.ToEquatableArray());
}

/// <summary>An argument of a call of the runtime.</summary>
public abstract record FunctionArgument
{
    /// <summary>The first value of what the step reads.</summary>
    public static FunctionArgument Input { get; } = new MemoryArgument(StepMemory.Input, default);

    /// <summary>The first value of what the step writes.</summary>
    public static FunctionArgument Output { get; } = new MemoryArgument(StepMemory.Output, default);

    /// <summary>Packed weights of the step.</summary>
    public static FunctionArgument Weights(ArenaOffset offset) => new MemoryArgument(StepMemory.Weights, offset);

    /// <summary>Scratch memory that every thread has for itself.</summary>
    public static FunctionArgument OwnScratch(ArenaOffset offset) => new MemoryArgument(StepMemory.OwnScratch, offset);

    /// <summary>Scratch memory that all threads share.</summary>
    public static FunctionArgument SharedScratch(ArenaOffset offset) => new MemoryArgument(StepMemory.SharedScratch, offset);

    /// <summary>A size.</summary>
    public static FunctionArgument Of(int value) => new SizeArgument(value);

    /// <summary>A number.</summary>
    public static FunctionArgument Of(float value) => new NumberArgument(value);

    /// <summary>A truth value.</summary>
    public static FunctionArgument Of(bool value) => new FlagArgument(value);

    /// <summary>The four sides: top, bottom, left, right.</summary>
    public static FunctionArgument[] Of(Padding padding) => [Of(padding.Top), Of(padding.Bottom), Of(padding.Left), Of(padding.Right)];
}

/// <summary>The memory that a step is given.</summary>
public enum StepMemory
{
    /// <summary>What it reads.</summary>
    Input,

    /// <summary>What it writes.</summary>
    Output,

    /// <summary>Its packed weights.</summary>
    Weights,

    /// <summary>Scratch memory of a thread.</summary>
    OwnScratch,

    /// <summary>Scratch memory of all threads.</summary>
    SharedScratch,
}

/// <summary>A reference into a step's memory.</summary>
/// <param name="Memory">Which memory.</param>
/// <param name="Offset">Where in it.</param>
public sealed record MemoryArgument(StepMemory Memory, ArenaOffset Offset) : FunctionArgument;

/// <summary>A size, known when the code is generated.</summary>
/// <param name="Value">The size.</param>
public sealed record SizeArgument(int Value) : FunctionArgument;

/// <summary>A number, known when the code is generated.</summary>
/// <param name="Value">The number.</param>
public sealed record NumberArgument(float Value) : FunctionArgument;

/// <summary>A truth value, known when the code is generated.</summary>
/// <param name="Value">The value.</param>
public sealed record FlagArgument(bool Value) : FunctionArgument;
