using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
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
        Dictionary<LoopNest, LoopNest> planned = [];
        LoopNest[] nests = [.. plan.Steps.Select(step => Planned(step.Nest))];
        for (int i = 0; i < nests.Length; i++)
            nests[i] = PlanClassifier(nests, i, plan.Target, settings);
        return plan with { Steps = plan.Steps.Select((step, i) => step with { Nest = nests[i], Prefetch = Next(plan, nests, i) }).ToEquatableArray() };

        LoopNest Planned(LoopNest nest)
        {
            if (!planned.TryGetValue(nest, out LoopNest? result))
                planned.Add(nest, result = nest.Rewrite(node => node is Call { Upcoming.Count: > 0 } call ? Plan(call, plan.Target, settings) : node));
            return result;
        }
    }

    /// <summary>A call whose kernel prefetches what is read after it, as far as there is time for it.</summary>
    private static Call Plan(Call call, VectorTarget target, ScheduleSettings settings)
    {
        List<Prefetch> prefetches = [];
        foreach (Upcoming next in call.Upcoming.Where(next => next.FarBytes > settings.SecondLevelBytes))
        {
            int step = next.Step ?? StepOf(target, next, ((ProductKernel)call.Kernel).Steps);
            if (step > 0 || next.Step is not null)
                prefetches.Add(new Prefetch(next.What, step, next.Distance));
        }

        return call with { Kernel = call.Kernel with { Prefetches = prefetches.ToEquatableArray() }, Upcoming = [] };
    }

    /// <summary>
    /// Floats of squeeze-and-excitation's weights to prefetch with every slab: its products have one pixel, so nothing hides how far their weights come from. As
    /// many as the second-level cache holds beside the depthwise map and the slab at work; 0 where there is no time for them.
    /// </summary>
    /// <param name="target">Instruction set.</param>
    /// <param name="settings">The caches.</param>
    /// <param name="squeeze">Squeeze-and-excitation.</param>
    /// <param name="expand">The product that prefetches them.</param>
    /// <param name="kept">Floats of the depthwise map.</param>
    /// <param name="slab">Floats of the expanded slab.</param>
    /// <param name="slabs">Slabs.</param>
    public static int GateFloats(VectorTarget target, ScheduleSettings settings, SqueezePart squeeze, PointwiseKernel expand, long kept, long slab, int slabs)
    {
        long weights = ((long)target.Padded(squeeze.Squeezed) * (squeeze.Channels + 1)) + ((long)target.Padded(squeeze.Channels) * squeeze.Squeezed);
        long used = kept + slab + (2L * WeightFloats(target, expand));
        int floats = (int)(Math.Min(weights, (settings.SecondLevelBytes / ElementType.Float32.Size) - used) / slabs);
        return floats > 0 && Step(target, floats, expand.Steps) > 0 ? floats : 0;
    }

    /// <summary>
    /// Step <paramref name="index"/> before a linear layer, whose many weights come from memory or the last-level cache with one multiply-add for each: a product that prefetches none
    /// of its own prefetches as many of them as the second-level cache keeps.
    /// </summary>
    private static LoopNest PlanClassifier(LoopNest[] nests, int index, VectorTarget target, ScheduleSettings settings)
    {
        if (Product(nests[index]) is not { Kernel: PointwiseKernel { Lanes: LaneAxis.Channels, Prefetches.Count: 0, Pixels: > 1 } kernel })
            return nests[index];
        LoopNest? reader = nests.Skip(index + 1).FirstOrDefault(nest => nest.Title != MapNests.GlobalAveragePool);
        if (reader is null || Product(reader) is not { Kernel: PointwiseKernel { Lanes: LaneAxis.Channels, Pixels: 1, Share: WorkShare.Panels } linear })
            return nests[index];
        int step = Step(target, Math.Min(WeightFloats(target, linear), settings.SecondLevel(ClassifierPart) / ElementType.Float32.Size), kernel.Steps);
        return step == 0 ? nests[index] : nests[index].Rewrite(node => node is Call call
            ? call with { Kernel = kernel with { Prefetches = EquatableArray.Of(new Prefetch(Prefetched.Given, step)) } } : node);
    }

    /// <summary>The one call of a product over a whole map, where a nest is that; else null.</summary>
    private static Call? Product(LoopNest nest)
    {
        Call[] calls = [.. nest.Body.OfType<Call>()];
        return calls.Length == 1 && calls[0].Kernel is PointwiseKernel { Lanes: LaneAxis.Channels } && calls[0].Given == Storage.Next ? calls[0] : null;
    }

    /// <summary>The first weights that a thread reads after step <paramref name="index"/>, or any after the last; null where that step prefetches none.</summary>
    private static WeightShare? Next(NetworkPlan plan, LoopNest[] nests, int index)
    {
        if (!nests[index].PrefetchesNext)
            return null;
        bool isProduct = nests[index].Title == PointwiseNests.Title;
        Step? next = plan.Steps.Skip(index + 1).FirstOrDefault(step => !isProduct || step.Nest.Title == PointwiseNests.Title);
        if (next is null)
            return new WeightShare(plan.Steps[index].Weights);
        if (isProduct && next.Nest.Calls.First().Kernel is PointwiseKernel { Lanes: LaneAxis.Channels } linear)
            return new WeightShare(next.Weights, linear.Panels.Sum(run => run.Count), linear.Panels[0].Vectors * plan.Target.Lanes * linear.InChannels);
        return next.Nest.FirstWeights is { } first ? first with { Offset = next.Weights + first.Offset } : new WeightShare(next.Weights);
    }

    /// <summary>
    /// The next block's weights of a product whose weights lie block after block, at the same place in all of them: prefetched while this one is computed, because in
    /// a network weights come from memory or the last-level cache.
    /// </summary>
    /// <param name="target">Instruction set.</param>
    /// <param name="kernel">The product.</param>
    /// <param name="calls">Calls that share the work: of rows of which threads do a share each, half of them.</param>
    public static Upcoming NextBlock(VectorTarget target, PointwiseKernel kernel, int calls)
    {
        int floats = WeightFloats(target, kernel);
        return new Upcoming(Prefetched.Weights, floats, calls, floats);
    }

    /// <summary>Floats of a product's packed weights.</summary>
    public static int WeightFloats(VectorTarget target, PointwiseKernel kernel) => kernel.Panels.Sum(run => run.Count * run.Vectors) * target.Lanes * kernel.InChannels;

    /// <summary>Floats to prefetch in each step of the sums of calls with so many steps each; 0 where there is no time for it.</summary>
    public static int StepOf(VectorTarget target, Upcoming next, int steps) => Step(target, next.Floats, (next.Steps ?? steps) * next.Calls);

    /// <summary>Floats of a cache line.</summary>
    public static int LineLength(VectorTarget target) => target.Caches.LineBytes / ElementType.Float32.Size;

    private static int Step(VectorTarget target, int floats, int steps)
    {
        int step = (floats + steps - 1) / steps;
        return step > MostLines * LineLength(target) ? 0 : step;
    }
}
