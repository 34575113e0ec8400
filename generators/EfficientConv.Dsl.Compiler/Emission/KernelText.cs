using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>The parts that matrix-product kernels share: accumulators, the multiply-add body, the epilogue.</summary>
internal static class KernelText
{
    /// <summary>Full optimisation from the first call: tiered code would run kernels several times slower for a dozen calls.</summary>
    public const string MethodAttribute = "[MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]";

    /// <summary><paramref name="reference"/> moved by a constant.</summary>
    public static string At(string reference, int offset) => offset == 0 ? reference : FormattableString.Invariant($"Unsafe.Add(ref {reference}, {offset})");

    /// <summary><paramref name="reference"/> moved by an expression.</summary>
    public static string At(string reference, string offset) => offset == "0" ? reference : $"Unsafe.Add(ref {reference}, {offset})";

    /// <summary>The parameter of a kernel of which every thread does a share, and its argument.</summary>
    public static (string Parameter, string Argument) Share(WorkShare share) => share switch
    {
        WorkShare.None => (string.Empty, string.Empty),
        WorkShare.Rows => (", int rows", ", rows"),
        _ => (", Part part", ", part"),
    };

    /// <summary>
    /// The loops over tiles of pixels and, inside, panels of output channels; <paramref name="tile"/> prints one tile, with <c>pixels</c>, <c>panel</c>,
    /// <c>panelBias</c>, <c>c</c> and, with a residual, <c>r</c> at its data.
    /// </summary>
    /// <param name="writer">Text.</param>
    /// <param name="vector">Vectors.</param>
    /// <param name="runs">All panels; their weights follow each other.</param>
    /// <param name="share">What threads share.</param>
    /// <param name="input">The first pixel.</param>
    /// <param name="taps">Length of the sum.</param>
    /// <param name="pixelStep">Floats from an input pixel to the next.</param>
    /// <param name="outPixelStep">Floats from an output pixel to the next.</param>
    /// <param name="outVectorStep">Floats from an output vector to the next.</param>
    /// <param name="residualPixelStep">Floats from a residual pixel to the next, 0 without one.</param>
    /// <param name="aheadStep">Floats that <c>ahead</c> moves in each step of the sums, 0 where threads do not fetch each its own.</param>
    /// <param name="tile">Prints a tile of a run with some pixels.</param>
    public static void Panels(
        SourceWriter writer, VectorSyntax vector, EquatableArray<PanelRun> runs, WorkShare share, string input, int taps, int pixelStep, int outPixelStep, int outVectorStep,
        int residualPixelStep, int aheadStep, Action<PanelRun, int> tile)
    {
        int weights = 0, total = runs.Sum(r => r.Count), before = 0;
        if (share == WorkShare.Panels)
        {
            writer.Line($"int firstPanel = part.First({total}), endPanel = part.End({total});");
            writer.Line($"ahead = ref Unsafe.Add(ref ahead, firstPanel * {runs[0].Vectors * vector.Target.Lanes * taps});", aheadStep > 0);
        }

        foreach (PanelRun run in runs)
        {
            PanelLoops loops = new(
                run, share, input, weights, run.Vectors * vector.Target.Lanes * taps, run.Vectors * vector.Target.Lanes, run.First * vector.Target.Lanes, before,
                pixelStep, outPixelStep, outVectorStep, residualPixelStep);
            if (share == WorkShare.TilesOfPanels)
                loops.EmitTilesOfPanels(writer, pixels => tile(run, pixels));
            else
                loops.Emit(writer, pixels => tile(run, pixels));
            weights += run.Count * loops.PanelLength;
            before += run.Count;
        }
    }

    /// <summary>The loops over one run of panels.</summary>
    private sealed record PanelLoops(
        PanelRun Run, WorkShare Share, string Input, int Weights, int PanelLength, int Width, int FirstChannel, int PanelsBefore,
        int PixelStep, int OutPixelStep, int OutVectorStep, int ResidualPixelStep)
    {
        private bool Residual => ResidualPixelStep > 0;

        public void Emit(SourceWriter writer, Action<int> tile)
        {
            int tilesOfRun = Run.Tiles.Sum(t => t.Count), tilesBefore = 0, pixelsBefore = 0;
            bool byRows = Share == WorkShare.Rows, equal = Run.Tiles.Count == 1, moves = byRows || (tilesOfRun > 1 && Share != WorkShare.Tiles);
            writer.Open();
            if (Share == WorkShare.Tiles)
                writer.Line($"int firstTile = part.First({tilesOfRun}), endTile = part.End({tilesOfRun});");
            else if (Share == WorkShare.Panels)
                writer.Line($"int p0 = Math.Max(0, firstPanel - {PanelsBefore}), p1 = Math.Min({Run.Count}, endPanel - {PanelsBefore});");
            writer.Line($"ref float pixels = ref {Input};");
            writer.Line($"ref float destination = ref {At("output", Run.First * OutVectorStep)};");
            writer.Line($"ref float added = ref {At("residual", FirstChannel)};", Residual);
            if (byRows && !equal)
                writer.Open("for (int row = 0; row < rows; row++)");
            foreach (TileRun tiles in Run.Tiles)
            {
                void Body()
                {
                    EmitPanels(writer, () => tile(tiles.Pixels));
                    writer.Line($"pixels = ref Unsafe.Add(ref pixels, {tiles.Pixels * PixelStep});", moves);
                    writer.Line($"destination = ref Unsafe.Add(ref destination, {tiles.Pixels * OutPixelStep});", moves);
                    writer.Line($"added = ref Unsafe.Add(ref added, {tiles.Pixels * ResidualPixelStep});", moves && Residual);
                }

                if (Share == WorkShare.Tiles)
                {
                    writer.Open($"for (int tile = Math.Max(firstTile, {tilesBefore}); tile < Math.Min(endTile, {tilesBefore + tiles.Count}); tile++)");
                    writer.Line($"int pixel = {(pixelsBefore == 0 ? string.Empty : FormattableString.Invariant($"{pixelsBefore} + "))}({(tilesBefore == 0 ? "tile" : FormattableString.Invariant($"(tile - {tilesBefore})"))} * {tiles.Pixels});");
                    writer.Line($"pixels = ref Unsafe.Add(ref {Input}, pixel * {PixelStep});");
                    writer.Line($"destination = ref Unsafe.Add(ref output, {(Run.First == 0 ? string.Empty : FormattableString.Invariant($"{Run.First * OutVectorStep} + "))}(pixel * {OutPixelStep}));");
                    writer.Line($"added = ref Unsafe.Add(ref residual, {(FirstChannel == 0 ? string.Empty : FormattableString.Invariant($"{FirstChannel} + "))}(pixel * {ResidualPixelStep}));", Residual);
                    Body();
                    writer.Close();
                }
                else if (byRows && equal)
                {
                    writer.Open($"for (int tile = 0; tile < {(tiles.Count == 1 ? "rows" : FormattableString.Invariant($"{tiles.Count} * rows"))}; tile++)");
                    Body();
                    writer.Close();
                }
                else
                {
                    writer.Loop("tile", tiles.Count, Body, braces: Run.Tiles.Count > 1);
                }

                tilesBefore += tiles.Count;
                pixelsBefore += tiles.Count * tiles.Pixels;
            }

            if (byRows && !equal)
                writer.Close();
            writer.Close();
        }

        public void EmitTilesOfPanels(SourceWriter writer, Action<int> tile)
        {
            int tilesOfPanel = Run.Tiles.Sum(t => t.Count), tilesBefore = 0, pixelsBefore = 0;
            writer.Open();
            writer.Line($"const int TilesOfPanel = {tilesOfPanel};");
            writer.Line($"int first = part.First({Run.Count} * TilesOfPanel), end = part.End({Run.Count} * TilesOfPanel);");
            writer.Open("for (int p = first / TilesOfPanel; p * TilesOfPanel < end; p++)");
            writer.Line("int firstTile = first - (p * TilesOfPanel), endTile = end - (p * TilesOfPanel);");
            writer.Line($"ref float panel = ref Unsafe.Add(ref weights, {Plus(Weights)}(p * {PanelLength}));");
            writer.Line($"ref float panelBias = ref Unsafe.Add(ref bias, {Plus(FirstChannel)}(p * {Width}));");
            foreach (TileRun tiles in Run.Tiles)
            {
                writer.Open($"for (int tile = Math.Max(firstTile, {tilesBefore}); tile < Math.Min(endTile, {tilesBefore + tiles.Count}); tile++)");
                writer.Line($"int pixel = {Plus(pixelsBefore)}({(tilesBefore == 0 ? "tile" : FormattableString.Invariant($"(tile - {tilesBefore})"))} * {tiles.Pixels});");
                writer.Line($"ref float pixels = ref Unsafe.Add(ref {Input}, pixel * {PixelStep});");
                writer.Line($"ref float c = ref Unsafe.Add(ref output, {Plus(Run.First * OutVectorStep)}(pixel * {OutPixelStep}) + (p * {Run.Vectors * OutVectorStep}));");
                writer.Line($"ref float r = ref Unsafe.Add(ref residual, {Plus(FirstChannel)}(pixel * {ResidualPixelStep}) + (p * {Width}));", Residual);
                tile(tiles.Pixels);
                writer.Close();
                tilesBefore += tiles.Count;
                pixelsBefore += tiles.Count * tiles.Pixels;
            }

            writer.Close();
            writer.Close();
        }

        private static string Plus(int offset) => offset == 0 ? string.Empty : FormattableString.Invariant($"{offset} + ");

        private void EmitPanels(SourceWriter writer, Action tile)
        {
            bool shared = Share == WorkShare.Panels, several = Run.Count > 1 || shared;
            writer.Line($"ref float panel = ref {(shared ? $"Unsafe.Add(ref weights, {Weights} + (p0 * {PanelLength}))" : At("weights", Weights))};");
            writer.Line($"ref float panelBias = ref {(shared ? $"Unsafe.Add(ref bias, {FirstChannel} + (p0 * {Width}))" : At("bias", FirstChannel))};");
            writer.Line($"ref float c = ref {(shared ? $"Unsafe.Add(ref destination, p0 * {Run.Vectors * OutVectorStep})" : "destination")};");
            writer.Line($"ref float r = ref {(shared ? $"Unsafe.Add(ref added, p0 * {Width})" : "added")};", Residual);
            void Body()
            {
                tile();
                writer.Line($"panel = ref Unsafe.Add(ref panel, {PanelLength});", several);
                writer.Line($"panelBias = ref Unsafe.Add(ref panelBias, {Width});", several);
                writer.Line($"c = ref Unsafe.Add(ref c, {Run.Vectors * OutVectorStep});", several);
                writer.Line($"r = ref Unsafe.Add(ref r, {Width});", several && Residual);
            }

            if (shared)
            {
                writer.Open("for (int p = p0; p < p1; p++)");
                Body();
                writer.Close();
            }
            else
            {
                writer.Loop("p", Run.Count, Body);
            }
        }
    }

    public static void Accumulators(
        SourceWriter writer, VectorSyntax vector, Initial initial, int pixels, int vectors, int outPixelStep, int outVectorStep, int residualPixelStep)
    {
        int lanes = vector.Target.Lanes;
        if (initial != Initial.Destination)
        {
            for (int j = 0; j < vectors; j++)
                writer.Line($"{vector.Type} bias{j} = {vector.Load("panelBias", j * lanes)};");
        }

        for (int i = 0; i < pixels; i++)
        {
            for (int j = 0; j < vectors; j++)
            {
                string destination = vector.Load("c", (i * outPixelStep) + (j * outVectorStep)), bias = FormattableString.Invariant($"bias{j}");
                string value = initial switch
                {
                    Initial.Bias => bias,
                    Initial.BiasAndResidual => vector.Add(bias, vector.Load("r", (i * residualPixelStep) + (j * lanes))),
                    Initial.BiasAndDestination => vector.Add(bias, destination),
                    _ => destination,
                };
                writer.Line($"{vector.Type} sum{i}_{j} = {value};");
            }
        }
    }

    /// <summary>One step of the sum: every pixel's input, broadcast, times the panel's row of weights.</summary>
    public static void MultiplyAdd(SourceWriter writer, VectorSyntax vector, int pixels, int vectors, int pixelStep)
    {
        for (int j = 0; j < vectors; j++)
            writer.Line($"{vector.Type} w{j} = {vector.Load("w", j * vector.Target.Lanes)};");
        for (int i = 0; i < pixels; i++)
        {
            string input = vector.Create(At("a", i * pixelStep));
            if (vectors > 1)
            {
                writer.Line($"{vector.Type} x{i} = {input};");
                input = FormattableString.Invariant($"x{i}");
            }

            for (int j = 0; j < vectors; j++)
            {
                string sum = FormattableString.Invariant($"sum{i}_{j}");
                writer.Line($"{sum} = {vector.Fma(input, FormattableString.Invariant($"w{j}"), sum)};");
            }
        }
    }

    /// <summary>A step of fetching weights ahead, if there is any.</summary>
    public static void Fetch(SourceWriter writer, string reference, int step)
    {
        for (int line = 0; line < step; line += 16)
            writer.Line($"Prefetch.L2(ref {At(reference, line)});");
        writer.Line($"{reference} = ref Unsafe.Add(ref {reference}, {step});", step > 0);
    }

    public static void Stores(SourceWriter writer, VectorSyntax vector, ActivationFunction activation, int pixels, int vectors, int outPixelStep, int outVectorStep)
    {
        for (int i = 0; i < pixels; i++)
        {
            for (int j = 0; j < vectors; j++)
                writer.Line(vector.Store(vector.Activate(activation, FormattableString.Invariant($"sum{i}_{j}")), "c", (i * outPixelStep) + (j * outVectorStep)));
        }
    }
}
