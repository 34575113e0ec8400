using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Cli.Tuning;

/// <summary>A schedule to try: what is asked for, the whole plan with it, and the steps of that plan that it changes.</summary>
/// <param name="Override">What is asked for; null for the compiler's own choice.</param>
/// <param name="Plan">The plan.</param>
/// <param name="Steps">The steps of the layer's first place in the network.</param>
internal sealed record Candidate(ScheduleOverride? Override, NetworkPlan Plan, EquatableArray<Step> Steps);

/// <summary>The schedules that the compiler could choose for a layer.</summary>
internal sealed class ScheduleCandidates(StageGraph stages, EquatableArray<StageGroup> groups, LayerGraph graph, VectorTarget target, MachineModel machine)
{
    /// <summary>Schedules tried of each layer: those that the model believes fastest.</summary>
    private const int MostForms = 12;

    private const int MostRows = 16, LargestSlab = 512;

    /// <summary>The compiler's own plan.</summary>
    public NetworkPlan Default { get; } = Scheduler.Plan(stages, groups, target);

    /// <summary>Layers whose schedule can be chosen, each once.</summary>
    public IEnumerable<string> Keys => Default.Steps.Where(s => s.Driver is FusedRowsDriver or FusedSlabsDriver or PointwiseDriver or WinogradDriver or RowDriver { Kernel: ConvolutionKernel }).Select(s => s.Key).Where(k => k.Length > 0).Distinct();

    /// <summary>The compiler's own choice for <paramref name="key"/>.</summary>
    public Candidate Own(string key) => new(null, Default, StepsOf(Default, key));

    /// <summary>Other forms, rows and slabs of a fused block, those first that the model believes fastest; different in what is generated.</summary>
    public IEnumerable<Candidate> Forms(string key)
    {
        EquatableArray<Step> own = StepsOf(Default, key);
        Step step = own[own.Count - 1];
        (int hidden, int height) = step.Driver switch
        {
            FusedRowsDriver d => (d.HiddenStep, d.Output.Shape.Height),
            FusedSlabsDriver d => (d.Hidden, d.Output.Shape.Height),
            _ => (0, 0),
        };
        if (hidden == 0)
            return [];
        int[] slabs = [.. Enumerable.Range(1, hidden / target.Lanes).Select(i => i * target.Lanes).Where(s => hidden % s == 0 && s <= LargestSlab)];
        int[] rows = [.. Enumerable.Range(1, Math.Min(MostRows, height)).Where(r => height % r == 0)];
        IEnumerable<ScheduleOverride> asked =
        [
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
        HashSet<EquatableArray<Driver>> known = [Drivers(Own(key))];
        if (beside is not null)
            known.Add(Drivers(beside));
        foreach (ScheduleOverride schedule in asked)
        {
            NetworkPlan plan = Scheduler.Plan(stages, groups, target, new ScheduleOverrides(EquatableArray.Of(schedule)));
            Candidate candidate = new(schedule, plan, StepsOf(plan, key));
            if (plan.Misfits.Count == 0 && known.Add(Drivers(candidate)))
                yield return candidate;
        }
    }

    private double Predicted(Candidate candidate)
    {
        IReadOnlyList<double> seconds = TimeModel.StepSeconds(graph, candidate.Plan, machine);
        return candidate.Steps.Sum(step => seconds[candidate.Plan.Steps.ToList().IndexOf(step)]);
    }

    private static EquatableArray<Driver> Drivers(Candidate candidate) => candidate.Steps.Select(s => s.Driver).ToEquatableArray();

    /// <summary>A layer's first place: copies in front of it that its form needs, and the step itself.</summary>
    private static EquatableArray<Step> StepsOf(NetworkPlan plan, string key)
    {
        List<Step> steps = [];
        foreach (Step step in plan.Steps.SkipWhile(s => s.Key != key))
        {
            steps.Add(step);
            if (step.Driver is not MapDriver)
                break;
        }

        return steps.ToEquatableArray();
    }
}
