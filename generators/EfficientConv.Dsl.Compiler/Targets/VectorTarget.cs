namespace EfficientConv.Dsl.Compiler.Targets;

/// <summary>An instruction set for which kernels are emitted.</summary>
/// <param name="Name">Name of the emitted class's suffix and of the runtime's enumeration member.</param>
/// <param name="Lanes">Floats in a vector.</param>
/// <param name="Registers">Vector registers.</param>
public sealed record VectorTarget(string Name, int Lanes, int Registers)
{
    /// <summary>AVX-512: 32 registers of 16 floats.</summary>
    public static readonly VectorTarget Avx512 = new("Avx512", 16, 32);

    /// <summary>AVX2 and FMA: 16 registers of 8 floats.</summary>
    public static readonly VectorTarget Avx2 = new("Avx2", 8, 16) { Rates = new() { TurnCycles = 0.9, InterleaveCycles = 6 } };

    /// <summary>128 bits: NEON, SSE with FMA, SSE without; the text is generic, and plain scalar code runs it too.</summary>
    public static readonly VectorTarget Vector128 = new("Vector128", 4, 16) { Rates = new() { TurnCycles = 1.8, InterleaveCycles = 6 } };

    /// <summary>All targets, widest first.</summary>
    public static IReadOnlyList<VectorTarget> All { get; } = [Avx512, Avx2, Vector128];

    /// <summary>The one that decides what must be the same on all targets because the order of additions follows from it.</summary>
    public static VectorTarget Reference => Avx512;

    /// <summary>What its cores take for work.</summary>
    public CoreRates Rates { get; init; } = new();

    /// <summary>Caches where nothing is said of them.</summary>
    public CacheSizes Caches { get; init; } = CacheSizes.Typical;

    /// <summary>Multiply-adds in a cycle.</summary>
    public double MultiplyAddsPerCycle => Rates.VectorOperations * Lanes;

    /// <summary>Vectors that hold <paramref name="channels"/> channels.</summary>
    public int Vectors(int channels) => (channels + Lanes - 1) / Lanes;

    /// <summary>Channels rounded up to whole vectors.</summary>
    public int Padded(int channels) => Vectors(channels) * Lanes;
}
