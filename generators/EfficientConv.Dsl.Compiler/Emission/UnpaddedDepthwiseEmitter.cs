using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints depthwise convolutions that read planes where they lie: the loop over channels and the kernels.</summary>
internal sealed class UnpaddedDepthwiseEmitter(SourceWriter writer, VectorSyntax vector)
{
    private static readonly OfChannel s_channel = new("bias", 0, IsBroadcast: true);

    private int Lanes => vector.Target.Lanes;

    public void Emit(string name, FlatDepthwiseKernel kernel)
    {
        int taps = kernel.Window.Kernel.Height * kernel.Window.Kernel.Width;
        Accumulator[] sums = [.. kernel.Vectors.Select((place, v) => Sum(v, "output", place.At, place.Count == Lanes ? null : place.Count))];
        EmitMethod(
            name, kernel, "the whole plane in vectors",
            () =>
            {
                for (int m = 0; m < kernel.Masks.Count && kernel.MasksInRegisters; m++)
                    writer.Line($"{vector.Type} mask{m} = {vector.Load("tables", m * Lanes)};");
            },
            epilogue =>
            {
                for (int tap = 0; tap < taps && kernel.WeightsInRegisters; tap++)
                    writer.Line($"{vector.Type} w{tap} = {vector.Create(KernelText.At("weights", tap))};");

                // What no tap reaches is the bias.
                for (int v = 0; v < sums.Length && kernel.Vectors[v].LastLoad < 0; v++)
                {
                    epilogue.Start(sums[v]);
                    epilogue.Finish(sums[v]);
                }

                HashSet<int> begun = [];
                for (int i = 0; i < kernel.Loads.Count; i++)
                {
                    foreach (FlatUse use in kernel.Loads[i].Uses.Where(u => begun.Add(u.Vector)))
                        epilogue.Start(sums[use.Vector]);
                    EmitLoad(kernel, kernel.Loads[i]);
                    for (int v = 0; v < kernel.Vectors.Count; v++)
                    {
                        if (kernel.Vectors[v].LastLoad == i)
                            epilogue.Finish(sums[v]);
                    }
                }
            });
    }

    /// <summary>A load and the multiply-adds of all taps that use it.</summary>
    private void EmitLoad(FlatDepthwiseKernel kernel, FlatLoad load)
    {
        string mask = load.Mask < 0 ? string.Empty : kernel.MasksInRegisters ? Text($" & mask{load.Mask}") : " & " + vector.Load("tables", load.Mask * Lanes);
        string input = vector.Load(KernelText.At("plane", load.At)) + mask;
        if (load.Uses.Count > 1)
        {
            writer.Line($"{writer.Local(vector.Type, "x")} = {input};");
            input = "x";
        }

        foreach (FlatUse use in load.Uses)
        {
            string sum = Text($"sum{use.Vector}");
            string weight = kernel.WeightsInRegisters ? Text($"w{use.Tap}") : vector.Create(KernelText.At("weights", use.Tap));
            writer.Line($"{sum} = {vector.Fma(input, weight, sum)};");
        }
    }

    private static Accumulator Sum(int v, string output, int at, int? count = null) =>
        new(Text($"sum{v}"), s_channel, "start", new VectorPlace(output, at, count));

    public void Emit(string name, StridedDepthwiseKernel kernel) => EmitMethod(
        name, kernel, "every second column picked out of two vectors",
        () =>
        {
            for (int m = 0; m < kernel.Masks.Count; m++)
                writer.Line($"{vector.Type} mask{m} = {vector.Load("tables", m * Lanes)};");
            for (int t = 0; t < kernel.Tables.Count; t++)
                writer.Line($"{vector.Type.Replace("float", "int")} lanes{t} = {vector.Load("tables", (kernel.Masks.Count + t) * Lanes)}.AsInt32();");
        },
        epilogue =>
        {
            writer.Line("ref float destination = ref output;");
            using SourceWriter.Scope rows = writer.Block($"for (int y = 0; y < {kernel.Output.Height}; y++)");
            NestEmitter.Emit(
                writer, new PlaceWindow(
                    WindowRows.Usual, new Variable("y"),
                    new VerticalAxis(kernel.Window.Kernel.Height, kernel.StrideHeight, kernel.Window.Dilation.Height, kernel.PadTop, kernel.Input.Height)));
            Accumulator[] sums = [.. kernel.Vectors.Select((place, v) => Sum(v, "destination", place.Column))];
            foreach (Accumulator sum in sums)
                epilogue.Start(sum);
            using (writer.Block("for (int ky = from; ky < to; ky++)"))
                EmitRow(kernel);
            foreach (Accumulator sum in sums)
                epilogue.Finish(sum);
            writer.Line($"destination = ref Unsafe.Add(ref destination, {kernel.Output.Width});");
        });

    /// <summary>One row of taps of all output vectors of a row.</summary>
    private void EmitRow(StridedDepthwiseKernel kernel)
    {
        RowWindow window = kernel.Window;
        string row = window.Dilation.Height == 1 ? "first + ky" : Text($"first + (ky * {window.Dilation.Height})");
        writer.Line($"ref float row = ref Unsafe.Add(ref plane, ({row}) * {kernel.Input.Width});");
        writer.Line($"ref float w = ref Unsafe.Add(ref weights, ky * {window.Kernel.Width});");
        for (int kx = 0; kx < window.Kernel.Width; kx++)
            writer.Line($"{vector.Type} w{kx} = {vector.Create(KernelText.At("w", kx))};");
        for (int v = 0; v < kernel.Vectors.Count; v++)
        {
            foreach (int at in kernel.Vectors[v].Taps.Select(t => t.At).Distinct())
            {
                writer.Line($"{writer.Local(vector.Type, Text($"a{at}"))} = {vector.Load("row", at)};");
                writer.Line($"{writer.Local(vector.Type, Text($"b{at}"))} = {vector.Load("row", at + Lanes)};");
            }

            for (int kx = 0; kx < window.Kernel.Width; kx++)
            {
                StridedTap tap = kernel.Vectors[v].Taps[kx];
                string columns = Text($"Avx512F.PermuteVar16x32x2(a{tap.At}, lanes{tap.Lanes}, b{tap.At}){(tap.Mask < 0 ? string.Empty : " & mask" + tap.Mask)}");
                string sum = Text($"sum{v}");
                writer.Line($"{sum} = {vector.Fma(columns, Text($"w{kx}"), sum)};");
            }
        }
    }

    /// <summary>The tables and the method: <paramref name="constants"/> prints what stays the same for all channels, <paramref name="channel"/> what one of them needs.</summary>
    private void EmitMethod(string name, UnpaddedDepthwiseKernel kernel, string form, Action constants, Action<EpilogueEmitter> channel)
    {
        RowWindow window = kernel.Window;
        int taps = window.Kernel.Height * window.Kernel.Width;
        bool hasTables = EmitTables(name, kernel);
        string stride = window.Stride == 1 ? string.Empty : Text($", stride {window.Stride}");
        writer.Line();
        writer.Line(
            $"/// <summary>Planes of {kernel.Input} pixels of a depthwise convolution, kernel {window.Kernel}{stride}" +
            $"{EpilogueEmitter.Describe(kernel.Epilogue)}: {form}; {KernelText.MultiplyAdds((long)kernel.Output.Height * kernel.Output.Width * taps)} a channel.</summary>");
        writer.Line(KernelText.MethodAttribute);
        using SourceWriter.Scope method = writer.Block($"private static void {name}(ref float plane, ref float weights, ref float bias, ref float output, int channels)");
        EpilogueEmitter epilogue = new(writer, vector, kernel.Epilogue);
        epilogue.Constants();
        writer.LineIf(hasTables, $"ref float tables = ref Unsafe.As<int, float>(ref MemoryMarshal.GetReference({name}Lanes));");
        constants();
        using SourceWriter.Scope loop = writer.Block("for (int c = 0; c < channels; c++)");
        epilogue.Bias("start", s_channel);
        channel(epilogue);
        writer.Line($"plane = ref Unsafe.Add(ref plane, {kernel.Input.Height * kernel.Input.Width});");
        writer.Line($"weights = ref Unsafe.Add(ref weights, {taps});");
        writer.Line("bias = ref Unsafe.Add(ref bias, 1);");
        writer.Line($"output = ref Unsafe.Add(ref output, {kernel.Output.Height * kernel.Output.Width});");
    }

    /// <summary>Masks, and the lanes that are picked, as data of the assembly; whether there are any.</summary>
    private bool EmitTables(string name, UnpaddedDepthwiseKernel kernel)
    {
        IEnumerable<IEnumerable<int>> tables = kernel.Masks.Select(mask => Enumerable.Range(0, Lanes).Select(lane => (mask >> lane & 1) == 1 ? -1 : 0));
        if (kernel is StridedDepthwiseKernel strided)
            tables = tables.Concat(strided.Tables.Select(table => table.AsEnumerable()));
        if (!tables.Any())
            return false;
        writer.Line();
        writer.Line($"private static ReadOnlySpan<int> {name}Lanes =>");
        using SourceWriter.Scope rows = writer.Braces("[", "];");
        foreach (IEnumerable<int> table in tables)
            writer.Line($"{string.Join(", ", table)},");
        return true;
    }
}
