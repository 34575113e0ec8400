using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text;

namespace EfficientConv.Dsl;

/// <summary>
/// A file of packed weights, mapped into memory. All numbers are little-endian: 8 bytes "ECDPACK1", u32 instruction set, u32 length of the name in bytes, u64 layout, u64
/// number of floats, u64 checksum of the floats, the network's name in UTF-8, zeros to a multiple of 64 bytes, the floats.
/// </summary>
internal sealed unsafe class PackedWeightsFile : IDisposable
{
    private const int FixedHeader = 40;
    private const int Alignment = 64;
    private const int MaxNameLength = 4096;

    private readonly MemoryMappedViewAccessor _view;
    private PackedWeightsFile(MemoryMappedViewAccessor view, float* first, int length, InstructionSet instructionSet, string network, ulong layout, ulong checksum)
    {
        _view = view;
        First = first;
        Length = length;
        InstructionSet = instructionSet;
        Network = network;
        Layout = layout;
        Checksum = checksum;
    }

    ~PackedWeightsFile() => Release();

    /// <summary>The kernels for which the weights are packed.</summary>
    internal InstructionSet InstructionSet { get; }

    /// <summary>The class for which they are packed.</summary>
    internal string Network { get; }

    /// <summary>A hash of the order in which the floats lie.</summary>
    internal ulong Layout { get; }

    /// <summary>The checksum that the file states.</summary>
    internal ulong Checksum { get; }

    /// <summary>The first float, on a cache line.</summary>
    internal float* First { get; }

    /// <summary>Floats.</summary>
    internal int Length { get; }

    private static ReadOnlySpan<byte> Magic => "ECDPACK1"u8;

    /// <summary>Maps a file and reads its header. The floats are not looked at.</summary>
    /// <exception cref="PackedWeightsException">It is no such file, or shorter than it says.</exception>
    internal static PackedWeightsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!BitConverter.IsLittleEndian)
            throw new PackedWeightsException(path, "packed weights need a little-endian machine");
        if (FileKinds.OfPath(path) is { } kind)
            throw new PackedWeightsException(path, $"it is {kind}");
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        long length = stream.Length;
        if (length < FixedHeader)
        {
            stream.Dispose();
            throw new PackedWeightsException(path, $"it has {length} bytes, which is no file of packed weights");
        }
        // The mapping owns the stream, and the view stays valid without the mapping object.
        using var mapping = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        MemoryMappedViewAccessor view = mapping.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        byte* start = null;
        try
        {
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            return Read(path, view, start, length);
        }
        catch
        {
            if (start is not null)
                view.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
            throw;
        }
    }

    /// <summary>Gives the mapping back, once; only when nobody can use <see cref="First"/> any more.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Release();
    }

    /// <summary>Whether the floats are those that were written.</summary>
    internal bool IsIntact() => Sum(new ReadOnlySpan<float>(First, Length)) == Checksum;

    /// <summary>Writes a file beside its place and moves it there, so that no reader sees half of it.</summary>
    internal static void Write(string path, string network, InstructionSet instructionSet, ulong layout, ReadOnlySpan<float> weights)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!BitConverter.IsLittleEndian)
            throw new PackedWeightsException(path, "packed weights need a little-endian machine");
        byte[] name = Encoding.UTF8.GetBytes(network);
        byte[] header = new byte[(FixedHeader + name.Length + Alignment - 1) / Alignment * Alignment];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), (uint)instructionSet);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), (uint)name.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(16), layout);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(24), (ulong)weights.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(32), Sum(weights));
        name.CopyTo(header.AsSpan(FixedHeader));
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (FileStream stream = File.Create(temporary))
            {
                stream.Write(header);
                const int chunk = 1 << 20;
                for (int done = 0; done < weights.Length; done += chunk)
                    stream.Write(MemoryMarshal.AsBytes(weights[done..Math.Min(done + chunk, weights.Length)]));
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static PackedWeightsFile Read(string path, MemoryMappedViewAccessor view, byte* start, long length)
    {
        var header = new ReadOnlySpan<byte>(start, FixedHeader);
        if (!header.StartsWith(Magic))
            throw new PackedWeightsException(path, "it does not begin as a file of packed weights of this version");
        uint instructionSet = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]), nameLength = BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
        ulong layout = BinaryPrimitives.ReadUInt64LittleEndian(header[16..]), count = BinaryPrimitives.ReadUInt64LittleEndian(header[24..]);
        ulong checksum = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
        if (nameLength > MaxNameLength || FixedHeader + nameLength > length)
            throw new PackedWeightsException(path, $"its name has {nameLength} bytes");
        long offset = (FixedHeader + nameLength + Alignment - 1) / Alignment * Alignment;
        if (count > int.MaxValue || (ulong)(length - offset) != count * sizeof(float) || length < offset)
            throw new PackedWeightsException(path, $"it should hold {count} floats behind byte {offset} and has {length} bytes");
        if (!Enum.IsDefined((InstructionSet)instructionSet) || (InstructionSet)instructionSet == InstructionSet.Auto)
            throw new PackedWeightsException(path, $"it is for instruction set number {instructionSet}, which is unknown");
        string network = Encoding.UTF8.GetString(start + FixedHeader, (int)nameLength);
        return new PackedWeightsFile(view, (float*)(start + offset), (int)count, (InstructionSet)instructionSet, network, layout, checksum);
    }

    /// <summary>
    /// Eight interleaved sums of s = rotl(s ^ word, 29) * odd constant over words of 64 bits, then one over the eight: every step can be undone, so that a change of one word
    /// changes the result.
    /// </summary>
    private static ulong Sum(ReadOnlySpan<float> values)
    {
        const ulong prime = 0x9E3779B185EBCA87;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<float, ulong>(values);
        ulong a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
        int next = 0;
        for (; next + 8 <= words.Length; next += 8)
        {
            ReadOnlySpan<ulong> block = words.Slice(next, 8);
            a = Step(a, block[0]);
            b = Step(b, block[1]);
            c = Step(c, block[2]);
            d = Step(d, block[3]);
            e = Step(e, block[4]);
            f = Step(f, block[5]);
            g = Step(g, block[6]);
            h = Step(h, block[7]);
        }
        ulong sum = (ulong)values.Length;
        foreach (ulong lane in (ReadOnlySpan<ulong>)[a, b, c, d, e, f, g, h])
            sum = Step(sum, lane);
        for (; next < words.Length; next++)
            sum = Step(sum, words[next]);
        return values.Length % 2 == 0 ? sum : Step(sum, BitConverter.SingleToUInt32Bits(values[^1]));

        static ulong Step(ulong state, ulong word) => unchecked(ulong.RotateLeft(state ^ word, 29) * prime);
    }

    private void Release()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
    }
}
