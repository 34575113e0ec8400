using System.Runtime.CompilerServices;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>The method names of a plan's kernels and loop nests, which say their shapes.</summary>
internal sealed class KernelNames
{
    private readonly Dictionary<object, string> _names = [];

    // Names are asked for again and again by the same objects, and what such a record holds takes long to go through.
    private readonly Dictionary<object, string> _known = new(new SameObject());
    private readonly HashSet<string> _taken = [];
    private readonly VectorTarget _target;
    private readonly Dictionary<string, PointwiseParameters> _parameters;

    public KernelNames(NetworkPlan plan)
    {
        _target = plan.Target;
        foreach (LoopNest nest in plan.Nests)
            Add(nest, Text($"{nest.Title}{Size(nest.Input)}To{Size(nest.Output)}"));
        foreach (Kernel kernel in plan.Kernels)
            Add(kernel, Describe(kernel) + (kernel is SumKernel { Epilogue: var epilogue } ? EpilogueEmitter.NameOf(epilogue) : string.Empty));
        foreach (DepthwiseTile tile in DepthwiseTile.Of(plan).Where(tile => tile.Kernel.Columns.Count > 1))
            Add(tile, Text($"{Of(tile.Kernel)}From{tile.Run.FirstColumn}"));
        _parameters = PointwiseForm.Kernels(plan).ToLookup(FormOf).ToDictionary(form => form.Key.Name, form => new PointwiseParameters(form.Key, [.. form]));
    }

    /// <summary>The loop nest's method.</summary>
    public string Of(LoopNest nest) => Known(nest);

    /// <summary>The method's name, without the argument that a kernel of a form has.</summary>
    public string Of(Kernel kernel) => Known(kernel);

    /// <summary>The structure with the sizes of <paramref name="tile"/>.</summary>
    public string Of(DepthwiseTile tile) => tile.Kernel.Columns.Count == 1 ? Of(tile.Kernel) : _names[tile];

    /// <summary>What to call for <paramref name="kernel"/>: its method, or that of its one run of tiles.</summary>
    public string Method(Kernel kernel) => kernel is ChannelPerLaneKernel { Columns.Count: 1 } lanes
        ? $"{DepthwiseForm.Of(new DepthwiseTile(lanes, lanes.Columns[0]), _target).Name}<{Of(kernel)}>"
        : Of(kernel);

    /// <summary>The form of <paramref name="kernel"/>.</summary>
    public PointwiseForm FormOf(PointwiseKernel kernel) => PointwiseForm.Of(kernel, _target);

    /// <summary>What the method of <paramref name="form"/> takes.</summary>
    public PointwiseParameters ParametersOf(PointwiseForm form) => _parameters[form.Name];

    /// <summary>A call of <paramref name="kernel"/>.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="input">First pixel.</param>
    /// <param name="weights">Packed weights.</param>
    /// <param name="bias">Bias.</param>
    /// <param name="output">First output pixel.</param>
    /// <param name="residual">First pixel of the residual, for kernels that read one.</param>
    /// <param name="given">What to prefetch, for kernels whose caller names it.</param>
    /// <param name="gateWeights">Weights of squeeze-and-excitation to prefetch, for kernels that do.</param>
    /// <param name="rows">Rows, where a call does several.</param>
    public string Call(
        PointwiseKernel kernel, string input, string weights, string bias, string output, string? residual = null, string? given = null, string? gateWeights = null,
        string? rows = null)
    {
        string form = FormOf(kernel).Name;
        string? next = kernel.StepPrefetch is { What: Prefetched.Weights, Distance: var distance } ? KernelText.At(weights, distance) : given;
        return $"{form}<{Of(kernel)}>(ref {input}, ref {weights}, ref {bias}, ref {output}{_parameters[form].Arguments(kernel, residual, next, gateWeights, rows)});";
    }

    private string Known(object item)
    {
        if (!_known.TryGetValue(item, out string? name))
            _known.Add(item, name = _names[item]);
        return name;
    }

    private void Add(object item, string wanted)
    {
        string name = wanted;
        for (int i = 2; !_taken.Add(name); i++)
            name = Text($"{wanted}_{i}");
        _names.Add(item, name);
    }

    /// <summary>A kernel's name. A method that several share is named after their tile; where a kernel has one to itself, its name says tile and instruction set too.</summary>
    private string Describe(Kernel kernel) => kernel switch
    {
        PointwiseKernel { Lanes: LaneAxis.Channels } k => Text($"Pointwise{k.Pixels}x{k.InChannels}x{k.OutChannels}"),
        PointwiseKernel k => Text(
            $"{(k.Lanes == LaneAxis.Pixels ? "PlanarPointwise" : "PointwisePairs")}{KernelText.LargestTile(k, _target.Lanes)}{_target.Name}" +
            $"Of{k.Pixels}x{k.InChannels}x{k.OutChannels}"),
        ChannelPerLaneKernel k => Text($"DepthwiseRow{k.Channels}x{k.Window.OutWidth}{Window(k.Window)}"),
        ConvolutionKernel k => Text(
            $"{(k.Lanes == LaneAxis.Pixels ? "Planar" : string.Empty)}ConvolutionRow{KernelText.LargestTile(k, _target.Lanes)}{_target.Name}" +
            $"Of{k.Groups * k.InPerGroup}To{k.Groups * k.OutPerGroup}x{k.Window.OutWidth}{Window(k.Window)}"),
        PoolKernel k => Text($"{(k.IsMaximum ? "Max" : "Average")}PoolRow{_target.Name}Of{k.Channels}x{k.Window.OutWidth}{Window(k.Window)}"),
        WinogradInputKernel k => Text($"Winograd{k.Form.Name}Input{_target.Name}Of{k.TileRows}x{k.TileColumns}x{k.Channels}"),
        WinogradOutputKernel k => Text($"Winograd{k.Form.Name}Output{_target.Name}Of{k.TileRows * k.Form.Output}x{k.Width}x{k.Channels}"),
        PlanarDepthwiseKernel k => Text($"PlanarDepthwise{k.Rows}x{k.Runs.Max(run => run.Vectors) * _target.Lanes}{_target.Name}Of{k.Rows}x{k.Window.OutWidth}{Window(k.Window)}"),
        FlatDepthwiseKernel k => Text($"FlatDepthwise{_target.Name}Of{k.Output}{Window(k.Window)}"),
        StridedDepthwiseKernel k => Text($"StridedDepthwise{_target.Name}Of{k.Output}{Window(k.Window)}"),
        _ => throw new InvalidOperationException($"{kernel} has no name."),
    };

    private static string Window(RowWindow window) => Text($"Kernel{window.Kernel}{(window.Stride == 1 ? string.Empty : Text($"Stride{window.Stride}"))}");

    private static string Size(TensorView view) => Text($"{view.Shape.Channels}x{view.Shape.Height}x{view.Shape.Width}");

    private sealed class SameObject : IEqualityComparer<object>
    {
        bool IEqualityComparer<object>.Equals(object? x, object? y) => ReferenceEquals(x, y);

        int IEqualityComparer<object>.GetHashCode(object obj) => RuntimeHelpers.GetHashCode(obj);
    }
}
