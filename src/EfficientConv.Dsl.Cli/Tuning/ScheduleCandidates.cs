using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Cli.Tuning;

/// <summary>A schedule to try: what is asked for, the whole plan with it, and the steps of that plan that it changes.</summary>
/// <param name="Override">What is asked for; null for the compiler's own choice.</param>
/// <param name="Plan">The plan.</param>
/// <param name="Steps">The steps of the layer's first place in the network.</param>
internal sealed record Candidate(ScheduleOverride? Override, NetworkPlan Plan, EquatableArray<Step> Steps);

/// <summary>The schedules that the compiler could choose for a layer.</summary>
internal sealed class ScheduleCandidates(NetworkAnalysis analysis, ScheduleSettings settings, VectorTarget target, MachineModel machine)
{
    /// <summary>Schedules tried of each layer: those that the model believes fastest.</summary>
    public const int MostForms = 12;

    private const int MostRows = 16, LargestSlab = 512;

    /// <summary>The compiler's own plan.</summary>
    public NetworkPlan Default { get; } = Scheduler.Plan(analysis.Stages, analysis.Groups, target, settings);

    /// <summary>Layers whose schedule can be chosen, each once.</summary>
    public IEnumerable<string> Keys => Default.Steps.Where(s => HasChoice(s.Nest)).Select(s => s.Key).Where(k => k.Length > 0).Distinct();

    /// <summary>A nest with a form of its own, or with register tiles of a product.</summary>
    private static bool HasChoice(LoopNest nest) => nest.Form.Length > 0 || nest.Kernels.Any(kernel => kernel is ProductKernel { Lanes: LaneAxis.Channels });

    /// <summary>The compiler's own choice for <paramref name="key"/>.</summary>
    public Candidate Own(string key) => new(null, Default, StepsOf(Default, key));

    /// <summary>Other forms, rows and slabs of a fused block, those first that the model believes fastest; different in what is generated.</summary>
    public IEnumerable<Candidate> Forms(string key)
    {
        if (analysis.Groups[StepsOf(Default, key)[0].Group] is not DepthwiseGroup block)
            return [];
        int hidden = target.Padded(block.Depthwise.Output.Channels), height = block.Depthwise.Output.Height;
        int[] slabs = [.. Enumerable.Range(1, hidden / target.Lanes).Select(i => i * target.Lanes).Where(s => hidden % s == 0 && s <= LargestSlab)];
        int[] rows = [.. Enumerable.Range(1, Math.Min(MostRows, height)).Where(r => height % r == 0)];
        IEnumerable<ScheduleOverride> asked =
        [
            new ScheduleOverride(key, target.Name, "layers", 0, 0, 0),
            .. slabs.Select(slab => new ScheduleOverride(key, target.Name, "slabs", 0, slab, 0)),
            .. from row in rows from slab in slabs select new ScheduleOverride(key, target.Name, "rows", row, slab, 0),
        ];
        return Distinct(key, asked).OrderBy(Predicted).Take(MostForms);
    }

    /// <summary><paramref name="best"/> with other register tiles.</summary>
    public IEnumerable<Candidate> Tiles(string key, Candidate best) => Distinct(
        key, Enumerable.Range(1, 12).Select(tile => (best.Override ?? new ScheduleOverride(key, target.Name, null, 0, 0, 0)) with { Tile = tile }), best);

    /// <summary>Those of <paramref name="asked"/> that fit and give steps that neither the compiler's own choice nor an earlier one gives.</summary>
    private IEnumerable<Candidate> Distinct(string key, IEnumerable<ScheduleOverride> asked, Candidate? beside = null)
    {
        HashSet<EquatableArray<LoopNest>> known = [Nests(Own(key))];
        if (beside is not null)
            known.Add(Nests(beside));
        foreach (ScheduleOverride schedule in asked)
        {
            NetworkPlan plan = Scheduler.Plan(analysis.Stages, analysis.Groups, target, settings, new ScheduleOverrides(EquatableArray.Of(schedule)));
            Candidate candidate = new(schedule, plan, StepsOf(plan, key));
            if (plan.Misfits.Count == 0 && known.Add(Nests(candidate)))
                yield return candidate;
        }
    }

    private double Predicted(Candidate candidate)
    {
        IReadOnlyList<double> seconds = TimeModel.StepSeconds(analysis.Graph, candidate.Plan, machine);
        return candidate.Steps.Sum(step => seconds[candidate.Plan.Steps.ToList().IndexOf(step)]);
    }

    private static EquatableArray<LoopNest> Nests(Candidate candidate) => candidate.Steps.Select(s => s.Nest).ToEquatableArray();

    /// <summary>A layer's first place: the step itself, copies around it that its form needs, or its layers one by one.</summary>
    private static EquatableArray<Step> StepsOf(NetworkPlan plan, string key)
    {
        int group = plan.Steps.First(s => s.Key == key).Group;
        return plan.Steps.Where(s => s.Group == group).ToEquatableArray();
    }
}
