using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace EfficientConv.Dsl.Runtime;

/// <summary>Hints that memory will be read soon. They change no result; where the machine has no such instruction they do nothing.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static unsafe class Prefetch
{
    /// <summary>Fetches the cache line into the second level and outwards.</summary>
    /// <param name="address">Anywhere in the line.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void L2(ref float address)
    {
        // An address that the collector moves meanwhile makes the hint useless, not wrong.
        if (Sse.IsSupported)
            Sse.Prefetch1(Unsafe.AsPointer(ref address));
    }
}
