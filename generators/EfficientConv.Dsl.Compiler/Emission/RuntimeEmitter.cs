using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints calls of the runtime's functions as the plan has them.</summary>
internal sealed class RuntimeEmitter(SourceWriter writer, VectorSyntax vector)
{
    public void Emit(RuntimeDriver d)
    {
        writer.Line("scratch = ref part.Own(ref scratch);", d.Preparation.Count > 0);
        foreach (RuntimeCall call in d.Preparation)
            Emit(call, d.Range);
        Range(d.Range);
        if (d.Range.Unit == RuntimeUnit.Row)
        {
            writer.Open($"for (int y = part.First({d.Range.Count}); y < part.End({d.Range.Count}); y++)");
            writer.Line($"ref float row = ref Unsafe.Add(ref output, y * {d.Output.RowStep});");
        }

        foreach (RuntimeCall call in d.Calls)
            Emit(call, d.Range);
        if (d.Range.Unit == RuntimeUnit.Row)
            writer.Close();
    }

    /// <summary>Declares a thread's own units, <c>pixel</c> and <c>pixels</c>; for rows there is a loop instead, for a map nothing.</summary>
    public void Range(RuntimeRange range)
    {
        if (range.Unit is RuntimeUnit.Row or RuntimeUnit.Map)
            return;
        string name = NameOf(range.Unit), group = range.Group == 1 ? string.Empty : Text($"{range.Group} * "), end = Text($"{group}part.End({range.Groups})");
        writer.Line($"int {name} = {group}part.First({range.Groups}), {name}s = {(range.Count % range.Group == 0 ? end : Text($"Math.Min({range.Count}, {end})"))} - {name};");
    }

    /// <summary>Prints a call for a thread's units of <paramref name="range"/>.</summary>
    public void Emit(RuntimeCall call, RuntimeRange range)
    {
        string unit = NameOf(range.Unit);
        switch (call)
        {
            case FunctionCall { EachPixel: true } c:
                writer.Open("for (int end = pixel + pixels; pixel < end; pixel++)");
                writer.Line(Call(c.Function, [.. c.Arguments.Select(argument => Argument(argument, unit))]));
                writer.Close();
                break;
            case FunctionCall c:
                writer.Line(Call(c.Function, [.. c.Arguments.Select(argument => Argument(argument, unit))]));
                break;
            case ActivationCall c:
                Activation(c.Function, Reference(c.Values, unit), Argument(c.Count, unit));
                break;
            case ClearCall c:
                writer.Line($"{Span(c.Values, unit)}.Clear();");
                break;
            case CopyCall c:
                writer.Line($"{Span(c.From, unit)}.CopyTo({Span(c.To, unit)});");
                break;
            default:
                throw new InvalidOperationException($"{call} has no text.");
        }
    }

    /// <summary>An activation over <paramref name="count"/> floats in memory, if there is one.</summary>
    public void Activation(ActivationFunction activation, string reference, string count)
    {
        if (!activation.IsNone)
            writer.Line($"Elementwise.{activation.Kind}<{vector.Simd}>(ref {reference}, {string.Join(", ", activation.Constants.Select(c => c.Value).Prepend(count))});");
    }

    /// <summary>Pixels of a tensor to <paramref name="destination"/>, pixel after pixel.</summary>
    public string Load(string source, TensorView view, string destination, int step, string pixels) =>
        Call(RuntimeFunction.ToLoad(view), "ref " + source, Text($"{view.MoveStep}"), "ref " + destination, Text($"{step}"), Text($"{view.Shape.Channels}"), pixels);

    /// <summary>Prints a residual's pixels to where a sum of <paramref name="channels"/> channels begins, with zeros in those that it lacks.</summary>
    public void Put(string source, TensorView residual, string destination, int step, int channels, string pixels)
    {
        int given = residual.Shape.Channels;
        writer.Line(Load(source, residual, destination, step, pixels));
        if (given < channels)
            writer.Line(Text($"PixelLayout.ClearChannels(ref {KernelText.At(destination, given)}, {step}, {channels - given}, {pixels});"));
    }

    /// <summary>Pixels to <paramref name="destination"/>, where a tensor has them.</summary>
    public string Store(string source, int step, TensorView view, string destination, string pixels) =>
        Call(RuntimeFunction.ToStore(view), "ref " + source, Text($"{step}"), "ref " + destination, Text($"{view.MoveStep}"), Text($"{view.Shape.Channels}"), pixels);

    /// <summary>A call of a function.</summary>
    public string Call(RuntimeFunction function, params string[] arguments) =>
        $"{function.Name}{(function.IsVector ? $"<{vector.Simd}>" : string.Empty)}({string.Join(", ", arguments)});";

    private static string Argument(RuntimeArgument argument, string unit) => argument switch
    {
        RuntimeConstant { Value: int value } => Text($"{value}"),
        RuntimeConstant { Value: float.NaN } => "float.NaN",
        RuntimeConstant { Value: float.PositiveInfinity } => "float.PositiveInfinity",
        RuntimeConstant { Value: float.NegativeInfinity } => "float.NegativeInfinity",
        RuntimeConstant { Value: float value } => Text($"{value:R}f"),
        RuntimeConstant { Value: bool value } => value ? "true" : "false",
        RuntimeReference a => "ref " + Reference(a, unit),
        RuntimeCount a => Times(unit + "s", a.Each),
        RuntimeIndex => unit,
        RuntimePart => "part",
        _ => throw new InvalidOperationException($"{argument} has no text."),
    };

    private static string Reference(RuntimeReference reference, string unit)
    {
        string operand = reference.Operand switch
        {
            RuntimeOperand.Input => "input",
            RuntimeOperand.Residual => "residual",
            RuntimeOperand.Output => "output",
            RuntimeOperand.Row => "row",
            RuntimeOperand.Weights => "weights",
            RuntimeOperand.Scratch => "scratch",
            RuntimeOperand.Gate => "gate",
            RuntimeOperand.OwnScratch => "part.Own(ref scratch)",
            _ => throw new InvalidOperationException($"{reference.Operand} has no text."),
        };
        return KernelText.At(operand, (Size.Of(unit) * reference.Step) + reference.Offset);
    }

    private static string Span(RuntimeReference values, string unit) => $"MemoryMarshal.CreateSpan(ref {Reference(values, unit)}, {unit}s)";

    private static string Times(string count, int each) => each == 1 ? count : Text($"{count} * {each}");

    private static string NameOf(RuntimeUnit unit) => unit switch
    {
        RuntimeUnit.Pixel => "pixel",
        RuntimeUnit.Channel => "channel",
        RuntimeUnit.Value => "value",
        RuntimeUnit.Row => "y",
        RuntimeUnit.Map => "map",
        _ => throw new InvalidOperationException($"{unit} has no name."),
    };

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
