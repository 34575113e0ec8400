using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Shapes;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>Schedules convolutions and pooling that run on their own.</summary>
internal static class ConvolutionScheduling
{
    /// <summary>Part of the first-level cache for the rows that an activation pass goes over again.</summary>
    private const double PostOpPart = 0.5;

    /// <summary>Part of the first-level cache for the input rows under a window.</summary>
    private const double WindowPart = 1;

    /// <summary>Part of the first-level cache for a block of output channels of a whole map that waits to be transposed.</summary>
    private const double BlockPart = 1;

    /// <summary>Fewer rows than this leave threads idle when each gets whole rows.</summary>
    private const int FewRows = 16;

    /// <summary>Part of the second-level cache beyond which weights leave it when they are read again and again, and for those of one block.</summary>
    private const double ManyWeightsPart = 0.75, BlockWeightsPart = 0.125;

    /// <summary>The same for a block of a dense convolution, of which a tile reads every weight once.</summary>
    private const double DenseBlockPart = 0.6;

    /// <summary>Pixels of a tile or two, for which weights are read once or twice anyway.</summary>
    private const int FewPixels = 28;

    /// <summary>More different column tiles than this are not worth their code: zero columns in a ring make all tiles alike.</summary>
    private const int MaxColumnRuns = 4;

    /// <summary>Most planes whose rows a dense convolution reads apart: an image's.</summary>
    private const int MaxPlanes = 4;

    public static TensorSlot Schedule(PlanBuilder plan, ConvolutionStage stage, IReadOnlyDictionary<int, TensorSlot> slots, TensorSlot? destination)
    {
        TensorSlot input = slots[stage.Inputs[0]], output = destination ?? plan.NewTensor(stage.Output);
        TensorSlot? residual = stage.HasResidual ? slots[stage.Inputs[1]] : null;
        if (stage.Winograd is { } form)
            WinogradScheduling.Schedule(plan, stage, form, input, residual, output);
        else if (PlanarScheduling.FitsTransposed(stage, input, residual, output))
            PlanarScheduling.Schedule(plan, stage, PlanarScheduling.Transpose(plan, input), residual, output);
        else if (PlanarScheduling.Fits(stage, input, residual, output))
            PlanarScheduling.Schedule(plan, stage, input, residual, output);
        else if (stage.IsPointwise)
            SchedulePointwise(plan, stage, input, residual, output);
        else if (stage.IsLanewise)
            ScheduleLanewise(plan, stage, input, residual, output);
        else
            ScheduleDense(plan, stage, input, residual, output);
        return output;
    }

    /// <summary>Whether a kernel may write where the output lies: whole vectors, and a pass over all of it touches nothing else.</summary>
    public static bool WritesOutput(TensorSlot output, ActivationFunction postOp, int lanes) => output.View.HoldsVectors(lanes) && (postOp.IsNone || output.View.IsDense);

    public static PackPanels[] Panels(PlanBuilder plan, EquatableArray<PanelRun> runs, int outStart, int outEnd, int kStart, int kCount, ref ArenaOffset relativeOffset)
    {
        int lanes = plan.Target.Lanes;
        ArenaOffset offset = relativeOffset;
        PackPanels[] result = runs.Select(run =>
        {
            int width = run.Vectors * lanes;
            long bytes = PlanBuilder.WeightBytes(run.Count * width * kCount);
            PackPanels pack = new(plan.Absolute(offset), bytes, outStart + (run.First * lanes), outEnd, width, run.Count, kStart, kCount);
            offset = offset.Plus(bytes);
            return pack;
        }).ToArray();
        relativeOffset = offset;
        return result;
    }

    /// <summary>Weights of a convolution with a channel in every lane: [vector][ky][kx][c][lane], which are panels one vector wide.</summary>
    public static PackPanels Lanes(PlanBuilder plan, ArenaOffset offset, int outChannels, int paddedChannels, int taps)
    {
        int lanes = plan.Target.Lanes, vectors = plan.Target.Vectors(paddedChannels);
        return new PackPanels(plan.Absolute(offset), PlanBuilder.WeightBytes(vectors * lanes * taps), 0, outChannels, lanes, vectors, 0, taps);
    }

    private static void SchedulePointwise(PlanBuilder plan, ConvolutionStage stage, TensorSlot input, TensorSlot? residual, TensorSlot output)
    {
        VectorTarget target = plan.Target;
        int inChannels = stage.Input.Channels, outChannels = stage.Output.Channels, height = stage.Input.Height, width = stage.Input.Width;
        (Epilogue epilogue, ActivationFunction postOp) = Epilogue.Of(stage, residual, target);

        // Rows that an activation goes over again would read many weights row by row: blocks of channels of the whole map, copied where they belong.
        bool activatesBlocks = !postOp.IsNone && residual is null && WeightBlocks(plan, height * width, inChannels, outChannels, BlockWeightsPart) > 1 && ChannelBlocks(plan, height * width, outChannels) > 1;
        bool writesOutput = WritesOutput(output, postOp, target.Lanes) && !activatesBlocks;
        int blocks = (writesOutput && !postOp.IsNone) || epilogue.Start == AccumulatorStart.BiasAndDestination ? 1
            : writesOutput ? WeightBlocks(plan, height * width, inChannels, outChannels, BlockWeightsPart)
            : residual is null ? ChannelBlocks(plan, height * width, outChannels) : 1;
        int blockChannels = blocks > 1 ? target.Padded(outChannels) / blocks : outChannels;
        int step = writesOutput ? output.View.PixelStep : PlanBuilder.PadChannels(blockChannels);
        int rows = (writesOutput && postOp.IsNone) || blocks > 1 ? height : RowsOf(plan, height, width * step);
        EquatableArray<PanelRun> panels = plan.Tiles(rows * width, target.Vectors(blockChannels));
        WorkShare share = rows < height || blocks > 1 ? WorkShare.None : RegisterTiling.Share(panels);

        plan.BeginStep();
        PointwiseKernel kernel = new(
            rows * width, inChannels, blockChannels, inChannels, 0, input.View.ChannelStep, input.View.PixelStep, step, target.Lanes,
            epilogue, panels, share);
        ArenaOffset offset = plan.Reserve(target.Padded(outChannels) * inChannels);
        (ArenaOffset bias, PackInstruction[] packedBias) = plan.ReserveBias(target.Padded(outChannels), stage);
        List<PackInstruction> packing = [];
        for (int block = 0; block < blocks; block++)
            packing.AddRange(Panels(plan, kernel.Panels, block * blockChannels, outChannels, 0, inChannels, ref offset));
        plan.Pack(stage, [.. packing, .. packedBias]);
        ScratchArena scratch = plan.NewScratch();
        ArenaOffset? buffer = writesOutput ? null : share == WorkShare.None ? scratch.Own(rows * width * step) : scratch.Shared(rows * width * step);
        PointwiseNests nests = new(target, input.View, residual?.View, output.View, kernel, bias, new Finish(postOp, buffer));
        plan.AddStep(
            blocks > 1 ? nests.ChannelBlocks(blocks) : rows == height ? nests.Whole() : nests.Chunks(height / rows),
            input, residual, output, scratch, Describe("pointwise", stage));
    }

    /// <summary>Blocks of output channels, so that each weight is read once although the output of the whole map has to be transposed; 1 where none fits.</summary>
    private static int ChannelBlocks(PlanBuilder plan, int pixels, int outChannels)
    {
        VectorTarget target = plan.Target;
        if (outChannels % target.Lanes != 0)
            return 1;
        int vectors = outChannels / target.Lanes;
        for (int block = Math.Min(vectors, plan.Settings.FirstLevel(BlockPart, ElementType.Float32) / target.Lanes / pixels); block >= 2; block--)
        {
            if (vectors % block == 0)
                return vectors / block;
        }

        return 1;
    }

    /// <summary>Blocks of output channels, so that weights that are too many for the caches are read once, not once for each tile of pixels.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="pixels">Pixels of the output.</param>
    /// <param name="sumLength">Weights of an output channel.</param>
    /// <param name="outChannels">Output channels; lanes after the last one are weights of 0.</param>
    /// <param name="part">Part of the second-level cache that a block may take.</param>
    private static int WeightBlocks(PlanBuilder plan, int pixels, int sumLength, int outChannels, double part)
    {
        int lanes = plan.Target.Lanes, vectors = plan.Target.Vectors(outChannels), channelBytes = sumLength * ElementType.Float32.Size;
        if (StayNear(plan.Settings, sumLength, outChannels) || pixels <= FewPixels)
            return 1;

        // Tiles are two vectors wide, so even blocks fill them; that many are worth more room.
        int most = Math.Min(vectors, plan.Settings.SecondLevel(part) / lanes / channelBytes);
        if (most < 2 && plan.Settings.SecondLevel(DenseBlockPart) >= 2 * lanes * channelBytes)
            most = Math.Min(vectors, 2);
        IEnumerable<int> sizes = Enumerable.Range(2, Math.Max(0, most - 1)).Where(block => vectors % block == 0);
        return vectors / sizes.OrderBy(block => block % 2).ThenByDescending(block => block).DefaultIfEmpty(vectors).First();
    }

    /// <summary>Whether weights that are read again for every row stay in the second-level cache.</summary>
    public static bool StayNear(ScheduleSettings settings, int sumLength, int outChannels) => ElementType.Float32.Bytes((long)outChannels * sumLength) <= settings.SecondLevel(ManyWeightsPart);

    /// <summary>A convolution row by row, into any layout of pixels.</summary>
    public static void ScheduleByRows(PlanBuilder plan, ConvolutionStage stage, TensorSlot input, TensorSlot output)
    {
        if (stage.IsLanewise)
            ScheduleLanewise(plan, stage, input, null, output);
        else
            ScheduleDense(plan, stage, input, null, output);
    }

    private static void ScheduleLanewise(PlanBuilder plan, ConvolutionStage stage, TensorSlot input, TensorSlot? residual, TensorSlot output)
    {
        VectorTarget target = plan.Target;
        ConvolutionOperator c = stage.Convolution;
        bool depthwise = stage.InPerGroup == 1 && stage.OutPerGroup == 1;
        if (!depthwise && input.View.IsPlanar)
            input = Scheduler.Padded(plan, input);

        int outChannels = stage.Output.Channels, padded = target.Padded(outChannels), lanesStep = PlanBuilder.PadChannels(outChannels);
        (Epilogue epilogue, ActivationFunction postOp) = Epilogue.Of(stage, residual, target);

        // A residual is rare here: it is put into the destination, so that the kernels need no argument for it.
        if (residual is not null)
            epilogue = epilogue with { Start = AccumulatorStart.BiasAndDestination, ResidualPixelStep = 0 };
        RowWindow window = Window(c, stage.Input, stage.Output);
        int largest = LargestColumns(target, c.Kernel.Width);
        EquatableArray<ColumnRun> columns = ColumnRuns(window, largest, haloed: false);
        bool plane = depthwise && input.View.IsPadded && columns.Count <= MaxColumnRuns;
        RowSource source = plane
            ? new RowSource(0, input.View.RowStep, input.View.PixelStep, 0, 0)
            : Ring(c, stage.Input, stage.Output, lanesStep * stage.InPerGroup);
        if (!plane)
            columns = ColumnRuns(window, largest, haloed: true);

        bool writesOutput = WritesOutput(output, postOp, target.Lanes);
        plan.BeginStep();
        int step = writesOutput ? output.View.PixelStep : lanesStep;
        int blocks = plane && writesOutput && postOp.IsNone && residual is null ? RowBlocks(plan, target.Vectors(outChannels), window) : 1;
        ChannelPerLaneKernel kernel = new(
            target.Vectors(outChannels) / blocks, blocks == 1 ? outChannels : padded / blocks, stage.InPerGroup, lanesStep, target.Lanes, window, source, step, target.Lanes,
            epilogue, columns);
        ArenaOffset weights = plan.Reserve(padded * stage.Taps);
        (ArenaOffset bias, PackInstruction[] packedBias) = plan.ReserveBias(padded, stage);
        plan.Pack(stage, [Lanes(plan, weights, outChannels, outChannels, stage.Taps), .. packedBias]);
        ScratchArena scratch = plan.NewScratch();
        ArenaOffset ring = plane ? default : scratch.Own(source.RingRows * source.RowStep);
        ArenaOffset? buffer = writesOutput ? null : scratch.Own(stage.Output.Width * step);
        RowLayer layer = new(
            depthwise ? "Depthwise" : "GroupedConvolution", input.View, residual?.View, output.View, kernel, Rows(stage, source), ring, bias, (long)outChannels * stage.Taps);
        plan.AddStep(
            blocks > 1 ? RowNests.ChannelBlocks(layer, blocks, padded / blocks) : RowNests.Rows(layer, FillRow, new Finish(postOp, buffer), step),
            input, residual, output, scratch, Describe(depthwise ? "depthwise" : "grouped", stage));

        void FillRow(NestBuilder nest, Scalar row, Pointer slot)
        {
            TensorView view = input.View;
            if (depthwise)
            {
                nest.Add(new LoadRow(RowLoad.Copy, view, source, row, slot, MayBeImage: true));
                return;
            }

            double values = view.Shape.Count / (double)view.Shape.Height;
            nest.Call(
                RuntimeFunction.ReplicateLanes, view.IsPlanar ? Effort.Transposed(values) : Effort.Copied(values), view.RowAt(Storage.Input, row), view.PixelStep, slot, c.Groups,
                kernel.InPerGroup, kernel.Channels / c.Groups, kernel.LaneStep, view.Shape.Width);
        }
    }

    private static int RowBlocks(PlanBuilder plan, int vectors, RowWindow window)
    {
        int blocks = 1, lanes = plan.Target.Lanes;
        while (vectors % blocks != 0 || (vectors / blocks > 1 && window.Kernel.Height * window.InWidth * lanes * (vectors / blocks) > plan.Settings.FirstLevel(WindowPart, ElementType.Float32)))
            blocks++;
        return blocks;
    }

    private static void ScheduleDense(PlanBuilder plan, ConvolutionStage stage, TensorSlot input, TensorSlot? residual, TensorSlot output)
    {
        VectorTarget target = plan.Target;
        ConvolutionOperator c = stage.Convolution;
        int outChannels = stage.Output.Channels;
        RowWindow window = Window(c, stage.Input, stage.Output);
        (RowSource source, RowLoad load) = DenseSource(stage, input);
        bool plane = load == RowLoad.None;
        (Epilogue epilogue, ActivationFunction postOp) = Epilogue.Of(stage, residual, target);
        bool writesOutput = WritesOutput(output, postOp, target.Lanes);
        int step = writesOutput ? output.View.PixelStep : PlanBuilder.PadChannels(outChannels);
        int blocks = c.Groups == 1 && writesOutput && postOp.IsNone && epilogue.Start != AccumulatorStart.BiasAndDestination
            ? WeightBlocks(plan, stage.Output.Pixels, stage.Taps, outChannels, DenseBlockPart)
            : 1;
        int outPerGroup = blocks > 1 ? target.Padded(outChannels) / blocks : stage.OutPerGroup;

        // Every block reads all rows, so the ring holds them all.
        if (blocks > 1 && !plane)
            source = source with { RingRows = ((stage.Output.Height - 1) * c.Stride.Height) + source.RingRows };

        plan.BeginStep();
        EquatableArray<PanelRun> panels = plan.Tiles(stage.Output.Width, target.Vectors(outPerGroup));

        // Few rows cannot be spread evenly over threads; the panels of a wide layer can, unless each thread would put the residual of a whole row.
        bool sharesPanels = blocks == 1 && c.Groups == 1 && writesOutput && postOp.IsNone && epilogue.Start != AccumulatorStart.BiasAndDestination &&
            stage.Output.Height < FewRows && panels.Sum(p => p.Count) >= stage.Output.Height;
        ConvolutionKernel kernel = new(
            c.Groups, stage.InPerGroup, outPerGroup, window, source, step, epilogue, panels, sharesPanels ? WorkShare.Panels : WorkShare.None);
        int groupLength = target.Padded(stage.OutPerGroup) * stage.Taps;
        ArenaOffset offset = plan.Reserve(groupLength * c.Groups);
        (ArenaOffset bias, PackInstruction[] packedBias) = plan.ReserveBias(target.Padded(outChannels), stage);
        List<PackInstruction> packing = [];
        for (int g = 0; g < c.Groups * blocks; g++)
            packing.AddRange(Panels(plan, panels, g * outPerGroup, Math.Min((g + 1) * outPerGroup, outChannels), 0, stage.Taps, ref offset));
        plan.Pack(stage, [.. packing, .. packedBias]);
        ScratchArena scratch = plan.NewScratch();
        ArenaOffset ring = plane ? default : scratch.Own(source.RingRows * source.RowStep);
        ArenaOffset? buffer = writesOutput ? null : scratch.Own(stage.Output.Width * step);
        RowLayer layer = new(
            c.IsLinear ? "Linear" : c.Groups > 1 ? "GroupedConvolution" : "Convolution", input.View, residual?.View, output.View, kernel, Rows(stage, source), ring, bias,
            (long)outChannels * stage.Taps);
        plan.AddStep(
            blocks > 1 ? RowNests.WeightBlocks(target, layer, kernel, FillRow, blocks) : RowNests.Rows(layer, FillRow, new Finish(postOp, buffer), step),
            input, residual, output, scratch, Describe(c.IsLinear ? "linear" : "convolution", stage));

        void FillRow(NestBuilder nest, Scalar row, Pointer slot) => nest.Add(new LoadRow(load, input.View, source, row, slot, MayBeImage: blocks == 1));
    }

    public static TensorSlot SchedulePool(PlanBuilder plan, PoolStage stage, TensorSlot input, TensorSlot? destination)
    {
        input = Scheduler.Padded(plan, input);
        TensorSlot output = PoolOutput(plan, stage, destination);
        RowSource source = new(0, input.View.RowStep, input.View.PixelStep, 0, 0);
        plan.BeginStep();
        LoopNest nest = RowNests.Rows(PoolLayer(plan, stage, input.View, output.View, source, default), null, Finish.None, output.View.PixelStep);
        plan.AddStep(nest, input, null, output, null, Describe(stage));
        return output == destination ? output : Scheduler.Deliver(plan, output, destination);
    }

    /// <summary>
    /// A convolution and the pooling layer after it: as one step whose ring holds the rows under a window, so that the map between them never exists. As two where
    /// the convolution's weights would come from memory or the last-level cache for every row, and where few rows are to be shared by threads.
    /// </summary>
    public static TensorSlot SchedulePool(PlanBuilder plan, PoolGroup group, IReadOnlyDictionary<int, TensorSlot> slots, TensorSlot? destination)
    {
        ConvolutionStage stem = group.Stem;
        PoolStage stage = group.Pool;
        bool apart = plan.Settings.Form switch
        {
            BlockForm.Slabs or BlockForm.LayerByLayer => true,
            BlockForm.Rows => false,
            _ => stage.Output.Height < FewRows || !StayNear(plan.Settings, stem.Taps, stem.Output.Channels),
        };
        if (apart)
            return SchedulePool(plan, stage, Schedule(plan, stem, slots, null), destination);

        VectorTarget target = plan.Target;
        TensorSlot input = slots[stem.Inputs[0]], output = PoolOutput(plan, stage, destination);
        (Epilogue epilogue, ActivationFunction postOp) = Epilogue.Of(stem, null, target);
        int pixelStep = PlanBuilder.PadChannels(stem.Output.Channels), padded = target.Padded(stem.Output.Channels);
        RowSource source = new(ShapeInference.EffectiveKernel(stage.Pool.Kernel.Height, stage.Pool.Dilation.Height), stem.Output.Width * pixelStep, pixelStep, 0, 0);
        plan.BeginStep();
        StemPart part = FusedScheduling.StemOf(plan, stem, input, pixelStep, epilogue);
        ArenaOffset offset = plan.Reserve(padded * stem.Taps);
        (ArenaOffset bias, PackInstruction[] packedBias) = plan.ReserveBias(padded, stem);
        plan.Pack(stem, [.. Panels(plan, part.Kernel.Panels, 0, stem.Output.Channels, 0, stem.Taps, ref offset), .. packedBias]);
        ScratchArena scratch = plan.NewScratch();
        RowLayer layer = PoolLayer(plan, stage, input.View, output.View, source, scratch.Own(source.RingRows * source.RowStep));
        part = part with { Memory = scratch.Own(part.Kernel.Source.RingRows * part.Kernel.Source.RowStep) };
        layer = layer with { Title = "StemAnd" + layer.Title, WeightElements = (long)stem.Output.Channels * stem.Taps };
        plan.AddStep(RowNests.StemAndPool(layer, part, bias, postOp), input, null, output, scratch, [Describe("convolution", stem), Describe(stage)]);
        return output == destination ? output : Scheduler.Deliver(plan, output, destination);
    }

    private static TensorSlot PoolOutput(PlanBuilder plan, PoolStage stage, TensorSlot? destination) => destination is { View.IsPadded: true } ? destination : plan.NewTensor(stage.Output);

    private static RowLayer PoolLayer(PlanBuilder plan, PoolStage stage, TensorView input, TensorView output, RowSource source, ArenaOffset memory)
    {
        PoolOperator p = stage.Pool;
        VectorTarget target = plan.Target;
        RowWindow window = new(p.Kernel, p.Stride.Width, p.Dilation, p.Padding.Left, stage.Input.Width, stage.Output.Width);
        PoolKernel kernel = new(
            p.IsMaximum, p.CountIncludePad, target.Vectors(stage.Input.Channels), stage.Input.Channels, window, p.Padding.Right, source, output.PixelStep,
            ColumnRuns(window, target.PoolColumns, haloed: false));
        VerticalAxis axis = new(p.Kernel.Height, p.Stride.Height, p.Dilation.Height, p.Padding.Top, stage.Input.Height) { PadBottom = p.Padding.Bottom };
        return new RowLayer(p.IsMaximum ? "MaxPool" : "AvgPool", input, null, output, kernel, new RowRing(string.Empty, axis, source, Storage.Input), memory, null, 0);
    }

    private static StepPart Describe(PoolStage stage) =>
        StepPart.Of(stage, $"{(stage.Pool.IsMaximum ? "maximum" : "mean")} over {stage.Pool.Kernel} windows, stride {stage.Pool.Stride}");

    /// <summary>Vertical geometry of a convolution over a map with <paramref name="height"/> rows.</summary>
    public static VerticalAxis Axis(ConvolutionOperator c, int height) => new(c.Kernel.Height, c.Stride.Height, c.Dilation.Height, c.Padding.Top, height);

    /// <summary>The rows under the window of <paramref name="stage"/>, of a step that runs on its own.</summary>
    public static RowRing Rows(ConvolutionStage stage, RowSource source) => new(string.Empty, Axis(stage.Convolution, stage.Input.Height), source, Storage.Input);

    /// <summary>Horizontal geometry of a convolution.</summary>
    public static RowWindow Window(ConvolutionOperator c, Shape input, Shape output) =>
        new(c.Kernel, c.Stride.Width, c.Dilation, c.Padding.Left, input.Width, output.Width);

    /// <summary>
    /// Where a dense convolution finds its rows: in its input, or in a ring of padded ones. Of few planes the ring holds rows as they are, because moving
    /// their values next to each other takes longer than reading them apart.
    /// </summary>
    public static (RowSource Source, RowLoad Load) DenseSource(ConvolutionStage stage, TensorSlot input)
    {
        ConvolutionOperator c = stage.Convolution;
        if (c.Padding.IsZero && !input.View.IsPlanar)
            return (new RowSource(0, input.View.RowStep, input.View.PixelStep, 0, 0), RowLoad.None);
        if (!input.View.IsPlanar || stage.Input.Channels > MaxPlanes)
            return (Ring(c, stage.Input, stage.Output, stage.Input.Channels), RowLoad.Copy);
        RowSource plane = Ring(c, stage.Input, stage.Output, 1);
        return (plane with { RowStep = plane.RowStep * stage.Input.Channels, ChannelStep = plane.RowStep }, RowLoad.Planes);
    }

    /// <summary>A ring that holds the rows under one output row, with zero columns on both sides.</summary>
    private static RowSource Ring(ConvolutionOperator c, Shape input, Shape output, int pixelStep)
    {
        int right = Math.Max(0, ((output.Width - 1) * c.Stride.Width) + ShapeInference.EffectiveKernel(c.Kernel.Width, c.Dilation.Width) - c.Padding.Left - input.Width);
        return new RowSource(
            ShapeInference.EffectiveKernel(c.Kernel.Height, c.Dilation.Height), (c.Padding.Left + input.Width + right) * pixelStep, pixelStep, c.Padding.Left, right);
    }

    /// <summary>Most output columns of a lanewise tile: accumulators, one row of taps and an input vector fit the registers.</summary>
    public static int LargestColumns(VectorTarget target, int kernelWidth) =>
        Math.Max(1, Math.Min(target.WindowColumns, target.Registers - 2 - kernelWidth));

    /// <summary>Cuts an output row into tiles; neighbours that read no padding and have the same width make one run.</summary>
    public static EquatableArray<ColumnRun> ColumnRuns(RowWindow window, int largest, bool haloed)
    {
        List<ColumnRun> runs = [];
        bool previousInterior = false;
        int column = 0;
        foreach (TileRun tile in RegisterTiling.Split(window.OutWidth, largest))
        {
            for (int i = 0; i < tile.Count; i++, column += tile.Rows)
            {
                int first = (column * window.Stride) - window.PadLeft;
                int last = ((column + tile.Rows - 1) * window.Stride) - window.PadLeft + (window.Dilation.Width * (window.Kernel.Width - 1));
                bool interior = haloed || (first >= 0 && last < window.InWidth);
                if (interior && previousInterior && runs[runs.Count - 1].Columns == tile.Rows)
                    runs[runs.Count - 1] = runs[runs.Count - 1] with { Count = runs[runs.Count - 1].Count + 1 };
                else
                    runs.Add(new ColumnRun(column, tile.Rows, 1));
                previousInterior = interior;
            }
        }

        return runs.ToEquatableArray();
    }

    /// <summary>Rows of a chunk that stays in the first-level cache: a divisor of the height.</summary>
    private static int RowsOf(PlanBuilder plan, int height, int rowFloats)
    {
        int rows = 1;
        for (int candidate = 2; candidate <= height; candidate++)
        {
            if (height % candidate == 0 && candidate * rowFloats <= plan.Settings.FirstLevel(PostOpPart, ElementType.Float32))
                rows = candidate;
        }

        return rows;
    }

    public static StepPart Describe(string kind, ConvolutionStage stage)
    {
        ConvolutionOperator c = stage.Convolution;
        string kernel = c.Kernel == Extent.Square(1) ? string.Empty : FormattableString.Invariant($" {c.Kernel}");
        string stride = c.Stride == Extent.Square(1) ? string.Empty : FormattableString.Invariant($", stride {c.Stride}");
        string dilation = c.Dilation == Extent.Square(1) ? string.Empty : FormattableString.Invariant($", dilation {c.Dilation}");
        string groups = c.Groups == 1 ? string.Empty : FormattableString.Invariant($", {c.Groups} groups");
        string norm = stage.BatchNorm is null ? string.Empty : ", batch norm folded";
        string residual = stage.HasResidual ? ", plus residual" : string.Empty;
        string activation = stage.Activation.IsNone ? string.Empty : $", {stage.Activation}";
        string scale = stage.ScaleShift switch { null => string.Empty, { Operator: BatchNormOperator } => ", batch norm", _ => ", factors by channel" };
        string tail = stage.ScaleShift is { IsBeforeActivation: true } ? scale + activation : activation + scale;
        return StepPart.Of(stage, $"{kind}{kernel}{stride}{dilation}{groups}{norm}{residual}{tail}");
    }
}
