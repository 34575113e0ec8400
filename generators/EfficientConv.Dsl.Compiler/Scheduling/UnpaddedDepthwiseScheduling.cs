using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>
/// Schedules depthwise layers between planes that are read where they lie. The sums run in the same order as in every other form, so that the choice
/// may depend on the instruction set.
/// </summary>
internal static class UnpaddedDepthwiseScheduling
{
    /// <summary>Most multiply-adds of vectors of an unrolled plane: a few kilobytes of code.</summary>
    private const int MostMultiplyAdds = 260;

    /// <summary>Most vectors of a row with stride 2: accumulators of one row, beside what picks the columns apart.</summary>
    private const int MostRowVectors = 8;

    /// <summary>Registers that neither hold weights nor masks nor sums: bias, activation, loaded values.</summary>
    private const int OtherRegisters = 6;

    /// <summary>Whether one of the direct forms is there for <paramref name="stage"/>, a depthwise convolution.</summary>
    public static bool Fits(VectorTarget target, ConvolutionStage stage) => FitsFlat(target, stage) || FitsStrided(target, stage);

    /// <summary>Whether a small map's planes are unrolled.</summary>
    public static bool FitsFlat(VectorTarget target, ConvolutionStage stage)
    {
        ConvolutionOperator c = stage.Convolution;
        return target.ClearsLanes && c.Stride == Extent.Square(1) && stage.Output == stage.Input
            && VectorPlaces(target, stage.Output).Count() * c.Kernel.Height * c.Kernel.Width <= MostMultiplyAdds;
    }

    private static bool FitsStrided(VectorTarget target, ConvolutionStage stage) =>
        target.PicksLanes && stage.Convolution.Stride.Width == 2 && stage.Input.Width >= 2 * target.Lanes && stage.Output.Width >= target.Lanes
        && target.Vectors(stage.Output.Width) <= MostRowVectors && TapsAreInReach(target, stage);

    public static void Schedule(PlanBuilder plan, ConvolutionStage stage, TensorSlot input, TensorSlot output)
    {
        (Epilogue epilogue, ActivationFunction postOp) = Epilogue.OfPlanes(stage, null);
        int channels = stage.Output.Channels;
        UnpaddedDepthwiseKernel kernel = FitsFlat(plan.Target, stage) ? Flat(plan.Target, stage, epilogue) : Strided(plan.Target, stage, epilogue);
        int before = 0, after = 0;
        if (kernel is FlatDepthwiseKernel { Loads.Count: > 0 } flat)
        {
            before = Math.Max(0, -flat.Loads.Min(load => load.At));
            after = Math.Max(0, flat.Loads.Max(load => load.At) + plan.Target.Lanes - stage.Input.Pixels);
        }

        ScratchArena scratch = plan.NewScratch();
        ArenaOffset? copy = before + after == 0 ? null : scratch.Own(before + stage.Input.Pixels + after);
        plan.BeginStep();
        (_, ArenaOffset bias) = PlanarScheduling.PackDepthwise(plan, stage);
        plan.AddStep(
            new PlanarNests(plan.Target, input.View, null, output.View).UnpaddedDepthwise(kernel, bias, before, after, copy, postOp),
            input, null, output, scratch, ConvolutionScheduling.Describe("depthwise", stage));
    }

    /// <summary>
    /// Where the output's vectors begin: several whole rows a vector where rows are narrow, else vectors side by side in each row, the last of which ends at
    /// the row's end.
    /// </summary>
    private static IEnumerable<(int Row, int Column)> VectorPlaces(VectorTarget target, Shape map)
    {
        int rows = Math.Max(1, target.Lanes / map.Width);
        for (int row = 0; row < map.Height; row += rows)
        {
            for (int column = 0; column < map.Width; column += target.Lanes)
                yield return (row, Math.Max(0, Math.Min(column, map.Width - target.Lanes)));
        }
    }

    private static FlatDepthwiseKernel Flat(VectorTarget target, ConvolutionStage stage, Epilogue epilogue)
    {
        ConvolutionOperator c = stage.Convolution;
        int width = stage.Output.Width, height = stage.Output.Height, taps = c.Kernel.Height * c.Kernel.Width;
        (int Row, int Column)[] places = [.. VectorPlaces(target, stage.Output)];

        // Every (row, column of taps, column) is one load; the output rows that meet it share it where their masks agree.
        SortedDictionary<(int Row, int Column, int Kx, int Mask), List<FlatUse>> loads = [];
        List<int> masks = [];
        for (int v = 0; v < places.Length; v++)
        {
            for (int tap = 0; tap < taps; tap++)
            {
                int kx = tap % c.Kernel.Width, row = places[v].Row - c.Padding.Top + (tap / c.Kernel.Width * c.Dilation.Height);
                if (MaskOf(row, kx, places[v]) is not { } mask)
                    continue;
                (int, int, int, int) key = (row, places[v].Column, kx, mask);
                if (!loads.TryGetValue(key, out List<FlatUse>? uses))
                    loads.Add(key, uses = []);
                uses.Add(new FlatUse(v, tap));
            }
        }

        FlatLoad[] sorted = [.. loads.Select(l => new FlatLoad((l.Key.Row * width) + l.Key.Column + Shift(l.Key.Kx), l.Key.Mask, l.Value.ToEquatableArray()))];
        FlatVector[] vectors = FlatVectors(target, stage.Output, places, sorted);
        bool weightsInRegisters = taps <= target.Registers / 3;
        int live = LiveSums(sorted, vectors), used = live + OtherRegisters + (weightsInRegisters ? taps : 0);
        return new FlatDepthwiseKernel(
            ConvolutionScheduling.Window(c, stage.Input, stage.Output), new Extent(height, width), epilogue, masks.ToEquatableArray(), vectors.ToEquatableArray(),
            sorted.ToEquatableArray(), weightsInRegisters, used + masks.Count <= target.Registers);

        int Shift(int kx) => (kx * c.Dilation.Width) - c.Padding.Left;

        // The mask's index, -1 for none; null when no lane reads the map.
        int? MaskOf(int row, int kx, (int Row, int Column) place)
        {
            int mask = 0, needed = 0;
            for (int lane = 0; lane < target.Lanes; lane++)
            {
                int down = width >= target.Lanes ? 0 : lane / width, column = width >= target.Lanes ? place.Column + lane : lane % width;
                bool inRow = column + Shift(kx) >= 0 && column + Shift(kx) < width, isOutput = down < Math.Max(1, target.Lanes / width) && place.Row + down < height;
                needed |= isOutput && inRow && row + down >= 0 && row + down < height ? 1 << lane : 0;

                // Lanes whose result is not stored follow the pattern of the others, so that masks are few.
                mask |= inRow && (!isOutput || (row + down >= 0 && row + down < height)) ? 1 << lane : 0;
            }

            if (needed == 0)
                return null;
            if (mask == (1 << target.Lanes) - 1)
                return -1;
            if (!masks.Contains(mask))
                masks.Add(mask);
            return masks.IndexOf(mask);
        }
    }

    /// <summary>What is stored of the sums at <paramref name="places"/>, and after which load, in this order, because a vector's lanes after its own pixels overwrite those of the next.</summary>
    private static FlatVector[] FlatVectors(VectorTarget target, Shape map, (int Row, int Column)[] places, FlatLoad[] loads)
    {
        FlatVector[] vectors = new FlatVector[places.Length];
        int lastLoad = -1;
        for (int v = 0; v < places.Length; v++)
        {
            lastLoad = Math.Max(lastLoad, Array.FindLastIndex(loads, load => load.Uses.Any(use => use.Vector == v)));
            int at = (places[v].Row * map.Width) + places[v].Column;
            int count = map.Width >= target.Lanes ? target.Lanes : Math.Min(target.Lanes / map.Width, map.Height - places[v].Row) * map.Width;
            vectors[v] = new FlatVector(at, at + target.Lanes <= map.Pixels ? target.Lanes : count, lastLoad);
        }

        return vectors;
    }

    /// <summary>Most output vectors that are begun and not complete.</summary>
    private static int LiveSums(FlatLoad[] loads, FlatVector[] vectors)
    {
        int most = 1;
        for (int i = 0; i < loads.Length; i++)
            most = Math.Max(most, vectors.Where((vector, v) => vector.LastLoad >= i && Array.FindIndex(loads, l => l.Uses.Any(u => u.Vector == v)) <= i).Count());
        return most;
    }

    private static StridedDepthwiseKernel Strided(VectorTarget target, ConvolutionStage stage, Epilogue epilogue)
    {
        ConvolutionOperator c = stage.Convolution;
        int lanes = target.Lanes;
        List<int> masks = [];
        List<EquatableArray<int>> tables = [];
        List<StridedVector> vectors = [];
        for (int v = 0; v < target.Vectors(stage.Output.Width); v++)
        {
            int column = Math.Min(v * lanes, stage.Output.Width - lanes);
            vectors.Add(new StridedVector(column, Enumerable.Range(0, c.Kernel.Width).Select(kx => Tap(column, kx)).ToEquatableArray()));
        }

        return new StridedDepthwiseKernel(
            ConvolutionScheduling.Window(c, stage.Input, stage.Output), new Extent(stage.Input.Height, stage.Input.Width), new Extent(stage.Output.Height, stage.Output.Width),
            c.Stride.Height, c.Padding.Top, epilogue, masks.ToEquatableArray(), tables.ToEquatableArray(), vectors.ToEquatableArray());

        StridedTap Tap(int column, int kx)
        {
            int at = PairPlace(target, stage, column, kx) ?? throw new InvalidOperationException("A tap lies outside of two vectors."), mask = 0;
            int[] table = new int[lanes];
            for (int lane = 0; lane < lanes; lane++)
            {
                int x = InputColumn(c, column + lane, kx);
                if (x < 0 || x >= stage.Input.Width)
                    continue;
                mask |= 1 << lane;
                table[lane] = x - at;
            }

            EquatableArray<int> places = table.ToEquatableArray();
            if (!tables.Contains(places))
                tables.Add(places);
            if (mask == (1 << lanes) - 1)
                return new StridedTap(at, tables.IndexOf(places), -1);
            if (!masks.Contains(mask))
                masks.Add(mask);
            return new StridedTap(at, tables.IndexOf(places), masks.IndexOf(mask));
        }
    }

    private static int InputColumn(ConvolutionOperator c, int column, int kx) => (column * c.Stride.Width) - c.Padding.Left + (kx * c.Dilation.Width);

    private static bool TapsAreInReach(VectorTarget target, ConvolutionStage stage) =>
        Enumerable.Range(0, target.Vectors(stage.Output.Width)).All(v => Enumerable.Range(0, stage.Convolution.Kernel.Width).All(
            kx => PairPlace(target, stage, Math.Min(v * target.Lanes, stage.Output.Width - target.Lanes), kx) is not null));

    /// <summary>
    /// First column of two vectors, inside the row, that hold all columns of a tap: those under the output columns themselves where they do, so that taps share
    /// loads, or those from the tap's first column on.
    /// </summary>
    private static int? PairPlace(VectorTarget target, ConvolutionStage stage, int column, int kx)
    {
        int[] columns = [.. Enumerable.Range(column, target.Lanes).Select(x => InputColumn(stage.Convolution, x, kx)).Where(x => x >= 0 && x < stage.Input.Width)];
        foreach (int wanted in new[] { column * stage.Convolution.Stride.Width, columns.Length == 0 ? 0 : columns[0] / 2 * 2, columns.Length == 0 ? 0 : columns[0] })
        {
            int at = Math.Min(wanted, stage.Input.Width - (2 * target.Lanes));
            if (columns.All(x => x >= at && x < at + (2 * target.Lanes)))
                return at;
        }

        return null;
    }
}
