using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Prediction;

/// <summary>Cycles of one call of a kernel: its register tiles one after the other, each bound by multiply-adds, loads or latency.</summary>
internal sealed class KernelTime(VectorTarget target)
{
    private readonly CoreRates _rates = target.Rates;

    public double Cycles(Kernel kernel) => kernel switch
    {
        PointwiseKernel k => Panels(k.Panels, k.InChannels, k.Activation, HasInitialLoad(k.Initial)),
        ConvolutionKernel k => k.Groups * Panels(k.Panels, k.Taps, k.Activation, HasInitialLoad(k.Initial)),
        PixelPairKernel k => k.Tiles.Sum(run => run.Count * Tile(run.Pixels, k.Groups, k.InChannels, k.Activation, HasInitialLoad(k.Initial))),
        PlanarPointwiseKernel k => Planes(k.Runs, k.Tiles, k.InChannels, k.Activation, k.HasResidual),
        PlanarConvolutionKernel k => k.Groups * Planes(k.Runs, k.Tiles, k.InChannels * k.Window.Kernel.Height * k.Window.Kernel.Width, k.Activation, false),
        PlanarDepthwiseKernel k => PlanarDepthwise(k),
        FlatDepthwiseKernel k => (k.Loads.Sum(l => l.Uses.Count) / _rates.VectorOperations) + (_rates.FlatLoadCycles * k.Loads.Count) + (k.Vectors.Count * Epilogue(k.Activation)),
        StridedDepthwiseKernel k => k.Output.Height * k.Vectors.Count * ((k.Window.Kernel.Height * k.Window.Kernel.Width * _rates.PickedTapCycles) + Epilogue(k.Activation)),
        LanewiseKernel k => k.Vectors * k.Columns.Sum(run => run.Count * Window(run.Columns, k.Window, k.InPerGroup, k.Activation, weights: true)),
        PoolKernel k => k.Vectors * k.Columns.Sum(run => run.Count * Window(run.Columns, k.Window, 1, ActivationFunction.None, weights: false)),
        WinogradInputKernel k => k.TileRows * k.TileColumns * k.Vectors * k.Form.Cycles(_rates).Input,
        WinogradOutputKernel k => k.TileRows * k.Form.Tiles(k.Width) * k.Vectors * (k.Form.Cycles(_rates).Output + (k.Form.Output * k.Form.Output * Epilogue(k.Activation))),
        _ => throw new InvalidOperationException($"{kernel} has no predicted time."),
    };

    /// <summary>Cycles of an activation that goes over finished values, for each vector.</summary>
    public double Pass(ActivationFunction function) => function.IsNone ? 0 : (1 / _rates.VectorLoads) + Epilogue(function);

    /// <summary>Cycles behind a sum for each vector: the activation's operations and a store.</summary>
    private double Epilogue(ActivationFunction function) => _rates.StoreCycles + (function.Row.Operations / _rates.VectorOperations);

    private static bool HasInitialLoad(Initial initial) => initial != Initial.Bias;

    private double Panels(IEnumerable<PanelRun> panels, int sum, ActivationFunction activation, bool initialLoad) =>
        panels.Sum(panel => panel.Count * panel.Tiles.Sum(run => run.Count * Tile(run.Pixels, panel.Vectors, sum, activation, initialLoad)));

    private double Planes(IEnumerable<PixelRun> runs, IEnumerable<TileRun> tiles, int sum, ActivationFunction activation, bool residual) =>
        runs.Sum(run => run.Count * tiles.Sum(tile => tile.Count * Tile(tile.Pixels, run.Vectors, sum, activation, residual)));

    private double Tile(int pixels, int vectors, int sum, ActivationFunction activation, bool initialLoad) =>
        (sum * RegisterTiling.TileCycles(target, pixels, vectors)) + _rates.Latency + (pixels * vectors * (Epilogue(activation) + (initialLoad ? 1 / _rates.VectorLoads : 0)));

    /// <summary>A tile of columns of one vector of channels: each tap multiplies once for every column; its weights and the columns under it are loaded.</summary>
    private double Window(int columns, RowWindow window, int inputs, ActivationFunction activation, bool weights)
    {
        int width = window.Kernel.Width, taps = window.Kernel.Height * width * inputs;
        double loadsPerRow = Math.Min(((columns - 1) * window.Stride) + ((width - 1) * window.Dilation.Width) + 1, columns * width) + (weights ? width : 0);
        double multiply = taps * columns / _rates.VectorOperations, load = window.Kernel.Height * inputs * loadsPerRow / _rates.VectorLoads;
        double latency = taps * _rates.Latency / Math.Min(columns, _rates.WindowChains) / _rates.VectorOperations;
        return Math.Max(Math.Max(multiply, load), latency) + _rates.Latency + (columns * Epilogue(activation));
    }

    /// <summary>Some rows of one channel: every tap of every vector is a load and a multiply-add; rows share what they load.</summary>
    private double PlanarDepthwise(PlanarDepthwiseKernel k)
    {
        int width = k.Window.Kernel.Width, height = k.Window.Kernel.Height;
        double cycles = 0;
        foreach (PixelRun run in k.Runs)
        {
            double multiply = k.Rows * run.Vectors * width * height / _rates.VectorOperations;
            double load = (((k.Rows - 1) * k.StrideHeight) + height) * run.Vectors * width * _rates.UnalignedLoadCycles;
            cycles += run.Count * (Math.Max(multiply, load) + _rates.Latency + (k.Rows * run.Vectors * Epilogue(k.Activation)));
        }

        return cycles + (k.WeightsInRegisters ? width * height / _rates.VectorLoads : 0);
    }
}
