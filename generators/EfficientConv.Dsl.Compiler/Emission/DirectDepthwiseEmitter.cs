using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints depthwise convolutions that read planes where they lie: the loop over channels and the kernels.</summary>
internal sealed class DirectDepthwiseEmitter(SourceWriter writer, VectorSyntax vector)
{
    private static readonly OfChannel s_channel = new("bias", 0, IsBroadcast: true);

    private int Lanes => vector.Target.Lanes;

    public void Emit(string name, FlatDepthwiseKernel kernel)
    {
        RowWindow window = kernel.Window;
        int taps = window.Kernel.Height * window.Kernel.Width;
        EpilogueEmitter epilogue = Begin(name, kernel, "the whole plane in vectors");
        bool memoryMasks = kernel.Masks.Count > 0 && !kernel.MasksInRegisters;
        for (int m = 0; m < kernel.Masks.Count && kernel.MasksInRegisters; m++)
            writer.Line($"{vector.Type} mask{m} = {vector.Load("tables", m * Lanes)};");
        OpenChannels(epilogue);
        for (int tap = 0; tap < taps && kernel.WeightsInRegisters; tap++)
            writer.Line($"{vector.Type} w{tap} = {vector.Create(KernelText.At("weights", tap))};");
        Accumulator[] sums = [.. kernel.Vectors.Select((place, v) => Sum(v, "output", place.At, place.Count == Lanes ? null : place.Count))];

        // What no tap reaches is the bias.
        for (int v = 0; v < sums.Length && kernel.Vectors[v].LastLoad < 0; v++)
        {
            epilogue.Start(sums[v]);
            epilogue.Finish(sums[v]);
        }

        HashSet<int> begun = [];
        for (int i = 0; i < kernel.Loads.Count; i++)
        {
            FlatLoad load = kernel.Loads[i];
            foreach (FlatUse use in load.Uses.Where(u => begun.Add(u.Vector)))
                epilogue.Start(sums[use.Vector]);
            writer.Open();
            string mask = load.Mask < 0 ? string.Empty : memoryMasks ? " & " + vector.Load("tables", load.Mask * Lanes) : FormattableString.Invariant($" & mask{load.Mask}");
            writer.Line($"{vector.Type} x = {vector.Load(KernelText.At("plane", load.At))}{mask};");
            foreach (FlatUse use in load.Uses)
            {
                string sum = FormattableString.Invariant($"sum{use.Vector}");
                string weight = kernel.WeightsInRegisters ? FormattableString.Invariant($"w{use.Tap}") : vector.Create(KernelText.At("weights", use.Tap));
                writer.Line($"{sum} = {vector.Fma("x", weight, sum)};");
            }

            writer.Close();
            for (int v = 0; v < kernel.Vectors.Count; v++)
            {
                if (kernel.Vectors[v].LastLoad == i)
                    epilogue.Finish(sums[v]);
            }
        }

        CloseChannels(kernel);
    }

    private static Accumulator Sum(int v, string output, int at, int? count = null) =>
        new(FormattableString.Invariant($"sum{v}"), s_channel, "start", new VectorPlace(output, at, count));

    public void Emit(string name, StridedDepthwiseKernel kernel)
    {
        RowWindow window = kernel.Window;
        EpilogueEmitter epilogue = Begin(name, kernel, "every second column picked out of two vectors");
        for (int m = 0; m < kernel.Masks.Count; m++)
            writer.Line($"{vector.Type} mask{m} = {vector.Load("tables", m * Lanes)};");
        for (int t = 0; t < kernel.Tables.Count; t++)
            writer.Line($"{vector.Type.Replace("float", "int")} lanes{t} = {vector.Load("tables", (kernel.Masks.Count + t) * Lanes)}.AsInt32();");
        OpenChannels(epilogue);
        writer.Line("ref float destination = ref output;");
        writer.Open($"for (int y = 0; y < {kernel.Output.Height}; y++)");
        NestEmitter.Emit(
            writer, new PlaceWindow(WindowRows.Usual, new Variable("y"), new VerticalAxis(window.Kernel.Height, kernel.StrideHeight, window.Dilation.Height, kernel.PadTop, kernel.Input.Height)));
        Accumulator[] sums = [.. kernel.Vectors.Select((place, v) => Sum(v, "destination", place.Column))];
        foreach (Accumulator sum in sums)
            epilogue.Start(sum);
        writer.Open("for (int ky = from; ky < to; ky++)");
        string row = window.Dilation.Height == 1 ? "first + ky" : FormattableString.Invariant($"first + (ky * {window.Dilation.Height})");
        writer.Line($"ref float row = ref Unsafe.Add(ref plane, ({row}) * {kernel.Input.Width});");
        writer.Line($"ref float w = ref Unsafe.Add(ref weights, ky * {window.Kernel.Width});");
        for (int kx = 0; kx < window.Kernel.Width; kx++)
            writer.Line($"{vector.Type} w{kx} = {vector.Create(KernelText.At("w", kx))};");
        for (int v = 0; v < kernel.Vectors.Count; v++)
        {
            writer.Open();
            foreach (int at in kernel.Vectors[v].Taps.Select(t => t.At).Distinct())
                writer.Line($"{vector.Type} a{at} = {vector.Load("row", at)}, b{at} = {vector.Load("row", at + Lanes)};");
            for (int kx = 0; kx < window.Kernel.Width; kx++)
            {
                StridedTap tap = kernel.Vectors[v].Taps[kx];
                string columns = FormattableString.Invariant($"Avx512F.PermuteVar16x32x2(a{tap.At}, lanes{tap.Lanes}, b{tap.At}){(tap.Mask < 0 ? string.Empty : " & mask" + tap.Mask)}");
                string sum = FormattableString.Invariant($"sum{v}");
                writer.Line($"{sum} = {vector.Fma(columns, FormattableString.Invariant($"w{kx}"), sum)};");
            }

            writer.Close();
        }

        writer.Close();
        foreach (Accumulator sum in sums)
            epilogue.Finish(sum);
        writer.Line($"destination = ref Unsafe.Add(ref destination, {kernel.Output.Width});");
        writer.Close();
        CloseChannels(kernel);
    }

    /// <summary>The tables, the method's head and what stays the same for all channels.</summary>
    private EpilogueEmitter Begin(string name, DirectDepthwiseKernel kernel, string form)
    {
        RowWindow window = kernel.Window;
        List<string> tables = [];
        foreach (int mask in kernel.Masks)
            tables.Add(string.Join(", ", Enumerable.Range(0, Lanes).Select(lane => (mask >> lane & 1) == 1 ? "-1" : "0")));
        if (kernel is StridedDepthwiseKernel strided)
            tables.AddRange(strided.Tables.Select(table => string.Join(", ", table)));
        if (tables.Count > 0)
        {
            writer.Line();
            writer.Line($"private static ReadOnlySpan<int> {name}Lanes =>");
            writer.Open('[');
            foreach (string table in tables)
                writer.Line(table + ",");
            writer.CloseWith("];");
        }

        string stride = window.Stride == 1 ? string.Empty : FormattableString.Invariant($", stride {window.Stride}");
        writer.Line();
        writer.Line(
            $"/// <summary>Planes of {kernel.Input} pixels of a depthwise convolution, kernel {window.Kernel}{stride}" +
            $"{EpilogueEmitter.Describe(kernel.Epilogue)}: {form}.</summary>");
        writer.Line(KernelText.MethodAttribute);
        writer.Open($"private static void {name}(ref float plane, ref float weights, ref float bias, ref float output, int channels)");
        EpilogueEmitter epilogue = new(writer, vector, kernel.Epilogue);
        epilogue.Constants();
        writer.Line($"ref float tables = ref Unsafe.As<int, float>(ref MemoryMarshal.GetReference({name}Lanes));", tables.Count > 0);
        return epilogue;
    }

    private void OpenChannels(EpilogueEmitter epilogue)
    {
        writer.Open("for (int c = 0; c < channels; c++)");
        epilogue.Bias("start", s_channel);
    }

    private void CloseChannels(DirectDepthwiseKernel kernel)
    {
        writer.Line($"plane = ref Unsafe.Add(ref plane, {kernel.Input.Height * kernel.Input.Width});");
        writer.Line($"weights = ref Unsafe.Add(ref weights, {kernel.Window.Kernel.Height * kernel.Window.Kernel.Width});");
        writer.Line("bias = ref Unsafe.Add(ref bias, 1);");
        writer.Line($"output = ref Unsafe.Add(ref output, {kernel.Output.Height * kernel.Output.Width});");
        writer.Close();
        writer.Close();
    }
}
