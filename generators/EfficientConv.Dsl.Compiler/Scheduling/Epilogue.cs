using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Compiler.Scheduling;

/// <summary>What accumulators begin with.</summary>
public enum AccumulatorStart
{
    /// <summary>The bias.</summary>
    Bias,

    /// <summary>The bias plus the residual.</summary>
    BiasAndResidual,

    /// <summary>The bias plus what the destination holds (a residual that was put there).</summary>
    BiasAndDestination,

    /// <summary>What the destination holds (the sum so far).</summary>
    Destination,
}

/// <summary>How finished sums are stored.</summary>
public enum StoreForm
{
    /// <summary>Every vector at its place.</summary>
    Vectors,

    /// <summary>Two neighbouring pixels' values of a channel side by side, for a product of <see cref="LaneAxis.PixelPairs"/>.</summary>
    Interleaved,

    /// <summary>Vectors that hold eight channels of two pixels so: each pixel's half at its place.</summary>
    Halves,
}

/// <summary>
/// What a kernel does around its sums, the same for all kernels: what the accumulators begin with, what is computed of the sums before they are stored, and how they are
/// stored. A part that every kernel is to have is a member here, its text in <c>EpilogueEmitter</c> and its cycles in <c>KernelTime</c>.
/// </summary>
/// <param name="Start">What the accumulators begin with.</param>
/// <param name="ResidualPixelStep">Floats from a residual pixel to the next, where the kernel reads pixels of one; else 0.</param>
/// <param name="Activation">Activation of the sums.</param>
/// <param name="Store">How they are stored.</param>
public sealed record Epilogue(AccumulatorStart Start, int ResidualPixelStep, ActivationFunction Activation, StoreForm Store = StoreForm.Vectors)
{
    /// <summary>Floats from a channel's bias to its slope, where the activation has learned ones; else 0.</summary>
    public int SlopeOffset { get; init; }

    /// <summary>Floats from a channel's bias to its factor and to its summand, where sums are scaled and shifted after the activation; else 0.</summary>
    public int ScaleOffset { get; init; }

    /// <inheritdoc cref="ScaleOffset"/>
    public int ShiftOffset { get; init; }

    /// <summary>Whether they are scaled and shifted before the activation.</summary>
    public bool ScalesFirst { get; init; }

    /// <summary>The bias and nothing else.</summary>
    public static Epilogue None { get; } = new(AccumulatorStart.Bias, 0, ActivationFunction.None);

    /// <summary>Whether the kernel reads a residual.</summary>
    public bool AddsResidual => Start == AccumulatorStart.BiasAndResidual;

    /// <summary>That of the first part of a sum that several kernels add up in the destination one after the other: the others follow.</summary>
    public Epilogue OfFirst() => new(Start, ResidualPixelStep, ActivationFunction.None, Store);

    /// <summary>That of a part between.</summary>
    public Epilogue OfMiddle() => OfLast().OfFirst();

    /// <summary>That of the last part.</summary>
    public Epilogue OfLast() => this with { Start = AccumulatorStart.Destination, ResidualPixelStep = 0 };

    /// <summary>The epilogue of a kernel that computes <paramref name="stage"/>, and what is left for a pass over finished rows.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="residual">What is added, or null. What cannot be read by whole vectors, and what has fewer channels, is put into the destination first.</param>
    /// <param name="target">The target, to whose vectors the bias is padded.</param>
    /// <param name="lanes">Lanes of the vectors by which the residual would be read, if not the target's.</param>
    /// <param name="biasLength">Length of the bias, if it is not padded to the target's vectors.</param>
    internal static (Epilogue Epilogue, ActivationFunction PostOp) Of(ConvolutionStage stage, TensorSlot? residual, VectorTarget target, int? lanes = null, int? biasLength = null) =>
        WithChannels(
            stage, biasLength ?? target.Padded(stage.Output.Channels),
            residual is null ? Of(stage.Activation)
            : residual.View.Shape == stage.Output && residual.View.HoldsVectors(lanes ?? target.Lanes)
                ? Of(stage.Activation, AccumulatorStart.BiasAndResidual, residual.View.PixelStep)
            : Of(stage.Activation, AccumulatorStart.BiasAndDestination));

    /// <summary>The same of a kernel from NCHW to NCHW, which reads planes of the residual as it writes those of the output.</summary>
    internal static (Epilogue Epilogue, ActivationFunction PostOp) OfPlanes(ConvolutionStage stage, TensorSlot? residual) =>
        WithChannels(stage, stage.Output.Channels, Of(stage.Activation, residual is null ? AccumulatorStart.Bias : AccumulatorStart.BiasAndResidual));

    /// <summary>The same of a kernel with this activation.</summary>
    internal static (Epilogue Epilogue, ActivationFunction PostOp) Of(ActivationFunction activation, AccumulatorStart start = AccumulatorStart.Bias, int residualPixelStep = 0) =>
        activation.IsInline ? (new(start, residualPixelStep, activation), ActivationFunction.None) : (new(start, residualPixelStep, ActivationFunction.None), activation);

    /// <summary>Learned slopes lie after the bias, then factors and summands, as <see cref="PlanBuilder.ReserveBias"/> packs them.</summary>
    private static (Epilogue Epilogue, ActivationFunction PostOp) WithChannels(ConvolutionStage stage, int biasLength, (Epilogue Epilogue, ActivationFunction PostOp) parts)
    {
        int slopes = stage.PReLU is null ? 0 : biasLength;
        Epilogue epilogue = parts.Epilogue with { SlopeOffset = slopes };
        if (stage.ScaleShift is { } scale)
            epilogue = epilogue with { ScaleOffset = biasLength + slopes, ShiftOffset = (2 * biasLength) + slopes, ScalesFirst = scale.IsBeforeActivation };
        return (epilogue, parts.PostOp);
    }
}
