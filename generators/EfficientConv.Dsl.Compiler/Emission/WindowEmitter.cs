using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints the kernels that make one output row from a window of input rows: depthwise, convolution, pooling.</summary>
internal sealed class WindowEmitter(SourceWriter writer, VectorSyntax vector)
{
    private int Lanes => vector.Target.Lanes;

    public void Emit(string name, LanewiseKernel kernel)
    {
        RowWindow window = kernel.Window;
        int taps = window.Kernel.Height * window.Kernel.Width * kernel.InPerGroup;
        writer.Line();
        writer.Line($"/// <summary>One row of {window.OutWidth} pixels of a convolution with a channel in every lane: {kernel.Channels} channels, kernel {window.Kernel}{Stride(window)}{Name(kernel.Activation)}.</summary>");
        writer.Line("/// <param name=\"source\">Input rows.</param>");
        writer.Line(kernel.Source.RingRows > 0 ? "/// <param name=\"row\">Place in the ring of the window's first row.</param>" : "/// <param name=\"row\">The window's first row; it may lie above the map.</param>");
        writer.Line("/// <param name=\"from\">First kernel row inside the map.</param>");
        writer.Line("/// <param name=\"to\">First kernel row below the map.</param>");
        writer.Line(KernelText.MethodAttribute);
        writer.Open($"private static void {name}(ref float source, int row, int from, int to, ref float weights, ref float bias, ref float output)");
        foreach (string constant in vector.ActivationConstants(kernel.Activation))
            writer.Line(constant);
        if (kernel.PixelPairs)
        {
            writer.Line("Vector512<int> firstHalves = Vector512.Create(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);");
            writer.Line("Vector512<int> secondHalves = Vector512.Create(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);");
        }

        writer.Loop("v", kernel.Vectors, () =>
        {
            writer.Line($"{vector.Type} start = {vector.Load("bias")};");
            foreach (ColumnRun run in kernel.Columns)
                EmitColumns(kernel, run);
            if (kernel.Vectors > 1)
            {
                writer.Line($"source = ref Unsafe.Add(ref source, {kernel.VectorStep});");
                writer.Line($"weights = ref Unsafe.Add(ref weights, {taps * Lanes});");
                writer.Line($"bias = ref Unsafe.Add(ref bias, {Lanes});");
                writer.Line($"output = ref Unsafe.Add(ref output, {kernel.OutVectorStep});");
            }
        });
        writer.Close();
    }

    private void EmitColumns(LanewiseKernel kernel, ColumnRun run)
    {
        RowWindow window = kernel.Window;
        int kernelWidth = window.Kernel.Width, rowTaps = kernelWidth * kernel.InPerGroup;
        writer.Open();
        if (run.Count > 1)
        {
            writer.Line("ref float column = ref source;");
            writer.Line($"ref float destination = ref {KernelText.At("output", run.FirstColumn * kernel.OutPixelStep)};");
        }

        string pixels = run.Count > 1 ? "column" : "source", destination = run.Count > 1 ? "destination" : "output";
        int outOffset = run.Count > 1 ? 0 : run.FirstColumn * kernel.OutPixelStep;
        writer.Loop("tile", run.Count, () =>
        {
            for (int t = 0; t < run.Columns; t++)
                writer.Line($"{vector.Type} sum{t} = start;");
            writer.Open("for (int ky = from; ky < to; ky++)");
            EmitRow(kernel.Source, window, pixels);
            writer.Line($"ref float w = ref Unsafe.Add(ref weights, ky * {rowTaps * Lanes});");
            writer.Loop("c", kernel.InPerGroup, () =>
            {
                for (int kx = 0; kx < kernelWidth; kx++)
                    writer.Line($"{vector.Type} w{kx} = {vector.Load("w", kx * kernel.InPerGroup * Lanes)};");
                foreach ((int x, List<(int Column, int Tap)> uses) in InputColumns(window, run, kernel.Source))
                {
                    int offset = (x + kernel.Source.Left) * kernel.Source.PixelStep;
                    string input = vector.Load("lane", offset);
                    if (uses.Count > 1)
                    {
                        writer.Line($"{vector.Type} x{Identifier(x)} = {input};");
                        input = "x" + Identifier(x);
                    }

                    foreach ((int column, int tap) in uses)
                        writer.Line($"sum{column} = {vector.Fma(input, FormattableString.Invariant($"w{tap}"), FormattableString.Invariant($"sum{column}"))};");
                }

                if (kernel.InPerGroup > 1)
                {
                    writer.Line($"lane = ref Unsafe.Add(ref lane, {kernel.LaneStep});");
                    writer.Line($"w = ref Unsafe.Add(ref w, {Lanes});");
                }
            });
            writer.Close();
            if (kernel.PixelPairs)
                StorePairs(kernel, run, destination, outOffset);
            for (int t = 0; t < run.Columns && !kernel.PixelPairs; t++)
                writer.Line(vector.Store(vector.Activate(kernel.Activation, FormattableString.Invariant($"sum{t}")), destination, outOffset + (t * kernel.OutPixelStep)));
            if (run.Count > 1)
            {
                writer.Line($"column = ref Unsafe.Add(ref column, {run.Columns * window.Stride * kernel.Source.PixelStep});");
                writer.Line($"destination = ref Unsafe.Add(ref destination, {run.Columns * kernel.OutPixelStep});");
            }
        });
        writer.Close();
    }

    /// <summary>Two neighbouring pixels' lanes one after the other: a0 b0 a1 b1 ...</summary>
    private void StorePairs(LanewiseKernel kernel, ColumnRun run, string destination, int outOffset)
    {
        for (int t = 0; t < run.Columns; t += 2)
        {
            writer.Line($"sum{t} = {vector.Activate(kernel.Activation, FormattableString.Invariant($"sum{t}"))};");
            writer.Line($"sum{t + 1} = {vector.Activate(kernel.Activation, FormattableString.Invariant($"sum{t + 1}"))};");
            writer.Line(vector.Store(FormattableString.Invariant($"Avx512F.PermuteVar16x32x2(sum{t}, firstHalves, sum{t + 1})"), destination, outOffset + (t * kernel.OutPixelStep)));
            writer.Line(vector.Store(FormattableString.Invariant($"Avx512F.PermuteVar16x32x2(sum{t}, secondHalves, sum{t + 1})"), destination, outOffset + (t * kernel.OutPixelStep) + Lanes));
        }
    }

    public void Emit(string name, PoolKernel kernel)
    {
        RowWindow window = kernel.Window;
        writer.Line();
        writer.Line($"/// <summary>One row of {window.OutWidth} pixels of {(kernel.IsMaximum ? "maximum" : "mean")} pooling: {kernel.Channels} channels, windows of {window.Kernel}{Stride(window)}.</summary>");
        writer.Line("/// <param name=\"source\">Input rows.</param>");
        writer.Line("/// <param name=\"row\">The window's first row; it may lie above the map.</param>");
        writer.Line("/// <param name=\"from\">First window row inside the map.</param>");
        writer.Line("/// <param name=\"to\">First window row below the map.</param>");
        if (!kernel.IsMaximum)
            writer.Line("/// <param name=\"rows\">Window rows that count in the mean.</param>");
        writer.Line(KernelText.MethodAttribute);
        writer.Open($"private static void {name}(ref float source, int row, int from, int to{(kernel.IsMaximum ? string.Empty : ", int rows")}, ref float output)");
        writer.Line($"{vector.Type} start = {(kernel.IsMaximum ? vector.Create("float.NegativeInfinity") : vector.Zero)};");
        writer.Loop("v", kernel.Vectors, () =>
        {
            foreach (ColumnRun run in kernel.Columns)
                EmitColumns(kernel, run);
            if (kernel.Vectors > 1)
            {
                writer.Line($"source = ref Unsafe.Add(ref source, {Lanes});");
                writer.Line($"output = ref Unsafe.Add(ref output, {Lanes});");
            }
        });
        writer.Close();
    }

    private void EmitColumns(PoolKernel kernel, ColumnRun run)
    {
        RowWindow window = kernel.Window;
        writer.Open();
        string pixels = run.Count > 1 ? "column" : "source", destination = run.Count > 1 ? "destination" : "output";
        int outOffset = run.Count > 1 ? 0 : run.FirstColumn * kernel.OutPixelStep;
        if (run.Count > 1)
        {
            writer.Line("ref float column = ref source;");
            writer.Line($"ref float destination = ref {KernelText.At("output", run.FirstColumn * kernel.OutPixelStep)};");
        }

        writer.Loop("tile", run.Count, () =>
        {
            for (int t = 0; t < run.Columns; t++)
                writer.Line($"{vector.Type} sum{t} = start;");
            writer.Open("for (int ky = from; ky < to; ky++)");
            EmitRow(kernel.Source, window, pixels);
            foreach ((int x, List<(int Column, int Tap)> uses) in InputColumns(window, run, kernel.Source))
            {
                writer.Line($"{vector.Type} x{Identifier(x)} = {vector.Load("lane", x * kernel.Source.PixelStep)};");
                foreach ((int column, _) in uses)
                {
                    string sum = FormattableString.Invariant($"sum{column}"), input = "x" + Identifier(x);
                    writer.Line($"{sum} = {(kernel.IsMaximum ? vector.Maximum(sum, input) : vector.Add(sum, input))};");
                }
            }

            writer.Close();
            for (int t = 0; t < run.Columns; t++)
            {
                string value = FormattableString.Invariant($"sum{t}");
                if (!kernel.IsMaximum)
                    value = vector.Divide(value, vector.Create(FormattableString.Invariant($"(float)(rows * {CountedColumns(kernel, run.FirstColumn + t)})")));
                if (value.Contains('/'))
                    value = $"({value})";
                writer.Line(vector.Store(value, destination, outOffset + (t * kernel.OutPixelStep)));
            }

            if (run.Count > 1)
            {
                writer.Line($"column = ref Unsafe.Add(ref column, {run.Columns * window.Stride * kernel.Source.PixelStep});");
                writer.Line($"destination = ref Unsafe.Add(ref destination, {run.Columns * kernel.OutPixelStep});");
            }
        });
        writer.Close();
    }

    /// <summary>Window columns that count in the mean: with padding up to the padded width, else those inside the map.</summary>
    private static int CountedColumns(PoolKernel kernel, int column)
    {
        RowWindow window = kernel.Window;
        int first = (column * window.Stride) - window.PadLeft, end = first + window.Kernel.Width;
        return kernel.CountIncludePad
            ? Math.Min(end, window.InWidth + kernel.PadRight) - first
            : Math.Min(end, window.InWidth) - Math.Max(first, 0);
    }

    public void Emit(string name, ConvolutionKernel kernel)
    {
        RowWindow window = kernel.Window;
        bool residual = kernel.Initial == Initial.BiasAndResidual;
        string groups = kernel.Groups == 1 ? string.Empty : FormattableString.Invariant($", {kernel.Groups} groups");
        string tiles = string.Join(", ", kernel.Panels.SelectMany(p => p.Tiles.Select(t => FormattableString.Invariant($"{t.Pixels} x {p.Vectors * Lanes}"))).Distinct());
        writer.Line();
        writer.Line($"/// <summary>One row of {window.OutWidth} pixels of a convolution: {kernel.Groups * kernel.InPerGroup} -> {kernel.Groups * kernel.OutPerGroup} channels{groups}, kernel {window.Kernel}{Stride(window)}{Name(kernel.Activation)}; register tiles of pixels x channels: {tiles}.</summary>");
        writer.Line("/// <param name=\"source\">Input rows.</param>");
        writer.Line(kernel.Source.RingRows > 0 ? "/// <param name=\"row\">Place in the ring of the window's first row.</param>" : "/// <param name=\"row\">The window's first row.</param>");
        writer.Line("/// <param name=\"from\">First kernel row inside the map.</param>");
        writer.Line("/// <param name=\"to\">First kernel row below the map.</param>");
        writer.Line(KernelText.MethodAttribute);
        writer.Open($"private static void {name}(ref float source, int row, int from, int to, ref float weights, ref float bias, ref float output{(residual ? ", ref float residual" : string.Empty)}{(kernel.AheadStep > 0 ? ", ref float ahead" : string.Empty)}{KernelText.Share(kernel.Share).Parameter})");
        foreach (string constant in vector.ActivationConstants(kernel.Activation))
            writer.Line(constant);
        int groupLength = kernel.Panels.Sum(p => p.Count * p.Vectors * Lanes) * kernel.Taps;
        writer.Loop("g", kernel.Groups, () =>
        {
            EmitPanels(kernel);
            if (kernel.Groups > 1)
            {
                writer.Line($"source = ref Unsafe.Add(ref source, {kernel.InPerGroup * kernel.Source.ChannelStep});");
                writer.Line($"weights = ref Unsafe.Add(ref weights, {groupLength});");
                writer.Line($"bias = ref Unsafe.Add(ref bias, {kernel.OutPerGroup});");
                writer.Line($"output = ref Unsafe.Add(ref output, {kernel.OutPerGroup});");
                if (residual)
                    writer.Line($"residual = ref Unsafe.Add(ref residual, {kernel.OutPerGroup});");
            }
        });
        writer.Close();
    }

    private void EmitPanels(ConvolutionKernel kernel) => KernelText.Panels(
        writer, vector, kernel.Panels, kernel.Share, "source", kernel.Taps, kernel.Window.Stride * kernel.Source.PixelStep, kernel.OutPixelStep, Lanes,
        kernel.Initial == Initial.BiasAndResidual ? kernel.ResidualPixelStep : 0, 0, (run, pixels) =>
        {
            KernelText.Accumulators(writer, vector, kernel.Initial, pixels, run.Vectors, kernel.OutPixelStep, Lanes, kernel.ResidualPixelStep);
            EmitTaps(kernel, pixels, run.Vectors);
            KernelText.Stores(writer, vector, kernel.Activation, pixels, run.Vectors, kernel.OutPixelStep, Lanes);
        });

    private void EmitTaps(ConvolutionKernel kernel, int pixels, int vectors)
    {
        RowWindow window = kernel.Window;
        int width = vectors * Lanes, kernelWidth = window.Kernel.Width, rowTaps = kernelWidth * kernel.InPerGroup;

        // Where a pixel's channels and the next pixel's are neighbours in memory, a kernel row is one run.
        int channelStep = kernel.Source.ChannelStep;
        bool oneRun = kernelWidth == 1 || (window.Dilation.Width == 1 && channelStep == 1 && kernel.Source.PixelStep == kernel.InPerGroup);
        writer.Open("for (int ky = from; ky < to; ky++)");
        EmitRow(kernel.Source, window, "pixels");
        writer.Line($"ref float w = ref Unsafe.Add(ref panel, ky * {rowTaps * width});");
        if (!oneRun)
            writer.Open($"for (int kx = 0; kx < {kernelWidth}; kx++)");
        writer.Line("ref float a = ref lane;");
        writer.Open($"for (int k = 0; k < {(oneRun ? rowTaps : kernel.InPerGroup)}; k++)");
        KernelText.Fetch(writer, "ahead", kernel.AheadStep);
        KernelText.MultiplyAdd(writer, vector, pixels, vectors, window.Stride * kernel.Source.PixelStep);
        writer.Line($"a = ref Unsafe.Add(ref a, {channelStep});");
        writer.Line($"w = ref Unsafe.Add(ref w, {width});");
        writer.Close();
        if (!oneRun)
        {
            writer.Line($"lane = ref Unsafe.Add(ref lane, {window.Dilation.Width * kernel.Source.PixelStep});");
            writer.Close();
        }

        writer.Close();
    }

    /// <summary>Declares <c>lane</c>, the input row under kernel row <c>ky</c>.</summary>
    private void EmitRow(RowSource source, RowWindow window, string pixels)
    {
        string step = window.Dilation.Height == 1 ? "ky" : FormattableString.Invariant($"(ky * {window.Dilation.Height})");
        if (source.RingRows == 0)
        {
            writer.Line($"ref float lane = ref Unsafe.Add(ref {pixels}, (row + {step}) * {source.RowStep});");
            return;
        }

        writer.Line($"int slot = row + {step};");
        writer.Line($"slot = slot >= {source.RingRows} ? slot - {source.RingRows} : slot;");
        writer.Line($"ref float lane = ref Unsafe.Add(ref {pixels}, slot * {source.RowStep});");
    }

    /// <summary>Input columns that a tile reads, from left to right, each with the output columns and taps that use it; for a run of tiles those of the first.</summary>
    private static IEnumerable<(int X, List<(int Column, int Tap)> Uses)> InputColumns(RowWindow window, ColumnRun run, RowSource source)
    {
        // The `column` reference of a run of tiles moves on from the row's first column, so offsets of its first tile are used throughout.
        SortedDictionary<int, List<(int, int)>> columns = [];
        for (int t = 0; t < run.Columns; t++)
        {
            for (int kx = 0; kx < window.Kernel.Width; kx++)
            {
                int x = ((run.FirstColumn + t) * window.Stride) - window.PadLeft + (kx * window.Dilation.Width);
                if (x < -source.Left || x >= window.InWidth + source.Right)
                    continue;
                if (!columns.TryGetValue(x, out List<(int, int)>? uses))
                    columns.Add(x, uses = []);
                uses.Add((t, kx));
            }
        }

        return columns.Select(c => (c.Key, c.Value));
    }

    private static string Identifier(int x) => x < 0 ? FormattableString.Invariant($"m{-x}") : FormattableString.Invariant($"{x}");

    private static string Stride(RowWindow window) => window.Stride == 1 ? string.Empty : FormattableString.Invariant($", stride {window.Stride}");

    private static string Name(ActivationFunction activation) => activation.IsNone ? string.Empty : $", {activation.Kind}";
}
