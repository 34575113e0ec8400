using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;
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
    /// <summary>The kernels that have one: those with channels in the lanes. There are few others, each with a method to itself.</summary>
    public static IEnumerable<PointwiseKernel> Kernels(NetworkPlan plan) => plan.Kernels.OfType<PointwiseKernel>().Where(kernel => kernel.Lanes == LaneAxis.Channels);

    /// <summary>The form of <paramref name="kernel"/> in the vectors of <paramref name="target"/>.</summary>
    public static PointwiseForm Of(PointwiseKernel kernel, VectorTarget target)
    {
        WorkShare share = kernel.Form;
        string tiles = string.Join("And", kernel.Panels.Select(run => Text($"{string.Join("To", run.Tiles.Select(tile => tile.Rows))}x{run.Vectors * target.Lanes}")));
        string gate = kernel.PrefetchOf(Prefetched.GateWeights) is null ? string.Empty : "PrefetchingGate";
        return new(Text($"Pointwise{tiles}{target.Name}By{share}{gate}{EpilogueEmitter.FormOf(kernel.Epilogue)}"), share);
    }
}

/// <summary>
/// What the method of a form takes besides input, weights, bias and output: what one of its kernels at least reads. What all of them read is always given; calls of a kernel
/// that has no use for the rest leave it out.
/// </summary>
internal sealed class PointwiseParameters(PointwiseForm form, IReadOnlyCollection<PointwiseKernel> kernels)
{
    private readonly int _residuals = kernels.Count(ReadsResidual), _next = kernels.Count(ReadsNext), _shares = kernels.Count(kernel => kernel.Share != WorkShare.None);

    /// <summary>Where the residual begins; null where no kernel reads one.</summary>
    public string? Residual => Reference("residual", _residuals);

    /// <summary>Where begins what the caller names to be prefetched; null where no kernel prefetches it.</summary>
    public string? Next => Reference("next", _next);

    /// <summary>The parameters as they are declared.</summary>
    public string Declaration => string.Concat(
        Required("residual", _residuals), Required("next", _next), kernels.Any(ReadsGate) ? ", ref float gateWeights" : string.Empty,
        form.Share != WorkShare.Rows && _shares == kernels.Count ? ", Part part" : string.Empty,
        Optional("residual", _residuals), Optional("next", _next),
        form.Share == WorkShare.Rows ? ", int rows = 1" : _shares < kernels.Count ? ", Part part = default" : string.Empty);

    /// <summary>The arguments of a call of <paramref name="kernel"/>, by name.</summary>
    public string Arguments(PointwiseKernel kernel, string? residual, string? next, string? gateWeights, string? rows) => string.Concat(
        ReadsResidual(kernel) ? $", residual: {Modifier(_residuals)} {residual}" : string.Empty,
        ReadsNext(kernel) ? $", next: {Modifier(_next)} {next}" : string.Empty,
        ReadsGate(kernel) ? $", gateWeights: ref {gateWeights}" : string.Empty,
        rows is not null ? $", rows: {rows}" : kernel.Share == WorkShare.None ? string.Empty : kernel.Share == WorkShare.Rows ? ", rows: rows" : ", part: part");

    private static bool ReadsResidual(PointwiseKernel kernel) => kernel.Epilogue.AddsResidual;

    private static bool ReadsNext(PointwiseKernel kernel) => kernel.StepPrefetch is { What: Prefetched.Weights or Prefetched.Given };

    private static bool ReadsGate(PointwiseKernel kernel) => kernel.PrefetchOf(Prefetched.GateWeights) is not null;

    private string? Reference(string name, int readers) => readers == 0 ? null : readers == kernels.Count ? name : $"Unsafe.AsRef(in {name})";

    private string Required(string name, int readers) => readers > 0 && readers == kernels.Count ? $", ref float {name}" : string.Empty;

    private string Optional(string name, int readers) => readers > 0 && readers < kernels.Count ? $", in float {name} = 0" : string.Empty;

    private string Modifier(int readers) => readers == kernels.Count ? "ref" : "in";
}
