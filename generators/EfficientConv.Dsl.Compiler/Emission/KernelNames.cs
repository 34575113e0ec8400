using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Gives every distinct kernel and driver one method name that says its shape, and remembers the order in which they were first used.</summary>
internal sealed class KernelNames
{
    private readonly Dictionary<object, string> _names = [];
    private readonly HashSet<string> _taken = [];
    private readonly List<Kernel> _kernels = [];

    public IReadOnlyList<Kernel> Kernels => _kernels;

    public string Of(Kernel kernel)
    {
        if (!_names.ContainsKey(kernel))
            _kernels.Add(kernel);
        return Name(kernel, Describe(kernel));
    }

    public string Of(Driver driver, out bool isNew)
    {
        isNew = !_names.ContainsKey(driver);
        return Name(driver, FormattableString.Invariant($"{driver.Title}{Size(driver.Input)}To{Size(driver.Output)}"));
    }

    private string Name(object item, string wanted)
    {
        if (_names.TryGetValue(item, out string? name))
            return name;
        name = wanted;
        for (int i = 2; !_taken.Add(name); i++)
            name = FormattableString.Invariant($"{wanted}_{i}");
        _names.Add(item, name);
        return name;
    }

    private static string Describe(Kernel kernel) => kernel switch
    {
        PointwiseKernel k => FormattableString.Invariant($"Pointwise{k.Pixels}x{k.InChannels}x{k.OutChannels}{(k.Initial == Initial.Destination ? "Accumulate" : string.Empty)}{Suffix(k.Activation)}"),
        PixelPairKernel k => FormattableString.Invariant($"PointwisePairs{k.Pixels}x{k.InChannels}x{k.OutChannels}{Suffix(k.Activation)}"),
        LanewiseKernel k => FormattableString.Invariant($"DepthwiseRow{k.Channels}x{k.Window.OutWidth}Kernel{k.Window.Kernel}{Stride(k.Window)}{Suffix(k.Activation)}"),
        ConvolutionKernel k => FormattableString.Invariant($"ConvolutionRow{k.Groups * k.InPerGroup}To{k.Groups * k.OutPerGroup}x{k.Window.OutWidth}Kernel{k.Window.Kernel}{Stride(k.Window)}{Suffix(k.Activation)}"),
        PoolKernel k => FormattableString.Invariant($"{(k.IsMaximum ? "Max" : "Average")}PoolRow{k.Channels}x{k.Window.OutWidth}Kernel{k.Window.Kernel}{Stride(k.Window)}"),
        WinogradInputKernel k => FormattableString.Invariant($"WinogradInput{k.TileRows}x{k.TileColumns}x{k.Channels}"),
        WinogradOutputKernel k => FormattableString.Invariant($"WinogradOutput{k.TileRows * WinogradTile.Output}x{k.Width}x{k.Channels}{Suffix(k.Activation)}"),
        PlanarPointwiseKernel k => FormattableString.Invariant($"PlanarPointwise{k.Pixels}x{k.InChannels}x{k.OutChannels}{Suffix(k.Activation)}"),
        PlanarDepthwiseKernel k => FormattableString.Invariant($"PlanarDepthwise{k.Rows}x{k.Window.OutWidth}Kernel{k.Window.Kernel}{Stride(k.Window)}{Suffix(k.Activation)}"),
        DirectDepthwiseKernel k => FormattableString.Invariant($"{(k is FlatDepthwiseKernel ? "Flat" : "Strided")}Depthwise{k.Output}Kernel{k.Window.Kernel}{Stride(k.Window)}{Suffix(k.Activation)}"),
        PlanarConvolutionKernel k => FormattableString.Invariant($"PlanarConvolutionRow{k.Groups * k.InChannels}To{k.Groups * k.OutChannels}x{k.Window.OutWidth}Kernel{k.Window.Kernel}{Stride(k.Window)}{Suffix(k.Activation)}"),
        _ => throw new InvalidOperationException($"{kernel} has no name."),
    };

    private static string Suffix(Graph.ActivationFunction activation) => activation.IsNone ? string.Empty : activation.Kind.ToString();

    private static string Stride(RowWindow window) => window.Stride == 1 ? string.Empty : FormattableString.Invariant($"Stride{window.Stride}");

    private static string Size(TensorView view) => FormattableString.Invariant($"{view.Shape.Channels}x{view.Shape.Height}x{view.Shape.Width}");
}
