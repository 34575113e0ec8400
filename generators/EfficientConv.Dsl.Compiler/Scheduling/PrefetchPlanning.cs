using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>What a kernel prefetches.</summary>
public enum Prefetched
{
    /// <summary>Weights at a distance from its own.</summary>
    Weights,

    /// <summary>What its caller names.</summary>
    Given,

    /// <summary>Weights of squeeze-and-excitation, which its caller names besides.</summary>
    GateWeights,

    /// <summary>The residual of the next tile.</summary>
    Residual,

    /// <summary>The input of the next tile or panel, or blocks of it that other threads made.</summary>
    Input,
}

/// <summary>What a kernel asks for while it works with something else, spread over the steps of its sums.</summary>
/// <param name="What">What it is.</param>
/// <param name="Step">Floats to move on in each step; 0 where that follows from the tiles.</param>
/// <param name="Distance">Where weights begin, in floats from the kernel's own.</param>
public sealed record Prefetch(Prefetched What, int Step = 0, int Distance = 0);

/// <summary>Weights of which each thread reads a share, or all.</summary>
/// <param name="Offset">Where they begin.</param>
/// <param name="Units">Units that threads share; 0 where each reads all.</param>
/// <param name="UnitLength">Floats of a unit.</param>
public sealed record WeightShare(ArenaOffset Offset, int Units = 0, int UnitLength = 0);

/// <summary>What the products of a slab prefetch besides the next slab's weights.</summary>
/// <param name="Projection">The weights of a slab's projection.</param>
/// <param name="GateStep">Floats of squeeze-and-excitation's weights that the expansion of a slab prefetches, the first product's before the second's; 0 for none.</param>
/// <param name="Reduce">The weights of the first product, or null.</param>
/// <param name="Expand">The weights of the second product, or null.</param>
public sealed record SlabPrefetch(WeightShare Projection, int GateStep, WeightShare? Reduce, WeightShare? Expand);

/// <summary>
/// Decides what the loop nests of a plan prefetch: weights that no cache keeps, maps that have left the second-level cache, what other threads made. It changes nothing
/// that is computed.
/// </summary>
internal static class PrefetchPlanning
{
    /// <summary>Part of the second-level cache for a linear layer's weights.</summary>
    private const double ClassifierPart = 1;

    /// <summary>Most cache lines of a step: more of them take longer than the step.</summary>
    private const int MostLines = 2;

    /// <summary><paramref name="plan"/> with what its kernels and steps prefetch in the caches of <paramref name="settings"/>.</summary>
    public static NetworkPlan Plan(NetworkPlan plan, ScheduleSettings settings)
    {
        Driver[] drivers = [.. plan.Steps.Select(step => Plan(step.Driver, plan.Target, settings))];
        for (int i = 0; i < drivers.Length; i++)
            drivers[i] = PlanClassifier(drivers, i, plan.Target, settings);
        return plan with { Steps = plan.Steps.Select((step, i) => step with { Driver = drivers[i], Prefetch = Next(plan, drivers, i) }).ToEquatableArray() };
    }

    private static Driver Plan(Driver driver, VectorTarget target, ScheduleSettings settings)
    {
        switch (driver)
        {
            case PointwiseDriver d:
                Prefetch? residual = d.Kernel.Epilogue.AddsResidual && IsFar(d.Residual!) ? NextResidual(target, d.Kernel) : null;
                return d with { Kernel = With(d.Kernel, NextWeights(target, d.Kernel, d.ChannelBlocks, 1) ?? residual) };

            // Every block of channels prefetches the next one's weights, all rows together.
            case RowDriver { Kernel: ConvolutionKernel kernel, ChannelBlocks: > 1 } d:
                return d with { Kernel = With(kernel, Given(Step(target, target.Padded(kernel.OutPerGroup) * kernel.Taps, kernel.Steps * d.Output.Shape.Height))) };

            case WinogradDriver d:
                int step = Step(target, d.Product, d.Product.Share == WorkShare.Tiles ? 2 * d.WeightStep : d.WeightStep);
                return d with { Product = With(d.Product, step == 0 ? null : new Prefetch(Prefetched.Weights, step, d.WeightStep)) };

            // The depthwise layer is over too soon to prefetch rows of a map that has left the second-level cache: the product before it asks for them.
            case FusedRowsDriver { Expand: null, Stem: null, Load: RowLoad.None, Project: PointwiseKernel product } d when IsFar(d.Input):
                return d with { Project = With(product, Given(Step(target, product, d.Rows * d.StrideHeight * d.Input.RowStep))) };

            case FusedSlabsDriver d:
                return Plan(d, target, settings);

            // Planes lie in as many places as there are channels, too many for the processor to foresee.
            case PlanarPointwiseDriver d:
                return d with { Kernel = With(d.Kernel, IsFar(d.Input) ? new Prefetch(Prefetched.Input) : null, d.Residual is not null && IsFar(d.Output) ? new Prefetch(Prefetched.Residual) : null) };

            default:
                return driver;
        }

        bool IsFar(TensorView view) => view.Bytes > settings.SecondLevelBytes;
    }

    private static FusedSlabsDriver Plan(FusedSlabsDriver d, VectorTarget target, ScheduleSettings settings)
    {
        int gateStep = d.Expand is null || d.Squeeze is null ? 0 : GateStep(d, d.Squeeze, d.Expand, target, settings);

        // Of the projection's weights a thread needs those of its own panels.
        WeightShare projection = d.First.Share == WorkShare.TilesOfPanels ? new(d.Offsets.Project, d.Slab * target.Vectors(d.First.OutChannels), target.Lanes) : new(d.Offsets.Project);
        return d with
        {
            Expand = d.Expand is null ? null : With(d.Expand, NextSlab(d.Expand, d.Input.Shape.Height), gateStep == 0 ? null : new Prefetch(Prefetched.GateWeights, Step(target, d.Expand, gateStep))),
            First = Projection(d.First),
            Middle = Projection(d.Middle),
            LastKernel = Projection(d.LastKernel),
            Prefetch = new SlabPrefetch(
                projection, gateStep, gateStep == 0 ? null : new WeightShare(d.Squeeze!.ReduceWeights, Weights(target, d.Squeeze.Reduce), 1),
                gateStep == 0 ? null : new WeightShare(d.Squeeze!.ExpandWeights, Weights(target, d.Squeeze.Expand), 1)),
        };

        // Other threads made some of the blocks of the projection's input.
        PointwiseKernel Projection(PointwiseKernel kernel) => With(
            kernel, NextSlab(kernel, d.Output.Shape.Height), kernel.Share == WorkShare.TilesOfPanels && kernel.ChannelBlock < kernel.InChannels ? new Prefetch(Prefetched.Input, LineLength(target)) : null);

        // Threads that share slabs, and products of gated weights, need other weights next than those behind their own.
        Prefetch? NextSlab(PointwiseKernel kernel, int rows) => NextWeights(target, kernel, d.Slabs, d.ByRow ? rows : 1) is { } next ? (d.ByRow ? next : Given(next.Step)) : null;
    }

    /// <summary>
    /// Floats of squeeze-and-excitation's weights to prefetch with every slab: its products have one pixel, so nothing hides how far their weights come from. As
    /// many as the second-level cache holds beside the depthwise map and the slab at work; 0 where there is no time for them.
    /// </summary>
    private static int GateStep(FusedSlabsDriver d, SqueezePart squeeze, PointwiseKernel expand, VectorTarget target, ScheduleSettings settings)
    {
        long weights = ((long)target.Padded(squeeze.Squeezed) * (squeeze.Channels + 1)) + ((long)target.Padded(squeeze.Channels) * squeeze.Squeezed);
        long used = ((long)d.Output.Shape.Pixels * d.Hidden) + ((long)d.Input.Shape.Pixels * expand.OutChannels) + (2L * Weights(target, expand));
        int slab = (int)(Math.Min(weights, (settings.SecondLevelBytes / ElementType.Float32.Size) - used) / d.Slabs);
        return slab > 0 && Step(target, expand, slab) > 0 ? slab : 0;
    }

    /// <summary>
    /// Step <paramref name="index"/> in front of a linear layer, whose many weights come from far away with one multiply-add for each: a product that prefetches none
    /// of its own prefetches as many of them as the second-level cache keeps.
    /// </summary>
    private static Driver PlanClassifier(Driver[] drivers, int index, VectorTarget target, ScheduleSettings settings) =>
        drivers[index] is PointwiseDriver { Chunks: 1, ChannelBlocks: 1, Kernel: { Prefetches.Count: 0, Pixels: > 1 } kernel } product
        && drivers.Skip(index + 1).FirstOrDefault(d => d is not RuntimeDriver { Work: RuntimeWork.Summed })
            is PointwiseDriver { Kernel: { Pixels: 1, Share: WorkShare.Panels } linear }
            ? product with { Kernel = With(kernel, Given(Step(target, kernel, Math.Min(Weights(target, linear), settings.SecondLevel(ClassifierPart) / ElementType.Float32.Size)))) }
            : drivers[index];

    /// <summary>The first weights that a thread reads behind step <paramref name="index"/>, or any behind the last; null where that step prefetches none.</summary>
    private static WeightShare? Next(NetworkPlan plan, Driver[] drivers, int index)
    {
        if (!drivers[index].PrefetchesNext)
            return null;
        Step? next = plan.Steps.Skip(index + 1).FirstOrDefault(step => drivers[index] is not PointwiseDriver || step.Driver is PointwiseDriver);
        return next?.Driver switch
        {
            null => new WeightShare(plan.Steps[index].Weights),
            PointwiseDriver { Kernel: var linear } when drivers[index] is PointwiseDriver => new WeightShare(
                next.Weights, linear.Panels.Sum(run => run.Count), linear.Panels[0].Vectors * plan.Target.Lanes * linear.InChannels),
            FusedSlabsDriver { ByRow: false, Expand: { } expand } d => new WeightShare(next.Weights + d.Offsets.Expand, d.Slabs, d.Slab * expand.InChannels),
            _ => new WeightShare(next.Weights),
        };
    }

    /// <summary>
    /// The next block's weights of a product whose weights lie block after block, at the same place in all of them: prefetched while this one is computed, because in
    /// a network weights come from far away. Null where there is one block, or where so few pixels share the weights that there is no time for it.
    /// </summary>
    /// <param name="target">Instruction set.</param>
    /// <param name="kernel">The product.</param>
    /// <param name="blocks">Blocks.</param>
    /// <param name="rows">Rows of which threads do a share each, 1 where a call does them all: half of them prefetch it all.</param>
    private static Prefetch? NextWeights(VectorTarget target, PointwiseKernel kernel, int blocks, int rows)
    {
        int floats = Weights(target, kernel), step = Step(target, floats, kernel.Steps * ((rows + 1) / 2));
        return blocks == 1 || step == 0 ? null : new Prefetch(Prefetched.Weights, step, floats);
    }

    /// <summary>The next tile's residual, for a product whose threads share tiles; null for others, and where there is no time for it.</summary>
    private static Prefetch? NextResidual(VectorTarget target, PointwiseKernel kernel)
    {
        int step = Step(target, kernel.Panels[0].Tiles.Max(run => run.Pixels) * kernel.Epilogue.ResidualPixelStep, kernel.Panels.Sum(run => run.Count) * kernel.InChannels);
        return kernel.Share != WorkShare.Tiles || kernel.Panels.Count > 1 || step == 0 ? null : new Prefetch(Prefetched.Residual, step);
    }

    /// <summary>What the caller names; null for a step of 0.</summary>
    private static Prefetch? Given(int step) => step == 0 ? null : new Prefetch(Prefetched.Given, step);

    /// <summary>Floats of a product's packed weights.</summary>
    private static int Weights(VectorTarget target, PointwiseKernel kernel) => kernel.Panels.Sum(run => run.Count * run.Vectors) * target.Lanes * kernel.InChannels;

    /// <summary>Floats to prefetch in each step of a product's sums, so that all of them prefetch <paramref name="floats"/>; 0 where there is no time for it.</summary>
    private static int Step(VectorTarget target, PointwiseKernel kernel, int floats) => Step(target, floats, kernel.Steps);

    private static int Step(VectorTarget target, int floats, int steps)
    {
        int step = (floats + steps - 1) / steps;
        return step > MostLines * LineLength(target) ? 0 : step;
    }

    private static int LineLength(VectorTarget target) => target.Caches.LineBytes / ElementType.Float32.Size;

    private static T With<T>(T kernel, params Prefetch?[] prefetches)
        where T : Kernel => kernel with { Prefetches = prefetches.OfType<Prefetch>().ToEquatableArray() };
}
