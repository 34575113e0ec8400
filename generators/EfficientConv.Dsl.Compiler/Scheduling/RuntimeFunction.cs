using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>A function of the runtime library that plans call by themselves, without a kernel.</summary>
/// <param name="Name">Its class and name.</param>
/// <param name="IsVector">Whether the vectors that it works with are its type argument.</param>
public sealed record RuntimeFunction(string Name, bool IsVector = true)
{
    /// <summary>Pixels from one step to another: <c>(from, step, to, step, channels, pixels)</c>.</summary>
    public static readonly RuntimeFunction CopyPixels = new("PixelLayout.CopyPixels", IsVector: false);

    /// <summary>Planes to pixels: <c>(planes, step from plane to plane, to, step, channels, pixels)</c>.</summary>
    public static readonly RuntimeFunction FromPlanar = new("PixelLayout.FromPlanar");

    /// <summary>Pixels to planes: <c>(from, step, planes, step from plane to plane, channels, pixels)</c>.</summary>
    public static readonly RuntimeFunction ToPlanar = new("PixelLayout.ToPlanar");

    /// <summary>Zeros in some channels of pixels: <c>(first, step, channels, pixels)</c>.</summary>
    public static readonly RuntimeFunction ClearChannels = new("PixelLayout.ClearChannels", IsVector: false);

    /// <summary>Pixels with every output lane's own input at its place.</summary>
    public static readonly RuntimeFunction ReplicateLanes = new("PixelLayout.ReplicateLanes", IsVector: false);

    /// <summary>Channel shuffle.</summary>
    public static readonly RuntimeFunction ShuffleChannels = new("PixelLayout.ShuffleChannels", IsVector: false);

    /// <summary>Channels of two tensors in turn.</summary>
    public static readonly RuntimeFunction InterleaveChannels = new("PixelLayout.InterleaveChannels");

    /// <summary>x * scale + shift by channel.</summary>
    public static readonly RuntimeFunction ScaleShift = new("Elementwise.ScaleShift");

    /// <summary>x * scale by channel, in place.</summary>
    public static readonly RuntimeFunction ScaleChannels = new("Elementwise.ScaleChannels");

    /// <summary>PReLU by channel, in place.</summary>
    public static readonly RuntimeFunction PReLU = new("Elementwise.PReLU");

    /// <summary>Softmax over a pixel's channels, in place.</summary>
    public static readonly RuntimeFunction Softmax = new("Elementwise.Softmax");

    /// <summary>Sum with a second tensor, in place.</summary>
    public static readonly RuntimeFunction Add = new("Elementwise.Add");

    /// <summary>Sum of the first channels with those of a second tensor, in place: <c>(to, step, from, step, channels, pixels)</c>.</summary>
    public static readonly RuntimeFunction AddChannels = new("Elementwise.AddChannels");

    /// <summary>Product with a second tensor, in place.</summary>
    public static readonly RuntimeFunction Multiply = new("Elementwise.Multiply");

    /// <summary>Sums of channels over pixels.</summary>
    public static readonly RuntimeFunction AccumulateChannels = new("Elementwise.AccumulateChannels");

    /// <summary>Sums to means, in place.</summary>
    public static readonly RuntimeFunction Mean = new("Elementwise.Mean");

    /// <summary>Sums of channels over planes.</summary>
    public static readonly RuntimeFunction AccumulatePlanes = new("PlanarLayout.AccumulateChannels");

    /// <summary>x * scale by channel, NCHW to NCHW.</summary>
    public static readonly RuntimeFunction ScalePlanes = new("PlanarLayout.ScaleChannels");

    /// <summary>x * scale + shift by channel, planes to planes: <c>(from, step, to, step, scale, shift, channels, pixels)</c>.</summary>
    public static readonly RuntimeFunction ScaleShiftPlanes = new("PlanarLayout.ScaleShift");

    /// <summary>PReLU by channel, planes to planes: <c>(from, step, to, step, slopes, channels, pixels)</c>.</summary>
    public static readonly RuntimeFunction PReLUPlanes = new("PlanarLayout.PReLU");

    /// <summary>Rows of planes between zeros, columns sorted by their remainder by the stride.</summary>
    public static readonly RuntimeFunction PadRows = new("PlanarLayout.PadRows");

    /// <summary>Sums of channels that lie in vectors, pixel after pixel.</summary>
    public static readonly RuntimeFunction SumVectors = new("Elementwise.SumChannels");

    /// <summary>x * scale by channel, of channels that lie in vectors, pixel after pixel; in place.</summary>
    public static readonly RuntimeFunction ScaleVectors = new("Elementwise.ScaleVectors");

    /// <summary>Rows of packed weights times one factor each.</summary>
    public static readonly RuntimeFunction ScaleRows = new("Elementwise.ScaleRows");

    /// <summary>Sums of channels over pairs of pixels.</summary>
    public static readonly RuntimeFunction AccumulatePairs = new("PixelPairs.AccumulateChannels", IsVector: false);

    /// <summary>x * scale by channel, of pairs of pixels, in place.</summary>
    public static readonly RuntimeFunction ScalePairs = new("PixelPairs.ScaleChannels", IsVector: false);

    /// <summary>Every pixel's channels to mean 0 and variance 1, then weights and bias.</summary>
    public static readonly RuntimeFunction LayerNorm = new("LayerNormalization.Normalize");

    /// <summary>A row of the next larger map, nearest pixels.</summary>
    public static readonly RuntimeFunction NearestRow = new("Resampling.NearestRow", IsVector: false);

    /// <summary>The same, between four pixels.</summary>
    public static readonly RuntimeFunction BilinearRow = new("Resampling.BilinearRow");

    /// <summary>Channels to the pixels of squares, a row.</summary>
    public static readonly RuntimeFunction PixelShuffleRow = new("Resampling.PixelShuffleRow");

    /// <summary>Planes of the phases of a transposed convolution to its map, a row.</summary>
    public static readonly RuntimeFunction PhaseRow = new("Resampling.PhaseRow", IsVector: false);

    /// <summary>Maximum over windows of several sizes, a row.</summary>
    public static readonly RuntimeFunction AdaptiveMaximumRow = new("Resampling.AdaptiveMaximumRow");

    /// <summary>Mean over windows of several sizes, a row.</summary>
    public static readonly RuntimeFunction AdaptiveAverageRow = new("Resampling.AdaptiveAverageRow");

    /// <summary>A call with these arguments.</summary>
    public FunctionCall Call(params Operand[] arguments) => new(this, arguments.ToEquatableArray());

    /// <summary>A call with these arguments that takes time for <paramref name="effort"/>.</summary>
    public FunctionCall Call(Effort effort, params Operand[] arguments) => new(this, arguments.ToEquatableArray(), effort);

    /// <summary>What moves values of <paramref name="view"/> to pixels; its step is <see cref="TensorView.MoveStep"/>.</summary>
    public static RuntimeFunction ToLoad(TensorView view) => view.IsPlanar ? FromPlanar : CopyPixels;

    /// <summary>What moves pixels to where <paramref name="view"/> has them; its step is <see cref="TensorView.MoveStep"/>.</summary>
    public static RuntimeFunction ToStore(TensorView view) => view.IsPlanar ? ToPlanar : CopyPixels;
}
