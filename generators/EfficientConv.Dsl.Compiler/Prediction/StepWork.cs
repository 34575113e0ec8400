namespace EfficientConv.Dsl.Compiler.Prediction;

/// <summary>What a step of a plan does, as far as it takes time.</summary>
/// <param name="MultiplyAdds">Multiply-adds that the layers ask for.</param>
/// <param name="KernelCycles">Cycles in register tiles: multiply-adds, loads and latency, and what stands after the sums.</param>
/// <param name="PassCycles">Cycles of activations that go over finished rows.</param>
/// <param name="TransposedValues">Values that are moved from planes to pixels or back.</param>
/// <param name="CopiedValues">Values that are copied, summed or scaled in passes of their own.</param>
/// <param name="Calls">Calls of kernels.</param>
/// <param name="Bytes">Bytes of inputs, outputs and weights, each once.</param>
public sealed record StepWork(long MultiplyAdds, double KernelCycles, double PassCycles, double TransposedValues, double CopiedValues, double Calls, long Bytes)
{
    /// <summary>Multiply-adds for each byte that comes from outside the step.</summary>
    public double Intensity => Bytes == 0 ? 0 : MultiplyAdds / (double)Bytes;
}
