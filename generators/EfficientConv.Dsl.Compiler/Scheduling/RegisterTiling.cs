using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

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
        Choose(target, pixels, vectors).Sum(run => run.Count * run.Tiles.Sum(tile => tile.Count * TileCycles(target, tile.Pixels, run.Vectors)));

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
        for (int candidate = 1; candidate <= Math.Min(vectors, target.WidestPanel); candidate++)
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
        (TileRun small, TileRun larger) = Runs(pixels, largest);
        return larger.Count == 0 ? EquatableArray.Of(small) : EquatableArray.Of(small, larger);
    }

    /// <summary>The same without an array; of the larger ones there may be none.</summary>
    private static (TileRun Small, TileRun Larger) Runs(int pixels, int largest)
    {
        int count = (pixels + largest - 1) / largest, small = pixels / count, larger = pixels - (count * small);
        return (new TileRun(small, count - larger), new TileRun(small + 1, larger));
    }

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
            double candidate = SplitCycles(target, pixels, tile, vectors);
            if (candidate <= cost)
                (best, cost) = (tile, candidate);
        }

        return best;
    }

    /// <summary>Cycles of one step of the sum, at least those in which a panel's weights come from the second-level cache: for every tile, unless the panel stays in the first.</summary>
    private static double PanelCost(VectorTarget target, int pixels, int vectors, int distantSum)
    {
        int largest = BestTile(target, pixels, vectors);
        if (distantSum == 0)
            return SplitCycles(target, pixels, largest, vectors);
        EquatableArray<TileRun> tiles = Split(pixels, largest);
        double arrival = ElementType.Float32.Bytes(vectors * target.Lanes) / target.Rates.BusyWeightRate;
        bool stays = ElementType.Float32.Bytes((long)vectors * target.Lanes * distantSum) <= target.Caches.FirstLevelBytes;
        return tiles.Sum(run => run.Count * Math.Max(TileCycles(target, run.Pixels, vectors), stays ? 0 : arrival)) + (stays ? Math.Max(0, arrival - TileCycles(target, tiles[0].Pixels, vectors)) : 0);
    }

    /// <summary>Cycles of one step over all tiles of a split: asked for every size of tile, so that no split is made.</summary>
    private static double SplitCycles(VectorTarget target, int pixels, int largest, int vectors)
    {
        (TileRun small, TileRun larger) = Runs(pixels, largest);
        double cycles = small.Count * TileCycles(target, small.Pixels, vectors);
        return larger.Count == 0 ? cycles : cycles + (larger.Count * TileCycles(target, larger.Pixels, vectors));
    }

    /// <summary>
    /// Cycles of one step of the sum: bound by multiply-adds, by loads of weights and inputs, or by the latency of the one multiply-add for which the next step waits, and
    /// a little for the loop itself.
    /// </summary>
    internal static double TileCycles(VectorTarget target, int pixels, int vectors)
    {
        CoreRates rates = target.Rates;
        return Math.Max(Math.Max(pixels * vectors / rates.VectorOperations, (vectors + pixels) / rates.VectorLoads), rates.Latency) + rates.LoopCycles;
    }
}
