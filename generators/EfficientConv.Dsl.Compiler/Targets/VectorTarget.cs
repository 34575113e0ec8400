namespace EfficientConv.Dsl.Compiler.Targets;

/// <summary>An instruction set for which kernels are emitted. Everything that a schedule asks of it is here.</summary>
/// <param name="Name">Name of the emitted class's suffix and of the runtime's enumeration member.</param>
/// <param name="Lanes">Floats in a vector.</param>
/// <param name="Registers">Vector registers.</param>
public sealed record VectorTarget(string Name, int Lanes, int Registers)
{
    /// <summary>AVX-512: 32 registers of 16 floats.</summary>
    public static readonly VectorTarget Avx512 = new("Avx512", 16, 32)
    {
        WidestPanel = 12, FullRow = 14, PoolColumns = 14, WindowColumns = 14, ClearsLanes = true, PicksLanes = true, SparesRegister = true,
    };

    /// <summary>AVX2 and FMA: 16 registers of 8 floats.</summary>
    public static readonly VectorTarget Avx2 = new("Avx2", 8, 16) { ClearsLanes = true, SumSteps = 4, Rates = new() { TransposeCycles = 0.9, InterleaveCycles = 6 } };

    /// <summary>
    /// 128 bits, made for NEON's 32 registers. The text is generic: SSE with and without FMA runs it, slower for its 16 registers, and plain scalar code.
    /// </summary>
    public static readonly VectorTarget Vector128 = new("Vector128", 4, 32)
    {
        PoolColumns = 14, WindowColumns = 14, SumSteps = 2, Rates = new() { TransposeCycles = 1.8, InterleaveCycles = 6 },
    };

    /// <summary>All targets, widest first.</summary>
    public static IReadOnlyList<VectorTarget> All { get; } = [Avx512, Avx2, Vector128];

    /// <summary>The one that decides what must be the same on all targets, because the order of additions follows from it.</summary>
    public static VectorTarget Reference => Avx512;

    /// <summary>Lanes of the widest vector: what holds whole vectors of these holds whole vectors of every target.</summary>
    public static int WidestLanes => All[0].Lanes;

    /// <summary>Widest panel of a matrix product, in vectors: with one pixel a row of accumulators must still cover the latency of the multiply-add.</summary>
    public int WidestPanel { get; init; } = 6;

    /// <summary>
    /// Steps of a product's sum in the body of its loop, where narrow vectors leave no instruction to spare: with 12 multiply-adds a step four bring what else there is from 2 to
    /// 1.7 instructions a multiply-add. NEON's tiles are larger and need fewer.
    /// </summary>
    public int SumSteps { get; init; } = 1;

    /// <summary>Pixels of a row that fill the largest register tiles by themselves, so that threads may share rows; beyond all rows where none does.</summary>
    public int FullRow { get; init; } = int.MaxValue;

    /// <summary>Most output columns of a pooling tile.</summary>
    public int PoolColumns { get; init; } = 7;

    /// <summary>Most output columns of a tile with a channel in every lane, where the window leaves so many registers.</summary>
    public int WindowColumns { get; init; } = 10;

    /// <summary>Whether its text can clear single lanes of a vector.</summary>
    public bool ClearsLanes { get; init; }

    /// <summary>Whether its text can pick a vector's lanes out of two others, in any order.</summary>
    public bool PicksLanes { get; init; }

    /// <summary>Whether the largest register tiles leave a register free, for a constant.</summary>
    public bool SparesRegister { get; init; }

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
