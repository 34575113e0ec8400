using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>Squeeze-and-excitation's small products and where their memory lies.</summary>
/// <param name="Channels">Channels of the map.</param>
/// <param name="Squeezed">Hidden channels.</param>
/// <param name="Reduce">First product.</param>
/// <param name="Activation">Activation after it where it is too long for an epilogue.</param>
/// <param name="Expand">Second product.</param>
/// <param name="Gate">The gate's activation where it is too long for an epilogue.</param>
/// <param name="ReduceWeights">Offset of the first product's weights.</param>
/// <param name="ReduceBias">Offset of the first bias.</param>
/// <param name="ExpandWeights">Offset of the second product's weights.</param>
/// <param name="ExpandBias">Offset of the second bias.</param>
/// <param name="Sums">Offset of the channel sums, later the gate, in the scratch memory.</param>
/// <param name="Hidden">Offset of the hidden values in the scratch memory.</param>
internal sealed record SqueezePart(
    int Channels, int Squeezed, PointwiseKernel Reduce, ActivationFunction Activation, PointwiseKernel Expand, ActivationFunction Gate,
    ArenaOffset ReduceWeights, ArenaOffset ReduceBias, ArenaOffset ExpandWeights, ArenaOffset ExpandBias, ArenaOffset Sums, ArenaOffset Hidden)
{
    /// <summary>Channel sums with those of the last vector's empty lanes.</summary>
    public int PaddedChannels => PlanBuilder.PadChannels(Channels);

    /// <summary>Elements of the weights of both products.</summary>
    public long WeightElements => 2L * Channels * Squeezed;

    /// <summary>From the sums of a thread's own channels to the gates of all, in place.</summary>
    /// <param name="nest">The nest.</param>
    /// <param name="gate">The sums.</param>
    /// <param name="own">The thread's channels.</param>
    /// <param name="pixels">Pixels of the map.</param>
    public void AddGate(NestBuilder nest, Pointer gate, OwnUnits own, int pixels)
    {
        nest.Call(RuntimeFunction.Mean, default, own.In(gate, 1), own.Count, pixels);
        nest.Barrier();
        Pointer hidden = Storage.Scratch.At(Hidden);
        nest.Add(new Call(Reduce, gate, hidden) { Weights = Storage.Weights.At(ReduceWeights), Bias = Storage.Weights.At(ReduceBias) });
        nest.Barrier();
        if (!Activation.IsNone)
        {
            nest.Add(new If(Condition.Equal(Scalar.PartIndex, 0), EquatableArray.Of<Nest>(new PostOp(Activation, hidden, Squeezed, Squeezed)), []));
            nest.Barrier();
        }

        nest.Add(new Call(Expand, hidden, gate) { Weights = Storage.Weights.At(ExpandWeights), Bias = Storage.Weights.At(ExpandBias) });
        nest.Barrier();
        if (!Gate.IsNone)
        {
            nest.Activate(Gate, own.In(gate, 1), own.Count, Channels);
            nest.Barrier();
        }
    }
}
