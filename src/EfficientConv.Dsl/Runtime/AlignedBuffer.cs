using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>Zeroed floats that begin on a cache line and never move: managed memory on the pinned heap, freed by the collector.</summary>
internal sealed unsafe class AlignedBuffer
{
    private const int Alignment = 64;

    private readonly float[] _array;
    private readonly int _start;

    internal AlignedBuffer(int length)
    {
        Length = length;
        _array = GC.AllocateArray<float>(checked(length + (Alignment / sizeof(float))), pinned: true);
        nuint address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_array));
        _start = (int)((Alignment - (address % Alignment)) % Alignment / sizeof(float));
    }

    internal int Length { get; }

    internal Span<float> Span => _array.AsSpan(_start, Length);

    internal ref float First => ref _array[_start];
}
