using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints the kernels that make one output row from a window of input rows: depthwise, convolution, pooling.</summary>
internal sealed class WindowEmitter(SourceWriter writer, VectorSyntax vector)
{
    private int Lanes => vector.Target.Lanes;

    /// <summary>A kernel of several runs of tiles: a call for each. One of a single run is called itself.</summary>
    public void Emit(string name, ChannelPerLaneKernel kernel, KernelNames names)
    {
        if (kernel.Columns.Count == 1)
            return;
        RowWindow window = kernel.Window;
        writer.Line();
        writer.Line(
            $"/// <summary>One row of {window.OutWidth} pixels of a convolution with a channel in every lane: {kernel.Channels} channels, kernel {window.Kernel}{Stride(window)}" +
            $"{EpilogueEmitter.Describe(kernel.Epilogue)}.</summary>");
        EmitRowParameters(kernel.Source);
        writer.Line(KernelText.MethodAttribute);
        using (writer.Block($"private static void {name}(ref float source, int row, int from, int to, ref float weights, ref float bias, ref float output)"))
        {
            foreach (ColumnRun run in kernel.Columns)
            {
                DepthwiseTile tile = new(kernel, run);
                writer.Line($"{DepthwiseForm.Of(tile, vector.Target).Name}<{names.Of(tile)}>(ref source, row, from, to, ref weights, ref bias, ref output);");
            }
        }
    }

    private void EmitRowParameters(RowSource source, string row = "The window's first row; it may lie above the map.")
    {
        writer.Line("/// <param name=\"source\">Input rows.</param>");
        writer.Line(source.RingRows > 0 ? "/// <param name=\"row\">Place in the ring of the window's first row.</param>" : $"/// <param name=\"row\">{row}</param>");
        writer.Line("/// <param name=\"from\">First kernel row inside the map.</param>");
        writer.Line("/// <param name=\"to\">First kernel row below the map.</param>");
    }

    /// <summary>The sizes of <paramref name="tile"/>.</summary>
    public void EmitShape(string name, DepthwiseTile tile)
    {
        ChannelPerLaneKernel kernel = tile.Kernel;
        RowSource source = kernel.Source;
        RowWindow window = kernel.Window;
        int taps = window.Kernel.Height * window.Kernel.Width * kernel.InPerGroup;
        writer.Line();
        writer.Line(
            $"/// <summary>Columns {tile.Run.FirstColumn} to {tile.Run.FirstColumn + (tile.Run.Count * tile.Run.Columns) - 1} of {window.OutWidth} " +
            $"of a convolution with a channel in every lane: {kernel.Channels} channels, kernel {window.Kernel}{Stride(window)}" +
            $"{EpilogueEmitter.Describe(kernel.Epilogue)}: {KernelText.MultiplyAdds((long)tile.Run.Count * tile.Run.Columns * taps * kernel.Channels)}.</summary>");
        ShapeEmitter.Emit(writer, name, "IDepthwiseShape", [.. EpilogueEmitter.Traits(kernel.Epilogue), source.RingRows > 0 ? "IRing" : null],
        [
            ("Vectors", kernel.Vectors, null),
            ("VectorStep", kernel.VectorStep, null),
            ("RingRows", source.RingRows, 0),
            ("RowStep", source.RowStep, null),
            ("PixelStep", source.PixelStep, null),
            ("LaneStep", kernel.InPerGroup > 1 ? kernel.LaneStep : 1, 1),
            ("FirstInput", tile.FirstInput, 0),
            ("FirstOutput", tile.Run.FirstColumn * kernel.OutPixelStep, 0),
            ("OutputStep", kernel.OutPixelStep, null),
            ("OutputVectorStep", kernel.OutVectorStep, null),
            .. EpilogueEmitter.ChannelSizes(kernel.Epilogue),
            ("Tiles", tile.Run.Count, 1),
            ("Left", tile.Left, 0),
            ("End", tile.End == tile.Columns ? int.MaxValue : tile.End, int.MaxValue),
        ]);
    }

    /// <summary>The kernel of all <paramref name="tiles"/> of a form: a generic method over their sizes.</summary>
    public void Emit(DepthwiseForm form, IReadOnlyList<DepthwiseTile> tiles)
    {
        ChannelPerLaneKernel kernel = tiles[0].Kernel;
        RowWindow window = kernel.Window;
        int columns = tiles[0].Run.Columns, taps = window.Kernel.Height * window.Kernel.Width * kernel.InPerGroup;
        EpilogueEmitter epilogue = new(writer, vector, tiles.Select(tile => tile.Kernel.Epilogue));
        writer.Line();
        writer.Lines($"""
            /// <summary>
            /// Convolution with a channel n in every lane: output[column, n] = {epilogue.Formula($"sum over ky and kx of {Product(kernel)}", "column")}.<br/>
            /// Tiles of {columns} columns of an output row, kernel {window.Kernel}{Stride(window)}; {KernelText.RegisterUse(columns, window.Kernel.Width, 1)}.
            /// </summary>
            """);
        EmitRowParameters(kernel.Source);
        writer.Line(KernelText.MethodAttribute);
        using SourceWriter.Scope method = writer.Block(
            $"private static void {form.Name}<TShape>(ref float source, int row, int from, int to, ref float weights, ref float bias, ref float output) " +
            "where TShape : struct, IDepthwiseShape");
        writer.Line($"int pixelStep = TShape.PixelStep, outputStep = TShape.OutputStep{(tiles.Any(tile => tile.Left > 0) ? ", left = TShape.Left" : string.Empty)};");
        epilogue.StoreConstants();
        writer.Line("source = ref Unsafe.Add(ref source, TShape.FirstInput);");
        writer.Line("output = ref Unsafe.Add(ref output, TShape.FirstOutput);");
        using SourceWriter.Scope vectors = writer.Block("for (int v = 0; v < TShape.Vectors; v++)");
        OfChannel channel = new("bias", 0);
        epilogue.Bias("start", channel);
        writer.Line("ref float column = ref source;");
        writer.Line("ref float destination = ref output;");
        using (writer.Block("for (int tile = 0; tile < TShape.Tiles; tile++)"))
        {
            Size step = Size.Of("outputStep");
            SumTile sums = new([.. Enumerable.Range(0, columns).Select(t => new Accumulator(Text($"sum{t}"), channel, "start", new VectorPlace("destination", t * step)))], 1, []);
            epilogue.Start(sums, hasBias: true);
            EmitTaps(tiles, sums);
            epilogue.Finish(sums);
            writer.Line($"column = ref Unsafe.Add(ref column, {columns * window.Stride} * pixelStep);");
            writer.Line($"destination = ref Unsafe.Add(ref destination, {columns} * outputStep);");
        }

        writer.Line("source = ref Unsafe.Add(ref source, TShape.VectorStep);");
        writer.Line($"weights = ref Unsafe.Add(ref weights, {taps * Lanes});");
        writer.Line($"bias = ref Unsafe.Add(ref bias, {Lanes});");
        writer.Line("output = ref Unsafe.Add(ref output, TShape.OutputVectorStep);");
    }

    /// <summary>What is summed up, in a comment.</summary>
    private static string Product(ChannelPerLaneKernel kernel)
    {
        RowWindow window = kernel.Window;
        string place = $"row + {Times("ky", window.Dilation.Height)}, {Times("column", window.Stride)} + {Times("kx", window.Dilation.Width)}";
        return kernel.InPerGroup == 1 ? $"input[{place}, n] * weights[ky, kx, n]"
            : Text($"input[{place}, c] * weights[ky, kx, c, n], with the {kernel.InPerGroup} channels c of n's group");
    }

    /// <summary>The sums of a tile, kernel row after kernel row.</summary>
    private void EmitTaps(IReadOnlyList<DepthwiseTile> tiles, SumTile sums)
    {
        ChannelPerLaneKernel kernel = tiles[0].Kernel;
        RowWindow window = kernel.Window;
        int kernelWidth = window.Kernel.Width;
        using SourceWriter.Scope rows = writer.Block("for (int ky = from; ky < to; ky++)");
        writer.Line($"int slot = row + {Row(window)};");
        EmitRing(tiles);
        writer.Line("ref float lane = ref Unsafe.Add(ref column, slot * TShape.RowStep);");
        writer.Line($"ref float w = ref Unsafe.Add(ref weights, ky * {kernelWidth * kernel.InPerGroup * Lanes});");
        using SourceWriter.Scope inputs = writer.Loop("c", kernel.InPerGroup);
        KernelText.Declare(
            writer, vector, kernelWidth, [.. Enumerable.Range(0, kernelWidth).Select(kx => Text($"w{kx} = {vector.Load("w", kx * kernel.InPerGroup * Lanes)}"))]);
        EmitInputs(tiles, [.. sums.Sums.Select(sum => sum.Name)]);
        if (kernel.InPerGroup == 1)
            return;
        writer.Line("lane = ref Unsafe.Add(ref lane, TShape.LaneStep);");
        writer.Line($"w = ref Unsafe.Add(ref w, {Lanes});");
    }

    /// <summary>Wraps <c>slot</c> around where the rows lie in a ring.</summary>
    private void EmitRing(IReadOnlyList<DepthwiseTile> tiles)
    {
        int rings = tiles.Count(tile => tile.Kernel.Source.RingRows > 0);
        if (rings == 0)
            return;
        bool mixed = rings < tiles.Count;
        writer.Line("if (default(TShape) is IRing)", mixed);
        writer.Line($"{(mixed ? "    " : string.Empty)}slot = slot >= TShape.RingRows ? slot - TShape.RingRows : slot;");
    }

    /// <summary>The input columns under a tile from left to right, each times the taps of the output columns that it meets.</summary>
    private void EmitInputs(IReadOnlyList<DepthwiseTile> tiles, string[] sums)
    {
        RowWindow window = tiles[0].Kernel.Window;
        int left = tiles.Max(tile => tile.Left), end = tiles.Min(tile => tile.End), columns = tiles[0].Columns;
        Size pixelStep = Size.Of("pixelStep");
        for (int x = 0; x < columns; x++)
        {
            List<(int Column, int Tap)> uses = [];
            for (int t = 0; t < sums.Length; t++)
            {
                int distance = x - (t * window.Stride);
                if (distance >= 0 && distance % window.Dilation.Width == 0 && distance / window.Dilation.Width < window.Kernel.Width)
                    uses.Add((t, distance / window.Dilation.Width));
            }

            if (uses.Count == 0)
                continue;
            List<string> conditions = [];
            if (x < left)
                conditions.Add(Text($"TShape.Left <= {x}"));
            if (x >= end)
                conditions.Add(Text($"TShape.End > {x}"));
            using (writer.BlockIf(conditions.Count > 0, $"if ({string.Join(" && ", conditions)})"))
            {
                Size offset = (left == 0 ? (Size)x : Size.Of(Text($"({x} - left)"))) * pixelStep;
                string input = vector.Load("lane", offset);
                if (uses.Count > 1)
                {
                    writer.Line($"{vector.Type} x{x} = {input};");
                    input = Text($"x{x}");
                }

                foreach ((int column, int tap) in uses)
                    writer.Line($"{sums[column]} = {vector.Fma(input, Text($"w{tap}"), sums[column])};");
            }
        }
    }

    public void Emit(string name, PoolKernel kernel)
    {
        RowWindow window = kernel.Window;
        string kind = kernel.IsMaximum ? "maximum" : "mean";
        writer.Line();
        writer.Lines($"""
            /// <summary>One row of {window.OutWidth} pixels of {kind} pooling: {kernel.Channels} channels, windows of {window.Kernel}{Stride(window)}.</summary>
            /// <param name="source">Input rows.</param>
            /// <param name="row">The window's first row; it may lie above the map.</param>
            /// <param name="from">First window row inside the map.</param>
            /// <param name="to">First window row below the map.</param>
            """);
        writer.Line("/// <param name=\"rows\">Window rows that count in the mean.</param>", !kernel.IsMaximum);
        writer.Line(KernelText.MethodAttribute);
        using SourceWriter.Scope method = writer.Block(
            $"private static void {name}(ref float source, int row, int from, int to{(kernel.IsMaximum ? string.Empty : ", int rows")}, ref float output)");
        writer.Line($"{vector.Type} start = {(kernel.IsMaximum ? vector.Create("float.NegativeInfinity") : vector.Zero)};");
        using SourceWriter.Scope vectors = writer.Loop("v", kernel.Vectors);
        foreach (ColumnRun run in kernel.Columns)
            EmitColumns(kernel, run);
        writer.LineIf(kernel.Vectors > 1, $"source = ref Unsafe.Add(ref source, {Lanes});");
        writer.LineIf(kernel.Vectors > 1, $"output = ref Unsafe.Add(ref output, {Lanes});");
    }

    private void EmitColumns(PoolKernel kernel, ColumnRun run)
    {
        RowWindow window = kernel.Window;
        bool several = run.Count > 1;
        string pixels = several ? "column" : "source", destination = several ? "destination" : "output";
        int outOffset = several ? 0 : run.FirstColumn * kernel.OutPixelStep;
        if (several)
        {
            writer.Line($"{writer.Local("ref float", "column")} = ref source;");
            writer.Line($"{writer.Local("ref float", "destination")} = ref {KernelText.At("output", run.FirstColumn * kernel.OutPixelStep)};");
        }

        using SourceWriter.Scope loop = writer.Loop("tile", run.Count, always: kernel.Columns.Count > 1);
        for (int t = 0; t < run.Columns; t++)
            writer.Line($"{vector.Type} sum{t} = start;");
        using (writer.Block("for (int ky = from; ky < to; ky++)"))
        {
            EmitRow(kernel.Source, window, pixels);
            foreach ((int x, List<(int Column, int Tap)> uses) in InputColumns(window, run, kernel.Source))
            {
                string input = "x" + Identifier(x);
                writer.Line($"{vector.Type} {input} = {vector.Load("lane", x * kernel.Source.PixelStep)};");
                foreach (string sum in uses.Select(use => Text($"sum{use.Column}")))
                    writer.Line($"{sum} = {(kernel.IsMaximum ? vector.Maximum(sum, input) : vector.Add(sum, input))};");
            }
        }

        for (int t = 0; t < run.Columns; t++)
        {
            string value = Text($"sum{t}");
            if (!kernel.IsMaximum)
                value = vector.Divide(value, vector.Create(Text($"(float)(rows * {kernel.CountedColumns(run.FirstColumn + t)})")));
            writer.Line(vector.Store(value.Contains('/') ? $"({value})" : value, destination, outOffset + (t * kernel.OutPixelStep)));
        }

        writer.LineIf(several, $"column = ref Unsafe.Add(ref column, {run.Columns * window.Stride * kernel.Source.PixelStep});");
        writer.LineIf(several, $"destination = ref Unsafe.Add(ref destination, {run.Columns * kernel.OutPixelStep});");
    }

    public void Emit(string name, ConvolutionKernel kernel)
    {
        RowWindow window = kernel.Window;
        EpilogueEmitter epilogue = new(writer, vector, kernel.Epilogue);
        bool planes = kernel.Lanes == LaneAxis.Pixels;
        string groups = kernel.Groups == 1 ? string.Empty : Text($", {kernel.Groups} groups");
        writer.Line();
        writer.Line(
            $"/// <summary>One row of {window.OutWidth} pixels of a convolution{(planes ? " of planes" : string.Empty)}: " +
            $"{kernel.Groups * kernel.InPerGroup} -> {kernel.Groups * kernel.OutPerGroup} channels{groups}, " +
            $"kernel {window.Kernel}{Stride(window)}{EpilogueEmitter.Describe(kernel.Epilogue)}: " +
            $"{KernelText.MultiplyAdds((long)window.OutWidth * kernel.Groups * kernel.OutPerGroup * kernel.Taps)}; " +
            $"register {KernelText.Describe(kernel, Lanes)}.</summary>");
        EmitRowParameters(kernel.Source, "The window's first row.");
        writer.Line(KernelText.MethodAttribute);
        string next = kernel.PrefetchOf(Prefetched.Given) is null ? string.Empty : ", ref float next", share = KernelText.Share(kernel.Share).Parameter;
        using SourceWriter.Scope method = writer.Block(
            $"private static void {name}(ref float source, int row, int from, int to, ref float weights, ref float bias, ref float output" +
            $"{epilogue.ResidualParameter}{next}{share})");
        using SourceWriter.Scope groupLoop = writer.Loop("g", kernel.Groups);
        EmitPanels(kernel, epilogue);
        if (kernel.Groups == 1)
            return;
        int packed = planes ? kernel.OutPerGroup : kernel.Panels.Sum(p => p.Count * p.Vectors * Lanes), outChannelStep = planes ? kernel.OutRowStep : 1;
        writer.Line($"source = ref Unsafe.Add(ref source, {kernel.InPerGroup * kernel.Source.ChannelStep});");
        writer.Line($"weights = ref Unsafe.Add(ref weights, {packed * kernel.Taps});");
        writer.Line($"bias = ref Unsafe.Add(ref bias, {kernel.OutPerGroup});");
        writer.Line($"output = ref Unsafe.Add(ref output, {kernel.OutPerGroup * outChannelStep});");
        writer.LineIf(epilogue.AddsResidual, $"residual = ref Unsafe.Add(ref residual, {kernel.OutPerGroup});");
    }

    private void EmitPanels(ConvolutionKernel kernel, EpilogueEmitter epilogue)
    {
        bool planes = kernel.Lanes == LaneAxis.Pixels;
        ProductOperands operands = planes ? ProductOperands.Planes("source") : ProductOperands.Channels("source");
        ProductSteps steps = new(
            planes ? kernel.Taps : kernel.Window.Stride * kernel.Source.PixelStep, kernel.OutRowStep, Lanes, kernel.Epilogue.ResidualPixelStep,
            epilogue.AddsResidual ? "residual" : null);
        new PanelLoops(writer, Lanes, kernel.Share, operands, kernel.Taps, steps, (run, rows) =>
        {
            epilogue.Start(KernelText.Tile(vector, operands, rows, run.Vectors, steps, "output"));
            if (planes)
                EmitPlanarTaps(kernel, rows, run.Vectors);
            else
                EmitTaps(kernel, rows, run.Vectors);
            epilogue.Finish(KernelText.Tile(vector, operands, rows, run.Vectors, steps, "c"));
        }).Emit(PanelSizes.Of(kernel));
    }

    private void EmitTaps(ConvolutionKernel kernel, int pixels, int vectors)
    {
        RowWindow window = kernel.Window;
        int width = vectors * Lanes, kernelWidth = window.Kernel.Width, rowTaps = kernelWidth * kernel.InPerGroup;
        using SourceWriter.Scope rows = writer.Block("for (int ky = from; ky < to; ky++)");
        EmitRow(kernel.Source, window, "pixels");
        writer.Line($"ref float w = ref Unsafe.Add(ref panel, ky * {rowTaps * width});");
        using (writer.BlockIf(!kernel.HasRuns, $"for (int kx = 0; kx < {kernelWidth}; kx++)"))
        {
            writer.Line("ref float a = ref lane;");
            new MatrixTile(writer, vector, pixels, vectors)
            {
                RowStep = window.Stride * kernel.Source.PixelStep,
                ValueStep = kernel.Source.ChannelStep,
                Before = kernel.PrefetchOf(Prefetched.Given) is { } prefetch ? steps => KernelText.Prefetch(writer, vector, "next", steps * prefetch.Step) : null,
            }.Sum("k", kernel.HasRuns ? rowTaps : kernel.InPerGroup);
            writer.LineIf(!kernel.HasRuns, $"lane = ref Unsafe.Add(ref lane, {window.Dilation.Width * kernel.Source.PixelStep});");
        }
    }

    /// <summary>The sum of a tile of channels over the windows of one panel of pixels: a tap's columns are neighbours in a padded row.</summary>
    private void EmitPlanarTaps(ConvolutionKernel kernel, int rows, int vectors)
    {
        RowWindow window = kernel.Window;
        using SourceWriter.Scope kernelRows = writer.Block("for (int ky = from; ky < to; ky++)");
        EmitSlot(window, kernel.Source.RingRows);
        writer.Line($"ref float a = ref Unsafe.Add(ref tile, ky * {rows * window.Kernel.Width * kernel.InPerGroup});");
        for (int kx = 0; kx < window.Kernel.Width; kx++)
        {
            Size at = (Size.Of("slot") * kernel.Source.RowStep) + kernel.Row.At(kx * window.Dilation.Width);
            writer.Line($"{writer.Local("ref float", "w")} = ref {KernelText.At("panel", at)};");
            new MatrixTile(writer, vector, rows, vectors) { ValueStep = rows, VectorStep = kernel.Source.ChannelStep }.Sum("k", kernel.InPerGroup);
        }
    }

    /// <summary>Declares <c>slot</c>, the place in a ring of the row under kernel row <c>ky</c>.</summary>
    private void EmitSlot(RowWindow window, int ringRows)
    {
        writer.Line($"int slot = row + {Row(window)};");
        writer.Line($"slot = slot >= {ringRows} ? slot - {ringRows} : slot;");
    }

    /// <summary>Declares <c>lane</c>, the input row under kernel row <c>ky</c>.</summary>
    private void EmitRow(RowSource source, RowWindow window, string pixels)
    {
        if (source.RingRows == 0)
        {
            writer.Line($"ref float lane = ref Unsafe.Add(ref {pixels}, (row + {Row(window)}) * {source.RowStep});");
            return;
        }

        EmitSlot(window, source.RingRows);
        writer.Line($"ref float lane = ref Unsafe.Add(ref {pixels}, slot * {source.RowStep});");
    }

    /// <summary>From the window's first row to kernel row <c>ky</c>.</summary>
    private static string Row(RowWindow window) => window.Dilation.Height == 1 ? "ky" : Text($"(ky * {window.Dilation.Height})");

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

    private static string Identifier(int x) => x < 0 ? Text($"m{-x}") : Text($"{x}");

    private static string Times(string index, int factor) => factor == 1 ? index : Text($"{factor} * {index}");

    private static string Stride(RowWindow window) => window.Stride == 1 ? string.Empty : Text($", stride {window.Stride}");
}
