using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Prediction;

/// <summary>
/// Predicts how long a plan takes on a machine: each step's kernels, passes, layout changes and traffic, at the rates of the target's cores, which were fitted to the
/// benchmark's blocks (docs/formulas.md says how); the machine's figures are measured.
/// </summary>
public static class TimeModel
{
    /// <summary>Seconds of each step of <paramref name="plan"/>.</summary>
    /// <param name="graph">The layers.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="machine">The machine, measured with the plan's instruction set.</param>
    public static IReadOnlyList<double> StepSeconds(LayerGraph graph, NetworkPlan plan, MachineModel machine)
    {
        long footprint = plan.PeakBytes + plan.PackedBytes;
        double bandwidth = machine.BandwidthAt(footprint), cyclesPerSecond = machine.MacsPerSecond / plan.Target.MultiplyAddsPerCycle;
        return [.. plan.Steps.Select(step => Seconds(Work(graph, plan, step), plan.Target, cyclesPerSecond, bandwidth))];
    }

    /// <summary>Seconds of one image.</summary>
    public static double Seconds(LayerGraph graph, NetworkPlan plan, MachineModel machine) => StepSeconds(graph, plan, machine).Sum() + plan.Target.Rates.RunSeconds;

    private static double Seconds(StepWork work, VectorTarget target, double cyclesPerSecond, double bandwidth)
    {
        CoreRates rates = target.Rates;
        double cycles = work.KernelCycles + work.PassCycles + (work.TransposedValues * rates.TransposeCycles) + (work.CopiedValues / target.Lanes * rates.CopyCycles) + (work.Calls * rates.CallCycles);
        double busy = cycles / cyclesPerSecond, traffic = work.Bytes / bandwidth;
        return Math.Max(busy, traffic) + (rates.NotOverlapped * Math.Min(busy, traffic));
    }

    /// <summary>What <paramref name="step"/> does.</summary>
    /// <param name="graph">The layers, for the multiply-adds.</param>
    /// <param name="plan">The plan that it is a step of.</param>
    /// <param name="step">The step.</param>
    public static StepWork Work(LayerGraph graph, NetworkPlan plan, Step step)
    {
        NestWork count = new(plan.Target);
        count.Add(step.Nest.Body, 1);

        // Of interleaved tensors only what is interleaved is read.
        long elements = count.Interleaves
            ? 2 * step.Output.View.Shape.Count
            : step.Input.View.Shape.Count + step.Output.View.Shape.Count + (step.Residual is null || step.Residual == step.Input ? 0 : step.Residual.View.Shape.Count);
        return new StepWork(
            MultiplyAdds(graph, plan, step), count.Kernels, count.Activations, count.Transposed, count.Copied, count.Calls,
            step.Output.View.Element.Bytes(elements + step.Nest.WeightElements));
    }

    /// <summary>Multiply-adds of its layers; of a layer that several steps compute together, as the phases of a transposed convolution do, its share of their pixels.</summary>
    private static long MultiplyAdds(LayerGraph graph, NetworkPlan plan, Step step) => step.LayerIds.Select(id => graph.Layers[id]).Where(layer => layer.Inputs.Count > 0).Sum(layer =>
    {
        long all = layer.Operator.MultiplyAdds(graph.Layers[layer.Inputs[0]].Output, layer.Output);
        Step[] together = [.. plan.Steps.Where(other => other.LayerIds.Contains(layer.Id))];
        return together.Length <= 1 ? all : (long)(all * (double)step.Output.View.Shape.Count / together.Sum(other => other.Output.View.Shape.Count));
    });
}
