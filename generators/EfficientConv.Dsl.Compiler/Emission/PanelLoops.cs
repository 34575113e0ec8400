using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>
/// The loops over a matrix product's register tiles: with channels in the lanes tiles of pixels and, inside, panels of output channels; with pixels in the lanes panels of pixels
/// and, inside, tiles of output channels. <paramref name="tile"/> prints one tile, with the operands' rows and panel, the bias, <c>c</c> and, with a residual, <c>r</c> at its data.
/// </summary>
/// <param name="writer">Text.</param>
/// <param name="lanes">Floats of a vector.</param>
/// <param name="share">What threads share.</param>
/// <param name="operands">What is multiplied.</param>
/// <param name="taps">Length of the sum.</param>
/// <param name="steps">Steps from row to row and from vector to vector.</param>
/// <param name="tile">Prints a tile of a run with some rows.</param>
internal sealed class PanelLoops(SourceWriter writer, int lanes, WorkShare share, ProductOperands operands, Size taps, ProductSteps steps, Action<PanelSizes, int> tile)
{
    /// <summary>Prints the loops over <paramref name="runs"/> of panels, whose weights follow each other.</summary>
    public void Emit(IReadOnlyList<PanelSizes> runs)
    {
        bool several = runs.Count > 1;
        Size panels = runs.Aggregate((Size)0, (sum, run) => sum + run.Count), weights = 0, before = 0, vectors = 0;
        writer.LineIf(share == WorkShare.Panels, $"int {(several ? "firstPanel" : "p0")} = part.First({panels}), {(several ? "endPanel" : "p1")} = part.End({panels});");
        foreach (PanelSizes run in runs)
        {
            writer.Line(run.FirstPixel is null ? "// The last panel is narrower." : "// The last panel ends at the last pixel.", !before.Is(0));
            int width = run.Vectors * lanes;
            Run loops = run.FirstPixel is { } pixel
                ? new(run, pixel, width, width, pixel, pixel, width)
                : new(run, weights, width * taps, width, vectors * steps.OutVector, vectors * lanes, run.Vectors * steps.OutVector);
            if (operands.LanesArePixels)
            {
                if (share == WorkShare.Panels && several)
                    EmitShareOfPanels(run, before);
                EmitByPanels(loops, several);
            }
            else if (share == WorkShare.TilesOfPanels)
            {
                EmitTilesOfPanels(loops);
            }
            else if (share == WorkShare.Tiles)
            {
                EmitShareOfTiles(loops);
            }
            else
            {
                if (share == WorkShare.Panels && several)
                    EmitShareOfPanels(run, before);
                EmitTiles(loops, several || run.Tiles.Count > 1);
            }

            weights += run.Count * loops.PanelLength;
            before += run.Count;
            vectors += run.Count * run.Vectors;
        }
    }

    /// <summary>A run of panels: where its vectors, outputs and residual begin, and the floats from a panel to the next.</summary>
    private sealed record Run(PanelSizes Sizes, Size First, Size PanelLength, int Width, Size FirstOutput, Size FirstChannel, Size PanelStep)
    {
        public Size Tiles => Sizes.Tiles.Aggregate((Size)0, (sum, tiles) => sum + tiles.Count);
    }

    /// <summary>A thread's panels of a run of several.</summary>
    private void EmitShareOfPanels(PanelSizes run, Size before)
    {
        writer.Line($"{writer.Local("int", "p0")} = {(before.Is(0) ? "firstPanel" : $"Math.Max(0, firstPanel - {before.Operand})")};");
        writer.Line($"{writer.Local("int", "p1")} = Math.Min({run.Count}, {(before.Is(0) ? "endPanel" : $"endPanel - {before.Operand}")});");
    }

    /// <summary>All tiles one after the other, or so many rows of them.</summary>
    /// <param name="run">The panels.</param>
    /// <param name="areLoops">Whether each kind of tiles is a loop even where there is one: what it declares is then its own.</param>
    private void EmitTiles(Run run, bool areLoops)
    {
        bool byRows = share == WorkShare.Rows, equal = run.Sizes.Tiles.Count == 1, moves = byRows || run.Tiles.MayExceed(1);
        writer.Line($"{writer.Local("ref float", "pixels")} = ref {operands.Rows};");
        writer.Line($"{writer.Local("ref float", "destination")} = ref {KernelText.At("output", run.FirstOutput)};");
        writer.LineIf(steps.Adds, $"{writer.Local("ref float", "added")} = ref {KernelText.At(steps.Residual!, run.FirstChannel)};");
        using SourceWriter.Scope rows = writer.BlockIf(byRows && !equal, "for (int row = 0; row < rows; row++)");
        foreach ((int tilePixels, Size count) in run.Sizes.Tiles)
        {
            using SourceWriter.Scope loop = writer.Loop("tile", byRows && equal ? count * Size.Of("rows") : count, areLoops);
            EmitPanels(run, tilePixels);
            if (!moves)
                continue;
            writer.Line($"pixels = ref {KernelText.At("pixels", tilePixels * steps.Pixel)};");
            writer.Line($"destination = ref {KernelText.At("destination", tilePixels * steps.OutPixel)};");
            writer.LineIf(steps.Adds, $"added = ref {KernelText.At("added", tilePixels * steps.ResidualPixel)};");
        }
    }

    /// <summary>All panels, or a thread's, one after the other, and of each all tiles.</summary>
    private void EmitByPanels(Run run, bool areLoops)
    {
        bool shared = share == WorkShare.Panels;
        Size first = shared ? Size.Of("p0") : 0;
        writer.Line($"{writer.Local("ref float", "panel")} = ref {KernelText.At(operands.Vectors, run.First + (first * run.PanelLength))};");
        writer.Line($"{writer.Local("ref float", "destination")} = ref {KernelText.At("output", run.FirstOutput + (first * run.PanelStep))};");
        writer.LineIf(steps.Adds, $"{writer.Local("ref float", "added")} = ref {KernelText.At(steps.Residual!, run.FirstChannel + (first * run.Width))};");
        using SourceWriter.Scope loop = shared ? writer.Block("for (int p = p0; p < p1; p++)") : writer.Loop("p", run.Sizes.Count, areLoops);
        writer.Line($"ref float {operands.Row} = ref {operands.Rows};");
        writer.Line($"ref float {operands.Bias} = ref bias;");
        writer.Line("ref float c = ref destination;");
        writer.Line("ref float r = ref added;", steps.Adds);
        foreach ((int rows, Size count) in run.Sizes.Tiles)
        {
            using SourceWriter.Scope tiles = writer.Loop("t", count, always: run.Sizes.Tiles.Count > 1);
            tile(run.Sizes, rows);
            writer.Line($"{operands.Row} = ref {KernelText.At(operands.Row, rows * steps.Pixel)};");
            writer.Line($"{operands.Bias} = ref {KernelText.At(operands.Bias, rows)};");
            writer.Line($"c = ref {KernelText.At("c", rows * steps.OutPixel)};");
            writer.LineIf(steps.Adds, $"r = ref {KernelText.At("r", rows * steps.ResidualPixel)};");
        }

        if (!shared && !run.Sizes.Count.MayExceed(1))
            return;
        writer.Line($"panel = ref {KernelText.At("panel", run.PanelLength)};");
        writer.Line($"destination = ref {KernelText.At("destination", run.PanelStep)};");
        writer.LineIf(steps.Adds, $"added = ref {KernelText.At("added", run.Width)};");
    }

    /// <summary>A thread's tiles, with all panels.</summary>
    private void EmitShareOfTiles(Run run)
    {
        SetShare("firstTile", "endTile", run.Tiles);
        ForShareOfTiles(run, (pixels, pixel) =>
        {
            writer.Line($"ref float pixels = ref {KernelText.At(operands.Rows, pixel * steps.Pixel)};");
            writer.Line($"ref float destination = ref {KernelText.At("output", run.FirstOutput + (pixel * steps.OutPixel))};");
            writer.LineIf(steps.Adds, $"ref float added = ref {KernelText.At(steps.Residual!, run.FirstChannel + (pixel * steps.ResidualPixel))};");
            EmitPanels(run, pixels);
        });
    }

    /// <summary>A thread's share of <paramref name="count"/> from <paramref name="first"/> to <paramref name="end"/>.</summary>
    private void SetShare(string first, string end, Size count)
    {
        writer.Line($"{writer.Local("int", first)} = part.First({count});");
        writer.Line($"{writer.Local("int", end)} = part.End({count});");
    }

    /// <summary>A thread's tiles where they are counted panel after panel.</summary>
    private void EmitTilesOfPanels(Run run)
    {
        Size panel = Size.Of("p"), all = run.Sizes.Count * Size.Of("tiles");
        writer.Line($"{writer.Local("int", "tiles")} = {run.Tiles};");
        SetShare("first", "end", all);
        using SourceWriter.Scope loop = writer.Block("for (int p = first / tiles; p * tiles < end; p++)");
        writer.Line("int firstTile = first - (p * tiles), endTile = end - (p * tiles);");
        writer.Line($"ref float panel = ref {KernelText.At(operands.Vectors, run.First + (panel * run.PanelLength))};");
        writer.Line($"ref float panelBias = ref {KernelText.At("bias", run.FirstChannel + (panel * run.Width))};");

        // A thread's last panel ends, and its first one begins, where another thread's does: within all tiles of a panel.
        ForShareOfTiles(run, (pixels, pixel) =>
        {
            writer.Line($"ref float pixels = ref {KernelText.At(operands.Rows, pixel * steps.Pixel)};");
            writer.Line($"ref float c = ref {KernelText.At("output", run.FirstOutput + (pixel * steps.OutPixel) + (panel * run.PanelStep))};");
            writer.LineIf(steps.Adds, $"ref float r = ref {KernelText.At(steps.Residual!, run.FirstChannel + (pixel * steps.ResidualPixel) + (panel * run.Width))};");
            tile(run.Sizes, pixels);
        }, isWithinAll: false);
    }

    /// <summary>The loops over the tiles from <c>firstTile</c> to <c>endTile</c>, <paramref name="body"/> with a tile's pixels and its first one.</summary>
    private void ForShareOfTiles(Run run, Action<int, Size> body, bool isWithinAll = true)
    {
        Size tilesBefore = 0, pixelsBefore = 0;
        for (int i = 0; i < run.Sizes.Tiles.Count; i++)
        {
            (int pixels, Size count) = run.Sizes.Tiles[i];
            bool isFirst = i == 0, isLast = i == run.Sizes.Tiles.Count - 1;
            string first = isFirst && isWithinAll ? "firstTile" : $"Math.Max(firstTile, {tilesBefore})";
            string end = isLast && isWithinAll ? "endTile" : $"Math.Min(endTile, {tilesBefore + count})";
            using SourceWriter.Scope loop = writer.Block($"for (int tile = {first}; tile < {end}; tile++)");
            writer.Line($"int pixel = {pixelsBefore + ((isFirst ? Size.Of("tile") : Size.Of($"(tile - {tilesBefore.Operand})")) * pixels)};");
            body(pixels, Size.Of("pixel"));
            tilesBefore += count;
            pixelsBefore += count * pixels;
        }
    }

    /// <summary>All panels, or a thread's, of one tile of pixels.</summary>
    private void EmitPanels(Run run, int tilePixels)
    {
        bool shared = share == WorkShare.Panels, several = run.Sizes.Count.MayExceed(1) || shared;
        Size first = shared ? Size.Of("p0") : 0;
        if (steps.PrefetchesResidual is { } condition)
        {
            writer.LineIf(condition.Length > 0, $"if ({condition})");
            writer.Line($"{(condition.Length > 0 ? "    " : string.Empty)}ahead = ref {KernelText.At("added", tilePixels * steps.ResidualPixel)};");
        }

        writer.Line($"ref float panel = ref {KernelText.At(operands.Vectors, run.First + (first * run.PanelLength))};");
        writer.Line($"ref float panelBias = ref {KernelText.At("bias", run.FirstChannel + (first * run.Width))};");
        writer.Line($"ref float c = ref {KernelText.At("destination", first * run.PanelStep)};");
        writer.LineIf(steps.Adds, $"ref float r = ref {KernelText.At("added", first * run.Width)};");
        using SourceWriter.Scope loop = shared ? writer.Block("for (int p = p0; p < p1; p++)") : writer.Loop("p", run.Sizes.Count);
        tile(run.Sizes, tilePixels);
        if (!several)
            return;
        writer.Line($"panel = ref {KernelText.At("panel", run.PanelLength)};");
        writer.Line($"panelBias = ref {KernelText.At("panelBias", run.Width)};");
        writer.Line($"c = ref {KernelText.At("c", run.PanelStep)};");
        writer.LineIf(steps.Adds, $"r = ref {KernelText.At("r", run.Width)};");
    }
}

/// <summary>A run of equal panels in a matrix product's text.</summary>
/// <param name="Vectors">Vectors of a panel.</param>
/// <param name="Count">Panels.</param>
/// <param name="Tiles">Tiles of rows and how many there are of each.</param>
internal sealed record PanelSizes(int Vectors, Size Count, IReadOnlyList<(int Rows, Size Count)> Tiles)
{
    /// <summary>The first pixel, where the lanes are pixels; null for panels that follow those before.</summary>
    public int? FirstPixel { get; init; }

    /// <summary>A plan's panels as literals.</summary>
    public static IReadOnlyList<PanelSizes> Of(ProductKernel kernel) =>
    [
        .. kernel.Panels.Select(run => new PanelSizes(run.Vectors, run.Count, [.. run.Tiles.Select(tile => (tile.Rows, (Size)tile.Count))])
        {
            FirstPixel = kernel.Lanes == LaneAxis.Pixels ? run.First : null,
        }),
    ];
}

/// <summary>What a matrix product multiplies: rows, whose values are broadcast, by vectors, and the names of references to both in a tile.</summary>
/// <param name="Rows">The first row.</param>
/// <param name="Vectors">The first panel of vectors.</param>
/// <param name="Row">Reference to a tile's first row.</param>
/// <param name="Bias">Reference to a tile's bias.</param>
/// <param name="Lanes">What lies in the lanes.</param>
internal sealed record ProductOperands(string Rows, string Vectors, string Row, string Bias, LaneAxis Lanes)
{
    /// <summary>Output channels in the lanes: pixels of <paramref name="input"/> times panels of weights.</summary>
    public static ProductOperands Channels(string input) => new(input, "weights", "pixels", "panelBias", LaneAxis.Channels);

    /// <summary>Pixels in the lanes: tiles of weights, a value of each channel side by side, times the planes of <paramref name="input"/>.</summary>
    public static ProductOperands Planes(string input) => new("weights", input, "tile", "tileBias", LaneAxis.Pixels);

    /// <summary>Whether pixels lie in the lanes.</summary>
    public bool LanesArePixels => Lanes == LaneAxis.Pixels;

    /// <summary>The bias of a tile's row or, with channels in the lanes, vector.</summary>
    public OfChannel Channel(int row, int lane) => LanesArePixels ? new(Bias, row, IsBroadcast: true) : new(Bias, lane);
}

/// <summary>A matrix product's steps in floats. A row is a pixel, or an output channel where pixels lie in the lanes.</summary>
/// <param name="Pixel">From a row to the next.</param>
/// <param name="OutPixel">From a row of the output to the next.</param>
/// <param name="OutVector">From an output vector to the next.</param>
/// <param name="ResidualPixel">From a row of the residual to the next.</param>
/// <param name="Residual">The first of the residual; null without a residual.</param>
/// <param name="PrefetchesResidual">The condition on which the next tile's residual is prefetched, empty for always; null where no kernel of the form does it.</param>
internal sealed record ProductSteps(Size Pixel, Size OutPixel, Size OutVector, Size ResidualPixel, string? Residual, string? PrefetchesResidual = null)
{
    /// <summary>Whether there is a residual.</summary>
    public bool Adds => Residual is not null;
}
