using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>
/// Schedules dense 3x3 convolutions by Winograd's F(4x4, 3x3): 36 multiplications for 16 outputs instead of 144. Whether this form is taken never
/// depends on the instruction set, because its sums are others than the direct ones.
/// </summary>
internal static class WinogradScheduling
{
    /// <summary>
    /// Fewest channels on both sides for which it is taken unasked: the transforms cost the same for every channel, the products save in
    /// proportion to the channels of the other side.
    /// </summary>
    private const int FewestChannels = 16;

    /// <summary>Most input channels for which it is taken unasked: the error grows with the sum, and up to here stays below 4e-6 of the largest output.</summary>
    private const int MostChannels = 256;

    /// <summary>Fewest tiles for which it is taken unasked: the weights are four times as many and are read once for all tiles.</summary>
    private const int FewestTiles = 16;

    /// <summary>
    /// Transformed weights that stay near the core from step to step, and the tiles and products of a step beside them, as parts of the second-level cache;
    /// a little more than fits is still better than half of it.
    /// </summary>
    private const double ResidentWeightsPart = 1.17, StepBesideWeightsPart = 0.39;

    /// <summary>Tiles and products of a step where the weights come from further away in every step: few steps matter more than that all of it stays.</summary>
    private const double StepPart = 1.37;

    /// <summary>Transformed weights that every thread reads, as a part of the second-level cache: what does not stay there comes quickly enough for all pixels of a thread.</summary>
    private const double CommonWeightsPart = 2.4;

    /// <summary>Fewer steps than this leave threads idle when each works on steps of its own: then they work on one step together.</summary>
    private const int FewestOwnSteps = 6;

    /// <summary>So many are still shared evenly by two and by four.</summary>
    private const int FewestEvenSteps = 4;

    /// <summary>Whether <paramref name="stage"/> is computed this way.</summary>
    public static bool Fits(ConvolutionStage stage) => stage.Convolution.IsDense3x3 && stage.Convolution.Algorithm switch
    {
        ConvolutionAlgorithm.Winograd => true,
        ConvolutionAlgorithm.Direct => false,
        _ => IsWorthwhile(stage),
    };

    private static bool IsWorthwhile(ConvolutionStage stage)
    {
        int tiles = Tiles(stage.Output.Height) * Tiles(stage.Output.Width);

        // Tiles that reach over the edges are computed whole.
        bool full = (long)tiles * WinogradTile.Output * WinogradTile.Output * 5 <= stage.Output.Pixels * 8L;
        return full && tiles >= FewestTiles && stage.Input.Channels is >= FewestChannels and <= MostChannels && stage.Output.Channels >= FewestChannels;
    }

    public static void Schedule(PlanBuilder plan, ConvolutionStage stage, TensorSlot input, TensorSlot? residual, TensorSlot output)
    {
        VectorTarget target = plan.Target;
        ConvolutionOperator c = stage.Convolution;
        int inChannels = stage.Input.Channels, outChannels = stage.Output.Channels, width = stage.Output.Width;
        int inStep = target.Padded(inChannels), outStep = target.Padded(outChannels);
        int tileColumns = Tiles(width), tileRows = TileRows(plan.Settings, stage, inStep + outStep), tiles = tileRows * tileColumns;
        WorkShare share = ShareOf(plan.Settings, stage, tileRows);
        EquatableArray<PanelRun> panels = share == WorkShare.Tiles
            ? plan.Tiles(tiles / 2, target.Vectors(outChannels)).Select(run => run with { Tiles = run.Tiles.Select(tile => tile with { Count = 2 * tile.Count }).ToEquatableArray() }).ToEquatableArray()
            : plan.Tiles(tiles, target.Vectors(outChannels));
        (ActivationFunction inline, ActivationFunction pass) = ConvolutionScheduling.Split(stage.Activation);
        Initial initial = ConvolutionScheduling.InitialOf(residual, target.Lanes);
        bool direct = ConvolutionScheduling.IsDirect(output, pass, target.Lanes);
        int pixelStep = direct ? output.View.PixelStep : PlanBuilder.Align(outChannels);

        plan.BeginStep();
        int windowRows = (tileRows * WinogradTile.Output) + 2, windowRow = ((tileColumns * WinogradTile.Output) + 2) * inStep;
        int inProductStep = ProductStep(tiles * inStep), outProductStep = ProductStep(tiles * outStep);
        WinogradInputKernel transform = new(inChannels, target.Vectors(inChannels), tileRows, tileColumns, windowRow, inStep, inStep, inProductStep, share);
        PointwiseKernel product = new(
            tiles, inChannels, outChannels, inChannels, 0, 1, inStep, outStep, target.Lanes, Initial.Bias, 0, ActivationFunction.None, panels,
            share == WorkShare.Tiles ? share : WorkShare.None);
        WinogradOutputKernel inverse = new(
            outChannels, target.Vectors(outChannels), tileRows, width, outStep, outProductStep, pixelStep,
            initial, initial == Initial.BiasAndResidual ? residual!.View.PixelStep : 0, inline, share);

        int weightStep = PlanBuilder.Align(outStep * inChannels), weights = plan.Reserve(WinogradTile.Products * weightStep);
        product = product with { Ahead = RegisterTiling.FetchStep(product, share == WorkShare.Tiles ? 2 * weightStep : weightStep) is > 0 and int fetch ? new FetchAhead(weightStep, fetch) : null };
        int zeros = plan.Reserve(outStep), bias = plan.Reserve(outStep);
        plan.Pack(
            stage,
            new PackWinogradPanels(plan.Absolute(weights), WinogradTile.Products * weightStep, weightStep, Panels(target, product.Panels, outChannels, inChannels)),
            new PackBias(plan.Absolute(bias), outStep));
        ScratchArena scratch = new();
        int temporary = scratch.Own(WinogradTile.Products * target.Lanes);
        int window = OfStep(windowRows * windowRow), transformed = OfStep(WinogradTile.Products * inProductStep), products = OfStep(WinogradTile.Products * outProductStep);
        int buffer = direct ? -1 : OfStep(Math.Min(tileRows * WinogradTile.Output, stage.Output.Height) * width * pixelStep);
        plan.AddStep(
            new WinogradDriver(
                input.View, residual?.View, output.View, transform, product, inverse, c.Padding.Top, c.Padding.Left,
                weights, weightStep, zeros, bias, window, transformed, products, temporary, buffer, pass),
            input, residual, output, scratch,
            ConvolutionScheduling.Describe("Winograd F(4x4, 3x3) convolution", stage) + FormattableString.Invariant($"\n{tileRows} x {tileColumns} tiles a step"));

        int OfStep(int length) => share == WorkShare.None ? scratch.Own(length) : scratch.Shared(length);
    }

    /// <summary>
    /// What threads share of a step. Rows of tiles, so that a thread goes on with what it made itself, where weights that all of them read stay near;
    /// else whole products, so that each weight is read by one.
    /// </summary>
    private static WorkShare ShareOf(ScheduleSettings settings, ConvolutionStage stage, int tileRows)
    {
        int steps = (Tiles(stage.Output.Height) + tileRows - 1) / tileRows;
        return steps is FewestEvenSteps or >= FewestOwnSteps ? WorkShare.None
            : WeightBytes(stage) <= settings.SecondLevel(CommonWeightsPart) && tileRows % 2 == 0 ? WorkShare.Tiles
            : WorkShare.Panels;
    }

    private static long WeightBytes(ConvolutionStage stage) => (long)WinogradTile.Products * stage.Input.Channels * stage.Output.Channels * sizeof(float);

    private static int Tiles(int length) => (length + WinogradTile.Output - 1) / WinogradTile.Output;

    /// <summary>
    /// Rows of tiles of a step: as many as stay in the second-level cache, because every step reads all weights, spread evenly over the steps.
    /// </summary>
    private static int TileRows(ScheduleSettings settings, ConvolutionStage stage, int channels)
    {
        int rows = Tiles(stage.Output.Height), columns = Tiles(stage.Output.Width);
        long rowBytes = (long)WinogradTile.Products * columns * channels * sizeof(float);
        int budget = settings.SecondLevel(WeightBytes(stage) <= settings.SecondLevel(ResidentWeightsPart) ? StepBesideWeightsPart : StepPart);
        int most = (int)Math.Max(1, Math.Min(rows, budget / rowBytes)), steps = (rows + most - 1) / most;
        return (rows + steps - 1) / steps;
    }

    /// <summary>An odd number of cache lines, so that the 36 products of a tile do not fall into the same cache sets.</summary>
    private static int ProductStep(int length) => PlanBuilder.Align(length) / 16 % 2 == 0 ? PlanBuilder.Align(length) + 16 : PlanBuilder.Align(length);

    private static EquatableArray<PackPanels> Panels(VectorTarget target, EquatableArray<PanelRun> runs, int outChannels, int inChannels)
    {
        List<PackPanels> panels = [];
        int offset = 0;
        foreach (PanelRun run in runs)
        {
            int width = run.Vectors * target.Lanes, length = run.Count * width * inChannels;
            panels.Add(new PackPanels(offset, length, run.First * target.Lanes, outChannels, width, run.Count, 0, inChannels));
            offset += length;
        }

        return panels.ToEquatableArray();
    }
}
