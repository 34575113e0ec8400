using System.Diagnostics;

namespace EfficientConv.Dsl;

/// <summary>
/// What a network may cost for one image at most; more is a compile error (ECD0501) that names the three layers that cost most. It may stand anywhere in the
/// list, computes nothing and counts for no index. Parameters, MACs and peak bytes are those of <see cref="NetworkCost"/>: as
/// <c>torchinfo</c> counts parameters and mult-adds, and the activations alive at once where layer after layer runs.
/// </summary>
/// <param name="maxMultiplyAdds">Most multiply-adds (MACs) of convolutions and linear layers.</param>
/// <param name="maxParameters">Most parameters, batch norm's weight and bias among them.</param>
/// <param name="maxPeakActivationBytes">Most bytes of live activations, <see cref="NetworkCost.PeakBytesLayerwise"/>.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false, Inherited = false)]
[Conditional("EFFICIENTCONV_KEEP_ATTRIBUTES")]
public sealed class BudgetAttribute(
    long maxMultiplyAdds = long.MaxValue, long maxParameters = long.MaxValue, long maxPeakActivationBytes = long.MaxValue)
    : Attribute
{
    /// <summary>Most multiply-adds (MACs) of convolutions and linear layers.</summary>
    public long MaxMultiplyAdds { get; } = maxMultiplyAdds;

    /// <summary>Most parameters, batch norm's weight and bias among them.</summary>
    public long MaxParameters { get; } = maxParameters;

    /// <summary>Most bytes of live activations.</summary>
    public long MaxPeakActivationBytes { get; } = maxPeakActivationBytes;
}
