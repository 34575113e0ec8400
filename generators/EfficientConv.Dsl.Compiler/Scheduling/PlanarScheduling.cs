using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Shapes;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>
/// Schedules layers whose input and output both are the user's NCHW: with a pixel in every lane nothing needs to be transposed. The sums run in the
/// same order as with channels in the lanes, and whether this form is taken never depends on the instruction set.
/// </summary>
internal static class PlanarScheduling
{
    /// <summary>Longer sums over planes reach too many rows of memory at once for the first-level cache.</summary>
    private const int LongestPlanarSum = 320;

    /// <summary>Most output channels that leave so many lanes of the widest vectors empty that pixels in the lanes are worth turning the input.</summary>
    public const int NarrowChannels = 4;

    /// <summary>Narrower rows leave too many lanes empty for a depthwise layer inside a network to stay with planes.</summary>
    private const int NarrowestPlanarRow = 28;

    /// <summary>Part of the second-level cache for the depthwise rows of all channels that one step keeps.</summary>
    private const double StepCachePart = 3.0 / 16;

    public static bool Fits(ConvolutionStage stage, TensorSlot input, TensorSlot? residual, TensorSlot output)
    {
        if (!input.View.IsPlanar || !output.View.IsPlanar || !ReadsPlanes(residual, stage))
            return false;
        if (stage.IsPointwise)
            return WasteIsSmall(stage.Output.Pixels) && stage.Input.Channels <= LongestPlanarSum;
        if (residual is not null)
            return false;
        return stage.IsDepthwise || IsCheaper(stage);
    }

    /// <summary>Whether a residual, if there is one, has a plane for each of the output.</summary>
    private static bool ReadsPlanes(TensorSlot? residual, ConvolutionStage stage) => residual is null || (residual.View.IsPlanar && residual.View.Shape == stage.Output);

    /// <summary>
    /// Whether the lanes that are wasted at the ends of rows cost less than transposing the input and the output, or than lanes that a narrow group leaves empty.
    /// </summary>
    private static bool IsCheaper(ConvolutionStage stage)
    {
        (double byPixel, double byChannel) = ProductCycles(stage);
        return stage.Output.Width >= VectorTarget.WidestLanes && byPixel < byChannel + (VectorTarget.Reference.Rates.ChoiceTransposeCycles * (stage.Input.Count + stage.Output.Count));
    }

    /// <summary>Cycles of the products with a pixel in every lane, of which some are wasted at the ends of rows, and with a channel in every lane.</summary>
    private static (double ByPixel, double ByChannel) ProductCycles(ConvolutionStage stage)
    {
        int width = stage.Output.Width, whole = (width + VectorTarget.WidestLanes - 1) / VectorTarget.WidestLanes * VectorTarget.WidestLanes;
        double products = stage.Output.Count * stage.Taps / VectorTarget.Reference.MultiplyAddsPerCycle;
        double lanesByChannel = (stage.OutPerGroup + VectorTarget.WidestLanes - 1) / VectorTarget.WidestLanes * (double)VectorTarget.WidestLanes / stage.OutPerGroup;
        return (products * whole / width, products * lanesByChannel);
    }

    /// <summary>
    /// Whether a convolution into planes is worth turning its input: a 1x1 convolution whose input has far fewer channels than its output, or a larger one into a few channels.
    /// </summary>
    public static bool FitsTransposed(ConvolutionStage stage, TensorSlot input, TensorSlot? residual, TensorSlot output)
    {
        if (input.View.IsPlanar || !output.View.IsPlanar || stage.Input.Pixels == 1 || !ReadsPlanes(residual, stage) || stage.Input.Channels > LongestPlanarSum)
            return false;
        if (stage.IsPointwise)
            return stage.Output.Channels >= 2 * stage.Input.Channels && WasteIsSmall(stage.Output.Pixels);
        if (residual is not null || stage.Convolution.Groups > 1 || stage.Output.Channels > NarrowChannels || stage.Output.Width < VectorTarget.WidestLanes)
            return false;
        (double byPixel, double byChannel) = ProductCycles(stage);
        return byPixel + (VectorTarget.Reference.Rates.ChoiceTransposeCycles * stage.Input.Count) < byChannel + (VectorTarget.Reference.Rates.ChoiceTransposeCycles * stage.Output.Count);
    }

    /// <summary><paramref name="slot"/> as planes.</summary>
    public static TensorSlot Transpose(PlanBuilder plan, TensorSlot slot)
    {
        TensorSlot planes = plan.NewPlanarTensor(slot.View.Shape);
        plan.AddStep(MapNests.Copy(slot.View, planes.View), slot, null, planes, null, StepPart.Copy($"{slot.View} to planes"));
        return planes;
    }

    /// <summary>
    /// Whether a layer that reads planes writes planes: a 1x1 convolution for one with a window, which copies its rows anyway, and a depthwise one for the next
    /// where that has wide rows or is unrolled; of two dense layers at the end of a network the first, where rows are whole vectors: then nothing is transposed.
    /// </summary>
    public static bool KeepsPlanes(VectorTarget target, StageGroup group, IReadOnlyDictionary<int, TensorSlot> slots, StageGraph graph)
    {
        if (group is not SingleGroup { Stage: ConvolutionStage { HasResidual: false } stage } || !slots[stage.Inputs[0]].View.IsPlanar)
            return false;
        Stage[] readers = graph.Stages.Where(s => s.Inputs.Contains(stage.Id)).ToArray();
        if (readers.Length != 1 || readers[0] is not ConvolutionStage { IsPointwise: false, HasResidual: false } reader)
            return false;
        if (!stage.IsPointwise && !stage.IsDepthwise)
            return FillsRows(stage) && FillsRows(reader) && !graph.Stages.Any(s => s.Inputs.Contains(reader.Id));
        return stage.IsPointwise
            ? WasteIsSmall(stage.Output.Pixels) && stage.Input.Channels <= LongestPlanarSum && reader.Convolution is { Groups: 1, IsLinear: false }
            : stage.IsDepthwise && reader.IsDepthwise && (reader.Output.Width >= NarrowestPlanarRow || UnpaddedDepthwiseScheduling.FitsFlat(target, reader));
    }

    private static bool FillsRows(ConvolutionStage stage) =>
        !stage.IsDepthwise && stage.Winograd is null && stage.Output.Width % VectorTarget.WidestLanes == 0 && stage.Input.Channels <= LongestPlanarSum;

    public static bool Fits(ScheduleSettings settings, DepthwiseGroup group, TensorSlot input, TensorSlot? residual, TensorSlot output) =>
        group.Expand is null && group.Squeeze is null && input.View.IsPlanar && output.View.IsPlanar && ReadsPlanes(residual, group.Project) &&
        WasteIsSmall(group.Depthwise.Output.Width * StepRows(settings, group));

    public static void Schedule(PlanBuilder plan, ConvolutionStage stage, TensorSlot input, TensorSlot? residual, TensorSlot output)
    {
        if (stage.IsPointwise)
            SchedulePointwise(plan, stage, input, residual, output);
        else if (stage.IsDepthwise && UnpaddedDepthwiseScheduling.Fits(plan.Target, stage))
            UnpaddedDepthwiseScheduling.Schedule(plan, stage, input, output);
        else if (stage.IsDepthwise)
            ScheduleDepthwise(plan, stage, input, output);
        else
            ScheduleConvolution(plan, stage, input, output);
    }

    /// <summary>Whether whole vectors over <paramref name="pixels"/> compute at most an eighth too much.</summary>
    private static bool WasteIsSmall(int pixels) => pixels >= VectorTarget.WidestLanes && (pixels + VectorTarget.WidestLanes - 1) / VectorTarget.WidestLanes * VectorTarget.WidestLanes * 8 <= pixels * 9;

    /// <summary>Whether rows of planes fill vectors, and sums over so many planes are not too long.</summary>
    public static bool FillsVectors(int width, int inChannels) => width >= VectorTarget.WidestLanes && inChannels <= LongestPlanarSum;

    /// <summary>Squeeze-and-excitation or channel shuffle between the user's planes; false where one side has another layout.</summary>
    public static bool TrySchedule(PlanBuilder plan, Stage stage, TensorSlot input, TensorSlot? output)
    {
        if (output is not { View.IsPlanar: true } || !input.View.IsPlanar)
            return false;
        switch (stage)
        {
            case SqueezeStage squeeze:
                plan.BeginStep();
                ScratchArena scratch = plan.NewScratch();
                plan.AddStep(Squeeze(input.View, output.View, MapScheduling.Squeeze(plan, squeeze, scratch)), input, null, output, scratch, MapScheduling.Describe(squeeze));
                return true;
            case ShuffleStage shuffle:
                plan.BeginStep();
                plan.AddStep(
                    Shuffle(input.View, output.View, shuffle.Groups), input, null, output, null, StepPart.Of(stage, FormattableString.Invariant($"channel shuffle, {shuffle.Groups} groups")));
                return true;
            default:
                return false;
        }
    }

    private static LoopNest Squeeze(TensorView input, TensorView output, SqueezePart squeeze)
    {
        int pixels = input.Shape.Pixels;
        NestBuilder nest = new();
        Storage gate = nest.Bind("gate", Storage.Scratch.At(squeeze.Sums));
        OwnUnits own = nest.SplitChannels(input.Shape.Channels);
        nest.Add(new Clear(own.In(gate, 1), own.Count));
        nest.Call(
            RuntimeFunction.AccumulatePlanes, new Effort(Work.SummedAndScaled, input.Shape.Count), own.In(Storage.Input, pixels), pixels, own.In(gate, 1), own.Count, pixels);
        squeeze.AddGate(nest, gate, own, pixels);
        nest.Call(RuntimeFunction.ScalePlanes, default, own.In(Storage.Input, pixels), own.In(gate, 1), own.In(Storage.Output, pixels), own.Count, pixels);
        return new LoopNest("PlanarSqueezeExcitation", input, null, output, nest.Build(), squeeze.WeightElements);
    }

    /// <summary>Output channel <c>i * groups + g</c> is the i-th of group g: planes of a group are copied as the pixels of a map are, to every groups-th place.</summary>
    private static LoopNest Shuffle(TensorView input, TensorView output, int groups)
    {
        int pixels = input.Shape.Pixels, perGroup = input.Shape.Channels / groups;
        return MapNests.OverChannels("PlanarShuffle", input, output, perGroup, grouped: false, calls: own => Enumerable.Range(0, groups).Select(g => RuntimeFunction.CopyPixels.Call(
            Effort.Copied(output.Shape.Count / (double)groups), Storage.Input.At((own.First * pixels) + (g * perGroup * pixels)), pixels,
            Storage.Output.At((own.First * (groups * pixels)) + (g * pixels)), groups * pixels, pixels, own.Count)));
    }

    private static void SchedulePointwise(PlanBuilder plan, ConvolutionStage stage, TensorSlot input, TensorSlot? residual, TensorSlot output)
    {
        (Epilogue epilogue, ActivationFunction postOp) = Epilogue.OfPlanes(stage, residual);
        int pixels = stage.Output.Pixels, outChannels = stage.Output.Channels, inChannels = stage.Input.Channels;
        plan.BeginStep();
        PointwiseKernel kernel = PointwiseKernel.OfPlanes(plan.Target, pixels, inChannels, outChannels, pixels, pixels, epilogue, WorkShare.Panels);
        ArenaOffset weights = plan.Reserve(outChannels * inChannels);
        (ArenaOffset bias, PackInstruction[] packedBias) = plan.ReserveBias(outChannels, stage);
        plan.Pack(stage, [.. PackTiles(plan, kernel, weights, outChannels), .. packedBias]);
        PointwiseNests nests = new(plan.Target, input.View, residual?.View, output.View, kernel, bias, new Finish(postOp, null));
        plan.AddStep(nests.Whole(), input, residual, output, null, ConvolutionScheduling.Describe("pointwise", stage));
    }

    private static void ScheduleDepthwise(PlanBuilder plan, ConvolutionStage stage, TensorSlot input, TensorSlot output)
    {
        (Epilogue epilogue, ActivationFunction postOp) = Epilogue.OfPlanes(stage, null);
        int height = stage.Output.Height;
        ScratchArena scratch = plan.NewScratch();
        PlanarPadding padding = Pad(plan, stage, height, 1, scratch);
        plan.BeginStep();
        PlanarDepthwiseKernel kernel = DepthwiseKernel(plan.Target, stage, height, padding.Row, epilogue);
        (_, ArenaOffset bias) = PackDepthwise(plan, stage);
        plan.AddStep(
            new PlanarNests(plan.Target, input.View, null, output.View).Depthwise(kernel, padding, bias, postOp), input, null, output, scratch,
            ConvolutionScheduling.Describe("depthwise", stage));
    }

    public static void Schedule(PlanBuilder plan, DepthwiseGroup group, TensorSlot input, TensorSlot? residual, TensorSlot output)
    {
        ConvolutionStage depthwise = group.Depthwise, project = group.Project;
        (Epilogue depthwiseEpilogue, ActivationFunction depthwisePostOp) = Epilogue.OfPlanes(depthwise, null);
        (Epilogue projectEpilogue, ActivationFunction projectPostOp) = Epilogue.OfPlanes(project, residual);
        int rows = StepRows(plan.Settings, group), width = depthwise.Output.Width, channels = depthwise.Output.Channels, outChannels = project.Output.Channels, pixels = rows * width;
        ScratchArena scratch = plan.NewScratch();
        PlanarPadding padding = Pad(plan, depthwise, rows, 1, scratch);
        ArenaOffset depthwiseRows = scratch.Own(channels * pixels);
        plan.BeginStep();
        PlanarDepthwiseKernel depthwiseKernel = DepthwiseKernel(plan.Target, depthwise, rows, padding.Row, depthwiseEpilogue);
        PointwiseKernel projectKernel = PointwiseKernel.OfPlanes(plan.Target, pixels, channels, outChannels, pixels, project.Output.Pixels, projectEpilogue);
        (ArenaOffset taps, ArenaOffset depthwiseBias) = PackDepthwise(plan, depthwise);
        ArenaOffset weights = plan.Reserve(outChannels * channels);
        (ArenaOffset bias, PackInstruction[] packedBias) = plan.ReserveBias(outChannels, project);
        plan.Pack(project, [.. PackTiles(plan, projectKernel, weights, outChannels), .. packedBias]);
        plan.AddStep(
            new PlanarNests(plan.Target, input.View, residual?.View, output.View).Separable(
                depthwiseKernel, depthwisePostOp, projectKernel, projectPostOp, padding, rows, depthwiseRows, new BlockWeights(default, default, taps, depthwiseBias, weights, bias)),
            input, residual, output, scratch,
            [ConvolutionScheduling.Describe("depthwise", depthwise), ConvolutionScheduling.Describe("pointwise", project)], FormattableString.Invariant($"{rows} output rows a step, planes in and out"));
    }

    private static void ScheduleConvolution(PlanBuilder plan, ConvolutionStage stage, TensorSlot input, TensorSlot output)
    {
        (Epilogue epilogue, ActivationFunction postOp) = Epilogue.OfPlanes(stage, null);
        ConvolutionOperator c = stage.Convolution;
        int outChannels = stage.Output.Channels, outPerGroup = stage.OutPerGroup;
        ScratchArena scratch = plan.NewScratch();
        PlanarPadding padding = Pad(plan, stage, 1, stage.Input.Channels, scratch);
        RowSource source = new(padding.Rows, stage.Input.Channels * padding.Row.Length, 1, 0, 0, padding.Row.Length);
        plan.BeginStep();
        ConvolutionKernel kernel = new(
            c.Groups, stage.InPerGroup, outPerGroup, ConvolutionScheduling.Window(c, stage.Input, stage.Output), source, stage.Output.Pixels, epilogue,
            RegisterTiling.OfPlanes(plan.Target, outPerGroup, stage.Output.Width), Lanes: LaneAxis.Pixels);
        ArenaOffset weights = plan.Reserve(outChannels * stage.Taps);
        (ArenaOffset bias, PackInstruction[] packedBias) = plan.ReserveBias(outChannels, stage);
        List<PackInstruction> packing = [];
        for (int g = 0; g < c.Groups; g++)
            packing.AddRange(PackTiles(plan, kernel, weights.Plus(PlanBuilder.WeightBytes(g * outPerGroup * stage.Taps)), (g + 1) * outPerGroup, g * outPerGroup));
        plan.Pack(stage, [.. packing, .. packedBias]);
        RowLayer layer = new(
            "PlanarConvolution", input.View, null, output.View, kernel, ConvolutionScheduling.Rows(stage, source), padding.Offset, bias, (long)outChannels * stage.Taps);
        plan.AddStep(RowNests.Rows(layer, FillRow, new Finish(postOp, null), 1), input, null, output, scratch, ConvolutionScheduling.Describe("convolution", stage));

        void FillRow(NestBuilder nest, Scalar row, Pointer slot) => nest.PadRows(
            plan.Target, input.View.RowAt(Storage.Input, row), slot, padding, stage.Input.Width, stage.Input.Pixels, stage.Input.Channels, stage.Input.Channels);
    }

    /// <summary>A buffer for the input rows under <paramref name="outputRows"/> rows, of <paramref name="channels"/> channels.</summary>
    private static PlanarPadding Pad(PlanBuilder plan, ConvolutionStage stage, int outputRows, int channels, ScratchArena scratch)
    {
        ConvolutionOperator c = stage.Convolution;
        int rows = ((outputRows - 1) * c.Stride.Height) + ShapeInference.EffectiveKernel(c.Kernel.Height, c.Dilation.Height);
        int columns = Math.Max(
            c.Padding.Left + stage.Input.Width,
            ((stage.Output.Width - 1) * c.Stride.Width) + ShapeInference.EffectiveKernel(c.Kernel.Width, c.Dilation.Width));

        // Rows begin on cache lines. A vector after the last row may be read whole.
        PlanarRow row = new(c.Stride.Width, plan.AlignToLine((columns + c.Stride.Width - 1) / c.Stride.Width));
        return new PlanarPadding(c.Padding.Top, c.Padding.Left, rows, row, scratch.Own((rows * channels * row.Length) + VectorTarget.WidestLanes));
    }

    private static PlanarDepthwiseKernel DepthwiseKernel(VectorTarget target, ConvolutionStage stage, int height, PlanarRow row, Epilogue epilogue)
    {
        ConvolutionOperator c = stage.Convolution;
        int width = stage.Output.Width, taps = c.Kernel.Height * c.Kernel.Width;

        // Weights stay in registers where there is room for a useful tile beside them.
        bool weightsInRegisters = taps <= target.Registers / 3;
        int accumulators = target.Registers - 2 - (weightsInRegisters ? taps : 1);
        EquatableArray<PixelRun> runs = RegisterTiling.PixelRuns(target, width, Math.Min(4, accumulators));
        int vectors = runs.Max(r => r.Vectors), rows = 1;
        for (int candidate = 2; candidate <= height; candidate++)
        {
            if (height % candidate == 0 && candidate * vectors <= accumulators)
                rows = candidate;
        }

        return new PlanarDepthwiseKernel(
            ConvolutionScheduling.Window(c, stage.Input, stage.Output), c.Stride.Height, rows, row, width, weightsInRegisters, epilogue, runs)
        {
            Narrow = width < target.Lanes ? width : null,
        };
    }

    /// <summary>Rows of a step: the largest divisor of the height that fits, or one not much smaller that gives two threads as many steps each.</summary>
    private static int StepRows(ScheduleSettings settings, DepthwiseGroup group)
    {
        Shape output = group.Depthwise.Output;
        int[] fitting = Enumerable.Range(1, output.Height)
            .Where(rows => output.Height % rows == 0 && (rows == 1 || rows * output.Width * output.Channels * ElementType.Float32.Size <= settings.SecondLevel(StepCachePart))).ToArray();
        int most = fitting[fitting.Length - 1];
        return fitting.LastOrDefault(rows => output.Height / rows % 2 == 0 && rows * 2 >= most && rows * output.Width % VectorTarget.WidestLanes == 0) is > 0 and int even ? even : most;
    }

    /// <summary>A depthwise layer's taps, channel after channel, and its bias.</summary>
    public static (ArenaOffset Taps, ArenaOffset Bias) PackDepthwise(PlanBuilder plan, ConvolutionStage stage)
    {
        int channels = stage.Output.Channels;
        ArenaOffset taps = plan.Reserve(channels * stage.Taps);
        (ArenaOffset bias, PackInstruction[] packedBias) = plan.ReserveBias(channels, stage);
        plan.Pack(stage, [new PackPanels(plan.Absolute(taps), PlanBuilder.WeightBytes(channels * stage.Taps), 0, channels, 1, channels, 0, stage.Taps), .. packedBias]);
        return (taps, bias);
    }

    private static IEnumerable<PackInstruction> PackTiles(PlanBuilder plan, ProductKernel kernel, ArenaOffset offset, int outEnd, int channel = 0)
    {
        foreach (TileRun tile in kernel.Panels[0].Tiles)
        {
            long bytes = PlanBuilder.WeightBytes(tile.Rows * tile.Count * kernel.Taps);
            yield return new PackPanels(plan.Absolute(offset), bytes, channel, outEnd, tile.Rows, tile.Count, 0, kernel.Taps);
            offset = offset.Plus(bytes);
            channel += tile.Rows * tile.Count;
        }
    }
}
