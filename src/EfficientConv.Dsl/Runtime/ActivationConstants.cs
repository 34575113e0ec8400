using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// Constants of the activations in memory, 16 times each. A kernel's accumulators need nearly all vector registers: constants in locals would push an
/// accumulator out of its register inside the loop.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class ActivationConstants
{
    /// <summary>Where 6 stands.</summary>
    public const int Six = 0;

    /// <summary>Where 1 stands.</summary>
    public const int One = 16;

    /// <summary>Where 1/2 stands.</summary>
    public const int Half = 32;

    /// <summary>Where 1/6 stands.</summary>
    public const int Sixth = 48;

    /// <summary>The first constant; not to be written to.</summary>
    public static ref float First
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref MemoryMarshal.GetReference(Table);
    }

    // Data of the assembly: nothing to initialise.
    private static ReadOnlySpan<float> Table =>
    [
        6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f,
        1f / 6, 1f / 6, 1f / 6, 1f / 6, 1f / 6, 1f / 6, 1f / 6, 1f / 6, 1f / 6, 1f / 6, 1f / 6, 1f / 6, 1f / 6, 1f / 6, 1f / 6, 1f / 6,
    ];
}
