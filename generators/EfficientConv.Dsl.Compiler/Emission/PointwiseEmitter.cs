using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints the matrix products: 1x1 convolutions, linear layers of vectors, the small products of squeeze-and-excitation.</summary>
internal sealed class PointwiseEmitter(SourceWriter writer, VectorSyntax vector)
{
    private int Lanes => vector.Target.Lanes;

    /// <summary>The kernel of all <paramref name="kernels"/> of a form: a generic method over their sizes.</summary>
    public void Emit(PointwiseForm form, PointwiseParameters parameters, IReadOnlyList<PointwiseKernel> kernels)
    {
        PointwiseKernel first = kernels[0];
        IReadOnlyList<PanelSizes> panels = [.. first.Panels.Select((run, i) => new PanelSizes(
            run.Vectors, i == 0 ? Size.Of("panels") : 1, [.. run.Tiles.Select((tile, j) => (tile.Rows, Size.Of("TShape." + TileCounts[i, j])))]))];
        EpilogueEmitter epilogue = new(writer, vector, kernels.Select(k => k.Epilogue));
        ProductSteps steps = new(
            Size.Of("inputStep"), Size.Of("outputStep"), Size.Of("outputVectorStep"), Size.Of("residualStep"), parameters.Residual,
            Condition(kernels, k => k.PrefetchOf(Prefetched.Residual), "IPrefetchesResidual"));
        PointwiseSum sum = new(kernels);
        writer.Line();
        writer.Lines($"""
            /// <summary>
            /// 1x1 convolution, a matrix product: output[pixel, n] = {epilogue.Formula("sum over k of input[pixel, k] * weights[k, n]")}.<br/>
            /// Register {KernelText.Describe(first, Lanes)}.
            /// </summary>
            """);
        writer.Line(KernelText.MethodAttribute);
        using SourceWriter.Scope method = writer.Block(
            $"private static void {form.Name}<TShape>(ref float input, ref float weights, ref float bias, ref float output{parameters.Declaration}) " +
            "where TShape : struct, IPointwiseShape");
        writer.Line(
            $"int channels = TShape.Channels, panels = TShape.Panels, inputStep = TShape.InputStep, outputStep = TShape.OutputStep, " +
            $"outputVectorStep = TShape.OutputVectorStep{(steps.Adds ? ", residualStep = TShape.ResidualStep" : string.Empty)};");
        if (kernels.Any(k => k.StepPrefetch is not null))
        {
            writer.Line($"ref float ahead = ref {parameters.Next ?? parameters.Residual};");
            writer.Line("int aheadStep = TShape.PrefetchStep;");
        }

        writer.Line("int channelStep = TShape.ChannelStep;", sum.IsStepped);
        writer.Line("int blockChannels = TShape.Block, blockStep = TShape.BlockStep;", sum.IsBlocked);
        ProductOperands operands = ProductOperands.Channels("input");
        new PanelLoops(writer, Lanes, form.Share, operands, Size.Of("channels"), steps, (run, pixels) =>
        {
            epilogue.Start(KernelText.Tile(vector, operands, pixels, run.Vectors, steps, "output"));
            EmitSum(kernels, sum, pixels, run.Vectors);
            epilogue.Finish(KernelText.Tile(vector, operands, pixels, run.Vectors, steps, "c"));
        }).Emit(panels);
    }

    /// <summary>How a form's sums run over the input channels.</summary>
    private sealed class PointwiseSum(IReadOnlyList<PointwiseKernel> kernels)
    {
        /// <summary>Whether some channels lie in blocks.</summary>
        public bool IsBlocked { get; } = kernels.Any(k => k.ChannelBlock < k.InChannels);

        /// <summary>Whether some channels are not side by side.</summary>
        public bool IsStepped { get; } = kernels.Any(k => k.ChannelStep != 1);
    }

    /// <summary>The sum of a tile over blocks of input channels, with what is prefetched meanwhile.</summary>
    private void EmitSum(IReadOnlyList<PointwiseKernel> kernels, PointwiseSum sum, int pixels, int vectors)
    {
        string? input = Condition(kernels, k => k.PrefetchOf(Prefetched.Input), "IPrefetchesInput");
        writer.Line("ref float w = ref panel;");
        writer.Line("ref float block = ref pixels;", sum.IsBlocked);
        using SourceWriter.Scope blocks = writer.BlockIf(sum.IsBlocked, "for (int b = 0; b < channels / blockChannels; b++)");

        // Other threads made some of the blocks: each is prefetched while the one two before it is multiplied.
        writer.Line("ref float soon = ref Unsafe.Add(ref block, 2 * blockStep);", input is not null);
        writer.Line($"ref float a = ref {(sum.IsBlocked ? "block" : "pixels")};");
        new MatrixTile(writer, vector, pixels, vectors)
        {
            RowStep = Size.Of("inputStep"),
            ValueStep = sum.IsStepped ? Size.Of("channelStep") : 1,
            Before = count =>
            {
                EmitPrefetch("ahead", "aheadStep", count, kernels, k => k.StepPrefetch, "IPrefetches");
                EmitPrefetch("gateWeights", "TShape.GatePrefetchStep", count, kernels, k => k.PrefetchOf(Prefetched.GateWeights), string.Empty);
                if (input is not null)
                    EmitInputPrefetch(input, count * kernels.Select(k => k.PrefetchOf(Prefetched.Input)).OfType<Prefetch>().First().Step);
            },
        }.Sum("k", Size.Of(sum.IsBlocked ? "blockChannels" : "channels"), kernels.Any(k => k.ChannelBlock % vector.Target.SumSteps != 0));
        writer.Line("block = ref Unsafe.Add(ref block, blockStep);", sum.IsBlocked);
    }

    /// <summary>Asks for the input that is multiplied soon, for those shapes that do it.</summary>
    private void EmitInputPrefetch(string condition, int step)
    {
        using SourceWriter.Scope some = writer.BlockIf(condition.Length > 0, $"if ({condition})");
        for (int line = 0; line < step; line += KernelText.LineLength(vector.Target))
            writer.Line($"Prefetch.L1(ref {KernelText.At("soon", line)});");
        writer.Line($"soon = ref Unsafe.Add(ref soon, {step});");
    }

    /// <summary>The sizes of <paramref name="kernel"/>, or the method that it has to itself.</summary>
    public void Emit(string name, PointwiseKernel kernel)
    {
        (string layout, string lanes) = kernel.Lanes switch
        {
            LaneAxis.Pixels => (" in planes", string.Empty),
            LaneAxis.PixelPairs => (string.Empty, ", eight channels of two pixels in a vector"),
            _ => (string.Empty, string.Empty),
        };
        writer.Line();
        writer.Line(
            $"/// <summary>1x1 convolution of {KernelText.Pixels(kernel.Pixels)}{layout}, {kernel.InChannels} -> {kernel.OutChannels} channels" +
            $"{EpilogueEmitter.Describe(kernel.Epilogue)}{lanes}: {KernelText.MultiplyAdds((long)kernel.Pixels * kernel.InChannels * kernel.OutChannels)}" +
            $"{(kernel.Lanes == LaneAxis.Channels ? string.Empty : $"; register {KernelText.Describe(kernel, Lanes)}")}.</summary>");
        if (kernel.Lanes == LaneAxis.Channels)
        {
            EmitShape(name, kernel);
            return;
        }

        EpilogueEmitter epilogue = new(writer, vector, kernel.Epilogue);
        writer.Line(KernelText.MethodAttribute);
        using SourceWriter.Scope method = writer.Block(
            $"private static void {name}(ref float input, ref float weights, ref float bias, ref float output{epilogue.ResidualParameter}{KernelText.Share(kernel.Share).Parameter})");
        if (kernel.Lanes == LaneAxis.Pixels)
            EmitPlanes(kernel, epilogue);
        else
            EmitPairs(kernel, epilogue);
    }

    private void EmitShape(string name, PointwiseKernel kernel)
    {
        List<(string, int, int?)> sizes =
        [
            ("Channels", kernel.InChannels, null),
            ("Block", kernel.ChannelBlock, null),
            ("BlockStep", kernel.ChannelBlock < kernel.InChannels ? kernel.ChannelBlockStep : 0, 0),
            ("ChannelStep", kernel.ChannelStep, 1),
            ("InputStep", kernel.PixelStep, null),
            ("OutputStep", kernel.OutRowStep, null),
            ("OutputVectorStep", kernel.OutVectorStep, null),
            .. EpilogueEmitter.Sizes(kernel.Epilogue),
            ("Panels", kernel.Panels[0].Count, 1),
        ];
        for (int i = 0; i < kernel.Panels.Count; i++)
        {
            for (int j = 0; j < kernel.Panels[i].Tiles.Count; j++)
                sizes.Add((TileCounts[i, j], kernel.Panels[i].Tiles[j].Count, j == 0 ? 1 : 0));
        }

        sizes.Add(("PrefetchStep", kernel.StepPrefetch?.Step ?? 0, 0));
        sizes.Add(("GatePrefetchStep", kernel.PrefetchOf(Prefetched.GateWeights)?.Step ?? 0, 0));
        ShapeEmitter.Emit(
            writer, name, "IPointwiseShape",
            [
                .. EpilogueEmitter.Traits(kernel.Epilogue), kernel.StepPrefetch is null ? null : "IPrefetches",
                kernel.PrefetchOf(Prefetched.Input) is null ? null : "IPrefetchesInput", kernel.PrefetchOf(Prefetched.Residual) is null ? null : "IPrefetchesResidual",
            ],
            sizes);
    }

    private static readonly string[,] TileCounts = { { "Tiles", "LargerTiles" }, { "LastTiles", "LastLargerTiles" } };

    /// <summary>The condition on which a shape prefetches, empty where all of the form do; null where none does.</summary>
    private static string? Condition(IReadOnlyList<PointwiseKernel> kernels, Func<PointwiseKernel, Prefetch?> prefetch, string trait) =>
        kernels.All(k => prefetch(k) is null) ? null : kernels.All(k => prefetch(k) is not null) ? string.Empty : $"default(TShape) is {trait}";

    /// <summary>The prefetching of <paramref name="steps"/> steps, for those shapes that do it.</summary>
    private void EmitPrefetch(string reference, string stepLength, int steps, IReadOnlyList<PointwiseKernel> kernels, Func<PointwiseKernel, Prefetch?> prefetch, string trait)
    {
        if (Condition(kernels, prefetch, trait) is not { } condition)
            return;
        int largest = kernels.Max(k => prefetch(k)?.Step ?? 0) * steps;
        Size step = steps * Size.Of(stepLength);
        using (writer.BlockIf(condition.Length > 0, $"if ({condition})"))
        {
            for (int line = 0; line < largest; line += KernelText.LineLength(vector.Target))
            {
                if (line > 0)
                    writer.Line($"if ({step} > {line})");
                writer.Line($"{(line > 0 ? "    " : string.Empty)}Prefetch.L2(ref {KernelText.At(reference, line)});");
            }

            writer.Line($"{reference} = ref Unsafe.Add(ref {reference}, {step});");
        }
    }

    private void EmitPlanes(PointwiseKernel kernel, EpilogueEmitter epilogue)
    {
        ProductOperands operands = ProductOperands.Planes("input");
        ProductSteps steps = new(kernel.InChannels, kernel.OutRowStep, kernel.OutVectorStep, kernel.OutRowStep, epilogue.AddsResidual ? "residual" : null);
        new PanelLoops(writer, Lanes, kernel.Share, operands, kernel.InChannels, steps, (run, rows) =>
        {
            epilogue.Start(KernelText.Tile(vector, operands, rows, run.Vectors, steps, "output"));
            for (int i = 0; i < rows && kernel.PrefetchOf(Prefetched.Residual) is not null; i++)
                KernelText.PrefetchLines(writer, vector, "Prefetch.L1", "r", (rows + i) * kernel.OutRowStep, run.Vectors);
            writer.Line("ref float w = ref panel;");
            writer.Line("ref float a = ref tile;");
            bool prefetches = kernel.PrefetchOf(Prefetched.Input) is not null && run.Count.MayExceed(1);
            new MatrixTile(writer, vector, rows, run.Vectors)
            {
                ValueStep = rows,
                VectorStep = kernel.ChannelStep,
                MeetsInSets = ElementType.Float32.Bytes(kernel.ChannelStep) % CacheSizes.WayBytes == 0,
                Before = !prefetches ? null : count =>
                {
                    for (int step = 0; step < count; step++)
                        KernelText.PrefetchLines(writer, vector, "Prefetch.L2", "w", (step * kernel.ChannelStep) + (run.Vectors * Lanes), run.Vectors);
                },
            }.Sum("k", kernel.InChannels);
            epilogue.Finish(KernelText.Tile(vector, operands, rows, run.Vectors, steps, "c"));
        }).Emit(PanelSizes.Of(kernel));
    }

    private void EmitPairs(PointwiseKernel kernel, EpilogueEmitter epilogue)
    {
        epilogue.Constants();
        EquatableArray<TileRun> tiles = kernel.Panels[0].Tiles;
        foreach ((int pairs, int count) in tiles)
        {
            using SourceWriter.Scope loop = writer.Loop("tile", count, always: tiles.Count > 1);
            EmitPairTile(kernel, epilogue, pairs, kernel.Panels[0].Vectors);
            writer.Line($"input = ref Unsafe.Add(ref input, {pairs * kernel.PixelStep});");
            writer.Line($"output = ref Unsafe.Add(ref output, {2 * pairs * kernel.OutRowStep});");
            writer.LineIf(epilogue.AddsResidual, $"residual = ref Unsafe.Add(ref residual, {2 * pairs * kernel.Epilogue.ResidualPixelStep});");
        }
    }

    private void EmitPairTile(PointwiseKernel kernel, EpilogueEmitter epilogue, int pairs, int groups)
    {
        OfChannel Channel(int j) => new("bias", j * Lanes);
        HalvesPlace Place(string reference, int i, int j, int step) => new(reference, (2 * i * step) + (kernel.OutVectorStep * j), (((2 * i) + 1) * step) + (kernel.OutVectorStep * j));
        Accumulator[] sums =
        [
            .. Enumerable.Range(0, pairs).SelectMany(i => Enumerable.Range(0, groups).Select(j => new Accumulator(
                Text($"sum{i}_{j}"), Channel(j), Text($"bias{j}"),
                Place("output", i, j, kernel.OutRowStep), Place("residual", i, j, kernel.Epilogue.ResidualPixelStep)))),
        ];
        for (int j = 0; j < groups; j++)
            epilogue.Bias(Text($"bias{j}"), Channel(j));
        foreach (Accumulator sum in sums)
            epilogue.Start(sum);

        writer.Line("ref float a = ref input;");
        writer.Line("ref float w = ref weights;");
        new MatrixTile(writer, vector, pairs, groups) { RowStep = kernel.PixelStep, ValueStep = kernel.ChannelStep, IsPair = true }.Sum("k", kernel.InChannels);
        foreach (Accumulator sum in sums)
            epilogue.Finish(sum);
    }
}
