using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Shapes;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>
/// Schedules expand, depthwise, project as one loop nest: slabs of hidden channels over the whole map where the map is small, else rows of the map
/// with slabs inside. A stem in front runs in the second form, as a row of the map where the block needs it, or as a step of its own. All add in the same
/// order, so the choice never changes a bit.
/// </summary>
internal static class FusedScheduling
{
    private const int MaxColumnRuns = 4;

    public static TensorSlot Schedule(PlanBuilder plan, DepthwiseGroup group, IReadOnlyDictionary<int, TensorSlot> slots, TensorSlot? destination)
    {
        TensorSlot input = slots[group.Source], output = destination ?? plan.NewTensor(group.Project.Output);
        TensorSlot? residual = group.Residual >= 0 ? slots[group.Residual] : null;
        if (PlanarScheduling.Fits(plan.Settings, group, input, residual, output))
        {
            PlanarScheduling.Schedule(plan, group, input, residual, output);
            return output;
        }

        (RowWindow window, EquatableArray<ColumnRun> columns, Halo halo) = ColumnsOf(plan.Target, group.Depthwise);
        BlockSchedule schedule = CostOf(plan.Target, plan.Settings, group).Choose();
        if (group.Stem is { } stem && schedule.Form == BlockForm.Rows && KeepsStemApart(plan.Settings, stem, schedule, CostOf(plan.Target, plan.Settings, group.WithoutStem)))
            return ScheduleAfterStem(plan, group, stem, slots, output);

        plan.NoteMisfits(schedule);
        switch (schedule.Form)
        {
            case BlockForm.Slabs:
                ScheduleSlabs(plan, group, input, residual, output, window, columns, schedule);
                return output;
            case BlockForm.Rows:
                ScheduleRows(plan, group, input, residual, output, window, columns, halo, schedule);
                return output;
            case BlockForm.LayerByLayer:
                return ScheduleLayers(plan, group, slots, output, schedule);
            default:
                throw new InvalidOperationException($"{schedule.Form} is no form of a block.");
        }
    }

    /// <summary>What a block takes in each of its forms.</summary>
    internal static BlockCost CostOf(VectorTarget target, ScheduleSettings settings, DepthwiseGroup group)
    {
        (_, EquatableArray<ColumnRun> columns, Halo halo) = ColumnsOf(target, group.Depthwise);
        bool slabsFit = group.Stem is null && !halo.IsThere && group.Depthwise.Output.Channels % target.Lanes == 0;
        return new BlockCost(target, settings, group, halo.RowPixels, PairsPixels(target, group, columns), slabsFit);
    }

    /// <summary>Zero columns on both sides of the expanded rows, which make all column tiles alike.</summary>
    internal readonly record struct Halo(int Left, int Right, int RowPixels)
    {
        public bool IsThere => Left + Right > 0;
    }

    /// <summary>How rows of a depthwise layer are cut into tiles of columns; where there would be too many kinds, zero columns make them alike.</summary>
    internal static (RowWindow Window, EquatableArray<ColumnRun> Columns, Halo Halo) ColumnsOf(VectorTarget target, ConvolutionStage depthwise)
    {
        RowWindow window = ConvolutionScheduling.Window(depthwise.Convolution, depthwise.Input, depthwise.Output);
        int largest = ConvolutionScheduling.LargestColumns(target, window.Kernel.Width);
        EquatableArray<ColumnRun> columns = ConvolutionScheduling.ColumnRuns(window, largest, haloed: false);
        bool haloed = columns.Count > MaxColumnRuns;
        return (window, haloed ? ConvolutionScheduling.ColumnRuns(window, largest, haloed: true) : columns, HaloOf(depthwise, haloed));
    }

    private static Halo HaloOf(ConvolutionStage depthwise, bool haloed)
    {
        ConvolutionOperator c = depthwise.Convolution;
        int width = depthwise.Input.Width, left = haloed ? c.Padding.Left : 0;
        int right = haloed
            ? Math.Max(0, ((depthwise.Output.Width - 1) * c.Stride.Width) + ShapeInference.EffectiveKernel(c.Kernel.Width, c.Dilation.Width) - left - width)
            : 0;
        return new Halo(left, right, left + width + right);
    }

    /// <summary>
    /// Whether the products of a slab run over any number of rows, so that threads share rows: where a row is whole register tiles, and no pass follows, because
    /// what a kernel made is contiguous only over the whole slab. With squeeze-and-excitation a thread keeps to its own channels, whose sums run over all rows.
    /// </summary>
    internal static bool RunsByRow(VectorTarget target, DepthwiseGroup group) =>
        group.Squeeze is null && group.Depthwise.Output.Width >= target.FullRow && (group.Expand?.Activation.IsInline ?? true) && group.Depthwise.Activation.IsInline;

    /// <summary>
    /// Whether the gate is multiplied into the projection's weights, once, and not into all depthwise values: on a map of more pixels than output channels. It
    /// rounds differently, so it depends on shapes alone.
    /// </summary>
    private static bool GatesWeights(DepthwiseGroup group) => group.Squeeze is not null && group.Depthwise.Output.Pixels > group.Project.Output.Channels;

    /// <summary>Whether the stem is a step of its own: where that is cheaper, where another form is asked for, and where its weights would come from memory or the last-level cache for every row.</summary>
    private static bool KeepsStemApart(ScheduleSettings settings, ConvolutionStage stem, BlockSchedule inside, BlockCost behind) => settings.Form switch
    {
        BlockForm.Slabs or BlockForm.LayerByLayer => true,
        BlockForm.Rows => false,
        _ => !ConvolutionScheduling.StayNear(settings, stem.Taps, stem.Output.Channels) || behind.Stem(stem) + behind.Choose().Cycles < inside.Cycles,
    };

    private static TensorSlot ScheduleAfterStem(PlanBuilder plan, DepthwiseGroup group, ConvolutionStage stem, IReadOnlyDictionary<int, TensorSlot> slots, TensorSlot output)
    {
        Dictionary<int, TensorSlot> all = slots.ToDictionary(pair => pair.Key, pair => pair.Value);
        all[stem.Id] = ConvolutionScheduling.Schedule(plan, stem, all, null);
        return Schedule(plan, group.WithoutStem, all, output);
    }

    private static TensorSlot ScheduleLayers(PlanBuilder plan, DepthwiseGroup group, IReadOnlyDictionary<int, TensorSlot> slots, TensorSlot output, BlockSchedule schedule)
    {
        Dictionary<int, TensorSlot> all = slots.ToDictionary(pair => pair.Key, pair => pair.Value);
        if (group.Expand is { } expand)
            all[expand.Id] = ConvolutionScheduling.Schedule(plan, expand, all, null);
        all[group.Depthwise.Id] = ConvolutionScheduling.Schedule(plan, group.Depthwise, all, null);
        TensorSlot result = ConvolutionScheduling.Schedule(plan, group.Project, all, output);
        plan.AddNote(schedule.Describe("layer by layer"));
        return result;
    }

    private static void ScheduleSlabs(
        PlanBuilder plan, DepthwiseGroup group, TensorSlot input, TensorSlot? residual, TensorSlot output, RowWindow window, EquatableArray<ColumnRun> columns, BlockSchedule schedule)
    {
        VectorTarget target = plan.Target;
        int slab = schedule.Slab;
        if (group.Expand is null)
            input = Scheduler.Padded(plan, input);
        ConvolutionStage depthwise = group.Depthwise, project = group.Project;
        Shape before = depthwise.Input, after = depthwise.Output;
        int hidden = after.Channels, outChannels = project.Output.Channels, slabs = hidden / slab, lanes = target.Lanes;
        (Epilogue expandEpilogue, ActivationFunction expandPostOp) = group.Expand is null ? (Epilogue.None, ActivationFunction.None) : Epilogue.Of(group.Expand, null, target);
        (Epilogue depthwiseEpilogue, ActivationFunction depthwisePostOp) = Epilogue.Of(depthwise, null, target);
        (Epilogue projectEpilogue, ActivationFunction projectPostOp) = Epilogue.Of(project, residual, target);
        bool writesOutput = ConvolutionScheduling.WritesOutput(output, projectPostOp, target.Lanes);
        int step = writesOutput ? output.View.PixelStep : PlanBuilder.PadChannels(outChannels);

        bool byRow = RunsByRow(target, group);
        int expandPixels = byRow ? before.Width : before.Pixels, projectPixels = byRow ? after.Width : after.Pixels;
        PointwiseKernel? expand = group.Expand is null ? null : new PointwiseKernel(
            expandPixels, group.Expand.Input.Channels, slab, group.Expand.Input.Channels, 0, input.View.ChannelStep, input.View.PixelStep, lanes, before.Pixels * lanes,
            expandEpilogue, plan.Tiles(expandPixels, slab / lanes), byRow ? WorkShare.Rows : WorkShare.None);
        RowSource source = expand is null ? new RowSource(0, input.View.RowStep, input.View.PixelStep, 0, 0) : new RowSource(0, before.Width * lanes, lanes, 0, 0);
        ChannelPerLaneKernel rows = new(
            slab / lanes, slab, 1, lanes, expand is null ? lanes : before.Pixels * lanes, window, source, lanes, after.Pixels * lanes, depthwiseEpilogue, columns);
        EquatableArray<PanelRun> panels = plan.Tiles(projectPixels, target.Vectors(outChannels));

        // Of a slab's values and its weights the more numerous are read once: panel after panel where there are more output channels than pixels, else tile after tile.
        WorkShare share = byRow ? WorkShare.Rows : after.Pixels > outChannels ? RegisterTiling.Share(panels) : WorkShare.TilesOfPanels;
        PointwiseKernel Projection(Epilogue epilogue) => new(projectPixels, slab, outChannels, lanes, after.Pixels * lanes, 1, lanes, step, lanes, epilogue, panels, share);

        plan.BeginStep();
        BlockWeights weights = PackBlock(plan, group, slab, slabs, expand?.Panels, panels, projectBySlab: true);
        ScratchArena scratch = plan.NewScratch();
        ArenaOffset expanded = expand is null ? default : scratch.Own(before.Pixels * slab);
        GatedWeights? gated = GatesWeights(group) ? Gate(target, Projection(projectEpilogue), slab, scratch) : null;
        ArenaOffset depthwiseSlab = byRow ? scratch.Own(after.Pixels * slab) : scratch.Shared(after.Pixels * hidden);
        SqueezePart? squeeze = group.Squeeze is null ? null : MapScheduling.Squeeze(plan, group.Squeeze, scratch);
        ArenaOffset? buffer = writesOutput ? null : scratch.Shared(project.Output.Pixels * step);
        ProjectLayer projections = new(
            Projection(slabs == 1 ? projectEpilogue : projectEpilogue.OfFirst()), Projection(projectEpilogue.OfMiddle()), Projection(projectEpilogue.OfLast()),
            new Finish(projectPostOp, buffer));
        FusedSlabsNest nest = new(
            target, plan.Settings, Tensors(group, input, residual, output), new HiddenChannels(hidden, slab, slabs), byRow,
            expand is null ? null : new ExpandLayer(expand, expandPostOp), new DepthwiseLayer(rows, depthwisePostOp, ConvolutionScheduling.Axis(depthwise.Convolution, before.Height)),
            squeeze is null ? null : new BlockGate(squeeze, gated), projections, weights, expanded, depthwiseSlab);
        plan.AddStep(
            nest.Build(), input, residual, output, scratch, Describe(group), schedule.Describe(FormattableString.Invariant($"slabs of {slab} hidden channels over the whole map")));
    }

    private static void ScheduleRows(
        PlanBuilder plan, DepthwiseGroup group, TensorSlot input, TensorSlot? residual, TensorSlot output, RowWindow window, EquatableArray<ColumnRun> columns, Halo halo, BlockSchedule schedule)
    {
        VectorTarget target = plan.Target;
        ConvolutionStage depthwise = group.Depthwise, project = group.Project;
        ConvolutionOperator c = depthwise.Convolution;
        Shape before = depthwise.Input, after = depthwise.Output;
        int hidden = after.Channels, hiddenStep = target.Padded(hidden), outChannels = project.Output.Channels, lanes = target.Lanes;
        (Epilogue expandEpilogue, ActivationFunction expandPostOp) = group.Expand is null ? (Epilogue.None, ActivationFunction.None) : Epilogue.Of(group.Expand, null, target);
        (Epilogue depthwiseEpilogue, ActivationFunction depthwisePostOp) = Epilogue.Of(depthwise, null, target);

        int rows = schedule.Rows, slab = schedule.Slab, effective = ShapeInference.EffectiveKernel(c.Kernel.Height, c.Dilation.Height);
        bool plane = group.Expand is null && input.View.IsPadded && !halo.IsThere;
        int ringRows = ((rows - 1) * c.Stride.Height) + effective, slabs = hiddenStep / slab;

        PointwiseKernel? expand = group.Expand is null || group.Stem is not null ? null : new PointwiseKernel(
            before.Width, group.Expand.Input.Channels, slab, group.Expand.Input.Channels, 0, input.View.ChannelStep, input.View.PixelStep, slab, lanes,
            expandEpilogue, plan.Tiles(before.Width, slab / lanes));
        StemPart? stem = group.Stem is null ? null : StemOf(plan, group.Stem, input, slab, expandEpilogue);
        RowSource source = plane ? new(0, input.View.RowStep, input.View.PixelStep, 0, 0) : new(ringRows, halo.RowPixels * slab, slab, halo.Left, halo.Right);
        ChannelPerLaneKernel depthwiseRow = new(slab / lanes, slab, 1, lanes, lanes, window, source, hiddenStep, lanes, depthwiseEpilogue, columns);
        bool pairs = PairsPixels(target, group, columns);

        // A pair of pixels reads and writes half a vector of each.
        int outLanes = pairs ? target.Lanes / 2 : target.Lanes;
        (Epilogue projectEpilogue, ActivationFunction projectPostOp) = Epilogue.Of(project, residual, target, outLanes, pairs ? PairLength(target, outChannels) : null);
        if (group.AddsExpanded)
            projectEpilogue = projectEpilogue with { Start = AccumulatorStart.BiasAndResidual, ResidualPixelStep = slab };
        bool writesOutput = ConvolutionScheduling.WritesOutput(output, projectPostOp, outLanes);
        int step = writesOutput ? output.View.PixelStep : PlanBuilder.PadChannels(outChannels);
        int pixels = rows * after.Width;
        if (pairs)
            depthwiseRow = depthwiseRow with { Epilogue = depthwiseEpilogue with { Store = StoreForm.Interleaved }, OutVectorStep = 2 * lanes };
        PointwiseKernel projection = pairs
            ? PointwiseKernel.OfPairs(pixels, hidden, outChannels, 2 * hiddenStep, step, projectEpilogue, PairsOfTile(target, outChannels))
            : new PointwiseKernel(pixels, hidden, outChannels, hidden, 0, 1, hiddenStep, step, lanes, projectEpilogue, plan.Tiles(pixels, target.Vectors(outChannels)));

        plan.BeginStep();
        BlockWeights weights = PackBlock(plan, group, slab, slabs, expand?.Panels ?? stem?.Kernel.Panels, pairs ? null : projection.Panels, projectBySlab: false);
        ScratchArena scratch = plan.NewScratch();
        ArenaOffset ring = plane ? default : scratch.Own(slabs * ringRows * source.RowStep);
        stem = stem is null ? null : stem with { Memory = scratch.Own(stem.Kernel.Source.RingRows * stem.Kernel.Source.RowStep) };
        ArenaOffset? buffer = writesOutput ? null : scratch.Own(rows * after.Width * step);

        GatedWeights? gated = GatesWeights(group) ? Gate(target, projection, hidden, scratch) : null;
        int rowLength = after.Width * hiddenStep;
        ArenaOffset depthwiseRows = group.Squeeze is null ? scratch.Own(rows * rowLength) : scratch.Shared(after.Height * rowLength);
        SqueezePart? squeeze = group.Squeeze is null ? null : MapScheduling.Squeeze(plan, group.Squeeze, scratch);
        FusedRowsNest nest = new(
            Tensors(group, input, residual, output), new HiddenChannels(hidden, slab, slabs), plane ? null : new RingLayer(expand, stem, expandPostOp, before),
            new DepthwiseLayer(depthwiseRow, depthwisePostOp, ConvolutionScheduling.Axis(c, before.Height)), squeeze is null ? null : new BlockGate(squeeze, gated),
            projection, new Finish(projectPostOp, buffer), weights, rows, ring, depthwiseRows);
        string ringText = stem is null
            ? FormattableString.Invariant($"slabs of {slab} hidden channels, a ring of {ringRows} expanded rows each")
            : FormattableString.Invariant($"a ring of {ringRows} rows of {group.Stem!.Name}'s output");
        plan.AddStep(nest.Build(), input, residual, output, scratch, Describe(group), schedule.Describe(FormattableString.Invariant($"{rows} output rows a step, {ringText}")));
    }

    /// <summary>The kernel that makes one row of the map that the layer after it reads, whose pixels are <paramref name="pixelStep"/> floats apart.</summary>
    public static StemPart StemOf(PlanBuilder plan, ConvolutionStage stem, TensorSlot input, int pixelStep, Epilogue epilogue)
    {
        ConvolutionOperator c = stem.Convolution;
        (RowSource source, RowLoad load) = ConvolutionScheduling.DenseSource(stem, input);
        ConvolutionKernel kernel = new(
            1, stem.Input.Channels, stem.Output.Channels, ConvolutionScheduling.Window(c, stem.Input, stem.Output), source, pixelStep, epilogue,
            plan.Tiles(stem.Output.Width, plan.Target.Vectors(stem.Output.Channels)));
        return new StemPart(kernel, input.View, stem.Output, load, default, c.Stride.Height, c.Padding.Top);
    }

    /// <summary>Room for a projection's packed weights of <paramref name="rows"/> input channels times the gate.</summary>
    private static GatedWeights Gate(VectorTarget target, PointwiseKernel projection, int rows, ScratchArena scratch)
    {
        EquatableArray<GatedPanels> panels = projection.Panels.Select(run => new GatedPanels(
            run.Count, run.Vectors * target.Lanes, projection.Share == WorkShare.TilesOfPanels ? run.Tiles.Sum(tiles => tiles.Count) : 0)).ToEquatableArray();
        return new GatedWeights(scratch.Own(panels.Sum(run => run.Count * run.Width) * rows), rows, panels);
    }

    /// <summary>Whether output channels leave half a vector empty, few enough of them for a tile of pixel pairs.</summary>
    private static bool PairsPixels(VectorTarget target, DepthwiseGroup group, EquatableArray<ColumnRun> columns)
    {
        int outChannels = group.Project.Output.Channels;
        return target.PicksLanes && outChannels % target.Lanes is > 0 and var rest && rest <= target.Lanes / 2 && PairsOfTile(target, outChannels) >= 4 && group.Depthwise.Output.Channels % target.Lanes == 0 &&
            columns.All(run => run.Columns % 2 == 0 && run.FirstColumn % 2 == 0);
    }

    /// <summary>
    /// Most pairs of pixels of a tile: accumulators, weights, one broadcast and the two orders of lanes fit the registers. One register too few, and the
    /// just-in-time compiler keeps whole tiles of accumulators in memory.
    /// </summary>
    private static int PairsOfTile(VectorTarget target, int outChannels)
    {
        int groups = PairGroups(target, outChannels);
        return Math.Min(8, (target.Registers - 3 - groups) / groups);
    }

    /// <summary>Groups of channels that fill half a vector, for one of two pixels.</summary>
    private static int PairGroups(VectorTarget target, int outChannels) => (outChannels + (target.Lanes / 2) - 1) / (target.Lanes / 2);

    /// <summary>Channels in whole groups, each twice: a pair kernel's row of weights, and its bias.</summary>
    private static int PairLength(VectorTarget target, int outChannels) => PairGroups(target, outChannels) * target.Lanes;

    internal static BlockWeights PackBlock(
        PlanBuilder plan, DepthwiseGroup group, int slab, int slabs, EquatableArray<PanelRun>? expandPanels, EquatableArray<PanelRun>? projectPanels, bool projectBySlab)
    {
        VectorTarget target = plan.Target;
        int hidden = group.Depthwise.Output.Channels, hiddenStep = slab * slabs, outChannels = group.Project.Output.Channels, outPadded = target.Padded(outChannels);
        ArenaOffset expand = default, expandBias = default;
        if (group.Expand is { } stage)
        {
            expand = plan.Reserve(hiddenStep * stage.Taps);
            (expandBias, PackInstruction[] packedBias) = plan.ReserveBias(hiddenStep, stage);
            ArenaOffset at = expand;
            List<PackInstruction> packing = [];
            for (int s = 0; s < slabs; s++)
                packing.AddRange(ConvolutionScheduling.Panels(plan, expandPanels!.Value, s * slab, hidden, 0, stage.Taps, ref at));
            plan.Pack(stage, [.. packing, .. packedBias]);
        }

        ArenaOffset depthwise = plan.Reserve(hiddenStep * group.Depthwise.Taps);
        (ArenaOffset depthwiseBias, PackInstruction[] packedDepthwiseBias) = plan.ReserveBias(hiddenStep, group.Depthwise);
        plan.Pack(group.Depthwise, [ConvolutionScheduling.Lanes(plan, depthwise, hidden, hiddenStep, group.Depthwise.Taps), .. packedDepthwiseBias]);

        if (projectPanels is not { } panels)
        {
            // Pairs of pixels: every weight and every bias twice.
            int doubled = PairLength(target, outChannels);
            ArenaOffset pairs = plan.Reserve(doubled * hidden);
            (ArenaOffset pairBias, PackInstruction[] packedPairBias) = plan.ReserveBias(doubled, group.Project, inPairs: true);
            plan.Pack(group.Project, [new PackPixelPairs(plan.Absolute(pairs), PlanBuilder.WeightBytes(doubled * hidden), 0, hidden), .. packedPairBias]);
            return new BlockWeights(expand, expandBias, depthwise, depthwiseBias, pairs, pairBias);
        }

        ArenaOffset project = plan.Reserve(outPadded * hidden), offset = project;
        (ArenaOffset projectBias, PackInstruction[] packedProjectBias) = plan.ReserveBias(outPadded, group.Project);
        List<PackInstruction> projectPacking = [];
        if (projectBySlab)
        {
            for (int s = 0; s < slabs; s++)
                projectPacking.AddRange(ConvolutionScheduling.Panels(plan, panels, 0, outChannels, s * slab, slab, ref offset));
        }
        else
        {
            projectPacking.AddRange(ConvolutionScheduling.Panels(plan, panels, 0, outChannels, 0, hidden, ref offset));
        }

        plan.Pack(group.Project, [.. projectPacking, .. packedProjectBias]);
        return new BlockWeights(expand, expandBias, depthwise, depthwiseBias, project, projectBias);
    }

    private static BlockTensors Tensors(DepthwiseGroup group, TensorSlot input, TensorSlot? residual, TensorSlot output) =>
        new(Title(group), input.View, residual?.View, output.View);

    private static string Title(DepthwiseGroup group) => (group.Expand, group.Squeeze) switch
    {
        _ when group.Stem is not null => "StemAnd" + Title(group.WithoutStem),
        (null, null) => "DepthwiseSeparable",
        (_, null) => "InvertedResidual",
        _ => "EfficientConvBlock",
    };

    internal static List<StepPart> Describe(DepthwiseGroup group)
    {
        List<StepPart> parts = [];
        if (group.Expand is not null)
            parts.Add(ConvolutionScheduling.Describe(group.Stem is null ? "expand" : "convolution", group.Expand));
        parts.Add(ConvolutionScheduling.Describe("depthwise", group.Depthwise));
        if (group.Squeeze is not null)
            parts.Add(MapScheduling.Describe(group.Squeeze));
        parts.Add(ConvolutionScheduling.Describe("project", group.Project));
        return parts;
    }
}
