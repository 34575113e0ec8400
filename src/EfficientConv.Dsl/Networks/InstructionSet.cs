namespace EfficientConv.Dsl;

/// <summary>The instruction set of the kernels that an instance runs. All give the same bits where the machine has FMA.</summary>
public enum InstructionSet
{
    /// <summary>The best that the machine has, or the one that the process forces; see <see cref="InstructionSets.Current"/>.</summary>
    Auto,

    /// <summary>512-bit vectors; needs AVX-512F.</summary>
    Avx512,

    /// <summary>256-bit vectors; needs AVX2 and FMA.</summary>
    Avx2,

    /// <summary>128-bit vectors: SSE with FMA, NEON; without FMA instructions multiply then add, whose bits differ.</summary>
    Vector128,

    /// <summary>Plain scalar code, the reference; slow.</summary>
    Scalar,
}
