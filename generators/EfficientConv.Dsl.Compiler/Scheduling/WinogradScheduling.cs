using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>Schedules dense 3x3 convolutions by Winograd's algorithm, in the form that folding chose.</summary>
internal static class WinogradScheduling
{
    /// <summary>
    /// Transformed weights that stay near the core from step to step, and the tiles and products of a step beside them, as parts of the second-level cache;
    /// a little more than fits is still better than half of it.
    /// </summary>
    private const double ResidentWeightsPart = 1.17, StepBesideWeightsPart = 0.39;

    /// <summary>Tiles and products of a step where the weights come from further away in every step: few steps matter more than that all of it stays.</summary>
    private const double StepCachePart = 1.6;

    /// <summary>Transformed weights that every thread reads, as a part of the second-level cache: what does not stay there comes quickly enough for all pixels of a thread.</summary>
    private const double CommonWeightsPart = 2.4;

    /// <summary>Fewer steps than this leave threads idle when each works on steps of its own: then they work on one step together.</summary>
    private const int FewestOwnSteps = 6;

    /// <summary>So many are still shared evenly by two and by four.</summary>
    private const int FewestEvenSteps = 4;

    public static void Schedule(PlanBuilder plan, ConvolutionStage stage, WinogradForm form, TensorSlot input, TensorSlot? residual, TensorSlot output)
    {
        VectorTarget target = plan.Target;
        ConvolutionOperator c = stage.Convolution;
        int inChannels = stage.Input.Channels, outChannels = stage.Output.Channels, width = stage.Output.Width;
        int inStep = target.Padded(inChannels), outStep = target.Padded(outChannels);
        int tileColumns = form.Tiles(width), tileRows = TileRows(plan.Settings, stage, form, inStep + outStep), tiles = tileRows * tileColumns;
        WorkShare share = ShareOf(plan.Settings, stage, form, tileRows);
        EquatableArray<PanelRun> panels = share == WorkShare.Tiles
            ? plan.Tiles(tiles / 2, target.Vectors(outChannels), inChannels).Select(run => run with { Tiles = run.Tiles.Select(tile => tile with { Count = 2 * tile.Count }).ToEquatableArray() }).ToEquatableArray()
            : plan.Tiles(tiles, target.Vectors(outChannels), inChannels);
        (Epilogue epilogue, ActivationFunction postOp) = Epilogue.Of(stage, residual, target);
        bool writesOutput = ConvolutionScheduling.WritesOutput(output, postOp, target.Lanes);
        int pixelStep = writesOutput ? output.View.PixelStep : PlanBuilder.PadChannels(outChannels);

        plan.BeginStep();
        int windowRows = (tileRows * form.Step) + form.Overlap, windowRow = ((tileColumns * form.Step) + form.Overlap) * inStep;
        int inProductStep = ProductStep(plan, tiles * inStep), outProductStep = ProductStep(plan, tiles * outStep);
        WinogradInputKernel transform = new(form, inChannels, target.Vectors(inChannels), tileRows, tileColumns, windowRow, inStep, inStep, inProductStep, share);
        PointwiseKernel product = new(
            tiles, inChannels, outChannels, inChannels, 0, 1, inStep, outStep, target.Lanes, Epilogue.None, panels,
            share == WorkShare.Tiles ? share : WorkShare.None);
        WinogradOutputKernel inverse = new(
            form, outChannels, target.Vectors(outChannels), tileRows, width, outStep, outProductStep, pixelStep,
            epilogue, share);

        int weightStep = plan.AlignToLine(outStep * inChannels);
        ArenaOffset weights = plan.Reserve(form.WeightSets * weightStep), zeros = plan.Reserve(outStep);
        (ArenaOffset bias, PackInstruction[] packedBias) = plan.ReserveBias(outStep, stage);
        plan.Pack(
            stage,
            [
                new PackWinogradPanels(
                    form, plan.Absolute(weights), PlanBuilder.WeightBytes(form.WeightSets * weightStep), weightStep, Panels(target, product.Panels, outChannels, inChannels)),
                .. packedBias,
            ]);
        ScratchArena scratch = plan.NewScratch();
        ArenaOffset temporary = scratch.Own(form.Products * target.Lanes);
        ArenaOffset window = OfStep(windowRows * windowRow), transformed = OfStep(form.Products * inProductStep), products = OfStep(form.Products * outProductStep);
        ArenaOffset? buffer = writesOutput ? null : OfStep(Math.Min(tileRows * form.Output, stage.Output.Height) * width * pixelStep);
        plan.AddStep(
            new WinogradNest(
                input.View, residual?.View, output.View, new WinogradStep(transform, product, inverse), c.Padding.Top, c.Padding.Left,
                new WinogradWeights(weights, weightStep, zeros, bias), new WinogradMemory(window, transformed, products, temporary), new Finish(postOp, buffer)).Build(),
            input, residual, output, scratch,
            ConvolutionScheduling.Describe(FormattableString.Invariant($"Winograd F({form.Output}x{form.Output}, 3x3) convolution"), stage), FormattableString.Invariant($"{tileRows} x {tileColumns} tiles a step"));

        ArenaOffset OfStep(int length) => share == WorkShare.None ? scratch.Own(length) : scratch.Shared(length);
    }

    /// <summary>
    /// What threads share of a step. Rows of tiles, so that a thread goes on with what it made itself, where weights that all of them read stay near;
    /// else whole products, so that each weight is read by one.
    /// </summary>
    private static WorkShare ShareOf(ScheduleSettings settings, ConvolutionStage stage, WinogradForm form, int tileRows)
    {
        int steps = (form.Tiles(stage.Output.Height) + tileRows - 1) / tileRows;
        return steps is FewestEvenSteps or >= FewestOwnSteps ? WorkShare.None
            : WeightBytes(stage, form) <= settings.SecondLevel(CommonWeightsPart) && tileRows % 2 == 0 ? WorkShare.Tiles
            : WorkShare.Panels;
    }

    private static long WeightBytes(ConvolutionStage stage, WinogradForm form) => ElementType.Float32.Bytes((long)form.WeightSets * stage.Input.Channels * stage.Output.Channels);

    /// <summary>
    /// Rows of tiles of a step: as many as stay in the second-level cache, because every step reads all weights, spread evenly over the steps.
    /// </summary>
    private static int TileRows(ScheduleSettings settings, ConvolutionStage stage, WinogradForm form, int channels)
    {
        int rows = form.Tiles(stage.Output.Height), columns = form.Tiles(stage.Output.Width);
        long rowBytes = ElementType.Float32.Bytes((long)form.Products * columns * channels);
        int budget = settings.SecondLevel(WeightBytes(stage, form) <= settings.SecondLevel(ResidentWeightsPart) ? StepBesideWeightsPart : StepCachePart);
        int most = (int)Math.Max(1, Math.Min(rows, budget / rowBytes)), steps = (rows + most - 1) / most;
        return (rows + steps - 1) / steps;
    }

    /// <summary>An odd number of cache lines, so that the products of a tile do not fall into the same cache sets.</summary>
    private static int ProductStep(PlanBuilder plan, int length)
    {
        int lines = plan.AlignToLine(length) / plan.LineLength;
        return (lines % 2 == 0 ? lines + 1 : lines) * plan.LineLength;
    }

    private static EquatableArray<PackPanels> Panels(VectorTarget target, EquatableArray<PanelRun> runs, int outChannels, int inChannels)
    {
        List<PackPanels> panels = [];
        ArenaOffset offset = default;
        foreach (PanelRun run in runs)
        {
            int width = run.Vectors * target.Lanes;
            long bytes = PlanBuilder.WeightBytes(run.Count * width * inChannels);
            panels.Add(new PackPanels(offset, bytes, run.First * target.Lanes, outChannels, width, run.Count, 0, inChannels));
            offset = offset.Plus(bytes);
        }

        return panels.ToEquatableArray();
    }
}
