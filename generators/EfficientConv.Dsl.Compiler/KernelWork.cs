using EfficientConv.Dsl.Compiler.Emission;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler;

/// <summary>What a run does in one method of the generated code, for tools that look at its machine code.</summary>
/// <param name="Name">The method's name or, where several kernels share one, that of the structure with the kernel's sizes.</param>
/// <param name="Cycles">Predicted cycles of all its calls.</param>
/// <param name="Tiles">Its register tiles in the order of the text; none for a kernel that multiplies nothing.</param>
public sealed record KernelWork(string Name, double Cycles, EquatableArray<TileWork> Tiles)
{
    /// <summary>Multiply-adds of a run, those of padded lanes among them.</summary>
    public double MultiplyAdds => Tiles.Sum(tile => tile.MultiplyAdds);

    /// <summary>The kernels of <paramref name="plan"/>.</summary>
    public static EquatableArray<KernelWork> Of(NetworkPlan plan)
    {
        NestWork count = new(plan.Target);
        foreach (Step step in plan.Steps)
            count.Add(step.Nest.Body, 1);
        KernelNames names = new(plan);
        KernelTime time = new(plan.Target);
        return count.Runs.SelectMany(run => Split(run.Key, names).Select(part => new KernelWork(
            part.Name,
            run.Value * time.Cycles(run.Key) * part.Share,
            part.Tiles.Select(tile => tile with { MultiplyAdds = tile.MultiplyAdds * run.Value * plan.Target.Lanes }).ToEquatableArray()))).ToEquatableArray();
    }

    /// <summary>The methods of a kernel. One with a channel in every lane has a method for each run of columns.</summary>
    private static IEnumerable<(string Name, double Share, TileWork[] Tiles)> Split(Kernel kernel, KernelNames names) => kernel is ChannelPerLaneKernel lanes
        ? lanes.Columns.Select(run => (
            names.Of(new DepthwiseTile(lanes, run)), run.Count * run.Columns / (double)lanes.Columns.Sum(other => other.Count * other.Columns),
            new[] { new TileWork(run.Columns, (double)lanes.Vectors * run.Count * run.Columns * lanes.InPerGroup * Taps(lanes.Window)) }))
        : [(names.Of(kernel), 1, [.. Vectors(kernel)])];

    /// <summary>The tiles of one call, with vectors of multiply-adds.</summary>
    private static IEnumerable<TileWork> Vectors(Kernel kernel) => kernel switch
    {
        ProductKernel k => k.Panels.SelectMany(panel => panel.Tiles.Select(tile => new TileWork(
            tile.Rows * panel.Vectors, (double)k.Groups * k.Taps * panel.Count * tile.Count * tile.Rows * panel.Vectors))),
        PlanarDepthwiseKernel k => k.Runs.Select(run => new TileWork(k.Rows * run.Vectors, (double)run.Count * k.Rows * run.Vectors * Taps(k.Window))),
        FlatDepthwiseKernel k => [new TileWork(k.Vectors.Count, k.Loads.Sum(load => load.Uses.Count))],
        StridedDepthwiseKernel k => [new TileWork(k.Vectors.Count, (double)k.Output.Height * k.Vectors.Count * Taps(k.Window))],
        _ => [],
    };

    private static int Taps(RowWindow window) => window.Kernel.Height * window.Kernel.Width;
}

/// <summary>What a run does in tiles of one size.</summary>
/// <param name="Accumulators">Vectors in which sums are kept.</param>
/// <param name="MultiplyAdds">Multiply-adds.</param>
public readonly record struct TileWork(int Accumulators, double MultiplyAdds);
