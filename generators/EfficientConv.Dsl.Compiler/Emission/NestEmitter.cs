using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

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
        Block($"private static void {name}({input}, {residual}ref float output, ref float weights, ref float scratch{next}, Part part)", nest.Body);
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
                writer.Line($"const int {n.Name.Name} = {Of(n.Value)};");
                break;
            case Define n:
                writer.Line($"int {string.Join(", ", n.Definitions.Select(definition => $"{definition.Name.Name} = {Of(definition.Value)}"))};");
                break;
            case Assign n:
                writer.Line($"{n.Name.Name} = {Of(n.Value)};");
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
            case For or Parallel or FillRing or If:
                EmitInner(nest);
                break;
            case Split n:
                Emit(n);
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
                IEnumerable<string> numbers = n.Function.Constants.Select(c => c.Value).Prepend(Of(n.Count));
                writer.Line($"Elementwise.{n.Function.Kind}<{vector.Simd}>({Reference(n.Values)}, {string.Join(", ", numbers)});");
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

    /// <summary>Prints a node with others inside.</summary>
    private void EmitInner(Nest nest)
    {
        switch (nest)
        {
            case For n:
                string step = n.Step is Number { Value: 1 } ? $"{n.Index.Name}++" : $"{n.Index.Name} += {Of(n.Step)}";
                Block($"for (int {n.Index.Name} = {Of(n.From)}; {n.Index.Name} < {Of(n.To)}; {step})", n.Body);
                break;
            case Parallel n:
                Block($"for (int {n.Index.Name} = part.First({Of(n.Units)}); {n.Index.Name} < part.End({Of(n.Units)}); {n.Index.Name}++)", n.Body);
                break;
            case FillRing n:
                string next = n.Next.Name;
                Block($"for ({next} = Math.Max({next}, Math.Max({Of(n.First)}, 0)); {next} < Math.Min({Of(n.Rows)}, {Of(n.End)}); {next}++)", n.Body);
                break;
            case If n:
                Emit(n, "if");
                break;
            default:
                throw new InvalidOperationException($"{nest} has nothing inside.");
        }
    }

    private void Block(string head, IEnumerable<Nest> body)
    {
        using (writer.Block(head))
            Emit(body);
    }

    /// <summary>A condition; a single line under it stands without braces.</summary>
    private void Emit(If nest, string keyword)
    {
        Branch($"{keyword} ({Of(nest.When)})", nest.Then);
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
        string group = n.Group == 1 ? string.Empty : Text($"{n.Group} * "), end = Text($"{group}part.End({n.Groups})");
        string last = n.Units % n.Group == 0 ? end : Text($"Math.Min({n.Units}, {end})");
        writer.Line($"int {n.First.Name} = {group}part.First({n.Groups}), {n.Count.Name} = {last} - {n.First.Name};");
    }

    /// <summary>Prints which rows a window has.</summary>
    public static void Emit(SourceWriter writer, PlaceWindow n)
    {
        (Variable first, Variable from, Variable to) = (n.Window.First, n.Window.From, n.Window.To);
        VerticalAxis axis = n.Axis;
        int dilation = axis.Dilation;
        writer.Line($"int {first.Name} = {Of((n.Row * axis.Stride) - axis.PadTop)};");
        writer.Line(dilation == 1
            ? $"int {from.Name} = Math.Max(0, -{first.Name});"
            : Text($"int {from.Name} = {first.Name} >= 0 ? 0 : ({dilation - 1} - {first.Name}) / {dilation};"));
        writer.Line(dilation == 1
            ? Text($"int {to.Name} = Math.Min({axis.Kernel}, {axis.Height} - {first.Name});")
            : Text($"int {to.Name} = Math.Min({axis.Kernel}, ({axis.Height + dilation - 1} - {first.Name}) / {dilation});"));
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
                writer.Line($"image.LoadPlanes({Of(n.Row)}, {Reference(n.Slot)}, {n.To.ChannelStep}, {shape.Channels}, {shape.Width});");
                break;
            case RowLoad.ImagePixels:
                writer.Line($"image.LoadRow({Of(n.Row)}, {Reference(n.Slot)}, {n.To.PixelStep}, {shape.Channels}, {shape.Width});");
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
        if (call.Kernel is PointwiseKernel { Lanes: LaneAxis.Channels } product)
        {
            return names.Call(
                product, Of(call.Input), Of(call.Weights!), Of(call.Bias!), Of(call.Output), Optional(call.Residual), Optional(call.Given), Optional(call.GateWeights),
                call.Count is null ? null : Of(call.Count));
        }

        List<string> arguments = [Reference(call.Input)];
        arguments.AddRange(call.Rows.Select(Of));
        foreach (Pointer? pointer in new[] { call.Weights, call.Bias, call.Output, call.Kernel is SumKernel { Epilogue.AddsResidual: true } ? call.Residual : null, call.Temporary })
        {
            if (pointer is not null)
                arguments.Add(Reference(pointer));
        }

        if (call.Kernel.PrefetchOf(Prefetched.Given) is not null)
            arguments.Add(Reference(call.Given!));
        if (call.Count is { } count)
            arguments.Add(Of(count));
        return $"{names.Method(call.Kernel)}({string.Join(", ", arguments)}{KernelText.Share(ShareOf(call.Kernel)).Argument});";

        string? Optional(Pointer? pointer) => pointer is null ? null : Of(pointer);
    }

    private static WorkShare ShareOf(Kernel kernel) => kernel switch
    {
        ProductKernel k => k.Share,
        WinogradInputKernel k => k.Share,
        WinogradOutputKernel k => k.Share,
        _ => WorkShare.None,
    };

    private string Argument(Operand operand) => operand switch
    {
        Pointer pointer => Reference(pointer),
        Scalar scalar => Of(scalar),
        OwnPart => "part",
        Literal { Value: float.NaN } => "float.NaN",
        Literal { Value: float.PositiveInfinity } => "float.PositiveInfinity",
        Literal { Value: float.NegativeInfinity } => "float.NegativeInfinity",
        Literal { Value: float value } => Text($"{value:R}f"),
        Literal { Value: bool value } => value ? "true" : "false",
        _ => throw new InvalidOperationException($"{operand} has no text."),
    };

    private static string Span(Pointer values, Scalar count) => $"MemoryMarshal.CreateSpan({Reference(values)}, {Of(count)})";

    private static string Reference(Pointer pointer) => "ref " + Of(pointer);

    private static string Of(Pointer pointer) => pointer switch
    {
        Storage storage => storage.Name,
        Moved moved => $"Unsafe.Add({Reference(moved.From)}, {Of(moved.By)})",
        OwnScratch => "part.Own(ref scratch)",
        Either choice => $"({Of(choice.When)} ? {Reference(choice.Then)} : {Reference(choice.Else)})",
        _ => throw new InvalidOperationException($"{pointer} has no text."),
    };

    private static string Of(Scalar scalar) => scalar switch
    {
        Number number => Text($"{number.Value}"),
        Variable variable => variable.Name,
        Computed computed => $"{Left(computed)} {computed.Operator} {Inner(computed.Right)}",
        Extreme extreme => $"Math.{(extreme.IsMaximum ? "Max" : "Min")}({Of(extreme.Left)}, {Of(extreme.Right)})",
        PartBound bound => $"part.{(bound.IsEnd ? "End" : "First")}({Of(bound.Units)})",
        PartProperty property => "part." + property.Name,
        Choice choice => $"{Of(choice.When)} ? {Of(choice.Then)} : {Of(choice.Else)}",
        TableElement element => $"{element.Table.Name}[{Of(element.Index)}]",
        _ => throw new InvalidOperationException($"{scalar} has no text."),
    };

    private static string Of(Condition condition) => condition switch
    {
        Comparison comparison => $"{Of(comparison.Left)} {comparison.Operator} {Of(comparison.Right)}",
        Both both => $"{Of(both.Left)} && {Of(both.Right)}",
        _ => throw new InvalidOperationException($"{condition} has no text."),
    };

    /// <summary>Sums of sums and products of products need no parentheses on the left.</summary>
    private static string Left(Computed computed) =>
        computed.Left is Computed left && left.Operator == computed.Operator && left.Operator is '+' or '*' ? Of(computed.Left) : Inner(computed.Left);

    private static string Inner(Scalar scalar) => scalar is Computed or Choice ? $"({Of(scalar)})" : Of(scalar);
}
