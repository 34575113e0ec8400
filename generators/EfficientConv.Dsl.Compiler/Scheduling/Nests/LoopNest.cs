using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>
/// A method of loops around kernels. All offsets into weights and scratch memory are relative to the step's own, so that blocks of equal shape share one.
/// </summary>
/// <param name="Title">What it is, as a method name: <c>InvertedResidual</c>, <c>Pointwise</c>, ...</param>
/// <param name="Input">What it reads.</param>
/// <param name="Residual">What else it reads, or null.</param>
/// <param name="Output">What it writes.</param>
/// <param name="Body">What it does.</param>
/// <param name="WeightElements">Elements of weights that it reads.</param>
public sealed record LoopNest(string Title, TensorView Input, TensorView? Residual, TensorView Output, EquatableArray<Nest> Body, long WeightElements)
{
    /// <summary>How its loops were chosen, in a few words; empty where there is nothing to choose.</summary>
    public string Form { get; init; } = string.Empty;

    /// <summary>Whether its first layer makes rows for a window of the one after it, which are never all in memory.</summary>
    public bool HasStem { get; init; }

    /// <summary>The weights that a thread reads first, relative to the step's own, where threads begin with shares of their own; else null.</summary>
    public WeightShare? FirstWeights { get; init; }

    /// <summary>All nodes, in the order of the text.</summary>
    public IEnumerable<Nest> Nodes => Body.SelectMany(nest => nest.Flatten());

    /// <summary>The calls of kernels.</summary>
    public IEnumerable<Call> Calls => Nodes.OfType<Call>();

    /// <summary>The kernels that it calls, in the order of their first calls.</summary>
    public IEnumerable<Kernel> Kernels => Calls.Select(call => call.Kernel).Distinct();

    /// <summary>Whether its input is an image of bytes, which it converts row by row.</summary>
    public bool ReadsImage => Nodes.OfType<LoadRow>().Any(load => load.Load is RowLoad.ImagePixels or RowLoad.ImagePlanes);

    /// <summary>Whether it is functions of the runtime alone, without a kernel.</summary>
    public bool IsRuntime => !Calls.Any();

    /// <summary>Whether it prefetches weights of a later step, which its caller names.</summary>
    public bool PrefetchesNext => Calls.Any(call => call.Kernel.PrefetchOf(Prefetched.Given) is not null && MayBeNext(call.Given));

    /// <summary>The nest with <paramref name="change"/> made to every node that is no loop.</summary>
    public LoopNest Rewrite(Func<Nest, Nest> change) => this with { Body = Body.Select(nest => nest.Rewrite(change)).ToEquatableArray() };

    /// <summary>Nests are alike only where all is; few of a network's have the same title and maps.</summary>
    public override int GetHashCode() => unchecked((((Title.GetHashCode() * 31) + Input.GetHashCode()) * 31) + Output.GetHashCode());

    private static bool MayBeNext(Pointer? pointer) => pointer switch
    {
        Either choice => MayBeNext(choice.Then) || MayBeNext(choice.Else),
        Moved moved => MayBeNext(moved.From),
        _ => pointer == Storage.Next,
    };
}
