using System.ComponentModel;

namespace EfficientConv.Dsl.Runtime;

/// <summary>What the generator emits for a network: its tensors, how they are packed, and the code that runs one image.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface INetworkProgram
{
    /// <summary>The network's class name, for messages.</summary>
    static abstract string NetworkName { get; }

    /// <summary>The tensors that a checkpoint must hold.</summary>
    static abstract ReadOnlySpan<TensorSpec> Parameters { get; }

    /// <summary>Convolutions for which a checkpoint may hold several branches instead.</summary>
    static virtual ReadOnlySpan<ReparameterizedConvolution> Reparameterized => default;

    /// <summary>The shape of one input image.</summary>
    static abstract TensorShape InputShape { get; }

    /// <summary>The shape of one image's output.</summary>
    static abstract TensorShape OutputShape { get; }

    /// <summary>Floats of the packed weights.</summary>
    /// <param name="isa">The instruction set, not Auto.</param>
    static abstract int PackedLength(InstructionSet isa);

    /// <summary>Floats of scratch memory for one image.</summary>
    /// <param name="isa">The instruction set, not Auto.</param>
    static abstract int WorkspaceLength(InstructionSet isa);

    /// <summary>Floats of scratch memory that every thread but the first needs beside the workspace when several run one image.</summary>
    /// <param name="isa">The instruction set, not Auto.</param>
    static abstract int PartScratchLength(InstructionSet isa);

    /// <summary>A hash of the order in which the packed weights lie, so that a file of them is not read by kernels that expect another.</summary>
    /// <param name="isa">The instruction set, not Auto.</param>
    static virtual ulong LayoutHash(InstructionSet isa) => 0;

    /// <summary>Folds and packs the weights.</summary>
    /// <param name="isa">The instruction set, not Auto.</param>
    /// <param name="weights">The checkpoint's tensors.</param>
    /// <param name="packed">PackedLength floats, zero, 64-byte aligned.</param>
    static abstract void Pack(InstructionSet isa, WeightReader weights, Span<float> packed);

    /// <summary>Runs a part's share of one image. All parts run at once, with the same arguments otherwise.</summary>
    /// <param name="isa">The instruction set, not Auto.</param>
    /// <param name="input">The first of the input's elements.</param>
    /// <param name="output">The first of the output's elements.</param>
    /// <param name="weights">The packed weights, 64-byte aligned.</param>
    /// <param name="workspace">Scratch memory, 64-byte aligned, zero before its first use and then as the last run left it.</param>
    /// <param name="part">The share; the default is the whole.</param>
    static abstract void Run(InstructionSet isa, ref float input, ref float output, ref float weights, ref float workspace, Part part);

    /// <summary>What the bytes of an image become; null where the network takes none.</summary>
    static virtual ImageNormalization? Image => null;

    /// <summary>Runs a part's share of one image of bytes, as <see cref="Run"/> does for floats.</summary>
    /// <param name="isa">The instruction set, not Auto.</param>
    /// <param name="image">The image.</param>
    /// <param name="output">The first of the output's elements.</param>
    /// <param name="weights">The packed weights, 64-byte aligned.</param>
    /// <param name="workspace">Scratch memory, as for <see cref="Run"/>.</param>
    /// <param name="part">The share; the default is the whole.</param>
    static virtual void RunImage(InstructionSet isa, in ImageRows image, ref float output, ref float weights, ref float workspace, Part part) =>
        throw new NotSupportedException();
}
