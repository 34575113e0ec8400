using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints the matrix products: 1x1 convolutions, linear layers of vectors, the small products of squeeze-and-excitation.</summary>
internal sealed class PointwiseEmitter(SourceWriter writer, VectorSyntax vector)
{
    private int Lanes => vector.Target.Lanes;

    public void Emit(string name, PointwiseKernel kernel)
    {
        string tiles = string.Join(", ", kernel.Panels.SelectMany(p => p.Tiles.Select(t => FormattableString.Invariant($"{t.Pixels} x {p.Vectors * Lanes}"))).Distinct());
        writer.Line();
        writer.Line($"/// <summary>1x1 convolution of {kernel.Pixels} pixels, {kernel.InChannels} -> {kernel.OutChannels} channels{Activation(kernel.Activation)}; register tiles of pixels x channels: {tiles}.</summary>");
        writer.Line(KernelText.MethodAttribute);
        bool residual = kernel.Initial == Initial.BiasAndResidual;
        writer.Open($"private static void {name}(ref float input, ref float weights, ref float bias, ref float output{(residual ? ", ref float residual" : string.Empty)}{(kernel.Ahead is { Distance: 0 } ? ", ref float ahead" : string.Empty)}{(kernel.AlsoStep > 0 ? ", ref float also" : string.Empty)}{KernelText.Share(kernel.Share).Parameter})");
        foreach (string constant in vector.ActivationConstants(kernel.Activation))
            writer.Line(constant);
        if (kernel.Ahead is { Distance: > 0 } ahead)
            writer.Line($"ref float ahead = ref {KernelText.At("weights", ahead.Distance)};");
        KernelText.Panels(
            writer, vector, kernel.Panels, kernel.Share, "input", kernel.InChannels, kernel.PixelStep, kernel.OutPixelStep, kernel.OutVectorStep,
            residual ? kernel.ResidualPixelStep : 0, kernel.Ahead?.Step ?? 0, (run, pixels) => EmitTile(kernel, run, pixels));
        writer.Close();
    }

    public void Emit(string name, PixelPairKernel kernel)
    {
        int groups = kernel.Groups;
        bool residual = kernel.Initial == Initial.BiasAndResidual;
        string tiles = string.Join(", ", kernel.Tiles.Select(t => FormattableString.Invariant($"{2 * t.Pixels} x {8 * groups}")));
        writer.Line();
        writer.Line($"/// <summary>1x1 convolution of {kernel.Pixels} pixels, {kernel.InChannels} -> {kernel.OutChannels} channels{Activation(kernel.Activation)}, eight channels of two pixels in a vector; register tiles of pixels x channels: {tiles}.</summary>");
        writer.Line(KernelText.MethodAttribute);
        writer.Open($"private static void {name}(ref float input, ref float weights, ref float bias, ref float output{(residual ? ", ref float residual" : string.Empty)})");
        foreach (string constant in vector.ActivationConstants(kernel.Activation))
            writer.Line(constant);
        writer.Line("Vector512<int> apart = Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);");
        writer.Line("Vector512<int> together = Vector512.Create(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);", kernel.Initial != Initial.Bias);
        foreach (TileRun tile in kernel.Tiles)
        {
            writer.Loop("tile", tile.Count, () =>
            {
                EmitPairTile(kernel, tile.Pixels);
                writer.Line($"input = ref Unsafe.Add(ref input, {tile.Pixels * kernel.PairStep});");
                writer.Line($"output = ref Unsafe.Add(ref output, {2 * tile.Pixels * kernel.OutPixelStep});");
                writer.Line($"residual = ref Unsafe.Add(ref residual, {2 * tile.Pixels * kernel.ResidualPixelStep});", residual);
            }, braces: kernel.Tiles.Count > 1);
        }

        writer.Close();
    }

    private void EmitPairTile(PixelPairKernel kernel, int pairs)
    {
        int groups = kernel.Groups;
        for (int j = 0; j < groups; j++)
            writer.Line($"{vector.Type} bias{j} = {vector.Load("bias", j * Lanes)};");
        for (int i = 0; i < pairs; i++)
        {
            for (int j = 0; j < groups; j++)
            {
                string Added(string reference, int step) => FormattableString.Invariant(
                    $"Avx512F.PermuteVar16x32(Vector512.Create(Vector256.LoadUnsafe(ref {reference}, {(2 * i * step) + (8 * j)}), Vector256.LoadUnsafe(ref {reference}, {(((2 * i) + 1) * step) + (8 * j)})), together)");
                writer.Line($"{vector.Type} sum{i}_{j} = " + kernel.Initial switch
                {
                    Initial.Bias => FormattableString.Invariant($"bias{j};"),
                    Initial.BiasAndResidual => FormattableString.Invariant($"bias{j} + {Added("residual", kernel.ResidualPixelStep)};"),
                    Initial.BiasAndDestination => FormattableString.Invariant($"bias{j} + {Added("output", kernel.OutPixelStep)};"),
                    _ => throw new InvalidOperationException("Pairs of pixels are not summed up in the destination."),
                });
            }
        }

        writer.Line("ref float a = ref input;");
        writer.Line("ref float w = ref weights;");
        writer.Open($"for (int k = 0; k < {kernel.InChannels}; k++)");
        for (int j = 0; j < groups; j++)
            writer.Line($"{vector.Type} w{j} = {vector.Load("w", j * Lanes)};");
        for (int i = 0; i < pairs; i++)
        {
            writer.Line($"{vector.Type} x{i} = Vector512.Create(Unsafe.As<float, double>(ref {KernelText.At("a", i * kernel.PairStep)})).AsSingle();");
            for (int j = 0; j < groups; j++)
                writer.Line($"sum{i}_{j} = {vector.Fma(FormattableString.Invariant($"x{i}"), FormattableString.Invariant($"w{j}"), FormattableString.Invariant($"sum{i}_{j}"))};");
        }

        writer.Line("a = ref Unsafe.Add(ref a, 2);");
        writer.Line($"w = ref Unsafe.Add(ref w, {groups * Lanes});");
        writer.Close();
        for (int i = 0; i < pairs; i++)
        {
            for (int j = 0; j < groups; j++)
            {
                string sum = FormattableString.Invariant($"sum{i}_{j}");
                writer.Line($"{sum} = Avx512F.PermuteVar16x32({vector.Activate(kernel.Activation, sum)}, apart);");
                writer.Line($"{sum}.GetLower().StoreUnsafe(ref output, {(2 * i * kernel.OutPixelStep) + (8 * j)});");
                writer.Line($"{sum}.GetUpper().StoreUnsafe(ref output, {(((2 * i) + 1) * kernel.OutPixelStep) + (8 * j)});");
            }
        }
    }

    private void EmitTile(PointwiseKernel kernel, PanelRun run, int pixels)
    {
        KernelText.Accumulators(writer, vector, kernel.Initial, pixels, run.Vectors, kernel.OutPixelStep, kernel.OutVectorStep, kernel.ResidualPixelStep);
        bool blocked = kernel.ChannelBlock < kernel.InChannels;
        int width = run.Vectors * Lanes;
        writer.Line("ref float w = ref panel;");
        if (blocked)
        {
            writer.Line("ref float block = ref pixels;");
            writer.Open($"for (int b = 0; b < {kernel.InChannels / kernel.ChannelBlock}; b++)");
        }

        writer.Line($"ref float a = ref {(blocked ? "block" : "pixels")};");
        bool soon = blocked && kernel.FetchesInput;
        writer.Line($"ref float soon = ref Unsafe.Add(ref block, {2 * kernel.ChannelBlockStep});", soon);
        writer.Open($"for (int k = 0; k < {kernel.ChannelBlock}; k++)");
        KernelText.Fetch(writer, "ahead", kernel.Ahead?.Step ?? 0);
        KernelText.Fetch(writer, "also", kernel.AlsoStep);
        writer.Line("Prefetch.L1(ref soon);", soon);
        writer.Line("soon = ref Unsafe.Add(ref soon, 16);", soon);
        KernelText.MultiplyAdd(writer, vector, pixels, run.Vectors, kernel.PixelStep);
        writer.Line($"a = ref Unsafe.Add(ref a, {kernel.ChannelStep});");
        writer.Line($"w = ref Unsafe.Add(ref w, {width});");
        writer.Close();
        if (blocked)
        {
            writer.Line($"block = ref Unsafe.Add(ref block, {kernel.ChannelBlockStep});");
            writer.Close();
        }

        KernelText.Stores(writer, vector, kernel.Activation, pixels, run.Vectors, kernel.OutPixelStep, kernel.OutVectorStep);
    }

    private static string Activation(Graph.ActivationFunction activation) => activation.IsNone ? string.Empty : $", {activation.Kind}";
}
