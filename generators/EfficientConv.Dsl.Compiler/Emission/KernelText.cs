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

    /// <summary>The accumulators of a product's tile, whose outputs lie at <c>c</c> and residual at <c>r</c>.</summary>
    /// <param name="vector">Vectors.</param>
    /// <param name="operands">The operands: where the bias lies, and whether that of a row or that of a vector.</param>
    /// <param name="rows">Rows of the tile.</param>
    /// <param name="vectors">Vectors of a row.</param>
    /// <param name="steps">Steps from row to row and from vector to vector.</param>
    /// <param name="name">Name of references to output vectors whose distance is not a literal.</param>
    public static SumTile Tile(VectorSyntax vector, ProductOperands operands, int rows, int vectors, ProductSteps steps, string name)
    {
        int lanes = vector.Target.Lanes;
        bool literal = steps.OutVector.IsLiteral;
        string Output(int j) => j == 0 || literal ? "c" : Text($"{name}{j}");
        return new SumTile(
            [
                .. Enumerable.Range(0, rows).SelectMany(i => Enumerable.Range(0, vectors).Select(j => new Accumulator(
                    Text($"sum{i}_{j}"), operands.Channel(i, j * lanes), Text($"bias{(operands.LanesArePixels ? i : j)}"),
                    new VectorPlace(Output(j), (i * steps.OutPixel) + (literal ? j * steps.OutVector : 0)), new VectorPlace("r", (i * steps.ResidualPixel) + (j * lanes))))),
            ],
            vectors, literal ? [] : [.. Enumerable.Range(1, vectors - 1).Select(j => $"ref float {Output(j)} = ref {At("c", j * steps.OutVector)};")]);
    }

    /// <summary>A product's register tiles and what it holds in registers, in a comment.</summary>
    public static string Describe(ProductKernel kernel, int lanes)
    {
        string sizes = string.Join(", ", kernel.Panels.SelectMany(run => run.Tiles.Select(tile => Tile(kernel, tile.Rows, run.Vectors, lanes))).Distinct());
        (int rows, int vectors) = kernel.Panels.SelectMany(run => run.Tiles.Select(tile => (tile.Rows, run.Vectors))).OrderByDescending(tile => tile.Rows * tile.Vectors).First();
        string registers = kernel.Lanes == LaneAxis.Pixels
            ? RegisterUse(rows * vectors, weights: 1, inputs: vectors)
            : RegisterUse(rows * vectors, weights: vectors, inputs: vectors > 1 || kernel.Lanes == LaneAxis.PixelPairs ? 1 : 0);
        return $"tiles of {(kernel.Lanes == LaneAxis.Pixels ? "channels x pixels" : "pixels x channels")}: {sizes}; {registers}";
    }

    /// <summary>A product's largest tile in a name.</summary>
    public static string LargestTile(ProductKernel kernel, int lanes) =>
        Tile(kernel, kernel.Panels.Max(run => run.Tiles.Max(tile => tile.Rows)), kernel.Panels.Max(run => run.Vectors), lanes).Replace(" ", string.Empty);

    /// <summary>Pixels x channels; channels x pixels where pixels lie in the lanes.</summary>
    private static string Tile(ProductKernel kernel, int rows, int vectors, int lanes) =>
        kernel.Lanes == LaneAxis.PixelPairs ? Text($"{2 * rows} x {vectors * lanes / 2}") : Text($"{rows} x {vectors * lanes}");

    /// <summary>A number of pixels in a comment.</summary>
    public static string Pixels(int count) => count == 1 ? "1 pixel" : Text($"{count} pixels");

    /// <summary>Multiply-adds in a comment.</summary>
    public static string MultiplyAdds(long count) => Text($"{count:N0} multiply-adds");

    /// <summary>What a kernel holds in registers, in a comment.</summary>
    public static string RegisterUse(int accumulators, int weights, int inputs) => Text(
        $"{accumulators} accumulators, {weights} vector{(weights == 1 ? string.Empty : "s")} of weights{(inputs == 0 ? string.Empty : Text($", {inputs} of inputs"))}: " +
        $"{accumulators + weights + inputs} registers");

    /// <summary>Floats of a cache line.</summary>
    public static int LineLength(VectorTarget target) => target.Caches.LineBytes / ElementType.Float32.Size;

    /// <summary>Prefetches the cache lines under some vectors.</summary>
    public static void PrefetchLines(SourceWriter writer, VectorSyntax vector, string method, string reference, int offset, int vectors)
    {
        for (int line = 0; line < vectors * vector.Target.Lanes; line += LineLength(vector.Target))
            writer.Line($"{method}(ref {At(reference, offset + line)});");
    }

    /// <summary>Prefetches the next <paramref name="step"/> floats into the second-level cache.</summary>
    public static void Prefetch(SourceWriter writer, VectorSyntax vector, string reference, int step)
    {
        for (int line = 0; line < step; line += LineLength(vector.Target))
            writer.Line($"Prefetch.L2(ref {At(reference, line)});");
        writer.Line($"{reference} = ref Unsafe.Add(ref {reference}, {step});");
    }
}
