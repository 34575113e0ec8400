namespace EfficientConv.Dsl;

/// <summary>What one layer costs for one image.</summary>
/// <param name="Name">The layer's name or index.</param>
/// <param name="Operator">The layer's kind, <c>Conv2d</c>.</param>
/// <param name="Input">The shape that comes in.</param>
/// <param name="Output">The shape that goes out.</param>
/// <param name="Parameters">Parameters as PyTorch counts them: batch norm's weight and bias in, its running statistics out.</param>
/// <param name="MultiplyAdds">Multiply-adds (MACs) of convolutions and linear layers.</param>
/// <param name="WeightBytes">Bytes of the parameters in 32-bit floats.</param>
/// <param name="LiveBytes">Bytes of activations alive while the layer runs, when layer after layer runs.</param>
public sealed record LayerCost(
    string Name, string Operator, TensorShape Input, TensorShape Output, long Parameters, long MultiplyAdds, long WeightBytes, long LiveBytes)
{
    /// <summary>Multiply-adds for each byte of input, output and weights.</summary>
    public double ArithmeticIntensity => MultiplyAdds / (double)(((Input.ElementCount + Output.ElementCount) * sizeof(float)) + WeightBytes);
}

/// <summary>What the kernels of one instruction set have in memory while they run one image; all of it is known when the network is compiled.</summary>
/// <param name="InstructionSet">The instruction set; <see cref="InstructionSet.Scalar"/> runs what <see cref="InstructionSet.Vector128"/> runs.</param>
/// <param name="WorkspaceBytes">Bytes of the workspace, one for each caller at a time: <see cref="IConvNet{TSelf}.WorkspaceBytes"/> of an instance.</param>
/// <param name="ThreadBytes">Bytes of scratch memory for each thread beyond the first.</param>
/// <param name="PackedWeightBytes">Bytes of the weights as the kernels read them: <see cref="IConvNet{TSelf}.PackedWeightBytes"/> of an instance.</param>
/// <param name="PeakBytes">Bytes of activations that a call takes with one thread: input, output and workspace.</param>
public sealed record RunMemory(InstructionSet InstructionSet, long WorkspaceBytes, long ThreadBytes, long PackedWeightBytes, long PeakBytes);

/// <summary>What a network costs for one image, in total and layer by layer.</summary>
/// <param name="Parameters">Parameters as PyTorch counts them: batch norm's weight and bias in, its running statistics out.</param>
/// <param name="MultiplyAdds">Multiply-adds (MACs) of convolutions and linear layers.</param>
/// <param name="WeightBytes">Bytes of the parameters in 32-bit floats.</param>
/// <param name="ActivationSum">Elements that convolutions and linear layers write (timm's macts).</param>
/// <param name="OutputSum">Elements that all modules write (torchsummary's outputs).</param>
/// <param name="PeakBytesLayerwise">Peak bytes of live activations when layer after layer runs, as in a framework.</param>
/// <param name="SavedBytes">Bytes of activations that training keeps for one image's backward pass.</param>
/// <param name="Memory">What a call takes as the generated code runs, for each instruction set that it was compiled for, the widest vectors first.</param>
/// <param name="Layers">The layers in the order in which they run.</param>
public sealed record NetworkCost(
    long Parameters,
    long MultiplyAdds,
    long WeightBytes,
    long ActivationSum,
    long OutputSum,
    long PeakBytesLayerwise,
    long SavedBytes,
    IReadOnlyList<RunMemory> Memory,
    IReadOnlyList<LayerCost> Layers)
{
    /// <summary>What a call takes with the kernels of <paramref name="instructionSet"/>; left out, of those that this process runs.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such instruction set.</exception>
    public RunMemory MemoryOn(InstructionSet instructionSet = InstructionSet.Auto)
    {
        InstructionSet set = instructionSet == InstructionSet.Auto ? InstructionSets.Current : instructionSet;
        if (set == InstructionSet.Scalar)
            set = InstructionSet.Vector128;
        return Memory.FirstOrDefault(memory => memory.InstructionSet == set)
            ?? throw new ArgumentOutOfRangeException(nameof(instructionSet), instructionSet, $"There are no kernels for it; there are some for {string.Join(", ", Memory.Select(memory => memory.InstructionSet))}.");
    }
}
