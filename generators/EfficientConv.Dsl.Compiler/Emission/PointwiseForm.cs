using EfficientConv.Dsl.Compiler.Scheduling;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>
/// What the text of a 1x1 convolution's kernel depends on: its register tiles and what threads share of it. Kernels of one form are one generic method
/// and differ in its argument, a structure with their sizes.
/// </summary>
/// <param name="Name">The method's name, which says the form.</param>
/// <param name="Share">What threads share.</param>
internal sealed record PointwiseForm(string Name, WorkShare Share)
{
    /// <summary>The form of <paramref name="kernel"/> in vectors of <paramref name="lanes"/> floats.</summary>
    public static PointwiseForm Of(PointwiseKernel kernel, int lanes)
    {
        WorkShare share = kernel.Form;
        string tiles = string.Join("And", kernel.Panels.SelectMany(run => run.Tiles.Select(tile => Text($"{tile.Pixels}x{run.Vectors * lanes}"))));
        return new($"Pointwise{tiles}By{share}" + (kernel.PrefetchOf(Prefetched.GateWeights) is null ? string.Empty : "Also") + EpilogueEmitter.FormOf(kernel.Epilogue), share);
    }

    /// <summary>The argument of a call that says which share it does.</summary>
    public string ShareArgument(PointwiseKernel kernel) => (kernel.Share, Share) switch
    {
        (WorkShare.None, WorkShare.Rows) => "1",
        (WorkShare.None, _) => "default",
        (WorkShare.Rows, _) => "rows",
        (WorkShare.Tiles or WorkShare.Panels or WorkShare.TilesOfPanels, _) => "part",
        _ => throw new InvalidOperationException($"{kernel.Share} is no way to share."),
    };
}
