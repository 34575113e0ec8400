using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Measuring;

/// <summary>
/// Native memory for one tensor. Every buffer begins at the same chosen offset into a page, so that the two sides of a comparison
/// have the same alignment and the same distance, modulo a page, between input and output.
/// </summary>
internal sealed unsafe class PageBuffer : IDisposable
{
    private const nuint Page = 4096;
    private void* _memory;

    /// <param name="length">Floats.</param>
    /// <param name="offset">Bytes into the page, a multiple of 64.</param>
    public PageBuffer(long length, int offset)
    {
        _memory = NativeMemory.AlignedAlloc(checked((nuint)(length * sizeof(float)) + (nuint)offset), Page);
        Pointer = (float*)((byte*)_memory + offset);
        Length = checked((int)length);
        Span.Clear();
    }

    public float* Pointer { get; private set; }

    public int Length { get; }

    public Span<float> Span => new(Pointer, Length);

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        Pointer = null;
        GC.SuppressFinalize(this);
    }

    ~PageBuffer() => NativeMemory.AlignedFree(_memory);
}
