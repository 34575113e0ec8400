using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary><paramref name="Count"/> tiles of <paramref name="Pixels"/> pixels in a row.</summary>
public readonly record struct TileRun(int Pixels, int Count);

/// <summary>Panels of equal width: <paramref name="Count"/> panels of <paramref name="Vectors"/> vectors from vector <paramref name="First"/> on, over the pixels in <paramref name="Tiles"/>.</summary>
public sealed record PanelRun(int First, int Vectors, int Count, EquatableArray<TileRun> Tiles);

/// <summary>Chooses how a matrix product is cut into register tiles of pixels x vectors of output channels.</summary>
public static class RegisterTiling
{
    /// <summary>Predicted cycles of one step of the sum over <paramref name="pixels"/> x <paramref name="vectors"/>, in the tiles that <see cref="Choose"/> gives.</summary>
    public static double Cycles(VectorTarget target, int pixels, int vectors) =>
        Choose(target, pixels, vectors).Sum(run => run.Count * run.Tiles.Sum(tile => tile.Count * TileCost(tile.Pixels, run.Vectors)));

    /// <summary>Cuts <paramref name="pixels"/> x <paramref name="vectors"/> into panels and tiles with the least predicted time.</summary>
    /// <param name="target">Instruction set.</param>
    /// <param name="pixels">Pixels.</param>
    /// <param name="vectors">Vectors of output channels.</param>
    /// <param name="panel">Vectors of a panel that were measured to be best; 0 for what is predicted.</param>
    /// <param name="distantSum">Terms of the sum where all weights together lie beyond the first-level cache and are read once, by these pixels alone; else 0.</param>
    public static EquatableArray<PanelRun> Choose(VectorTarget target, int pixels, int vectors, int panel = 0, int distantSum = 0)
    {
        double best = double.MaxValue;
        int width = 1;
        for (int candidate = 1; candidate <= Math.Min(vectors, MaxVectors(target)); candidate++)
        {
            double cost = PanelCost(target, pixels, candidate, distantSum) * (vectors / candidate);
            if (vectors % candidate != 0)
                cost += PanelCost(target, pixels, vectors % candidate, distantSum);
            if (cost < best * 0.999)
                (best, width) = (cost, candidate);
        }

        if (panel > 0)
            width = Math.Min(panel, vectors);
        List<PanelRun> runs = [];
        if (vectors / width > 0)
            runs.Add(new PanelRun(0, width, vectors / width, Split(pixels, BestTile(target, pixels, width))));
        if (vectors % width != 0)
            runs.Add(new PanelRun(vectors / width * width, vectors % width, 1, Split(pixels, BestTile(target, pixels, vectors % width))));
        return runs.ToEquatableArray();
    }

    /// <summary>What threads share of <paramref name="panels"/>: tiles of pixels, or panels of output channels where there are too few tiles for that.</summary>
    public static WorkShare Share(EquatableArray<PanelRun> panels) => panels[0].Tiles.Sum(t => t.Count) >= 4 ? WorkShare.Tiles : WorkShare.Panels;

    /// <summary>Tiles of nearly equal size, none above <paramref name="largest"/>, the larger ones last.</summary>
    public static EquatableArray<TileRun> Split(int pixels, int largest)
    {
        int count = (pixels + largest - 1) / largest, small = pixels / count, larger = pixels - (count * small);
        List<TileRun> runs = [];
        if (count > larger)
            runs.Add(new TileRun(small, count - larger));
        if (larger > 0)
            runs.Add(new TileRun(small + 1, larger));
        return runs.ToEquatableArray();
    }

    /// <summary>Floats of a panel that stays in the first-level cache beside the pixels of its tiles.</summary>
    private const int ResidentPanel = 8 * 1024;

    /// <summary>Cycles in which a float comes from the second-level cache, while as much is fetched into it: measured, a line in somewhat more than 3.</summary>
    private const double CyclesPerDistantFloat = 0.2;

    /// <summary>Widest panel: with one pixel a row of accumulators must still cover the latency of the multiply-add.</summary>
    internal static int MaxVectors(VectorTarget target) => target.Registers == 32 ? 12 : 6;

    /// <summary>
    /// Most pixels of a tile: accumulators, the panel's weights and one broadcast fit the registers. A panel of one vector multiplies by
    /// broadcasts from memory, which need no register.
    /// </summary>
    private static int MaxPixels(VectorTarget target, int vectors) =>
        Math.Max(1, vectors == 1 ? Math.Min(target.Registers - 4, 28) : (target.Registers - 1 - vectors) / vectors);

    private static int BestTile(VectorTarget target, int pixels, int vectors)
    {
        int best = 1;
        double cost = double.MaxValue;
        for (int tile = 1; tile <= Math.Min(pixels, MaxPixels(target, vectors)); tile++)
        {
            double candidate = TileCosts(pixels, tile, vectors);
            if (candidate <= cost)
                (best, cost) = (tile, candidate);
        }

        return best;
    }

    /// <summary>Cycles of one step of the sum, at least those in which a panel's weights come from the second-level cache: for every tile, unless the panel stays in the first.</summary>
    private static double PanelCost(VectorTarget target, int pixels, int vectors, int distantSum)
    {
        EquatableArray<TileRun> tiles = Split(pixels, BestTile(target, pixels, vectors));
        if (distantSum == 0)
            return tiles.Sum(run => run.Count * TileCost(run.Pixels, vectors));
        double arrival = vectors * target.Lanes * CyclesPerDistantFloat;
        bool stays = (long)vectors * target.Lanes * distantSum <= ResidentPanel;
        return tiles.Sum(run => run.Count * Math.Max(TileCost(run.Pixels, vectors), stays ? 0 : arrival)) + (stays ? Math.Max(0, arrival - TileCost(tiles[0].Pixels, vectors)) : 0);
    }

    private static double TileCosts(int pixels, int tile, int vectors) => Split(pixels, tile).Sum(run => run.Count * TileCost(run.Pixels, vectors));

    /// <summary>
    /// Cycles of one step of the sum: two multiply-adds and two loads start a cycle, and a tile of fewer than eight accumulators waits for
    /// their latency of four cycles. Broadcasts and weights are loads; a little is added for the loop itself.
    /// </summary>
    internal static double TileCost(int pixels, int vectors)
    {
        double multiplyAdds = pixels * vectors / 2.0, loads = (pixels + vectors) / 2.0;
        return Math.Max(Math.Max(multiplyAdds, loads), 4) + 0.25;
    }
}
