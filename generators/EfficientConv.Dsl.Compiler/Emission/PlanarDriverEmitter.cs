using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints the loop nests from planes to planes.</summary>
internal sealed class PlanarDriverEmitter(SourceWriter writer, VectorSyntax vector, KernelNames names)
{
    private readonly RuntimeEmitter _runtime = new(writer, vector);

    public void Emit(PlanarPointwiseDriver d)
    {
        writer.Line($"{names.Of(d.Kernel)}(ref input, ref weights, ref {KernelText.At("weights", d.Bias)}, ref output{(d.Residual is null ? string.Empty : ", ref residual")}{KernelText.Share(d.Kernel.Share).Argument});");
        PassOfMap(d.Pass, d.Output.Length);
    }

    public void Emit(PlanarDepthwiseDriver d)
    {
        Shape input = d.Input.Shape, output = d.Output.Shape;
        int taps = d.Kernel.Window.Kernel.Height * d.Kernel.Window.Kernel.Width, rowLength = d.Padding.Row.Length;
        writer.Line($"ref float bias = ref {KernelText.At("weights", d.Bias)};");
        writer.Line($"ref float padded = ref {KernelText.At("part.Own(ref scratch)", d.Padding.Offset)};");
        writer.Line($"MemoryMarshal.CreateSpan(ref padded, {d.Padding.Rows * rowLength}).Clear();");
        writer.Open($"for (int c = part.First({output.Channels}); c < part.End({output.Channels}); c++)");
        int rows = Math.Min(input.Height, d.Padding.Rows - d.Padding.PadTop);
        PadRows(FormattableString.Invariant($"Unsafe.Add(ref input, c * {input.Pixels})"), KernelText.At("padded", d.Padding.PadTop * rowLength), d.Padding, input.Width, input.Width, FormattableString.Invariant($"{rows}"));
        string weights = FormattableString.Invariant($"Unsafe.Add(ref weights, c * {taps})"), bias = "Unsafe.Add(ref bias, c)";
        if (d.Kernel.Rows == output.Height)
        {
            writer.Line($"{names.Of(d.Kernel)}(ref padded, ref {weights}, ref {bias}, ref Unsafe.Add(ref output, c * {output.Pixels}));");
        }
        else
        {
            writer.Open($"for (int y = 0; y < {output.Height}; y += {d.Kernel.Rows})");
            writer.Line($"{names.Of(d.Kernel)}(ref Unsafe.Add(ref padded, y * {d.Kernel.StrideHeight * rowLength}), ref {weights}, ref {bias}, ref Unsafe.Add(ref output, (c * {output.Pixels}) + (y * {output.Width})));");
            writer.Close();
        }

        Pass(d.Pass, FormattableString.Invariant($"Unsafe.Add(ref output, c * {output.Pixels})"), output.Pixels);
        writer.Close();
    }

    public void Emit(PlanarSeparableDriver d)
    {
        Shape input = d.Input.Shape, output = d.Output.Shape;
        PlanarDepthwiseKernel depthwise = d.Depthwise;
        RowWindow window = depthwise.Window;
        int taps = window.Kernel.Height * window.Kernel.Width, rowLength = d.Padding.Row.Length, pixels = d.Rows * output.Width;
        writer.Line($"const int RowsPerStep = {d.Rows};");
        writer.Line($"const int PaddedRows = {d.Padding.Rows};");
        writer.Line($"const int PaddedRow = {rowLength};");
        writer.Line($"ref float depthwiseWeights = ref {KernelText.At("weights", d.Offsets.Depthwise)};");
        writer.Line($"ref float depthwiseBias = ref {KernelText.At("weights", d.Offsets.DepthwiseBias)};");
        writer.Line($"ref float projectWeights = ref {KernelText.At("weights", d.Offsets.Project)};");
        writer.Line($"ref float projectBias = ref {KernelText.At("weights", d.Offsets.ProjectBias)};");
        writer.Line("scratch = ref part.Own(ref scratch);");
        writer.Line($"ref float padded = ref {KernelText.At("scratch", d.Padding.Offset)};");
        writer.Line($"ref float depthwiseRows = ref {KernelText.At("scratch", d.DepthwiseRows)};");
        writer.Line("MemoryMarshal.CreateSpan(ref padded, PaddedRows * PaddedRow).Clear();");
        writer.Line();
        writer.Open($"for (int y = part.First({output.Height / d.Rows}) * RowsPerStep; y < part.End({output.Height / d.Rows}) * RowsPerStep; y += RowsPerStep)");
        writer.Line($"int first = (y * {depthwise.StrideHeight}) - {d.Padding.PadTop};");
        writer.Line("int from = Math.Max(0, first);");
        writer.Line($"int to = Math.Min({input.Height}, first + PaddedRows);");
        writer.Line();

        // The rows below the map must be zero again in the last step; those above were cleared before the first.
        writer.Open("if (to < first + PaddedRows)");
        writer.Line("MemoryMarshal.CreateSpan(ref Unsafe.Add(ref padded, Math.Max(0, to - first) * PaddedRow), (PaddedRows - Math.Max(0, to - first)) * PaddedRow).Clear();");
        writer.Close();
        writer.Open($"for (int c = 0; c < {input.Channels}; c++)");
        PadRows(FormattableString.Invariant($"Unsafe.Add(ref input, (c * {input.Pixels}) + (from * {input.Width}))"), "Unsafe.Add(ref padded, (from - first) * PaddedRow)", d.Padding, input.Width, input.Width, "to - from");
        string weights = FormattableString.Invariant($"Unsafe.Add(ref depthwiseWeights, c * {taps})");
        if (depthwise.Rows == d.Rows)
        {
            writer.Line($"{names.Of(depthwise)}(ref padded, ref {weights}, ref Unsafe.Add(ref depthwiseBias, c), ref Unsafe.Add(ref depthwiseRows, c * {pixels}));");
        }
        else
        {
            writer.Open($"for (int r = 0; r < RowsPerStep; r += {depthwise.Rows})");
            writer.Line($"{names.Of(depthwise)}(ref Unsafe.Add(ref padded, r * {depthwise.StrideHeight} * PaddedRow), ref {weights}, ref Unsafe.Add(ref depthwiseBias, c), ref Unsafe.Add(ref depthwiseRows, (c * {pixels}) + (r * {output.Width})));");
            writer.Close();
        }

        writer.Close();
        Pass(d.DepthwisePass, "depthwiseRows", input.Channels * pixels);
        string residual = d.Residual is null ? string.Empty : FormattableString.Invariant($", ref Unsafe.Add(ref residual, y * {output.Width})");
        writer.Line($"{names.Of(d.Project)}(ref depthwiseRows, ref projectWeights, ref projectBias, ref Unsafe.Add(ref output, y * {output.Width}){residual});");
        writer.Close();
        PassOfMap(d.ProjectPass, d.Output.Length);
    }

    public void Emit(PlanarConvolutionDriver d)
    {
        Shape input = d.Input.Shape, output = d.Output.Shape;
        RowWindow window = d.Kernel.Window;
        int rowLength = d.Padding.Row.Length;
        writer.Line($"const int RingRows = {d.Padding.Rows};");
        writer.Line($"const int PaddedRow = {rowLength};");
        writer.Line($"ref float bias = ref {KernelText.At("weights", d.Bias)};");
        writer.Line($"ref float ring = ref {KernelText.At("part.Own(ref scratch)", d.Padding.Offset)};");
        writer.Line($"MemoryMarshal.CreateSpan(ref ring, RingRows * {input.Channels} * PaddedRow).Clear();");
        writer.Line("int loaded = 0;");
        writer.Line();
        writer.Open($"for (int y = part.First({output.Height}); y < part.End({output.Height}); y++)");
        DriverEmitter.WindowRows(writer, "y", d.StrideHeight, d.Padding.PadTop, window, input.Height);
        writer.Open($"for (loaded = Math.Max(loaded, Math.Max(first, 0)); loaded < Math.Min({input.Height}, first + RingRows); loaded++)");
        PadRows(
            FormattableString.Invariant($"Unsafe.Add(ref input, loaded * {input.Width})"),
            FormattableString.Invariant($"Unsafe.Add(ref ring, (loaded % RingRows) * {input.Channels} * PaddedRow)"), d.Padding, input.Pixels, input.Width, FormattableString.Invariant($"{input.Channels}"));
        writer.Close();
        writer.Line($"{names.Of(d.Kernel)}(ref ring, {DriverEmitter.RingPlace(d.Padding.Rows, d.Padding.PadTop)}, from, to, ref weights, ref bias, ref Unsafe.Add(ref output, y * {output.Width}));");
        writer.Close();
        PassOfMap(d.Pass, d.Output.Length);
    }

    private void PadRows(string source, string destination, PlanarPadding padding, int rowStep, int width, string rows) => writer.Line(
        $"PlanarLayout.PadRows<{vector.Simd}>(ref {source}, {rowStep}, {width}, {rows}, ref {destination}, {padding.Row.Length}, {padding.Row.Phases}, {padding.Row.PhaseLength}, {padding.PadLeft});");

    private void Pass(ActivationFunction activation, string reference, int count) =>
        _runtime.Activation(activation, reference, FormattableString.Invariant($"{count}"));

    /// <summary>An activation over the whole output once all threads have written it.</summary>
    private void PassOfMap(ActivationFunction activation, int length)
    {
        if (activation.IsNone)
            return;
        writer.Line("part.Barrier();");
        writer.Line($"int value = part.First({length});");
        _runtime.Activation(activation, "Unsafe.Add(ref output, value)", FormattableString.Invariant($"part.End({length}) - value"));
    }
}
