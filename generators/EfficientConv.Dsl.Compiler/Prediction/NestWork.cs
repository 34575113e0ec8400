using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Prediction;

/// <summary>Counts what a loop nest does when one thread runs it: every node as often as the loops around it say.</summary>
internal sealed class NestWork(VectorTarget target)
{
    private readonly CoreRates _rates = target.Rates;
    private readonly KernelTime _time = new(target);
    private readonly Dictionary<Kernel, double> _runs = [];

    /// <summary>How often each kernel's work is done.</summary>
    public IReadOnlyDictionary<Kernel, double> Runs => _runs;

    /// <summary>Cycles of kernels.</summary>
    public double Kernels { get; private set; }

    /// <summary>Cycles of activations of finished values.</summary>
    public double Activations { get; private set; }

    /// <summary>Values moved from NCHW to NHWC or back.</summary>
    public double Transposed { get; private set; }

    /// <summary>Values copied, or what takes as long.</summary>
    public double Copied { get; private set; }

    /// <summary>Calls of kernels, or what takes as long.</summary>
    public double Calls { get; private set; }

    /// <summary>Whether it interleaves channels of two tensors.</summary>
    public bool Interleaves { get; private set; }

    /// <summary>Adds what <paramref name="nests"/> do when they are run so many <paramref name="times"/>.</summary>
    public void Add(IEnumerable<Nest> nests, double times)
    {
        foreach (Nest nest in nests)
            Add(nest, times);
    }

    private void Add(Nest nest, double times)
    {
        switch (nest)
        {
            case For n:
                Add(n.Body, times * n.Trips);
                break;
            case Parallel n:
                Add(n.Body, times * n.Units);
                break;
            case FillRing n:
                Add(n.Body, times * n.Trips);
                break;
            case If n:
                Add(n.Then, times * n.Share);
                Add(n.Else, times * (1 - n.Share));
                break;
            case Call n:
                _runs[n.Kernel] = (_runs.TryGetValue(n.Kernel, out double before) ? before : 0) + (times * n.Times);
                Kernels += times * n.Times * _time.Cycles(n.Kernel);
                Calls += times;
                Add(n.Effort, times);
                break;
            case PostOp n:
                Activations += times * n.Total / target.Lanes * _time.PostOp(n.Function);
                break;
            case FunctionCall n:
                Add(n.Effort, times);
                break;
            case LoadRow n:
                Add(n.Effort, times);
                break;
            case Copy n:
                Add(n.Effort, times);
                break;
            case DefineConstant or Define or Assign or DefineTables or Bind or UseOwnScratch or Comment or Blank or Split or Barrier or PlaceWindow or Clear:
                break;
            default:
                throw new InvalidOperationException($"{nest} has no predicted time.");
        }
    }

    private void Add(Effort effort, double times)
    {
        double values = effort.Values * times, units = effort.Units * times;
        switch (effort.Work)
        {
            case Work.None:
                break;
            case Work.Copied:
                Copied += values;
                break;
            case Work.Transposed:
                Transposed += values;
                break;
            case Work.SummedAndScaled:
                Copied += values * _rates.SumAndScaleCycles / _rates.CopyCycles;
                break;
            case Work.Walked:
                Copied += values * _rates.WalkCycles / _rates.CopyCycles;
                break;
            case Work.Interleaved:
                Copied += ((_rates.InterleaveCycles * values / 16) + (_rates.InterleavedPixelCycles * units)) / _rates.CopyCycles * target.Lanes;
                Interleaves = true;
                break;
            case Work.Padded or Work.PaddedByPhase:
                // Every row is a copy of its own.
                Copied += values * (effort.Work == Work.Padded ? 1 : _rates.PhasedRowCopies);
                Calls += units * _rates.PadRowCalls;
                break;
            default:
                throw new InvalidOperationException($"{effort.Work} has no predicted time.");
        }
    }
}
