using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints loop nests: each node as the lines that it is.</summary>
internal sealed class NestEmitter(SourceWriter writer, VectorSyntax vector, KernelNames names)
{
    /// <summary>Prints a loop nest's method.</summary>
    /// <param name="name">The method's name.</param>
    /// <param name="nest">The loop nest.</param>
    /// <param name="description">What the first step that runs it does.</param>
    public void Emit(string name, LoopNest nest, IEnumerable<string> description)
    {
        writer.Line();
        writer.Line("/// <summary>");
        foreach (string line in description)
            writer.Line($"/// {line.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;")}<br/>");
        writer.Line("/// </summary>");
        string input = nest.ReadsImage ? "in ImageRows image" : "ref float input", residual = nest.Residual is null ? string.Empty : "ref float residual, ";
        string next = nest.PrefetchesNext ? ", ref float next" : string.Empty;
        writer.Open($"private static void {name}({input}, {residual}ref float output, ref float weights, ref float scratch{next}, Part part)");
        Emit(nest.Body);
        writer.Close();
    }

    private void Emit(IEnumerable<Nest> nests)
    {
        foreach (Nest nest in nests)
            Emit(nest);
    }

    private void Emit(Nest nest)
    {
        switch (nest)
        {
            case DefineConstant n:
                writer.Line($"const int {n.Name.Name} = {Text(n.Value)};");
                break;
            case Define n:
                writer.Line($"int {string.Join(", ", n.Definitions.Select(definition => $"{definition.Name.Name} = {Text(definition.Value)}"))};");
                break;
            case Assign n:
                writer.Line($"{n.Name.Name} = {Text(n.Value)};");
                break;
            case DefineTables n:
                writer.Line($"ReadOnlySpan<byte> {string.Join(", ", n.Tables.Select(table => $"{table.Name} = [{string.Join(", ", table.Values)}]"))};");
                break;
            case Bind n:
                writer.Line($"ref float {n.Name.Name} = {Reference(n.To)};");
                break;
            case UseOwnScratch:
                writer.Line("scratch = ref part.Own(ref scratch);");
                break;
            case Comment n:
                writer.Line("// " + n.Text);
                break;
            case Blank:
                writer.Line();
                break;
            case For n:
                string step = n.Step is Number { Value: 1 } ? $"{n.Index.Name}++" : $"{n.Index.Name} += {Text(n.Step)}";
                Block($"for (int {n.Index.Name} = {Text(n.From)}; {n.Index.Name} < {Text(n.To)}; {step})", n.Body);
                break;
            case Parallel n:
                Block($"for (int {n.Index.Name} = part.First({Text(n.Units)}); {n.Index.Name} < part.End({Text(n.Units)}); {n.Index.Name}++)", n.Body);
                break;
            case FillRing n:
                Block($"for ({n.Next.Name} = Math.Max({n.Next.Name}, Math.Max({Text(n.First)}, 0)); {n.Next.Name} < Math.Min({Text(n.Rows)}, {Text(n.End)}); {n.Next.Name}++)", n.Body);
                break;
            case Split n:
                Emit(n);
                break;
            case If n:
                Emit(n, "if");
                break;
            case Barrier:
                writer.Line("part.Barrier();");
                break;
            case PlaceWindow n:
                Emit(writer, n);
                break;
            case Call n:
                writer.Line(CallOf(n));
                break;
            case LoadRow n:
                Emit(n);
                break;
            case FunctionCall n:
                Emit(n);
                break;
            case PostOp n:
                writer.Line($"Elementwise.{n.Function.Kind}<{vector.Simd}>({Reference(n.Values)}, {string.Join(", ", n.Function.Constants.Select(c => c.Value).Prepend(Text(n.Count)))});");
                break;
            case Clear n:
                writer.Line($"{Span(n.Values, n.Count)}.Clear();");
                break;
            case Copy n:
                writer.Line($"{Span(n.From, n.Count)}.CopyTo({Span(n.To, n.Count)});");
                break;
            default:
                throw new InvalidOperationException($"{nest} has no text.");
        }
    }

    private void Block(string head, IEnumerable<Nest> body)
    {
        writer.Open(head);
        Emit(body);
        writer.Close();
    }

    /// <summary>A condition; a single line under it stands without braces.</summary>
    private void Emit(If nest, string keyword)
    {
        Branch($"{keyword} ({Text(nest.When)})", nest.Then);
        if (nest.Else.Count == 1 && nest.Else[0] is If other)
            Emit(other, "else if");
        else if (nest.Else.Count > 0)
            Branch("else", nest.Else);
    }

    private void Branch(string head, EquatableArray<Nest> body)
    {
        if (body.Count == 1 && body[0] is not (For or Parallel or FillRing or If or PlaceWindow))
        {
            writer.Line(head);
            writer.Indented(() => Emit(body[0]));
        }
        else
        {
            Block(head, body);
        }
    }

    private void Emit(Split n)
    {
        string group = n.Group == 1 ? string.Empty : Invariant($"{n.Group} * "), end = Invariant($"{group}part.End({n.Groups})");
        string last = n.Units % n.Group == 0 ? end : Invariant($"Math.Min({n.Units}, {end})");
        writer.Line(Invariant($"int {n.First.Name} = {group}part.First({n.Groups}), {n.Count.Name} = {last} - {n.First.Name};"));
    }

    /// <summary>Prints which rows a window has.</summary>
    public static void Emit(SourceWriter writer, PlaceWindow n)
    {
        (Variable first, Variable from, Variable to) = (n.Window.First, n.Window.From, n.Window.To);
        VerticalAxis axis = n.Axis;
        int dilation = axis.Dilation;
        writer.Line($"int {first.Name} = {Text((n.Row * axis.Stride) - axis.PadTop)};");
        writer.Line(dilation == 1
            ? $"int {from.Name} = Math.Max(0, -{first.Name});"
            : Invariant($"int {from.Name} = {first.Name} >= 0 ? 0 : ({dilation - 1} - {first.Name}) / {dilation};"));
        writer.Line(dilation == 1
            ? Invariant($"int {to.Name} = Math.Min({axis.Kernel}, {axis.Height} - {first.Name});")
            : Invariant($"int {to.Name} = Math.Min({axis.Kernel}, ({axis.Height + dilation - 1} - {first.Name}) / {dilation});"));
    }

    private void Emit(FunctionCall n) =>
        writer.Line($"{n.Function.Name}{(n.Function.IsVector ? $"<{vector.Simd}>" : string.Empty)}({string.Join(", ", n.Arguments.Select(Argument))});");

    private void Emit(LoadRow n)
    {
        Shape shape = n.Input.Shape;
        Pointer row = n.Input.RowAt(Storage.Input, n.Row);
        switch (n.Load)
        {
            case RowLoad.ImagePlanes:
                writer.Line(Invariant($"image.LoadPlanes({Text(n.Row)}, {Reference(n.Slot)}, {n.To.ChannelStep}, {shape.Channels}, {shape.Width});"));
                break;
            case RowLoad.ImagePixels:
                writer.Line(Invariant($"image.LoadRow({Text(n.Row)}, {Reference(n.Slot)}, {n.To.PixelStep}, {shape.Channels}, {shape.Width});"));
                break;
            case RowLoad.Planes:
                // A row of a plane is copied as the channels of a pixel are.
                Emit(RuntimeFunction.CopyPixels.Call(row, n.Input.ChannelStep, n.Slot, n.To.ChannelStep, shape.Width, shape.Channels));
                break;
            case RowLoad.Copy:
                Emit(RuntimeFunction.ToLoad(n.Input).Call(row, n.Input.MoveStep, n.Slot, n.To.PixelStep, shape.Channels, shape.Width));
                break;
            default:
                throw new InvalidOperationException($"{n.Load} moves no rows as they are.");
        }
    }

    /// <summary>A call of a kernel: what it reads and where in it, weights and bias, what it writes, the residual, room, the thread's part.</summary>
    private string CallOf(Call call)
    {
        if (call.Kernel is PointwiseKernel product)
        {
            return names.Call(
                product, Text(call.Input), Text(call.Weights!), Text(call.Bias!), Text(call.Output), Optional(call.Residual), Optional(call.Given), Optional(call.GateWeights),
                call.Count is null ? null : Text(call.Count));
        }

        List<string> arguments = [Reference(call.Input)];
        arguments.AddRange(call.Rows.Select(Text));
        foreach (Pointer? pointer in new[] { call.Weights, call.Bias, call.Output, call.Kernel is SumKernel { Epilogue.AddsResidual: true } ? call.Residual : null, call.Temporary })
        {
            if (pointer is not null)
                arguments.Add(Reference(pointer));
        }

        if (call.Kernel.PrefetchOf(Prefetched.Given) is not null)
            arguments.Add(Reference(call.Given!));
        if (call.Count is { } count)
            arguments.Add(Text(count));
        return $"{names.Method(call.Kernel)}({string.Join(", ", arguments)}{KernelText.Share(ShareOf(call.Kernel)).Argument});";

        string? Optional(Pointer? pointer) => pointer is null ? null : Text(pointer);
    }

    private static WorkShare ShareOf(Kernel kernel) => kernel switch
    {
        ConvolutionKernel k => k.Share,
        PlanarPointwiseKernel k => k.Share,
        WinogradInputKernel k => k.Share,
        WinogradOutputKernel k => k.Share,
        _ => WorkShare.None,
    };

    private string Argument(Operand operand) => operand switch
    {
        Pointer pointer => Reference(pointer),
        Scalar scalar => Text(scalar),
        OwnPart => "part",
        Literal { Value: float.NaN } => "float.NaN",
        Literal { Value: float.PositiveInfinity } => "float.PositiveInfinity",
        Literal { Value: float.NegativeInfinity } => "float.NegativeInfinity",
        Literal { Value: float value } => Invariant($"{value:R}f"),
        Literal { Value: bool value } => value ? "true" : "false",
        _ => throw new InvalidOperationException($"{operand} has no text."),
    };

    private static string Span(Pointer values, Scalar count) => $"MemoryMarshal.CreateSpan({Reference(values)}, {Text(count)})";

    private static string Reference(Pointer pointer) => "ref " + Text(pointer);

    private static string Text(Pointer pointer) => pointer switch
    {
        Storage storage => storage.Name,
        Moved moved => $"Unsafe.Add({Reference(moved.From)}, {Text(moved.By)})",
        OwnScratch => "part.Own(ref scratch)",
        Either choice => $"({Text(choice.When)} ? {Reference(choice.Then)} : {Reference(choice.Else)})",
        _ => throw new InvalidOperationException($"{pointer} has no text."),
    };

    private static string Text(Scalar scalar) => scalar switch
    {
        Number number => Invariant($"{number.Value}"),
        Variable variable => variable.Name,
        Computed computed => $"{Left(computed)} {computed.Operator} {Inner(computed.Right)}",
        Extreme extreme => $"Math.{(extreme.IsMaximum ? "Max" : "Min")}({Text(extreme.Left)}, {Text(extreme.Right)})",
        PartBound bound => $"part.{(bound.IsEnd ? "End" : "First")}({Text(bound.Units)})",
        PartProperty property => "part." + property.Name,
        Choice choice => $"{Text(choice.When)} ? {Text(choice.Then)} : {Text(choice.Else)}",
        TableElement element => $"{element.Table.Name}[{Text(element.Index)}]",
        _ => throw new InvalidOperationException($"{scalar} has no text."),
    };

    private static string Text(Condition condition) => condition switch
    {
        Comparison comparison => $"{Text(comparison.Left)} {comparison.Operator} {Text(comparison.Right)}",
        Both both => $"{Text(both.Left)} && {Text(both.Right)}",
        _ => throw new InvalidOperationException($"{condition} has no text."),
    };

    /// <summary>Sums of sums and products of products need no parentheses on the left.</summary>
    private static string Left(Computed computed) =>
        computed.Left is Computed left && left.Operator == computed.Operator && left.Operator is '+' or '*' ? Text(computed.Left) : Inner(computed.Left);

    private static string Inner(Scalar scalar) => scalar is Computed or Choice ? $"({Text(scalar)})" : Text(scalar);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
