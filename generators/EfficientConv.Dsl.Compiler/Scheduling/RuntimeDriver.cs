using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>What calls of the runtime read and write.</summary>
public enum RuntimeOperand
{
    /// <summary>The step's input.</summary>
    Input,

    /// <summary>Its second input.</summary>
    Residual,

    /// <summary>Its output.</summary>
    Output,

    /// <summary>The row of the output that a call makes.</summary>
    Row,

    /// <summary>Its packed weights.</summary>
    Weights,

    /// <summary>Its scratch memory.</summary>
    Scratch,

    /// <summary>The gate of squeeze-and-excitation.</summary>
    Gate,

    /// <summary>Scratch memory that the thread has for itself.</summary>
    OwnScratch,
}

/// <summary>What threads share out.</summary>
public enum RuntimeUnit
{
    /// <summary>Pixels; a call does a thread's own.</summary>
    Pixel,

    /// <summary>Channels; a call does a thread's own.</summary>
    Channel,

    /// <summary>Values, whatever they are; a call does a thread's own.</summary>
    Value,

    /// <summary>Rows of the output, with a call for each.</summary>
    Row,

    /// <summary>The whole map, which the functions share out by themselves.</summary>
    Map,
}

/// <summary>What threads share out.</summary>
/// <param name="Unit">Units of the map.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Group">So many stay together, as far as there are as many.</param>
public sealed record RuntimeRange(RuntimeUnit Unit, int Count, int Group)
{
    /// <summary>Groups that threads share.</summary>
    public int Groups => (Count + Group - 1) / Group;

    /// <summary>Pixels in groups of the widest vector's lanes, because transposes move as many at once.</summary>
    public static RuntimeRange Pixels(Shape shape) => new(RuntimeUnit.Pixel, shape.Pixels, VectorTarget.WidestLanes);

    /// <summary>Single pixels, for functions that handle them one by one.</summary>
    public static RuntimeRange SinglePixels(Shape shape) => new(RuntimeUnit.Pixel, shape.Pixels, 1);

    /// <summary>Whole vectors of channels of every target.</summary>
    public static RuntimeRange Channels(int channels) => new(RuntimeUnit.Channel, channels, VectorTarget.WidestLanes);

    /// <summary>Whole vectors of values.</summary>
    public static RuntimeRange Values(int count) => new(RuntimeUnit.Value, count, VectorTarget.WidestLanes);

    /// <summary>The whole map, for functions that are given the thread's part.</summary>
    public static RuntimeRange Map { get; } = new(RuntimeUnit.Map, 1, 1);

    /// <summary>Rows of the output.</summary>
    public static RuntimeRange Rows(Shape output) => new(RuntimeUnit.Row, output.Height, 1);
}

/// <summary>An argument of a call.</summary>
public abstract record RuntimeArgument
{
    /// <summary>An integer.</summary>
    public static implicit operator RuntimeArgument(int value) => new RuntimeConstant(value);

    /// <summary>A number.</summary>
    public static implicit operator RuntimeArgument(float value) => new RuntimeConstant(value);

    /// <summary>A flag.</summary>
    public static implicit operator RuntimeArgument(bool value) => new RuntimeConstant(value);
}

/// <summary>An integer, a number or a flag.</summary>
public sealed record RuntimeConstant(IConvertible Value) : RuntimeArgument;

/// <summary>A reference to a thread's first unit of an operand, or to all of it.</summary>
/// <param name="Operand">What it refers to.</param>
/// <param name="Step">Elements from a unit to the next; 0 where all threads begin at the same.</param>
/// <param name="Offset">Elements in front of the first unit.</param>
public sealed record RuntimeReference(RuntimeOperand Operand, int Step = 0, int Offset = 0) : RuntimeArgument;

/// <summary>A thread's units, times <paramref name="Each"/>.</summary>
public sealed record RuntimeCount(int Each = 1) : RuntimeArgument;

/// <summary>The thread's part, for functions that share a map out by themselves.</summary>
public sealed record RuntimePart : RuntimeArgument;

/// <summary>Number of the row that a call makes.</summary>
public sealed record RuntimeIndex : RuntimeArgument;

/// <summary>A call of the runtime, or what stands for one.</summary>
public abstract record RuntimeCall
{
    /// <summary>Calls in their order.</summary>
    public static EquatableArray<RuntimeCall> Of(params RuntimeCall[] calls) => calls.ToEquatableArray();
}

/// <summary>A call of a function.</summary>
/// <param name="Function">The function.</param>
/// <param name="Arguments">Its arguments.</param>
public sealed record FunctionCall(RuntimeFunction Function, EquatableArray<RuntimeArgument> Arguments) : RuntimeCall
{
    /// <summary>Whether each of a thread's pixels has a call of its own.</summary>
    public bool EachPixel { get; init; }
}

/// <summary>An activation of <paramref name="Count"/> values in place.</summary>
public sealed record ActivationCall(ActivationFunction Function, RuntimeReference Values, RuntimeArgument Count) : RuntimeCall;

/// <summary>Clears a thread's units.</summary>
public sealed record ClearCall(RuntimeReference Values) : RuntimeCall;

/// <summary>Copies a thread's units, as they are.</summary>
public sealed record CopyCall(RuntimeReference From, RuntimeReference To) : RuntimeCall;

/// <summary>What the calls of a <see cref="RuntimeDriver"/> take time for.</summary>
public enum RuntimeWork
{
    /// <summary>Values of the output are read and written once or twice.</summary>
    Copied,

    /// <summary>Values of the output are moved from planes to pixels or back.</summary>
    Turned,

    /// <summary>Values of the input are summed up.</summary>
    Summed,

    /// <summary>Values of the input and of the output are computed one by one.</summary>
    Computed,

    /// <summary>Channels of two tensors are written in turn.</summary>
    Interleaved,
}

/// <summary>Functions of the runtime, one after the other, of which each thread does a share.</summary>
/// <param name="Title">Name.</param>
/// <param name="Input">Input.</param>
/// <param name="Residual">Second input, or null.</param>
/// <param name="Output">Output.</param>
/// <param name="Range">What threads share out.</param>
/// <param name="Calls">The calls.</param>
/// <param name="Work">What they take time for.</param>
public sealed record RuntimeDriver(
    string Title, TensorView Input, TensorView? Residual, TensorView Output, RuntimeRange Range, EquatableArray<RuntimeCall> Calls, RuntimeWork Work = RuntimeWork.Copied)
    : Driver(Title, Input, Residual, Output)
{
    /// <summary>What each thread prepares in scratch memory of its own before that.</summary>
    public EquatableArray<RuntimeCall> Preparation { get; init; }

    /// <summary>Floats of weights that it reads for every pixel.</summary>
    public int Weights { get; init; }

    /// <summary>The same values in another layout.</summary>
    public static RuntimeDriver Copy(TensorView input, TensorView output) => (input.IsPlanar, output.IsPlanar) switch
    {
        _ when (input == output && input.IsDense) || input.HasOrderOf(output) => new(
            "Copy", input, null, output, RuntimeRange.Values(input.Length), RuntimeCall.Of(new CopyCall(new(RuntimeOperand.Input, 1), new(RuntimeOperand.Output, 1)))),
        (true, true) => throw new InvalidOperationException($"Nothing copies {input} to {output}, whose planes lie otherwise."),
        (_, true) => Copy(input, output, RuntimeFunction.ToStore(output)),
        _ => Copy(input, output, RuntimeFunction.ToLoad(input)),
    };

    private static RuntimeDriver Copy(TensorView input, TensorView output, RuntimeFunction function) => new(
        "Copy", input, null, output, RuntimeRange.Pixels(input.Shape), RuntimeCall.Of(Move(function, input, output)),
        input.IsPlanar != output.IsPlanar && input.Shape.Pixels > 1 ? RuntimeWork.Turned : RuntimeWork.Copied);

    /// <summary>A function of every pixel, in place after a copy.</summary>
    public static RuntimeDriver InPlace(string title, TensorView input, TensorView? residual, TensorView output, RuntimeCall call) =>
        new(title, input, residual, output, RuntimeRange.Pixels(input.Shape), RuntimeCall.Of(Move(RuntimeFunction.CopyPixels, input, output), call));

    /// <summary>An activation.</summary>
    public static RuntimeDriver Activation(TensorView input, TensorView output, ActivationFunction function) =>
        InPlace("Activation", input, null, output, new ActivationCall(function, PixelOf(RuntimeOperand.Output, output), new RuntimeCount(output.PixelStep)));

    /// <summary>An activation over the values of a tensor as they lie, from another one in the same order or in place.</summary>
    public static RuntimeDriver ActivationOfValues(TensorView input, TensorView output, ActivationFunction function, bool inPlace)
    {
        RuntimeReference own = new(RuntimeOperand.Output, 1);
        ActivationCall call = new(function, own, new RuntimeCount());
        return new(
            "Activation", input, null, output, RuntimeRange.Values(output.Length),
            inPlace ? RuntimeCall.Of(call) : RuntimeCall.Of(new CopyCall(new(RuntimeOperand.Input, 1), own), call), RuntimeWork.Copied);
    }

    /// <summary>A second tensor added to the output's own pixels, to as many channels as it has.</summary>
    public static RuntimeCall Sum(TensorView other, TensorView output) => other.Shape == output.Shape
        ? RuntimeFunction.Add.Call(PixelOf(RuntimeOperand.Output, output), PixelOf(RuntimeOperand.Residual, other), new RuntimeCount(output.PixelStep))
        : RuntimeFunction.AddChannels.Call(
            PixelOf(RuntimeOperand.Output, output), output.PixelStep, PixelOf(RuntimeOperand.Residual, other), other.PixelStep, other.Shape.Channels, new RuntimeCount());

    /// <summary>A thread's first pixel.</summary>
    public static RuntimeReference PixelOf(RuntimeOperand operand, TensorView view) => new(operand, view.PixelStep);

    /// <summary>A thread's pixels from one layout to another.</summary>
    public static FunctionCall Move(RuntimeFunction function, TensorView input, TensorView output) => function.Call(
        PixelOf(RuntimeOperand.Input, input), input.MoveStep, PixelOf(RuntimeOperand.Output, output), output.MoveStep, input.Shape.Channels, new RuntimeCount());
}
