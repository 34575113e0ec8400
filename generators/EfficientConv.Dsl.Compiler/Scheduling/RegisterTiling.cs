using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary><paramref name="Count"/> tiles of <paramref name="Rows"/> rows one after the other: pixels, pairs of pixels, or output channels where pixels lie in the lanes.</summary>
public readonly record struct TileRun(int Rows, int Count);

/// <summary>
/// Panels of equal width: <paramref name="Count"/> panels of <paramref name="Vectors"/> vectors from vector <paramref name="First"/> on, where pixels lie in the lanes from that pixel
/// on, over the rows in <paramref name="Tiles"/>.
/// </summary>
public sealed record PanelRun(int First, int Vectors, int Count, EquatableArray<TileRun> Tiles);

/// <summary>Chooses how a matrix product is cut into register tiles of pixels x vectors of output channels.</summary>
public static class RegisterTiling
{
    /// <summary>Predicted cycles of one step of the sum over <paramref name="pixels"/> x <paramref name="vectors"/>, in the tiles that <see cref="Choose"/> gives.</summary>
    public static double Cycles(VectorTarget target, int pixels, int vectors) =>
        Choose(target, pixels, vectors).Sum(run => run.Count * run.Tiles.Sum(tile => tile.Count * TileCycles(target, tile.Rows, run.Vectors)));

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

    /// <summary>Cuts planes of <paramref name="pixels"/>, which lie in the lanes, and <paramref name="channels"/> output channels in the same way.</summary>
    public static EquatableArray<PanelRun> OfPlanes(VectorTarget target, int channels, int pixels)
    {
        PanelRun main = Choose(target, channels, target.Vectors(pixels))[0];
        return PixelRuns(target, pixels, main.Vectors).Select(run => new PanelRun(run.First, run.Vectors, run.Count, main.Tiles)).ToEquatableArray();
    }

    /// <summary>Panels of <paramref name="widest"/> vectors, and one that ends at the last pixel.</summary>
    public static EquatableArray<PixelRun> PixelRuns(VectorTarget target, int pixels, int widest)
    {
        int lanes = target.Lanes, whole = pixels / lanes, rest = (whole % widest) + (pixels % lanes > 0 ? 1 : 0);
        List<PixelRun> runs = [];
        if (whole / widest > 0)
            runs.Add(new PixelRun(0, widest, whole / widest));
        if (rest * lanes <= pixels || rest == 1)
        {
            if (rest > 0)
                runs.Add(new PixelRun(Math.Max(0, pixels - (rest * lanes)), rest, 1));
        }
        else
        {
            // Too few pixels for all to stand side by side: only the last one moves back.
            runs.Add(new PixelRun(0, rest - 1, 1));
            runs.Add(new PixelRun(pixels - lanes, 1, 1));
        }

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
        return tiles.Sum(run => run.Count * Math.Max(TileCycles(target, run.Rows, vectors), stays ? 0 : arrival)) + (stays ? Math.Max(0, arrival - TileCycles(target, tiles[0].Rows, vectors)) : 0);
    }

    /// <summary>Cycles of one step over all tiles of a split: asked for every size of tile, so that no split is made.</summary>
    private static double SplitCycles(VectorTarget target, int pixels, int largest, int vectors)
    {
        (TileRun small, TileRun larger) = Runs(pixels, largest);
        double cycles = small.Count * TileCycles(target, small.Rows, vectors);
        return larger.Count == 0 ? cycles : cycles + (larger.Count * TileCycles(target, larger.Rows, vectors));
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
