using System.Buffers.Binary;
using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace EfficientConv.Dsl;

/// <summary>
/// A safetensors file, checked against every rule of the format when it is opened. Tensors may be read from several threads
/// at once; disposing must wait for them.
/// </summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly string _source;
    private readonly Dictionary<string, SafetensorsTensor> _byName;
    private readonly long _dataStart;
    private readonly ReadOnlyMemory<byte> _memory;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte* _mapped;
    private bool _disposed;

    private SafetensorsFile(string source, ReadOnlyMemory<byte> memory)
    {
        _source = source;
        _memory = memory;
        (_dataStart, Tensors, Metadata, _byName) = ReadHeader(source, memory.Span, memory.Length);
    }

    private SafetensorsFile(string source, MemoryMappedViewAccessor view, long length)
    {
        _source = source;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref _mapped);
        try
        {
            var start = new ReadOnlySpan<byte>(_mapped, (int)Math.Min(length, SafetensorsHeader.LengthPrefix + SafetensorsHeader.MaxHeaderLength));
            (_dataStart, Tensors, Metadata, _byName) = ReadHeader(source, start, length);
        }
        catch
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            throw;
        }
        _view = view;
    }

    /// <summary>The tensors in the order of their bytes.</summary>
    public IReadOnlyList<SafetensorsTensor> Tensors { get; }

    /// <summary>The strings of <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file by memory map; its size is not limited. The file must not change while it is open.</summary>
    /// <exception cref="SafetensorsException">The file breaks a rule of the format, or is of another kind: a folder, a pipe, what torch.save writes, ...</exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (FileKinds.OfPath(path) is { } kind)
            throw SafetensorsException.OtherKind(path, kind);
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        long length = stream.Length;
        // The mapping owns the stream, and the view stays valid without the mapping object.
        using var mapping = MemoryMappedFile.CreateFromFile(
            stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        MemoryMappedViewAccessor view = mapping.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        try
        {
            return new SafetensorsFile(path, view, length);
        }
        catch
        {
            view.Dispose();
            throw;
        }
    }

    /// <summary>Reads a stream to its end, up to 2 GB.</summary>
    /// <exception cref="SafetensorsException">The data break a rule of the format.</exception>
    public static SafetensorsFile Read(Stream stream) => Read(stream, "stream");

    /// <summary>Copies bytes.</summary>
    /// <exception cref="SafetensorsException">The data break a rule of the format.</exception>
    public static SafetensorsFile Read(ReadOnlySpan<byte> safetensors) => new("bytes", safetensors.ToArray());

    /// <summary>Takes bytes without a copy; they must not change while the object is in use.</summary>
    /// <exception cref="SafetensorsException">The data break a rule of the format.</exception>
    public static SafetensorsFile Read(ReadOnlyMemory<byte> safetensors) => new("bytes", safetensors);

    /// <summary>Takes an array without a copy; it must not change while the object is in use.</summary>
    /// <exception cref="SafetensorsException">The data break a rule of the format.</exception>
    public static SafetensorsFile Read(byte[] safetensors)
    {
        ArgumentNullException.ThrowIfNull(safetensors);
        return new("bytes", safetensors);
    }

    internal static SafetensorsFile Read(Stream stream, string source)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var buffer = new MemoryStream();
        stream.CopyTo(buffer);
        return new(source, buffer.GetBuffer().AsMemory(0, (int)buffer.Length));
    }

    /// <summary>The tensor of this name.</summary>
    /// <param name="name">The name, case-sensitive.</param>
    /// <param name="tensor">The tensor, or null where there is none.</param>
    public bool TryGetTensor(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out SafetensorsTensor? tensor) =>
        _byName.TryGetValue(name, out tensor);

    /// <summary>Reads a tensor of F32, F16, BF16 or F64 as singles, in row-major order; F64 is rounded to nearest.</summary>
    /// <exception cref="SafetensorsException">There is no such tensor, its type is another, or it is too large for an array.</exception>
    public float[] ReadSingle(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_byName.TryGetValue(name, out SafetensorsTensor? tensor))
            throw new SafetensorsException(_source, "tensors", null, $"\"{name}\"", "no such tensor");
        long offset = _dataStart + tensor.Begin;
        if (!IsReadable(tensor.Type))
            throw new SafetensorsException(_source, $"tensor \"{name}\"", offset, "F32, F16, BF16 or F64", tensor.Type.ToString());
        if (tensor.ElementCount > Array.MaxLength)
        {
            throw new SafetensorsException(
                _source, $"tensor \"{name}\"", offset, $"at most {Array.MaxLength} elements",
                tensor.ElementCount.ToString(CultureInfo.InvariantCulture));
        }
        float[] values = GC.AllocateUninitializedArray<float>((int)tensor.ElementCount);
        Convert(tensor.Type, offset, values);
        return values;
    }

    internal static bool IsReadable(SafetensorsType type) =>
        type is SafetensorsType.F32 or SafetensorsType.F16 or SafetensorsType.BF16 or SafetensorsType.F64;

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (_view is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
        }
    }

    private static (long DataStart, List<SafetensorsTensor> Tensors, Dictionary<string, string> Metadata, Dictionary<string, SafetensorsTensor> ByName)
        ReadHeader(string source, ReadOnlySpan<byte> start, long length)
    {
        int headerLength = SafetensorsHeader.CheckLength(source, start, length);
        (List<SafetensorsTensor> tensors, Dictionary<string, string> metadata) =
            SafetensorsHeader.Parse(source, start.Slice(SafetensorsHeader.LengthPrefix, headerLength), length);
        return (SafetensorsHeader.LengthPrefix + headerLength, tensors, metadata, tensors.ToDictionary(t => t.Name, StringComparer.Ordinal));
    }

    // Through a buffer, because tensors need not be aligned and may be longer than a span of bytes.
    private void Convert(SafetensorsType type, long offset, float[] values)
    {
        const int chunk = 4096;
        int size = type switch { SafetensorsType.F64 => 8, SafetensorsType.F32 => 4, _ => 2 };
        Span<byte> bytes = stackalloc byte[chunk];
        for (int done = 0; done < values.Length;)
        {
            Span<float> target = values.AsSpan(done, Math.Min(chunk / size, values.Length - done));
            long position = offset + ((long)done * size);
            done += target.Length;
            if (type == SafetensorsType.F32 && BitConverter.IsLittleEndian)
            {
                CopyBytes(position, MemoryMarshal.AsBytes(target));
                continue;
            }
            Span<byte> part = bytes[..(target.Length * size)];
            CopyBytes(position, part);
            for (int i = 0; i < target.Length; i++)
            {
                ReadOnlySpan<byte> element = part.Slice(i * size, size);
                target[i] = type switch
                {
                    SafetensorsType.F32 => BinaryPrimitives.ReadSingleLittleEndian(element),
                    SafetensorsType.F16 => (float)BinaryPrimitives.ReadHalfLittleEndian(element),
                    SafetensorsType.BF16 => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(element) << 16),
                    _ => (float)BinaryPrimitives.ReadDoubleLittleEndian(element),
                };
            }
        }
    }

    private void CopyBytes(long offset, Span<byte> destination)
    {
        if (_mapped is not null)
            new ReadOnlySpan<byte>(_mapped + offset, destination.Length).CopyTo(destination);
        else
            _memory.Span.Slice((int)offset, destination.Length).CopyTo(destination);
    }
}
