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
        ProductKernel k => k.Groups * k.Panels.Sum(panel => panel.Count * panel.Tiles.Sum(run => run.Count * Tile(run.Rows, panel.Vectors, k.Taps, k.Epilogue))),
        PlanarDepthwiseKernel k => PlanarDepthwise(k),
        FlatDepthwiseKernel k => (k.Loads.Sum(l => l.Uses.Count) / _rates.VectorOperations) + (_rates.FlatLoadCycles * k.Loads.Count) + (k.Vectors.Count * Finish(k.Epilogue)),
        StridedDepthwiseKernel k => k.Output.Height * k.Vectors.Count * ((k.Window.Kernel.Height * k.Window.Kernel.Width * _rates.PickedTapCycles) + Finish(k.Epilogue)),
        ChannelPerLaneKernel k => k.Vectors * k.Columns.Sum(run => run.Count * Window(run.Columns, k.Window, k.InPerGroup, k.Epilogue, weights: true)),
        PoolKernel k => k.Vectors * k.Columns.Sum(run => run.Count * Window(run.Columns, k.Window, 1, Epilogue.None, weights: false)),
        WinogradInputKernel k => k.TileRows * k.TileColumns * k.Vectors * k.Form.Cycles(_rates).Input,
        WinogradOutputKernel k => k.TileRows * k.Form.Tiles(k.Width) * k.Vectors * (k.Form.Cycles(_rates).Output + (k.Form.Output * k.Form.Output * Finish(k.Epilogue))),
        _ => throw new InvalidOperationException($"{kernel} has no predicted time."),
    };

    /// <summary>Cycles of an activation that goes over finished values, for each vector.</summary>
    public double PostOp(ActivationFunction function) => function.IsNone ? 0 : (1 / _rates.VectorLoads) + Finish(function);

    /// <summary>Cycles before a sum for each vector, beside the bias.</summary>
    private double Start(Epilogue epilogue) => epilogue.Start == AccumulatorStart.Bias ? 0 : 1 / _rates.VectorLoads;

    /// <summary>Cycles after a sum for each vector: the operations of the activation and of a factor and a summand, and a store.</summary>
    private double Finish(Epilogue epilogue) =>
        Finish(epilogue.Activation) + (epilogue.SlopeOffset > 0 ? 1 / _rates.VectorLoads : 0) +
        (epilogue.ScaleOffset > 0 ? (1 / _rates.VectorOperations) + (2 / _rates.VectorLoads) : 0);

    private double Finish(ActivationFunction function) => _rates.StoreCycles + (function.Row.Operations / _rates.VectorOperations);

    private double Tile(int rows, int vectors, int sum, Epilogue epilogue) =>
        (sum * RegisterTiling.TileCycles(target, rows, vectors)) + _rates.Latency + (rows * vectors * (Finish(epilogue) + Start(epilogue)));

    /// <summary>A tile of columns of one vector of channels: each tap multiplies once for every column; its weights and the columns under it are loaded.</summary>
    private double Window(int columns, RowWindow window, int inputs, Epilogue epilogue, bool weights)
    {
        int width = window.Kernel.Width, taps = window.Kernel.Height * width * inputs;
        double loadsPerRow = Math.Min(((columns - 1) * window.Stride) + ((width - 1) * window.Dilation.Width) + 1, columns * width) + (weights ? width : 0);
        double multiply = taps * columns / _rates.VectorOperations, load = window.Kernel.Height * inputs * loadsPerRow / _rates.VectorLoads;
        double latency = taps * _rates.Latency / Math.Min(columns, _rates.WindowChains) / _rates.VectorOperations;
        return Math.Max(Math.Max(multiply, load), latency) + _rates.Latency + (columns * Finish(epilogue));
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
            cycles += run.Count * (Math.Max(multiply, load) + _rates.Latency + (k.Rows * run.Vectors * Finish(k.Epilogue)));
        }

        return cycles + (k.WeightsInRegisters ? width * height / _rates.VectorLoads : 0);
    }
}
