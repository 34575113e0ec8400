using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>
/// Schedules several blocks as one step that goes row by row through all of them (<see cref="ChainNest"/>). Every sum is what it is in the other forms, so the choice never changes a bit.
/// </summary>
internal static class ChainScheduling
{
    /// <summary>The groups from <paramref name="first"/> on that run in one step: as many as the settings say, or as are estimated to be faster; fewer than two where there is no chain.</summary>
    public static DepthwiseGroup[] Find(StageGraph graph, EquatableArray<StageGroup> groups, int first, VectorTarget target, ScheduleSettings settings)
    {
        List<DepthwiseGroup> chain = [];
        int[] uses = graph.CountUses();
        int most = settings.FusedBlocks > 0 ? settings.FusedBlocks : groups.Count;
        while (chain.Count < most && first + chain.Count < groups.Count && groups[first + chain.Count] is DepthwiseGroup next && Fits(next, chain, uses))
            chain.Add(next);
        return [.. settings.FusedBlocks > 0 ? chain : chain.Take(Fastest(target, settings, chain))];
    }

    /// <summary>
    /// How many of the blocks take the fewest cycles in one step beside what they take by themselves. A step saves that the map between two blocks is written and read, which counts
    /// where it leaves even the last-level cache: memory is what all threads share. Smaller maps save nothing that could be measured.
    /// </summary>
    private static int Fastest(VectorTarget target, ScheduleSettings settings, List<DepthwiseGroup> chain)
    {
        int fastest = 0;
        double most = 0, saved = 0;
        for (int i = 0; i < chain.Count; i++)
        {
            BlockCost cost = FusedScheduling.CostOf(target, settings, chain[i]);
            saved += cost.Choose().Cycles - cost.RowByRow();
            if (i > 0 && saved > most)
                (fastest, most) = (i + 1, saved);
            double bytes = ElementType.Float32.Bytes(chain[i].Project.Output.Count);
            if (bytes < target.Caches.LastLevelBytes * target.Rates.PassingPart)
                break;
            saved += 2 * bytes / target.Rates.MemoryRate;
        }

        return fastest;
    }

    /// <summary>Whether a block may go on with a chain: it reads nothing but the block before it, which nobody else reads, and has activations that are parts of its kernels.</summary>
    private static bool Fits(DepthwiseGroup block, List<DepthwiseGroup> chain, int[] uses)
    {
        if (block.Squeeze is not null || block.AddsExpanded || !IsInline(block.Expand) || !IsInline(block.Depthwise) || !IsInline(block.Project))
            return false;
        if (chain.Count == 0)
            return block.Residual < 0;
        Stage before = chain[chain.Count - 1].Last;
        bool adds = block.Residual == before.Id && block.Expand is not null && block.Depthwise.Convolution.Stride == Extent.Square(1);
        return block.Stem is null && block.Source == before.Id && (block.Residual < 0 || adds) && uses[before.Id] == (adds ? 2 : 1);
    }

    private static bool IsInline(ConvolutionStage? stage) => stage is null || stage.Activation.IsInline;

    /// <summary>Schedules <paramref name="groups"/> as one step.</summary>
    public static TensorSlot Schedule(PlanBuilder plan, DepthwiseGroup[] groups, TensorSlot input, TensorSlot? destination)
    {
        DepthwiseGroup first = groups[0], last = groups[groups.Length - 1];
        TensorSlot output = destination ?? plan.NewTensor(last.Project.Output);
        bool writesOutput = ConvolutionScheduling.WritesOutput(output, ActivationFunction.None, plan.Target.Lanes);
        plan.BeginStep();
        ScratchArena scratch = plan.NewScratch();
        List<ChainBlock> blocks = [];
        for (int i = 0; i < groups.Length; i++)
        {
            int outStep = i + 1 < groups.Length || !writesOutput ? PlanBuilder.PadChannels(groups[i].Project.Output.Channels) : output.View.PixelStep;
            blocks.Add(Block(plan, groups[i], i, input, outStep, scratch));
        }

        ArenaOffset? buffer = writesOutput ? null : scratch.Own(output.View.Shape.Width * PlanBuilder.PadChannels(last.Project.Output.Channels));
        long weights = groups.SelectMany(group => group.Parts).OfType<ConvolutionStage>().Sum(stage => (long)stage.Output.Channels * stage.Taps);
        string title = first.Stem is null ? "Blocks" : "StemAndBlocks";
        plan.AddStep(
            new ChainNest(title, input.View, output.View, blocks, new Finish(ActivationFunction.None, buffer), weights).Build(), input, null, output, scratch,
            groups.SelectMany(FusedScheduling.Describe), FormattableString.Invariant($"{groups.Length} blocks row by row; of the maps between them only the rows under their windows"));
        return output;
    }

    private static ChainBlock Block(PlanBuilder plan, DepthwiseGroup group, int index, TensorSlot input, int outStep, ScratchArena scratch)
    {
        VectorTarget target = plan.Target;
        ConvolutionStage depthwise = group.Depthwise, project = group.Project;
        Shape before = depthwise.Input, after = depthwise.Output, read = index == 0 ? input.View.Shape : (group.Expand ?? depthwise).Input;
        int lanes = target.Lanes, hidden = after.Channels, hiddenStep = target.Padded(hidden), outChannels = project.Output.Channels;
        (RowWindow window, EquatableArray<ColumnRun> columns, FusedScheduling.Halo halo) = FusedScheduling.ColumnsOf(target, depthwise);

        // Rows of the block before it lie as that makes them.
        int ringStep = index > 0 && group.Expand is null ? PlanBuilder.PadChannels(hidden) : hiddenStep;
        VerticalAxis axis = ConvolutionScheduling.Axis(depthwise.Convolution, before.Height);
        RowSource source = new(axis.Reach, halo.RowPixels * ringStep, ringStep, halo.Left, halo.Right);
        ChannelPerLaneKernel depthwiseRow = new(
            hiddenStep / lanes, hiddenStep, 1, lanes, lanes, window, source, hiddenStep, lanes, Epilogue.Of(depthwise, null, target).Epilogue, columns);

        bool adds = group.Residual >= 0;
        int inputStep = PlanBuilder.PadChannels(read.Channels), inputRows = index == 0 || group.Expand is null ? 0 : adds ? axis.Reach : 1;
        Epilogue projectEpilogue = Epilogue.Of(project, null, target).Epilogue;
        if (adds)
            projectEpilogue = projectEpilogue with { Start = AccumulatorStart.BiasAndResidual, ResidualPixelStep = inputStep };
        PointwiseKernel projection = new(
            after.Width, hidden, outChannels, hidden, 0, 1, hiddenStep, outStep, lanes, projectEpilogue, plan.Tiles(after.Width, target.Vectors(outChannels)));

        StemPart? stem = null;
        PointwiseKernel? expand = null;
        if (group.Stem is { } convolution)
        {
            stem = FusedScheduling.StemOf(plan, convolution, input, hiddenStep, Epilogue.Of(convolution, null, target).Epilogue);
        }
        else if (group.Expand is { } stage)
        {
            (int channelStep, int pixelStep) = index == 0 ? (input.View.ChannelStep, input.View.PixelStep) : (1, inputStep);
            expand = new PointwiseKernel(
                before.Width, read.Channels, hiddenStep, read.Channels, 0, channelStep, pixelStep, hiddenStep, lanes, Epilogue.Of(stage, null, target).Epilogue,
                plan.Tiles(before.Width, hiddenStep / lanes));
        }

        BlockWeights weights = FusedScheduling.PackBlock(plan, group, hiddenStep, 1, expand?.Panels ?? stem?.Kernel.Panels, projection.Panels, projectBySlab: false);
        if (stem is not null)
            stem = stem with { Memory = scratch.Own(stem.Kernel.Source.RingRows * stem.Kernel.Source.RowStep) };
        ChainMemory memory = new(
            scratch.Own(source.RingRows * source.RowStep), scratch.Own(inputRows * read.Width * inputStep), inputRows, inputStep, scratch.Own(after.Width * hiddenStep));
        return new ChainBlock(
            index + 1, stem, expand, new DepthwiseLayer(depthwiseRow, ActivationFunction.None, axis), projection, read, project.Output, weights, memory);
    }
}
