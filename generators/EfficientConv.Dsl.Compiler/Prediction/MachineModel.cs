namespace EfficientConv.Dsl.Compiler.Prediction;

/// <summary>What a core can do: measured once by the tool, or given.</summary>
/// <param name="MacsPerSecond">Multiply-adds a second in registers, with the instruction set's vectors.</param>
/// <param name="SecondLevelBytes">Size of the second-level cache.</param>
/// <param name="LastLevelBytes">Size of the last cache.</param>
/// <param name="SecondLevelBandwidth">Bytes a second that a copy reads and writes in the second-level cache.</param>
/// <param name="LastLevelBandwidth">The same in the last cache.</param>
/// <param name="MemoryBandwidth">The same in main memory.</param>
public sealed record MachineModel(
    double MacsPerSecond, long SecondLevelBytes, long LastLevelBytes, double SecondLevelBandwidth, double LastLevelBandwidth, double MemoryBandwidth)
{
    /// <summary>Bytes a second where <paramref name="footprint"/> bytes are gone through again and again.</summary>
    public double BandwidthAt(long footprint) =>
        footprint <= SecondLevelBytes ? SecondLevelBandwidth : footprint <= LastLevelBytes ? LastLevelBandwidth : MemoryBandwidth;
}
