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
        double cycles = work.KernelCycles + work.PassCycles + (work.TurnedValues * rates.TurnCycles) + (work.CopiedValues / target.Lanes * rates.CopyCycles) + (work.Calls * rates.CallCycles);
        double busy = cycles / cyclesPerSecond, traffic = work.Bytes / bandwidth;
        return Math.Max(busy, traffic) + (rates.NotOverlapped * Math.Min(busy, traffic));
    }

    /// <summary>What <paramref name="step"/> does.</summary>
    /// <param name="graph">The layers, for the multiply-adds.</param>
    /// <param name="plan">The plan that it is a step of.</param>
    /// <param name="step">The step.</param>
    public static StepWork Work(LayerGraph graph, NetworkPlan plan, Step step)
    {
        Counter count = new(plan.Target);
        long weights = Count(count, step.Driver);

        // Of interleaved tensors only what is interleaved is read.
        long elements = step.Driver is RuntimeDriver { Work: RuntimeWork.Interleaved }
            ? 2 * step.Output.View.Shape.Count
            : step.Input.View.Shape.Count + step.Output.View.Shape.Count + (step.Residual is null || step.Residual == step.Input ? 0 : step.Residual.View.Shape.Count);
        return new StepWork(MultiplyAdds(graph, plan, step), count.Kernels, count.Passes, count.Turned, count.Copied, count.Calls, step.Output.View.Element.Bytes(elements + weights));
    }

    /// <summary>Multiply-adds of its layers; of a layer that several steps compute together, as the phases of a transposed convolution do, its share of their pixels.</summary>
    private static long MultiplyAdds(LayerGraph graph, NetworkPlan plan, Step step) => step.LayerIds.Select(id => graph.Layers[id]).Where(layer => layer.Inputs.Count > 0).Sum(layer =>
    {
        long all = layer.Operator.MultiplyAdds(graph.Layers[layer.Inputs[0]].Output, layer.Output);
        Step[] together = [.. plan.Steps.Where(other => other.LayerIds.Contains(layer.Id))];
        return together.Length <= 1 ? all : (long)(all * (double)step.Output.View.Shape.Count / together.Sum(other => other.Output.View.Shape.Count));
    });

    /// <summary>Adds up a driver's work; what comes back are the elements of its weights.</summary>
    private static long Count(Counter count, Driver driver)
    {
        Shape input = driver.Input.Shape, output = driver.Output.Shape;
        switch (driver)
        {
            case PointwiseDriver d:
                count.Run(d.Kernel, d.Chunks * d.ChannelBlocks);
                count.Finish(d.Finish, d.Kernel.Epilogue, output);
                return (long)d.Kernel.InChannels * output.Channels;
            case RowDriver d:
                count.Run(d.Kernel, output.Height * d.ChannelBlocks);
                count.Load(d.Load, input, d.Input.IsPlanar);
                count.Finish(d.Finish, null, output);
                if (d.Kernel is LanewiseKernel && d.Load == RowLoad.None)
                    count.Walk(input.Count + output.Count);
                if (d.Stem is { } stem)
                    return Stem(count, stem, d.StemPass, d.Input);
                return d.Kernel switch
                {
                    LanewiseKernel k => (long)output.Channels * k.InPerGroup * k.Window.Kernel.Height * k.Window.Kernel.Width,
                    ConvolutionKernel k => (long)output.Channels * k.Taps,
                    PoolKernel => 0,
                    _ => throw new InvalidOperationException($"{d.Kernel} makes no rows."),
                };
            case FusedRowsDriver d:
                return FusedRows(count, d);
            case FusedSlabsDriver d:
                return FusedSlabs(count, d);
            case WinogradDriver d:
                return Winograd(count, d);
            case PlanarPointwiseDriver d:
                count.Run(d.Kernel, 1);
                count.Pass(d.Pass, output.Count);
                return (long)input.Channels * output.Channels;
            case PlanarDepthwiseDriver d:
                count.Run(d.Kernel, output.Channels * output.Height / (double)d.Kernel.Rows);
                count.PadRows(input, d.Padding);
                count.Pass(d.Pass, output.Count);
                return (long)output.Channels * d.Kernel.Window.Kernel.Height * d.Kernel.Window.Kernel.Width;
            case DirectDepthwiseDriver d:
                // One call loops over the channels.
                count.Run(d.Kernel, output.Channels, calls: 1);
                count.Pass(d.Pass, output.Count);
                return (long)output.Channels * d.Kernel.Window.Kernel.Height * d.Kernel.Window.Kernel.Width;
            case PlanarSeparableDriver d:
                count.Run(d.Depthwise, input.Channels * output.Height / (double)d.Depthwise.Rows);
                count.Run(d.Project, output.Height / (double)d.Rows);
                count.PadRows(input, d.Padding);
                count.Pass(d.DepthwisePass, (long)input.Channels * output.Pixels);
                count.Pass(d.ProjectPass, output.Count);
                return (long)input.Channels * (output.Channels + (d.Depthwise.Window.Kernel.Height * d.Depthwise.Window.Kernel.Width));
            case PlanarConvolutionDriver d:
                count.Run(d.Kernel, output.Height);
                count.PadRows(input, d.Padding);
                count.Pass(d.Pass, output.Count);
                return (long)output.Channels * d.Kernel.InChannels * d.Kernel.Window.Kernel.Height * d.Kernel.Window.Kernel.Width;
            case SqueezeDriver d:
                count.SumAndScale(input.Count);
                return Squeeze(count, d.Squeeze);
            case RuntimeDriver d:
                count.Work(d.Work, input, output);
                foreach (ActivationCall call in d.Calls.OfType<ActivationCall>())
                    count.Pass(call.Function, output.Count);
                return d.Weights;
            default:
                throw new InvalidOperationException($"{driver} has no predicted time.");
        }
    }

    private static long FusedRows(Counter count, FusedRowsDriver d)
    {
        Shape input = d.Input.Shape, output = d.Output.Shape;
        int slabs = d.Slabs;
        int taps = d.Expand?.InChannels ?? 0;
        if (d.Stem is { } stem)
        {
            Stem(count, stem, d.ExpandPass, d.Input);
            taps = stem.Kernel.Taps;
        }
        else if (d.Expand is not null)
        {
            count.Run(d.Expand, input.Height * slabs);
        }
        else
        {
            count.Load(d.Load, input, d.Input.IsPlanar);
        }

        if (d.Stem is null)
            count.Pass(d.ExpandPass, (long)d.Expanded.Pixels * d.HiddenStep);
        count.Run(d.Depthwise, output.Height * slabs);
        count.Pass(d.DepthwisePass, (long)output.Pixels * d.HiddenStep);
        long weights = (long)d.Hidden * (output.Channels + taps + (d.Depthwise.Window.Kernel.Height * d.Depthwise.Window.Kernel.Width));
        if (d.Squeeze is not null)
        {
            count.Copy(2L * output.Pixels * d.HiddenStep);
            weights += Squeeze(count, d.Squeeze);
        }

        count.Run(d.Project, output.Pixels / (double)d.Project.Pixels);
        count.Finish(d.Finish, d.Project.Epilogue, output);
        return weights;
    }

    private static long Stem(Counter count, StemPart stem, ActivationFunction pass, TensorView input)
    {
        count.Run(stem.Kernel, stem.Output.Height);
        count.Load(stem.Load, input.Shape, input.IsPlanar);
        count.Pass(pass, (long)stem.Output.Pixels * PlanBuilder.PadChannels(stem.Output.Channels));
        return (long)stem.Output.Channels * stem.Kernel.Taps;
    }

    private static long FusedSlabs(Counter count, FusedSlabsDriver d)
    {
        Shape input = d.Input.Shape, output = d.Output.Shape;
        if (d.Expand is not null)
        {
            count.Run(d.Expand, d.Slabs * input.Pixels / (double)d.Expand.Pixels, calls: d.Slabs);
            count.Pass(d.ExpandPass, (long)input.Pixels * d.Hidden);
        }

        count.Run(d.Depthwise, output.Height * d.Slabs);
        count.Pass(d.DepthwisePass, (long)output.Pixels * d.Hidden);
        double products = output.Pixels / (double)d.First.Pixels;
        count.Run(d.First, products, calls: 1);
        count.Run(d.Middle, products * Math.Max(0, d.Slabs - 2), calls: Math.Max(0, d.Slabs - 2));
        count.Run(d.LastKernel, d.Slabs > 1 ? products : 0, calls: d.Slabs > 1 ? 1 : 0);
        count.Finish(d.Finish, d.First.Epilogue, output);
        long weights = (long)d.Hidden * (output.Channels + (d.Expand?.InChannels ?? 0) + (d.Depthwise.Window.Kernel.Height * d.Depthwise.Window.Kernel.Width));
        if (d.Squeeze is not null)
        {
            count.Copy(2L * output.Pixels * d.Hidden);
            weights += Squeeze(count, d.Squeeze);
        }

        return weights;
    }

    private static long Winograd(Counter count, WinogradDriver d)
    {
        Shape input = d.Input.Shape, output = d.Output.Shape;
        double steps = Math.Ceiling(d.Form.Tiles(output.Height) / (double)d.Transform.TileRows);
        count.Run(d.Transform, steps);
        count.Run(d.Product, steps * d.Form.Products);
        count.Run(d.Inverse, steps);
        count.TurnIf(d.Input.IsPlanar, input.Count);
        if (!d.Input.IsPlanar)
            count.Copy(input.Count);
        count.Finish(d.Finish, null, output);
        return (long)d.Form.WeightSets * input.Channels * output.Channels;
    }

    private static long Squeeze(Counter count, SqueezePart part)
    {
        count.Run(part.Reduce, 1);
        count.Run(part.Expand, 1);
        count.Pass(part.Activation, part.Squeezed);
        count.Pass(part.Gate, part.Channels);
        return 2L * part.Channels * part.Squeezed;
    }

    private sealed class Counter(VectorTarget target)
    {
        private readonly CoreRates _rates = target.Rates;
        private readonly KernelTime _time = new(target);

        public double Kernels { get; private set; }

        public double Passes { get; private set; }

        public double Turned { get; private set; }

        public double Copied { get; private set; }

        public double Calls { get; private set; }

        public void Run(Kernel kernel, double times) => Run(kernel, times, times);

        public void Run(Kernel kernel, double times, double calls)
        {
            Kernels += times * _time.Cycles(kernel);
            Calls += calls;
        }

        public void Pass(ActivationFunction function, long values) => Passes += values / (double)target.Lanes * _time.Pass(function);

        /// <summary>What follows the kernels and, where <paramref name="epilogue"/> begins with it, putting a residual into the output before them.</summary>
        public void Finish(Finish finish, Epilogue? epilogue, Shape output)
        {
            Pass(finish.Pass, output.Count);
            TurnIf(finish.Buffer is not null, output.Count);
            TurnIf(epilogue?.Start == AccumulatorStart.BiasAndDestination, output.Count);
        }

        public void TurnIf(bool turned, long values) => Turned += turned ? values : 0;

        public void Copy(double values) => Copied += values;

        /// <summary>Both passes of squeeze-and-excitation.</summary>
        public void SumAndScale(double values) => Copied += values * _rates.SumAndScaleCycles / _rates.CopyCycles;

        /// <summary>A vector of channels from pixel to pixel.</summary>
        public void Walk(double values) => Copied += values * _rates.WalkCycles / _rates.CopyCycles;

        /// <summary>Functions of the runtime; those that interleave have a call for each pixel.</summary>
        public void Work(RuntimeWork work, Shape input, Shape output)
        {
            if (work == RuntimeWork.Turned)
            {
                Turned += output.Count;
                return;
            }

            Copied += work switch
            {
                RuntimeWork.Copied => output.Count,
                RuntimeWork.Summed => input.Count,
                RuntimeWork.Computed => input.Count + output.Count,
                RuntimeWork.Interleaved => output.Pixels * ((_rates.InterleaveCycles * output.Channels / 16) + _rates.InterleavedPixelCycles) / _rates.CopyCycles * target.Lanes,
                _ => throw new InvalidOperationException($"{work} has no predicted time."),
            };
        }

        public void Load(RowLoad load, Shape input, bool planar)
        {
            if (load is RowLoad.Copy or RowLoad.Replicate && planar)
                Turned += input.Count;
            else if (load != RowLoad.None)
                Copied += input.Count;
        }

        /// <summary>Rows into zero-padded ones; every row of every channel is a copy of its own.</summary>
        public void PadRows(Shape input, PlanarPadding padding)
        {
            double vectorsOfRow = (input.Width + target.Lanes - 1) / target.Lanes;
            Copied += input.Channels * (double)input.Height * vectorsOfRow * target.Lanes * (padding.Row.Phases == 1 ? 1 : _rates.PhasedRowCopies);
            Calls += input.Channels * input.Height * _rates.PadRowCalls;
        }
    }
}
