using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Cost;

/// <summary>Cycles of one call of a kernel: its register tiles one after the other, each bound by multiply-adds, loads or latency.</summary>
internal static class KernelTime
{
    /// <summary>Cycles from the start of a multiply-add to its result.</summary>
    private const double Latency = 4;

    public static double Cycles(Kernel kernel, VectorTarget target) => kernel switch
    {
        PointwiseKernel k => Panels(k.Panels, k.InChannels, k.Activation, HasInitialLoad(k.Initial)),
        ConvolutionKernel k => k.Groups * Panels(k.Panels, k.Taps, k.Activation, HasInitialLoad(k.Initial)),
        PixelPairKernel k => k.Tiles.Sum(run => run.Count * Tile(run.Pixels, k.Groups, k.InChannels, k.Activation, HasInitialLoad(k.Initial))),
        PlanarPointwiseKernel k => Planes(k.Runs, k.Tiles, k.InChannels, k.Activation, k.HasResidual),
        PlanarConvolutionKernel k => k.Groups * Planes(k.Runs, k.Tiles, k.InChannels * k.Window.Kernel.Height * k.Window.Kernel.Width, k.Activation, false),
        PlanarDepthwiseKernel k => PlanarDepthwise(k),
        FlatDepthwiseKernel k => (0.5 * k.Loads.Sum(l => l.Uses.Count)) + (0.32 * k.Loads.Count) + (k.Vectors.Count * StepWork.EpilogueCyclesPerVector(k.Activation)),
        StridedDepthwiseKernel k => k.Output.Height * k.Vectors.Count * ((k.Window.Kernel.Height * k.Window.Kernel.Width * 2.5) + StepWork.EpilogueCyclesPerVector(k.Activation)),
        LanewiseKernel k => k.Vectors * k.Columns.Sum(run => run.Count * Window(run.Columns, k.Window, k.InPerGroup, k.Activation, weights: true)),
        PoolKernel k => k.Vectors * k.Columns.Sum(run => run.Count * Window(run.Columns, k.Window, 1, ActivationFunction.None, weights: false)),
        WinogradInputKernel k => k.TileRows * k.TileColumns * k.Vectors * k.Form.InputCycles,
        WinogradOutputKernel k => k.TileRows * k.Form.Tiles(k.Width) * k.Vectors * (k.Form.OutputCycles + (k.Form.Output * k.Form.Output * StepWork.EpilogueCyclesPerVector(k.Activation))),
        _ => 0,
    };

    private static bool HasInitialLoad(Initial initial) => initial != Initial.Bias;

    private static double Panels(IEnumerable<PanelRun> panels, int sum, ActivationFunction activation, bool initialLoad) =>
        panels.Sum(panel => panel.Count * panel.Tiles.Sum(run => run.Count * Tile(run.Pixels, panel.Vectors, sum, activation, initialLoad)));

    private static double Planes(IEnumerable<PixelRun> runs, IEnumerable<TileRun> tiles, int sum, ActivationFunction activation, bool residual) =>
        runs.Sum(run => run.Count * tiles.Sum(tile => tile.Count * Tile(tile.Pixels, run.Vectors, sum, activation, residual)));

    private static double Tile(int pixels, int vectors, int sum, ActivationFunction activation, bool initialLoad) =>
        (sum * RegisterTiling.TileCost(pixels, vectors)) + Latency + (pixels * vectors * (StepWork.EpilogueCyclesPerVector(activation) + (initialLoad ? 0.5 : 0)));

    /// <summary>A tile of columns of one vector of channels: each tap multiplies once for every column; its weights and the columns under it are loaded.</summary>
    private static double Window(int columns, RowWindow window, int inputs, ActivationFunction activation, bool weights)
    {
        int width = window.Kernel.Width, taps = window.Kernel.Height * width * inputs;
        double loadsPerRow = Math.Min(((columns - 1) * window.Stride) + ((width - 1) * window.Dilation.Width) + 1, columns * width) + (weights ? width : 0);
        double multiply = taps * columns / 2.0, load = window.Kernel.Height * inputs * loadsPerRow / 2, latency = taps * Latency / Math.Max(1, Math.Min(columns, 4)) / 2;
        return Math.Max(Math.Max(multiply, load), latency) + Latency + (columns * StepWork.EpilogueCyclesPerVector(activation));
    }

    /// <summary>Some rows of one channel: every tap of every vector is a load and a multiply-add; rows share what they load.</summary>
    private static double PlanarDepthwise(PlanarDepthwiseKernel k)
    {
        int width = k.Window.Kernel.Width, height = k.Window.Kernel.Height;
        double cycles = 0;
        foreach (PixelRun run in k.Runs)
        {
            double multiply = k.Rows * run.Vectors * width * height / 2.0;
            double load = (((k.Rows - 1) * k.StrideHeight) + height) * run.Vectors * width;
            cycles += run.Count * (Math.Max(multiply, load) + Latency + (k.Rows * run.Vectors * StepWork.EpilogueCyclesPerVector(k.Activation)));
        }

        return cycles + (k.WeightsInRegisters ? width * height / 2.0 : 0);
    }
}
