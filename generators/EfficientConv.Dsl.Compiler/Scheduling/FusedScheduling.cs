using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Shapes;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>
/// Schedules expand, depthwise, project as one loop nest: slabs of hidden channels over the whole map where the map is small, else rows of the map
/// with slabs inside. Both add in the same order, so the choice never changes a bit.
/// </summary>
internal static class FusedScheduling
{
    /// <summary>A slab over the whole map, expanded and after the depthwise layer, stays well inside the second-level cache.</summary>
    private const int SlabMapBytes = 400 * 1024;

    /// <summary>Widest map on which whole-map slabs are used; wider rows keep the register tiles busy by themselves.</summary>
    private const int SlabMapWidth = 28;

    /// <summary>Most hidden channels of a slab: beyond it the panels of weights leave the first-level cache.</summary>
    private const int LargestSlab = 128;

    private const int MaxColumnRuns = 4;

    /// <summary>Depthwise rows that a pass finds in the first-level cache, in floats.</summary>
    private const int PassFloats = 9 * 1024;

    public static TensorSlot Schedule(PlanBuilder plan, DepthwiseGroup group, IReadOnlyDictionary<int, TensorSlot> slots, TensorSlot? destination)
    {
        TensorSlot input = slots[group.Source], output = destination ?? plan.NewTensor(group.Project.Output);
        TensorSlot? residual = group.Residual >= 0 ? slots[group.Residual] : null;
        if (PlanarScheduling.Fits(group, input, residual, output))
        {
            PlanarScheduling.Schedule(plan, group, input, residual, output);
            return output;
        }

        RowWindow window = ConvolutionScheduling.Window(group.Depthwise.Convolution, group.Depthwise.Input, group.Depthwise.Output);
        EquatableArray<ColumnRun> columns = ConvolutionScheduling.ColumnRuns(window, ConvolutionScheduling.LargestColumns(plan.Target, window.Kernel.Width), haloed: false);
        if (SlabOverMap(plan.Target, group) is { } slab && columns.Count <= MaxColumnRuns)
            ScheduleSlabs(plan, group, input, residual, output, window, columns, slab);
        else
            ScheduleRows(plan, group, input, residual, output, window, columns);
        return output;
    }

    /// <summary>Hidden channels of a slab over the whole map, or null where that form does not fit.</summary>
    private static int? SlabOverMap(VectorTarget target, DepthwiseGroup group)
    {
        Shape before = group.Depthwise.Input, after = group.Depthwise.Output;
        if (group.Squeeze is not null || before.Width > SlabMapWidth || after.Channels % target.Lanes != 0)
            return null;
        int? slab = LargestDivisor(after.Channels, target.Lanes, s => s <= LargestSlab && (before.Pixels + after.Pixels) * (long)s * sizeof(float) <= SlabMapBytes);
        return slab;
    }

    /// <summary>The largest slab that divides <paramref name="channels"/>; one of two vectors or more is preferred, because register tiles are two wide.</summary>
    private static int? LargestDivisor(int channels, int lanes, Func<int, bool> fits)
    {
        foreach (int unit in new[] { 2 * lanes, lanes })
        {
            for (int slab = channels / unit * unit; slab > 0; slab -= unit)
            {
                if (channels % slab == 0 && fits(slab))
                    return slab;
            }
        }

        return null;
    }

    private static void ScheduleSlabs(
        PlanBuilder plan, DepthwiseGroup group, TensorSlot input, TensorSlot? residual, TensorSlot output, RowWindow window, EquatableArray<ColumnRun> columns, int slab)
    {
        VectorTarget target = plan.Target;
        if (group.Expand is null)
            input = Scheduler.Padded(plan, input);
        ConvolutionStage depthwise = group.Depthwise, project = group.Project;
        Shape before = depthwise.Input, after = depthwise.Output;
        int hidden = after.Channels, outChannels = project.Output.Channels, slabs = hidden / slab, lanes = target.Lanes;
        (ActivationFunction expandInline, ActivationFunction expandPass) = ConvolutionScheduling.Split(group.Expand?.Activation ?? ActivationFunction.None);
        (ActivationFunction depthwiseInline, ActivationFunction depthwisePass) = ConvolutionScheduling.Split(depthwise.Activation);
        (ActivationFunction projectInline, ActivationFunction projectPass) = ConvolutionScheduling.Split(project.Activation);
        bool direct = ConvolutionScheduling.IsDirect(output, projectPass);
        int step = direct ? output.View.PixelStep : PlanBuilder.Align(outChannels);
        Initial initial = ConvolutionScheduling.InitialOf(residual);

        PointwiseKernel? expand = group.Expand is null ? null : new PointwiseKernel(
            before.Pixels, group.Expand.Input.Channels, slab, group.Expand.Input.Channels, 0, input.View.ChannelStep, input.View.PixelStep, lanes, before.Pixels * lanes,
            Initial.Bias, 0, expandInline, RegisterTiling.Choose(target, before.Pixels, slab / lanes));
        RowSource source = expand is null ? new RowSource(0, input.View.RowStep, input.View.PixelStep, 0, 0) : new RowSource(0, before.Width * lanes, lanes, 0, 0);
        LanewiseKernel rows = new(
            slab / lanes, slab, 1, lanes, expand is null ? lanes : before.Pixels * lanes, window, source, lanes, after.Pixels * lanes, depthwiseInline, columns);
        EquatableArray<PanelRun> panels = RegisterTiling.Choose(target, after.Pixels, target.Vectors(outChannels));
        PointwiseKernel Projection(Initial first, ActivationFunction activation) => new(
            after.Pixels, slab, outChannels, lanes, after.Pixels * lanes, 1, lanes, step, lanes, first,
            first == Initial.BiasAndResidual ? residual!.View.PixelStep : 0, activation, panels);

        plan.BeginStep();
        FusedOffsets offsets = PackBlock(plan, group, slab, slabs, expand?.Panels, panels, projectBySlab: true);
        ScratchArena scratch = new();
        int expanded = expand is null ? 0 : scratch.Reserve(before.Pixels * slab), depthwiseSlab = scratch.Reserve(after.Pixels * slab);
        int buffer = direct ? -1 : scratch.Reserve(project.Output.Pixels * step);
        plan.AddStep(
            new FusedSlabsDriver(
                Title(group), input.View, residual?.View, output.View, expand, expandPass, rows, depthwisePass,
                Projection(initial, slabs == 1 ? projectInline : ActivationFunction.None), Projection(Initial.Destination, ActivationFunction.None), Projection(Initial.Destination, projectInline),
                projectPass, hidden, slab, depthwise.Convolution.Stride.Height, depthwise.Convolution.Padding.Top, expanded, depthwiseSlab, buffer, offsets),
            input, residual, output, scratch.Length, Describe(group) + FormattableString.Invariant($"\nslabs of {slab} hidden channels over the whole map"));
    }

    private static void ScheduleRows(
        PlanBuilder plan, DepthwiseGroup group, TensorSlot input, TensorSlot? residual, TensorSlot output, RowWindow window, EquatableArray<ColumnRun> columns)
    {
        VectorTarget target = plan.Target;
        ConvolutionStage depthwise = group.Depthwise, project = group.Project;
        ConvolutionOperator c = depthwise.Convolution;
        Shape before = depthwise.Input, after = depthwise.Output;
        int hidden = after.Channels, hiddenStep = target.Padded(hidden), outChannels = project.Output.Channels, lanes = target.Lanes;
        (ActivationFunction expandInline, ActivationFunction expandPass) = ConvolutionScheduling.Split(group.Expand?.Activation ?? ActivationFunction.None);
        (ActivationFunction depthwiseInline, ActivationFunction depthwisePass) = ConvolutionScheduling.Split(depthwise.Activation);
        (ActivationFunction projectInline, ActivationFunction projectPass) = ConvolutionScheduling.Split(project.Activation);

        bool haloed = columns.Count > MaxColumnRuns;
        if (haloed)
            columns = ConvolutionScheduling.ColumnRuns(window, ConvolutionScheduling.LargestColumns(target, window.Kernel.Width), haloed: true);
        int left = haloed ? window.PadLeft : 0;
        int right = haloed ? Math.Max(0, ((after.Width - 1) * c.Stride.Width) + ShapeInference.EffectiveKernel(c.Kernel.Width, c.Dilation.Width) - left - before.Width) : 0;
        int rowPixels = left + before.Width + right, effective = ShapeInference.EffectiveKernel(c.Kernel.Height, c.Dilation.Height);
        bool plane = group.Expand is null && input.View.IsPadded && !haloed;
        (int rows, int slab) = group.Expand is null
            ? (RowsOfStep(group, 1, hiddenStep), hiddenStep)
            : RowsAndSlab(target, group, hiddenStep, rowPixels);
        int ringRows = ((rows - 1) * c.Stride.Height) + effective, slabs = hiddenStep / slab;

        PointwiseKernel? expand = group.Expand is null ? null : new PointwiseKernel(
            before.Width, group.Expand.Input.Channels, slab, group.Expand.Input.Channels, 0, input.View.ChannelStep, input.View.PixelStep, slab, lanes,
            Initial.Bias, 0, expandInline, RegisterTiling.Choose(target, before.Width, slab / lanes));
        RowSource source = plane
            ? new RowSource(0, input.View.RowStep, input.View.PixelStep, 0, 0)
            : new RowSource(ringRows, rowPixels * slab, slab, left, right);
        LanewiseKernel depthwiseRow = new(slab / lanes, slab, 1, lanes, lanes, window, source, hiddenStep, lanes, depthwiseInline, columns);
        bool direct = ConvolutionScheduling.IsDirect(output, projectPass), pairs = PairsPixels(target, outChannels, columns) && hidden == hiddenStep;
        int step = direct ? output.View.PixelStep : PlanBuilder.Align(outChannels);
        Initial initial = ConvolutionScheduling.InitialOf(residual);
        int residualStep = initial == Initial.BiasAndResidual ? residual!.View.PixelStep : 0, pixels = rows * after.Width;
        if (pairs)
            depthwiseRow = depthwiseRow with { PixelPairs = true, OutVectorStep = 2 * lanes };
        ProductKernel projection = pairs
            ? new PixelPairKernel(
                pixels, hidden, outChannels, 2 * hiddenStep, step, initial, residualStep, projectInline, RegisterTiling.Split(pixels / 2, PairsOfTile(target, outChannels)))
            : new PointwiseKernel(
                pixels, hidden, outChannels, hidden, 0, 1, hiddenStep, step, lanes, initial, residualStep, projectInline,
                RegisterTiling.Choose(target, pixels, target.Vectors(outChannels)));

        plan.BeginStep();
        FusedOffsets offsets = PackBlock(plan, group, slab, slabs, expand?.Panels, (projection as PointwiseKernel)?.Panels, projectBySlab: false);
        ScratchArena scratch = new();
        SqueezePart? squeeze = group.Squeeze is null ? null : MapScheduling.Squeeze(plan, group.Squeeze, scratch);
        int ring = plane ? 0 : scratch.Reserve(slabs * ringRows * source.RowStep);
        int depthwiseRows = scratch.Reserve((squeeze is null ? rows : after.Height) * after.Width * hiddenStep);
        int buffer = direct ? -1 : scratch.Reserve(rows * after.Width * step);
        plan.AddStep(
            new FusedRowsDriver(
                Title(group), input.View, residual?.View, output.View, expand, expandPass, depthwiseRow, depthwisePass, squeeze, projection, projectPass,
                group.Expand is not null || plane ? RowLoad.None : RowLoad.Copy, hidden, hiddenStep, slab, rows, c.Stride.Height, c.Padding.Top, ring, depthwiseRows, buffer, offsets),
            input, residual, output, scratch.Length,
            Describe(group) + FormattableString.Invariant($"\n{rows} output rows a step, slabs of {slab} hidden channels, a ring of {ringRows} expanded rows each"));
    }

    /// <summary>Whether output channels leave half a vector of 16 empty, few enough of them for a tile of pixel pairs.</summary>
    private static bool PairsPixels(VectorTarget target, int outChannels, EquatableArray<ColumnRun> columns) =>
        target.Lanes == 16 && outChannels % 16 is >= 1 and <= 8 && PairsOfTile(target, outChannels) >= 4 &&
        columns.All(run => run.Columns % 2 == 0 && run.FirstColumn % 2 == 0);

    /// <summary>Most pairs of pixels of a tile: accumulators, weights and one broadcast fit the registers.</summary>
    private static int PairsOfTile(VectorTarget target, int outChannels)
    {
        int groups = (outChannels + 7) / 8;
        return Math.Min(8, (target.Registers - 1 - groups) / groups);
    }

    /// <summary>Rows of a step and channels of a slab: few enough for the ring of a slab to stay near the core, enough to keep register tiles full.</summary>
    private static (int Rows, int Slab) RowsAndSlab(VectorTarget target, DepthwiseGroup group, int hiddenStep, int rowPixels)
    {
        ConvolutionOperator c = group.Depthwise.Convolution;
        int rows = RowsOfStep(group, c.Stride.Height, hiddenStep);
        int ringRows = ((rows - 1) * c.Stride.Height) + ShapeInference.EffectiveKernel(c.Kernel.Height, c.Dilation.Height);
        int budget = c.Stride.Height == 1 ? 64 * 1024 : 24 * 1024;
        int slab = LargestDivisor(hiddenStep, target.Lanes, s => s <= LargestSlab && (long)ringRows * rowPixels * s * sizeof(float) <= budget) ?? target.Lanes;
        return (rows, slab);
    }

    /// <summary>
    /// Output rows of a step: about four rows of a wide map or as many as make 56 pixels of a narrow one, and a divisor of the height. Where passes go
    /// over the depthwise rows again, those of a step stay in the first-level cache.
    /// </summary>
    private static int RowsOfStep(DepthwiseGroup group, int stride, int hiddenStep)
    {
        Shape output = group.Depthwise.Output;
        bool passes = group.Squeeze is not null || !group.Depthwise.Activation.IsInline;
        int wanted = stride > 1 && output.Width >= 28 ? 1 : Math.Max(4, 56 / output.Width), rows = 1;
        for (int candidate = 2; candidate <= Math.Min(wanted, output.Height); candidate++)
        {
            if (output.Height % candidate == 0 && (!passes || candidate * output.Width * hiddenStep <= PassFloats))
                rows = candidate;
        }

        return rows;
    }

    private static FusedOffsets PackBlock(
        PlanBuilder plan, DepthwiseGroup group, int slab, int slabs, EquatableArray<PanelRun>? expandPanels, EquatableArray<PanelRun>? projectPanels, bool projectBySlab)
    {
        VectorTarget target = plan.Target;
        int hidden = group.Depthwise.Output.Channels, hiddenStep = slab * slabs, outChannels = group.Project.Output.Channels, outPadded = target.Padded(outChannels);
        int expand = 0, expandBias = 0;
        if (group.Expand is { } stage)
        {
            expand = plan.Reserve(hiddenStep * stage.Input.Channels);
            expandBias = plan.Reserve(hiddenStep);
            int at = expand;
            List<PackInstruction> packing = [];
            for (int s = 0; s < slabs; s++)
                packing.AddRange(ConvolutionScheduling.Panels(plan, expandPanels!.Value, s * slab, hidden, 0, stage.Input.Channels, ref at));
            packing.Add(new PackBias(plan.Absolute(expandBias), hiddenStep));
            plan.Pack(stage, [.. packing]);
        }

        int lanesLength = hiddenStep * group.Depthwise.Taps, depthwise = plan.Reserve(lanesLength), depthwiseBias = plan.Reserve(hiddenStep);
        plan.Pack(group.Depthwise, ConvolutionScheduling.Lanes(plan, depthwise, hidden, hiddenStep, group.Depthwise.Taps), new PackBias(plan.Absolute(depthwiseBias), hiddenStep));

        if (projectPanels is not { } panels)
        {
            // Pairs of pixels: every weight and every bias twice.
            int doubled = (outChannels + 7) / 8 * 16, pairs = plan.Reserve(doubled * hidden), pairBias = plan.Reserve(doubled);
            plan.Pack(group.Project, new PackPixelPairs(plan.Absolute(pairs), doubled * hidden, 0, hidden), new PackBiasPairs(plan.Absolute(pairBias), doubled));
            return new FusedOffsets(expand, expandBias, depthwise, depthwiseBias, pairs, pairBias);
        }

        int project = plan.Reserve(outPadded * hidden), projectBias = plan.Reserve(outPadded), offset = project;
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

        projectPacking.Add(new PackBias(plan.Absolute(projectBias), outPadded));
        plan.Pack(group.Project, [.. projectPacking]);
        return new FusedOffsets(expand, expandBias, depthwise, depthwiseBias, project, projectBias);
    }

    private static string Title(DepthwiseGroup group) => (group.Expand, group.Squeeze) switch
    {
        (null, null) => "DepthwiseSeparable",
        (_, null) => "InvertedResidual",
        _ => "EfficientConvBlock",
    };

    private static string Describe(DepthwiseGroup group)
    {
        List<string> lines = [];
        if (group.Expand is not null)
            lines.Add(ConvolutionScheduling.Describe("expand", group.Expand));
        lines.Add(ConvolutionScheduling.Describe("depthwise", group.Depthwise));
        if (group.Squeeze is not null)
            lines.Add(MapScheduling.Describe(group.Squeeze));
        lines.Add(ConvolutionScheduling.Describe("project", group.Project));
        return string.Join("\n", lines);
    }
}
