using EfficientConv.Dsl.Compiler.Graph;
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

    /// <summary>
    /// The loops over tiles of pixels and, inside, panels of output channels; <paramref name="tile"/> prints one tile, with <c>pixels</c>, <c>panel</c>,
    /// <c>panelBias</c>, <c>c</c> and, with a residual, <c>r</c> at its data.
    /// </summary>
    public static void Panels(
        SourceWriter writer, VectorSyntax vector, PanelRun run, string input, int weights, int panelLength, int pixelStep, int outPixelStep, int outVectorStep,
        int residualPixelStep, Action<int> tile)
    {
        int lanes = vector.Target.Lanes, width = run.Vectors * lanes;
        bool residual = residualPixelStep > 0, moves = run.Tiles.Sum(t => t.Count) > 1;
        writer.Open();
        writer.Line($"ref float pixels = ref {input};");
        writer.Line($"ref float destination = ref {At("output", run.First * outVectorStep)};");
        writer.Line($"ref float added = ref {At("residual", run.First * lanes)};", residual);
        foreach (TileRun tiles in run.Tiles)
        {
            writer.Loop("tile", tiles.Count, () =>
            {
                writer.Line($"ref float panel = ref {At("weights", weights)};");
                writer.Line($"ref float panelBias = ref {At("bias", run.First * lanes)};");
                writer.Line("ref float c = ref destination;");
                writer.Line("ref float r = ref added;", residual);
                writer.Loop("p", run.Count, () =>
                {
                    tile(tiles.Pixels);
                    writer.Line($"panel = ref Unsafe.Add(ref panel, {panelLength});", run.Count > 1);
                    writer.Line($"panelBias = ref Unsafe.Add(ref panelBias, {width});", run.Count > 1);
                    writer.Line($"c = ref Unsafe.Add(ref c, {run.Vectors * outVectorStep});", run.Count > 1);
                    writer.Line($"r = ref Unsafe.Add(ref r, {width});", run.Count > 1 && residual);
                });
                writer.Line($"pixels = ref Unsafe.Add(ref pixels, {tiles.Pixels * pixelStep});", moves);
                writer.Line($"destination = ref Unsafe.Add(ref destination, {tiles.Pixels * outPixelStep});", moves);
                writer.Line($"added = ref Unsafe.Add(ref added, {tiles.Pixels * residualPixelStep});", moves && residual);
            }, braces: run.Tiles.Count > 1);
        }

        writer.Close();
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

    public static void Stores(SourceWriter writer, VectorSyntax vector, ActivationFunction activation, int pixels, int vectors, int outPixelStep, int outVectorStep)
    {
        for (int i = 0; i < pixels; i++)
        {
            for (int j = 0; j < vectors; j++)
                writer.Line(vector.Store(vector.Activate(activation, FormattableString.Invariant($"sum{i}_{j}")), "c", (i * outPixelStep) + (j * outVectorStep)));
        }
    }
}
