using System.Runtime.CompilerServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>A network's weights in the order in which the kernels read them: in memory of its own, or in a mapped file.</summary>
internal sealed unsafe class PackedWeights
{
    // What the memory belongs to: the finalizer of a file gives it back.
    private readonly object _owner;
    private readonly float* _first;

    /// <summary>Zeros, to be packed into.</summary>
    internal PackedWeights(int length)
    {
        var buffer = new AlignedBuffer(length);
        _owner = buffer;
        _first = (float*)Unsafe.AsPointer(ref buffer.First);
        Length = length;
    }

    /// <summary>The weights of a mapped file, which stays mapped as long as this object lives.</summary>
    internal PackedWeights(PackedWeightsFile file)
    {
        _owner = file;
        _first = file.First;
        Length = file.Length;
    }

    /// <summary>Floats.</summary>
    internal int Length { get; }

    /// <summary>The floats; those of a file must not be written to.</summary>
    internal Span<float> Span => new(_first, Length);

    /// <summary>Keeps the memory to here.</summary>
    internal void KeepAlive() => GC.KeepAlive(_owner);

    /// <summary>The first of them, on a cache line. The reference does not keep a mapped file alive; this object does.</summary>
    internal ref float First => ref Unsafe.AsRef<float>(_first);
}
