using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>Units of which each thread does some: the first one and how many.</summary>
internal readonly record struct OwnUnits(Scalar First, Scalar Count)
{
    /// <summary>The thread's first unit in what begins at <paramref name="begin"/>, with <paramref name="step"/> floats from a unit to the next.</summary>
    public Pointer In(Pointer begin, int step) => begin.At(First * step);

    /// <summary>The thread's first pixel of a tensor that begins at <paramref name="begin"/>.</summary>
    public Pointer In(Pointer begin, TensorView view) => view.PixelAt(begin, First);
}

/// <summary>Loop nests of the runtime's functions alone: what threads share, and the calls.</summary>
internal static class MapNests
{
    /// <summary>Title of means over the map.</summary>
    public const string GlobalAveragePool = "GlobalAveragePool";

    /// <summary>Calls for a thread's own pixels of the input, in groups of the widest vector's lanes because transposes move as many at once.</summary>
    public static LoopNest OverPixels(
        string title, TensorView input, TensorView? residual, TensorView output, Func<OwnUnits, IEnumerable<Nest>> calls, bool grouped = true) =>
        Over("pixel", input.Shape.Pixels, GroupOf(grouped), title, input, residual, output, calls);

    /// <summary>Calls for a thread's own channels, whole vectors of every target.</summary>
    public static LoopNest OverChannels(
        string title, TensorView input, TensorView output, int channels, Func<OwnUnits, IEnumerable<Nest>> calls, bool grouped = true) =>
        Over("channel", channels, GroupOf(grouped), title, input, null, output, calls);

    /// <summary>A call for each row of the output; <paramref name="prepare"/> are calls before the first, in scratch memory that each thread has for itself.</summary>
    public static LoopNest OverRows(string title, TensorView input, TensorView output, Func<Variable, Storage, FunctionCall> call, params Nest[] prepare)
    {
        NestBuilder nest = new();
        nest.Add(new UseOwnScratch(), prepare.Length > 0);
        nest.AddRange(prepare);
        Variable y = new("y");
        using (nest.Parallel(y, output.Shape.Height))
            nest.Add(call(y, nest.Bind("row", Storage.Output.At(y * output.RowStep))));
        return new LoopNest(title, input, null, output, nest.Build(), 0);
    }

    /// <summary>A function that shares the map out by itself.</summary>
    public static LoopNest Whole(string title, TensorView input, TensorView output, FunctionCall call, long weights = 0) =>
        new(title, input, null, output, EquatableArray.Of<Nest>(call), weights);

    /// <summary>The same values in another layout.</summary>
    public static LoopNest Copy(TensorView input, TensorView output) => (input.IsPlanar, output.IsPlanar) switch
    {
        _ when (input == output && input.IsDense) || input.HasOrderOf(output) => Over("value", input.Length, VectorTarget.WidestLanes, "Copy", input, null, output, own =>
            [new Copy(own.In(Storage.Input, 1), own.In(Storage.Output, 1), own.Count, Effort.Copied(output.Shape.Count))]),
        (true, true) => throw new InvalidOperationException($"Nothing copies {input} to {output}, whose planes lie otherwise."),
        (_, true) => Copy(input, output, RuntimeFunction.ToStore(output)),
        _ => Copy(input, output, RuntimeFunction.ToLoad(input)),
    };

    private static LoopNest Copy(TensorView input, TensorView output, RuntimeFunction function)
    {
        double values = output.Shape.Count;
        Effort effort = input.IsPlanar != output.IsPlanar && input.Shape.Pixels > 1 ? Effort.Transposed(values) : Effort.Copied(values);
        return OverPixels("Copy", input, null, output, own => [Move(function, effort, own, input, output)]);
    }

    /// <summary>A function of every pixel, in place after a copy.</summary>
    public static LoopNest InPlace(string title, TensorView input, TensorView? residual, TensorView output, Func<OwnUnits, IEnumerable<Nest>> calls) =>
        OverPixels(title, input, residual, output, own => [Move(RuntimeFunction.CopyPixels, Effort.Copied(output.Shape.Count), own, input, output), .. calls(own)]);

    /// <summary>An activation.</summary>
    public static LoopNest Activation(TensorView input, TensorView output, ActivationFunction function) =>
        InPlace("Activation", input, null, output, own => PostOps(function, own.In(Storage.Output, output), own.Count * output.PixelStep, output.Shape.Count));

    /// <summary>An activation over the values of a tensor as they lie, from another one in the same order or in place.</summary>
    public static LoopNest ActivationOfValues(TensorView input, TensorView output, ActivationFunction function, bool inPlace)
    {
        return Over("value", output.Length, VectorTarget.WidestLanes, "Activation", input, null, output, Calls);

        IEnumerable<Nest> Calls(OwnUnits own)
        {
            Pointer values = own.In(Storage.Output, 1);
            Effort copied = Effort.Copied(output.Shape.Count);
            Nest[] copy = inPlace ? [] : [new Copy(own.In(Storage.Input, 1), values, own.Count, copied)];
            return [.. copy, .. PostOps(function, values, own.Count, output.Shape.Count)];
        }
    }

    /// <summary>A function of two tensors' values as they lie, all three in one order: in place after a copy.</summary>
    public static LoopNest OfValues(string title, TensorView input, TensorView other, TensorView output, RuntimeFunction function) =>
        Over("value", output.Length, VectorTarget.WidestLanes, title, input, other, output, own =>
        [
            new Copy(own.In(Storage.Input, 1), own.In(Storage.Output, 1), own.Count, Effort.Copied(output.Shape.Count)),
            function.Call(own.In(Storage.Output, 1), own.In(Storage.Residual, 1), own.Count),
        ]);

    /// <summary>A second tensor added to the output's own pixels, to as many channels as it has.</summary>
    public static FunctionCall Sum(OwnUnits own, TensorView other, TensorView output)
    {
        Pointer sums = own.In(Storage.Output, output), added = own.In(Storage.Residual, other);
        return other.Shape == output.Shape
            ? RuntimeFunction.Add.Call(sums, added, own.Count * output.PixelStep)
            : RuntimeFunction.AddChannels.Call(sums, output.PixelStep, added, other.PixelStep, other.Shape.Channels, own.Count);
    }

    /// <summary>A thread's pixels from one layout to another.</summary>
    public static FunctionCall Move(RuntimeFunction function, Effort effort, OwnUnits own, TensorView input, TensorView output) => function.Call(
        effort, own.In(Storage.Input, input), input.MoveStep, own.In(Storage.Output, output), output.MoveStep, input.Shape.Channels, own.Count);

    /// <summary>An activation, if there is one.</summary>
    public static IEnumerable<Nest> PostOps(ActivationFunction function, Pointer values, Scalar count, double total) =>
        function.IsNone ? [] : [new PostOp(function, values, count, total)];

    /// <summary>Whole vectors of every target, or single units.</summary>
    private static int GroupOf(bool grouped) => grouped ? VectorTarget.WidestLanes : 1;

    private static LoopNest Over(
        string unit, int units, int group, string title, TensorView input, TensorView? residual, TensorView output, Func<OwnUnits, IEnumerable<Nest>> calls)
    {
        NestBuilder nest = new();
        nest.AddRange(calls(nest.Split(unit, units, group)));
        return new LoopNest(title, input, residual, output, nest.Build(), 0);
    }
}
