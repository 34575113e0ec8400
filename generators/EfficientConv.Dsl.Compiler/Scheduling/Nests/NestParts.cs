using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>What a loop nest does with the rows that its kernels have made, after their <see cref="Epilogue"/>.</summary>
/// <param name="Activation">An activation that is too long for an epilogue.</param>
/// <param name="Buffer">Where the rows lie in the scratch memory while the output cannot be written directly, and are moved from; else null.</param>
internal sealed record Finish(ActivationFunction Activation, ArenaOffset? Buffer)
{
    /// <summary>Nothing.</summary>
    public static Finish None { get; } = new(ActivationFunction.None, null);

    /// <summary>Whether nothing is left to do.</summary>
    public bool IsNone => Activation.IsNone && Buffer is null;

    /// <summary>Whether the activation goes over the output, after the way there, because pixels of the buffer have many lanes that hold nothing.</summary>
    public bool ActivatesOutput(TensorView output, int pixelStep) =>
        !Activation.IsNone && Buffer is not null && output.IsTight && pixelStep > (output.IsPlanar && output.Shape.Channels > 1 ? 2 : 1) * output.Shape.Channels;
}

/// <summary>Parts that many loop nests have.</summary>
internal static class NestParts
{
    /// <summary>A row of a tensor that begins at <paramref name="begin"/>.</summary>
    public static Pointer RowAt(this TensorView view, Pointer begin, Scalar row) => begin.At(row * view.RowStep);

    /// <summary>A pixel of a tensor that begins at <paramref name="begin"/>.</summary>
    public static Pointer PixelAt(this TensorView view, Pointer begin, Scalar pixel) => begin.At(pixel * (view.PixelStep == 0 ? 1 : view.PixelStep));

    /// <summary>Declares a thread's own pixels, <c>pixel</c> and <c>pixels</c>: whole groups of the widest vector where there are so many, because transposes move as many at once.</summary>
    public static OwnUnits SplitPixels(this NestBuilder nest, Shape shape) => nest.Split("pixel", shape.Pixels, VectorTarget.WidestLanes);

    /// <summary>Declares a thread's own channels, <c>channel</c> and <c>channels</c>: whole vectors of all widths.</summary>
    public static OwnUnits SplitChannels(this NestBuilder nest, int channels) => nest.Split("channel", channels, VectorTarget.WidestLanes);

    /// <summary>Declares a thread's own units, named in the singular and in the plural.</summary>
    public static OwnUnits Split(this NestBuilder nest, string unit, int units, int group)
    {
        Split split = new(new(unit), new(unit + "s"), units, group);
        nest.Add(split);
        return new OwnUnits(split.First, split.Count);
    }

    /// <summary>A call of a function of the runtime.</summary>
    public static void Call(this NestBuilder nest, RuntimeFunction function, Effort effort, params Operand[] arguments) => nest.Add(function.Call(effort, arguments));

    /// <summary>An activation of values in place, if there is one.</summary>
    /// <param name="nest">The nest.</param>
    /// <param name="activation">The activation.</param>
    /// <param name="values">The first value.</param>
    /// <param name="count">How many.</param>
    /// <param name="total">How many all threads do together each time.</param>
    public static void Activate(this NestBuilder nest, ActivationFunction activation, Pointer values, Scalar count, double total) =>
        nest.Add(new PostOp(activation, values, count, total), !activation.IsNone);

    /// <summary>Pixels of a tensor to <paramref name="destination"/>, pixel after pixel.</summary>
    public static void Load(this NestBuilder nest, Pointer source, TensorView view, Pointer destination, int step, Scalar pixels, Effort effort) =>
        nest.Call(RuntimeFunction.ToLoad(view), effort, source, view.MoveStep, destination, step, view.Shape.Channels, pixels);

    /// <summary>A residual's pixels to where a sum of <paramref name="channels"/> channels begins, with zeros in those that it lacks.</summary>
    public static void Put(this NestBuilder nest, Pointer source, TensorView residual, Pointer destination, int step, int channels, Scalar pixels, double total)
    {
        int given = residual.Shape.Channels;
        nest.Load(source, residual, destination, step, pixels, Effort.Transposed(total));
        if (given < channels)
            nest.Call(RuntimeFunction.ClearChannels, default, destination.At(given), step, channels - given, pixels);
    }

    /// <summary>What is left to do with pixels that kernels have made.</summary>
    /// <param name="nest">The nest.</param>
    /// <param name="finish">What that is.</param>
    /// <param name="made">The first pixel.</param>
    /// <param name="pixelStep">Floats to the next.</param>
    /// <param name="pixels">Pixels.</param>
    /// <param name="output">The output.</param>
    /// <param name="destination">Where in the output the first pixel belongs.</param>
    /// <param name="total">Values of the output that all threads do together each time.</param>
    public static void Finish(this NestBuilder nest, Finish finish, Pointer made, int pixelStep, Scalar pixels, TensorView output, Pointer destination, double total)
    {
        bool last = finish.ActivatesOutput(output, pixelStep);
        if (!last)
            nest.Activate(finish.Activation, made, pixels * pixelStep, total);
        if (finish.Buffer is not null)
            nest.Store(made, pixelStep, output, destination, pixels, total);
        if (!last)
            return;
        (int runs, int elements) = output.Runs;
        if (runs == 1)
        {
            nest.Activate(finish.Activation, destination, pixels * elements, total);
            return;
        }

        Variable plane = new("plane");
        using (nest.For(plane, runs))
            nest.Activate(finish.Activation, destination.At(plane * output.ChannelStep), pixels * elements, total / runs);
    }

    /// <summary>Pixels to <paramref name="destination"/>, where a tensor has them.</summary>
    public static void Store(this NestBuilder nest, Pointer source, int step, TensorView view, Pointer destination, Scalar pixels, double total) =>
        nest.Call(RuntimeFunction.ToStore(view), Effort.Transposed(total), source, step, destination, view.MoveStep, view.Shape.Channels, pixels);

    /// <summary>An activation over the whole output once all threads have written it.</summary>
    public static void ActivateMap(this NestBuilder nest, ActivationFunction activation, TensorView output)
    {
        if (activation.IsNone)
            return;
        nest.Barrier();
        Variable value = nest.Define("value", Scalar.FirstOf(output.Length));
        nest.Activate(activation, Storage.Output.At(value), Scalar.EndOf(output.Length) - value, output.Length);
    }

    /// <summary>Rows of planes between zeros.</summary>
    /// <param name="nest">The nest.</param>
    /// <param name="target">Instruction set.</param>
    /// <param name="source">The first row.</param>
    /// <param name="destination">Where it is copied to.</param>
    /// <param name="padding">The padding.</param>
    /// <param name="width">Floats of a row.</param>
    /// <param name="rowStep">Floats from a row to the next.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="total">Rows that one thread alone copies, on average, each time.</param>
    public static void PadRows(
        this NestBuilder nest, VectorTarget target, Pointer source, Pointer destination, PlanarPadding padding, int width, int rowStep, Scalar rows, double total)
    {
        Effort effort = new(padding.Row.Phases == 1 ? Work.Padded : Work.PaddedByPhase, total * target.Padded(width), total);
        nest.Call(RuntimeFunction.PadRows, effort, source, rowStep, width, rows, destination, padding.Row.Length, padding.Row.Phases, padding.Row.PhaseLength, padding.PadLeft);
    }
}
