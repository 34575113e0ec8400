using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints the kernels with a pixel in every lane, which read and write planes.</summary>
internal sealed class PlanarEmitter(SourceWriter writer, VectorSyntax vector)
{
    private int Lanes => vector.Target.Lanes;

    public void Emit(string name, PlanarPointwiseKernel kernel)
    {
        EpilogueEmitter epilogue = new(writer, vector, kernel.Epilogue);
        writer.Line();
        writer.Line(
            $"/// <summary>1x1 convolution of {KernelText.Pixels(kernel.Pixels)} in planes, {kernel.InChannels} -> {kernel.OutChannels} channels" +
            $"{EpilogueEmitter.Describe(kernel.Epilogue)}: {KernelText.MultiplyAdds((long)kernel.Pixels * kernel.InChannels * kernel.OutChannels)}; " +
            $"{TileText(kernel.Tiles, kernel.Runs)}.</summary>");
        writer.Line(KernelText.MethodAttribute);
        string share = KernelText.Share(kernel.Share).Parameter;
        using SourceWriter.Scope method = writer.Block(
            $"private static void {name}(ref float input, ref float weights, ref float bias, ref float output{epilogue.ResidualParameter}{share})");
        epilogue.Constants();
        bool shared = kernel.Share != WorkShare.None, several = kernel.Runs.Count > 1;
        int total = kernel.Runs.Sum(r => r.Count), before = 0;
        writer.LineIf(shared, $"int {(several ? "firstPanel" : "from")} = part.First({total}), {(several ? "endPanel" : "to")} = part.End({total});");
        foreach (PixelRun run in kernel.Runs)
        {
            writer.LineIf(shared && several, $"{writer.Local("int", "from")} = {(before == 0 ? "firstPanel" : Text($"Math.Max(0, firstPanel - {before})"))};");
            writer.LineIf(shared && several, $"{writer.Local("int", "to")} = Math.Min({run.Count}, {(before == 0 ? "endPanel" : Text($"endPanel - {before}"))});");
            Begin(run, "input", epilogue.AddsResidual, shared ? Text($"{run.First} + (from * {run.Vectors * Lanes})") : Text($"{run.First}"));
            using (shared ? writer.Block("for (int panel = from; panel < to; panel++)") : writer.Loop("panel", run.Count, AreLoops(kernel.Runs)))
            {
                EmitTiles(kernel.Tiles, run.Vectors, kernel.OutPlaneStep, epilogue, kernel.InChannels, rows => EmitSum(kernel, run, rows));
                Move(run, epilogue.AddsResidual);
            }

            before += run.Count;
        }
    }

    /// <summary>The sum of a tile of channels over one panel of pixels.</summary>
    private void EmitSum(PlanarPointwiseKernel kernel, PixelRun run, int rows)
    {
        for (int i = 0; i < rows && kernel.PrefetchOf(Prefetched.Residual) is not null; i++)
            PrefetchLines("Prefetch.L1", "added", (rows + i) * kernel.OutPlaneStep, run.Vectors);
        writer.Line($"{writer.Local("ref float", "w")} = ref pixels;");
        using SourceWriter.Scope loop = writer.Block($"for (int k = 0; k < {kernel.InChannels}; k++)");
        if (kernel.PrefetchOf(Prefetched.Input) is not null && run.Count > 1)
            PrefetchLines("Prefetch.L2", "w", run.Vectors * Lanes, run.Vectors);
        KernelText.MultiplyAdd(writer, vector, rows, run.Vectors, 1);
        writer.Line($"a = ref Unsafe.Add(ref a, {rows});");
        writer.Line($"w = ref Unsafe.Add(ref w, {kernel.InPlaneStep});");
    }

    /// <summary>Whether each run is a loop even where it has one panel: what a loop declares nothing around it may declare.</summary>
    private static bool AreLoops(EquatableArray<PixelRun> runs) => runs.Any(run => run.Count > 1) && runs.Count > 1;

    /// <summary>Where the first panel of a run is read and written.</summary>
    private void Begin(PixelRun run, string input, bool adds = false, string? first = null)
    {
        first ??= Text($"{run.First}");
        writer.Line($"{writer.Local("ref float", "pixels")} = ref {KernelText.At(input, first)};");
        writer.Line($"{writer.Local("ref float", "destination")} = ref {KernelText.At("output", first)};");
        writer.LineIf(adds, $"{writer.Local("ref float", "source")} = ref {KernelText.At("residual", first)};");
    }

    /// <summary>On to the next panel of a run.</summary>
    private void Move(PixelRun run, bool adds = false)
    {
        if (run.Count == 1)
            return;
        writer.Line($"pixels = ref Unsafe.Add(ref pixels, {run.Vectors * Lanes});");
        writer.Line($"destination = ref Unsafe.Add(ref destination, {run.Vectors * Lanes});");
        writer.LineIf(adds, $"source = ref Unsafe.Add(ref source, {run.Vectors * Lanes});");
    }

    /// <summary>Asks for the cache lines under some vectors.</summary>
    private void PrefetchLines(string method, string reference, int offset, int vectors)
    {
        for (int line = 0; line < vectors * Lanes; line += KernelText.LineLength(vector.Target))
            writer.Line($"{method}(ref {KernelText.At(reference, offset + line)});");
    }

    public void Emit(string name, PlanarConvolutionKernel kernel)
    {
        EpilogueEmitter epilogue = new(writer, vector, kernel.Epilogue);
        RowWindow window = kernel.Window;
        int taps = window.Kernel.Height * window.Kernel.Width * kernel.InChannels;
        writer.Line();
        writer.Line(
            $"/// <summary>One row of {window.OutWidth} pixels of a convolution of planes, {kernel.Groups * kernel.InChannels} -> {kernel.Groups * kernel.OutChannels} channels" +
            $"{(kernel.Groups == 1 ? string.Empty : Text($", {kernel.Groups} groups"))}, kernel {window.Kernel}, stride {window.Stride}" +
            $"{EpilogueEmitter.Describe(kernel.Epilogue)}: {KernelText.MultiplyAdds((long)window.OutWidth * kernel.Groups * kernel.OutChannels * taps)}; " +
            $"{TileText(kernel.Tiles, kernel.Runs)}.</summary>");
        writer.Line("/// <param name=\"ring\">Padded input rows, all channels of a row together.</param>");
        writer.Line("/// <param name=\"row\">Place in the ring of the window's first row.</param>");
        writer.Line("/// <param name=\"from\">First kernel row inside the map.</param>");
        writer.Line("/// <param name=\"to\">First kernel row below the map.</param>");
        writer.Line(KernelText.MethodAttribute);
        using (writer.Block($"private static void {name}(ref float ring, int row, int from, int to, ref float weights, ref float bias, ref float output)"))
        {
            epilogue.Constants();
                using (writer.Loop("g", kernel.Groups))
            {
                foreach (PixelRun run in kernel.Runs)
                    EmitPanel(kernel, epilogue, run, taps);
                if (kernel.Groups > 1)
                {
                    writer.Line($"ring = ref Unsafe.Add(ref ring, {kernel.InChannels * kernel.Row.Length});");
                    writer.Line($"weights = ref Unsafe.Add(ref weights, {kernel.OutChannels * taps});");
                    writer.Line($"bias = ref Unsafe.Add(ref bias, {kernel.OutChannels});");
                    writer.Line($"output = ref Unsafe.Add(ref output, {kernel.OutChannels * kernel.OutPlaneStep});");
                }
            }
        }
    }

    private void EmitPanel(PlanarConvolutionKernel kernel, EpilogueEmitter epilogue, PixelRun run, int taps)
    {
        Begin(run, "ring");
        using SourceWriter.Scope loop = writer.Loop("panel", run.Count, AreLoops(kernel.Runs));
        EmitTiles(kernel.Tiles, run.Vectors, kernel.OutPlaneStep, epilogue, taps, rows => EmitSum(kernel, run, rows));
        Move(run);
    }

    /// <summary>The sum of a tile of channels over the windows of one panel of pixels.</summary>
    private void EmitSum(PlanarConvolutionKernel kernel, PixelRun run, int rows)
    {
        RowWindow window = kernel.Window;
        using SourceWriter.Scope kernelRows = writer.Block("for (int ky = from; ky < to; ky++)");
        writer.Line($"int slot = row + {(window.Dilation.Height == 1 ? "ky" : Text($"(ky * {window.Dilation.Height})"))};");
        writer.Line($"slot = slot >= {kernel.RingRows} ? slot - {kernel.RingRows} : slot;");
        writer.Line($"a = ref Unsafe.Add(ref tile, ky * {rows * window.Kernel.Width * kernel.InChannels});");
        for (int kx = 0; kx < window.Kernel.Width; kx++)
        {
            Size at = (Size.Of("slot") * (kernel.Groups * kernel.InChannels * kernel.Row.Length)) + kernel.Row.At(kx * window.Dilation.Width);
            writer.Line($"{writer.Local("ref float", "w")} = ref {KernelText.At("pixels", at)};");
            using SourceWriter.Scope channels = writer.Block($"for (int c = 0; c < {kernel.InChannels}; c++)");
            KernelText.MultiplyAdd(writer, vector, rows, run.Vectors, 1);
            writer.Line($"a = ref Unsafe.Add(ref a, {rows});");
            writer.Line($"w = ref Unsafe.Add(ref w, {kernel.Row.Length});");
        }
    }

    /// <summary>All tiles of output channels over one panel of pixels; <paramref name="sum"/> prints the sum, with <c>a</c> at the tile's weights.</summary>
    private void EmitTiles(EquatableArray<TileRun> tiles, int vectors, int outPlaneStep, EpilogueEmitter epilogue, int taps, Action<int> sum)
    {
        writer.Line($"{writer.Local("ref float", "tile")} = ref weights;");
        writer.Line($"{writer.Local("ref float", "tileBias")} = ref bias;");
        writer.Line($"{writer.Local("ref float", "planes")} = ref destination;");
        writer.LineIf(epilogue.AddsResidual, $"{writer.Local("ref float", "added")} = ref source;");
        foreach (TileRun run in tiles)
        {
            using SourceWriter.Scope loop = writer.Loop("t", run.Count, always: tiles.Count > 1);
            List<Accumulator> sums = [];
            for (int i = 0; i < run.Pixels; i++)
            {
                OfChannel channel = new("tileBias", i, IsBroadcast: true);
                string bias = channel.Load(vector);
                if (!epilogue.AddsResidual && vectors > 1)
                    epilogue.Bias(bias = Text($"bias{i}"), channel);
                for (int j = 0; j < vectors; j++)
                {
                    int at = (i * outPlaneStep) + (j * Lanes);
                    sums.Add(new Accumulator(Text($"sum{i}_{j}"), channel, bias, new VectorPlace("planes", at), new VectorPlace("added", at)));
                    epilogue.Start(sums[sums.Count - 1]);
                }
            }

            writer.Line($"{writer.Local("ref float", "a")} = ref tile;");
            sum(run.Pixels);
            foreach (Accumulator finished in sums)
                epilogue.Finish(finished);
            writer.Line($"tile = ref Unsafe.Add(ref tile, {run.Pixels * taps});");
            writer.Line($"tileBias = ref Unsafe.Add(ref tileBias, {run.Pixels});");
            writer.Line($"planes = ref Unsafe.Add(ref planes, {run.Pixels * outPlaneStep});");
            writer.LineIf(epilogue.AddsResidual, $"added = ref Unsafe.Add(ref added, {run.Pixels * outPlaneStep});");
        }
    }

    public void Emit(string name, PlanarDepthwiseKernel kernel)
    {
        EpilogueEmitter epilogue = new(writer, vector, kernel.Epilogue);
        OfChannel channel = new("bias", 0, IsBroadcast: true);
        RowWindow window = kernel.Window;
        int taps = window.Kernel.Height * window.Kernel.Width;
        writer.Line();
        writer.Line(
            $"/// <summary>{kernel.Rows} rows of {window.OutWidth} pixels of one channel of a depthwise convolution, kernel {window.Kernel}, stride {window.Stride}" +
            $"{EpilogueEmitter.Describe(kernel.Epilogue)}: {KernelText.MultiplyAdds((long)kernel.Rows * window.OutWidth * taps)}.</summary>");
        writer.Line("/// <param name=\"plane\">The padded rows under the first output row.</param>");
        writer.Line(KernelText.MethodAttribute);
        using (writer.Block($"private static void {name}(ref float plane, ref float weights, ref float bias, ref float output)"))
        {
            epilogue.Constants();
            epilogue.Bias("start", channel);
            for (int tap = 0; kernel.WeightsInRegisters && tap < taps; tap++)
                writer.Line($"{vector.Type} w{tap / window.Kernel.Width}_{tap % window.Kernel.Width} = {vector.Create(KernelText.At("weights", tap))};");
            foreach (PixelRun run in kernel.Runs)
            {
                Begin(run, "plane");
                using SourceWriter.Scope loop = writer.Loop("panel", run.Count, AreLoops(kernel.Runs));
                Accumulator[] sums =
                [
                    .. Enumerable.Range(0, kernel.Rows).SelectMany(y => Enumerable.Range(0, run.Vectors).Select(j => new Accumulator(
                        Text($"sum{y}_{j}"), channel, "start", new VectorPlace("destination", (y * kernel.OutRowStep) + (j * Lanes), kernel.Narrow)))),
                ];
                foreach (Accumulator sum in sums)
                    epilogue.Start(sum);
                EmitRows(kernel, run.Vectors);
                foreach (Accumulator sum in sums)
                    epilogue.Finish(sum);
                Move(run);
            }
        }
    }

    /// <summary>The padded rows from top to bottom, each times the taps of the output rows that it meets.</summary>
    private void EmitRows(PlanarDepthwiseKernel kernel, int vectors)
    {
        RowWindow window = kernel.Window;
        int last = ((kernel.Rows - 1) * kernel.StrideHeight) + (window.Dilation.Height * (window.Kernel.Height - 1));
        for (int row = 0; row <= last; row++)
        {
            // Output rows that this input row meets, with the kernel row that does.
            List<(int Y, int Ky)> uses = [];
            for (int y = 0; y < kernel.Rows; y++)
            {
                int distance = row - (y * kernel.StrideHeight);
                if (distance >= 0 && distance % window.Dilation.Height == 0 && distance / window.Dilation.Height < window.Kernel.Height)
                    uses.Add((y, distance / window.Dilation.Height));
            }

            for (int kx = 0; kx < window.Kernel.Width && uses.Count > 0; kx++)
            {
                for (int j = 0; j < vectors; j++)
                {
                    int at = (row * kernel.Row.Length) + kernel.Row.At(kx * window.Dilation.Width) + (j * Lanes);
                    writer.Line($"{writer.Local(vector.Type, Text($"x{j}"))} = {vector.Load("pixels", at)};");
                }

                foreach ((int y, int ky) in uses)
                {
                    string weight = kernel.WeightsInRegisters ? Text($"w{ky}_{kx}") : vector.Create(KernelText.At("weights", (ky * window.Kernel.Width) + kx));
                    for (int j = 0; j < vectors; j++)
                    {
                        string sum = Text($"sum{y}_{j}");
                        writer.Line($"{sum} = {vector.Fma(Text($"x{j}"), weight, sum)};");
                    }
                }
            }
        }
    }

    /// <summary>Register tiles and registers in a comment: pixels are loaded, weights broadcast.</summary>
    private string TileText(EquatableArray<TileRun> tiles, EquatableArray<PixelRun> runs)
    {
        string sizes = string.Join(", ", tiles.SelectMany(t => runs.Select(r => Text($"{t.Pixels} x {r.Vectors * Lanes}"))).Distinct());
        int rows = tiles.Max(t => t.Pixels), vectors = runs.Max(r => r.Vectors);
        return Text($"register tiles of channels x pixels: {sizes}; {KernelText.RegisterUse(rows * vectors, weights: 1, inputs: vectors)}");
    }
}
