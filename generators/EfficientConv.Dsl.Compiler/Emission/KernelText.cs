using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>The parts that matrix-product kernels share: accumulators, the multiply-add body, the epilogue.</summary>
internal static class KernelText
{
    /// <summary>Full optimisation from the first call: tiered code would run kernels several times slower for a dozen calls.</summary>
    public const string MethodAttribute = "[MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]";

    /// <summary><paramref name="reference"/> moved by a constant.</summary>
    public static string At(string reference, int offset) => offset == 0 ? reference : Text($"Unsafe.Add(ref {reference}, {offset})");

    /// <summary>The begin of something in the arena of floats <paramref name="reference"/>.</summary>
    public static string At(string reference, ArenaOffset offset) => At(reference, Floats(offset));

    /// <summary>An arena's offset as generated text has it, whose references are to floats.</summary>
    public static int Floats(ArenaOffset offset) => offset.In(ElementType.Float32);

    /// <summary><paramref name="reference"/> moved by an expression.</summary>
    public static string At(string reference, string offset) => offset == "0" ? reference : $"Unsafe.Add(ref {reference}, {offset})";

    /// <summary>The parameter of a kernel of which every thread does a share, and its argument.</summary>
    public static (string Parameter, string Argument) Share(WorkShare share) => share switch
    {
        WorkShare.None => (string.Empty, string.Empty),
        WorkShare.Rows => (", int rows", ", rows"),
        WorkShare.Tiles or WorkShare.Panels or WorkShare.TilesOfPanels => (", Part part", ", part"),
        _ => throw new InvalidOperationException($"{share} is no way to share."),
    };

    /// <summary>Where a thread's share of some weights begins.</summary>
    public static string ShareStart(WeightShare share) =>
        share.Units == 0 ? Text($"{Floats(share.Offset)}") : Text($"{Floats(share.Offset)} + (part.First({share.Units}) * {share.UnitLength})");

    /// <summary><paramref name="reference"/> moved by a size.</summary>
    public static string At(string reference, Size offset) => At(reference, offset.ToString());

    /// <summary>
    /// The loops over tiles of pixels and, inside, panels of output channels; <paramref name="tile"/> prints one tile, with <c>pixels</c>, <c>panel</c>,
    /// <c>panelBias</c>, <c>c</c> and, with a residual, <c>r</c> at its data.
    /// </summary>
    /// <param name="writer">Text.</param>
    /// <param name="lanes">Floats of a vector.</param>
    /// <param name="runs">All panels; their weights follow each other.</param>
    /// <param name="share">What threads share.</param>
    /// <param name="input">The first pixel.</param>
    /// <param name="taps">Length of the sum.</param>
    /// <param name="steps">Steps from pixel to pixel and from vector to vector.</param>
    /// <param name="tile">Prints a tile of a run with some pixels.</param>
    public static void Panels(
        SourceWriter writer, int lanes, IReadOnlyList<PanelSizes> runs, WorkShare share, string input, Size taps, ProductSteps steps, Action<PanelSizes, int> tile)
    {
        Size weights = 0, before = 0, vectors = 0;
        if (share == WorkShare.Panels)
        {
            Size total = runs.Aggregate((Size)0, (sum, run) => sum + run.Count);
            writer.Line($"int firstPanel = part.First({total}), endPanel = part.End({total});");
        }

        foreach (PanelSizes run in runs)
        {
            PanelLoops loops = new(run, share, input, weights, run.Vectors * lanes * taps, run.Vectors * lanes, vectors, vectors * lanes, before, steps);
            if (share == WorkShare.TilesOfPanels)
                loops.EmitTilesOfPanels(writer, pixels => tile(run, pixels));
            else
                loops.Emit(writer, pixels => tile(run, pixels));
            weights += run.Count * loops.PanelLength;
            before += run.Count;
            vectors += run.Count * run.Vectors;
        }
    }

    /// <summary>The loops over one run of panels.</summary>
    private sealed record PanelLoops(
        PanelSizes Run, WorkShare Share, string Input, Size Weights, Size PanelLength, int Width, Size FirstVector, Size FirstChannel, Size PanelsBefore, ProductSteps Steps)
    {
        private Size PanelStep => Run.Vectors * Steps.OutVector;

        public void Emit(SourceWriter writer, Action<int> tile)
        {
            Size tilesOfRun = Run.Tiles.Aggregate((Size)0, (sum, tiles) => sum + tiles.Count), tilesBefore = 0, pixelsBefore = 0;
            bool byRows = Share == WorkShare.Rows, equal = Run.Tiles.Count == 1, moves = byRows || (tilesOfRun.MayExceed(1) && Share != WorkShare.Tiles);
            using (writer.Braces())
            {
                if (Share == WorkShare.Tiles)
                    writer.Line($"int firstTile = part.First({tilesOfRun}), endTile = part.End({tilesOfRun});");
                else if (Share == WorkShare.Panels)
                    writer.Line($"int p0 = Math.Max(0, firstPanel - {PanelsBefore.Operand}), p1 = Math.Min({Run.Count}, endPanel - {PanelsBefore.Operand});");
                writer.Line($"ref float pixels = ref {Input};");
                writer.Line($"ref float destination = ref {At("output", FirstVector * Steps.OutVector)};");
                writer.Line($"ref float added = ref {At("residual", FirstChannel)};", Steps.Adds);
                using (writer.BlockIf(byRows && !equal, "for (int row = 0; row < rows; row++)"))
                {
                    foreach ((int tilePixels, Size count) in Run.Tiles)
                    {
                        void Body()
                        {
                            if (Steps.PrefetchesResidual is { } condition)
                            {
                                writer.Line($"if ({condition})", condition.Length > 0);
                                writer.Line($"{(condition.Length > 0 ? "    " : string.Empty)}ahead = ref {At("added", tilePixels * Steps.ResidualPixel)};");
                            }

                            EmitPanels(writer, () => tile(tilePixels));
                            writer.Line($"pixels = ref {At("pixels", tilePixels * Steps.Pixel)};", moves);
                            writer.Line($"destination = ref {At("destination", tilePixels * Steps.OutPixel)};", moves);
                            writer.Line($"added = ref {At("added", tilePixels * Steps.ResidualPixel)};", moves && Steps.Adds);
                        }

                        if (Share == WorkShare.Tiles)
                        {
                            using (writer.Block($"for (int tile = Math.Max(firstTile, {tilesBefore}); tile < Math.Min(endTile, {tilesBefore + count}); tile++)"))
                            {
                                Size pixel = Size.Of("pixel");
                                writer.Line($"int pixel = {pixelsBefore + ((tilesBefore.Is(0) ? Size.Of("tile") : Size.Of($"(tile - {tilesBefore.Operand})")) * tilePixels)};");
                                writer.Line($"pixels = ref {At(Input, pixel * Steps.Pixel)};");
                                writer.Line($"destination = ref {At("output", (FirstVector * Steps.OutVector) + (pixel * Steps.OutPixel))};");
                                writer.Line($"added = ref {At("residual", FirstChannel + (pixel * Steps.ResidualPixel))};", Steps.Adds);
                                Body();
                            }
                        }
                        else if (byRows && equal)
                        {
                            using (writer.Block($"for (int tile = 0; tile < {count * Size.Of("rows")}; tile++)"))
                            {
                                Body();
                            }
                        }
                        else
                        {
                            writer.Loop("tile", count, Body, braces: Run.Tiles.Count > 1);
                        }

                        tilesBefore += count;
                        pixelsBefore += count * tilePixels;
                    }
                }
            }
        }

        public void EmitTilesOfPanels(SourceWriter writer, Action<int> tile)
        {
            Size tilesBefore = 0, pixelsBefore = 0, pixel = Size.Of("pixel"), panel = Size.Of("p");
            using (writer.Braces())
            {
                writer.Line($"int tiles = {Run.Tiles.Aggregate((Size)0, (sum, tiles) => sum + tiles.Count)};");
                writer.Line($"int first = part.First({Run.Count * Size.Of("tiles")}), end = part.End({Run.Count * Size.Of("tiles")});");
                using (writer.Block("for (int p = first / tiles; p * tiles < end; p++)"))
                {
                    writer.Line("int firstTile = first - (p * tiles), endTile = end - (p * tiles);");
                    writer.Line($"ref float panel = ref {At("weights", Weights + (panel * PanelLength))};");
                    writer.Line($"ref float panelBias = ref {At("bias", FirstChannel + (panel * Width))};");
                    foreach ((int tilePixels, Size count) in Run.Tiles)
                    {
                        using (writer.Block($"for (int tile = Math.Max(firstTile, {tilesBefore}); tile < Math.Min(endTile, {tilesBefore + count}); tile++)"))
                        {
                            writer.Line($"int pixel = {pixelsBefore + ((tilesBefore.Is(0) ? Size.Of("tile") : Size.Of($"(tile - {tilesBefore.Operand})")) * tilePixels)};");
                            writer.Line($"ref float pixels = ref {At(Input, pixel * Steps.Pixel)};");
                            writer.Line($"ref float c = ref {At("output", (FirstVector * Steps.OutVector) + (pixel * Steps.OutPixel) + (panel * PanelStep))};");
                            writer.Line($"ref float r = ref {At("residual", FirstChannel + (pixel * Steps.ResidualPixel) + (panel * Width))};", Steps.Adds);
                            tile(tilePixels);
                        }

                        tilesBefore += count;
                        pixelsBefore += count * tilePixels;
                    }
                }
            }
        }

        private void EmitPanels(SourceWriter writer, Action tile)
        {
            bool shared = Share == WorkShare.Panels, several = Run.Count.MayExceed(1) || shared;
            Size first = Size.Of("p0");
            writer.Line($"ref float panel = ref {At("weights", shared ? Weights + (first * PanelLength) : Weights)};");
            writer.Line($"ref float panelBias = ref {At("bias", shared ? FirstChannel + (first * Width) : FirstChannel)};");
            writer.Line($"ref float c = ref {(shared ? At("destination", first * PanelStep) : "destination")};");
            writer.Line($"ref float r = ref {(shared ? At("added", first * Width) : "added")};", Steps.Adds);
            void Body()
            {
                tile();
                writer.Line($"panel = ref {At("panel", PanelLength)};", several);
                writer.Line($"panelBias = ref {At("panelBias", Width)};", several);
                writer.Line($"c = ref {At("c", PanelStep)};", several);
                writer.Line($"r = ref {At("r", Width)};", several && Steps.Adds);
            }

            if (shared)
            {
                using (writer.Block("for (int p = p0; p < p1; p++)"))
                {
                    Body();
                }
            }
            else
            {
                writer.Loop("p", Run.Count, Body);
            }
        }
    }

    /// <summary>One declaration of several vectors, <paramref name="columns"/> or a multiple of it in a line: the compiler resolves the type once.</summary>
    public static void Declare(SourceWriter writer, VectorSyntax vector, int columns, IReadOnlyList<string> declarators)
    {
        int perLine = declarators[0].Length > 30 ? columns : columns * Math.Max(1, 6 / columns);
        for (int i = 0; i < declarators.Count; i += perLine)
        {
            string line = string.Join(", ", declarators.Skip(i).Take(perLine));
            writer.Line($"{(i == 0 ? vector.Type + " " : "    ")}{line}{(i + perLine < declarators.Count ? "," : ";")}");
        }
    }

    /// <summary>The accumulators of a product's tile, whose bias lies at <c>panelBias</c>, outputs at <c>c</c> and residual at <c>r</c>.</summary>
    /// <param name="vector">Vectors.</param>
    /// <param name="pixels">Pixels of the tile.</param>
    /// <param name="vectors">Vectors of output channels.</param>
    /// <param name="steps">Steps from pixel to pixel and from vector to vector.</param>
    /// <param name="name">Name of references to output vectors whose distance is not a literal.</param>
    public static SumTile Tile(VectorSyntax vector, int pixels, int vectors, ProductSteps steps, string name)
    {
        int lanes = vector.Target.Lanes;
        bool literal = steps.OutVector.IsLiteral;
        string Output(int j) => j == 0 || literal ? "c" : Text($"{name}{j}");
        return new SumTile(
            [
                .. Enumerable.Range(0, pixels).SelectMany(i => Enumerable.Range(0, vectors).Select(j => new Accumulator(
                    Text($"sum{i}_{j}"), new OfChannel("panelBias", j * lanes), Text($"bias{j}"),
                    new VectorPlace(Output(j), (i * steps.OutPixel) + (literal ? j * steps.OutVector : 0)), new VectorPlace("r", (i * steps.ResidualPixel) + (j * lanes))))),
            ],
            vectors, literal ? [] : [.. Enumerable.Range(1, vectors - 1).Select(j => $"ref float {Output(j)} = ref {At("c", j * steps.OutVector)};")]);
    }

    /// <summary>A product's register tiles in a comment.</summary>
    public static string Describe(EquatableArray<PanelRun> panels, int lanes) =>
        string.Join(", ", panels.SelectMany(run => run.Tiles.Select(tile => Text($"{tile.Pixels} x {run.Vectors * lanes}"))).Distinct());

    /// <summary>One step of the sum: every pixel's input, broadcast, times the panel's row of weights.</summary>
    public static void MultiplyAdd(SourceWriter writer, VectorSyntax vector, int pixels, int vectors, Size pixelStep)
    {
        Declare(writer, vector, vectors, [.. Enumerable.Range(0, vectors).Select(j => Text($"w{j} = {vector.Load("w", j * vector.Target.Lanes)}"))]);
        for (int i = 0; i < pixels; i++)
        {
            string input = vector.Create(At("a", i * pixelStep));
            if (vectors > 1)
            {
                writer.Line($"{vector.Type} x{i} = {input};");
                input = Text($"x{i}");
            }

            for (int j = 0; j < vectors; j++)
            {
                string sum = Text($"sum{i}_{j}");
                writer.Line($"{sum} = {vector.Fma(input, Text($"w{j}"), sum)};");
            }
        }
    }

    /// <summary>Floats of a cache line.</summary>
    public static int LineLength(VectorTarget target) => target.Caches.LineBytes / ElementType.Float32.Size;

    /// <summary>A step of prefetching into the second-level cache.</summary>
    public static void Prefetch(SourceWriter writer, VectorSyntax vector, string reference, int step)
    {
        for (int line = 0; line < step; line += LineLength(vector.Target))
            writer.Line($"Prefetch.L2(ref {At(reference, line)});");
        writer.Line($"{reference} = ref Unsafe.Add(ref {reference}, {step});");
    }
}

/// <summary>A run of equal panels in a matrix product's text.</summary>
/// <param name="Vectors">Vectors of a panel.</param>
/// <param name="Count">Panels.</param>
/// <param name="Tiles">Tiles of pixels and how many there are of each.</param>
internal sealed record PanelSizes(int Vectors, Size Count, IReadOnlyList<(int Pixels, Size Count)> Tiles)
{
    /// <summary>A plan's panels as literals.</summary>
    public static IReadOnlyList<PanelSizes> Of(EquatableArray<PanelRun> runs) =>
        [.. runs.Select(run => new PanelSizes(run.Vectors, run.Count, [.. run.Tiles.Select(tile => (tile.Pixels, (Size)tile.Count))]))];
}

/// <summary>A matrix product's steps in floats.</summary>
/// <param name="Pixel">From an input pixel to the next.</param>
/// <param name="OutPixel">From an output pixel to the next.</param>
/// <param name="OutVector">From an output vector to the next.</param>
/// <param name="ResidualPixel">From a residual pixel to the next.</param>
/// <param name="Adds">Whether there is a residual.</param>
/// <param name="PrefetchesResidual">The condition on which the next tile's residual is prefetched, empty for always; null where no kernel of the form does it.</param>
internal sealed record ProductSteps(Size Pixel, Size OutPixel, Size OutVector, Size ResidualPixel, bool Adds, string? PrefetchesResidual = null);
