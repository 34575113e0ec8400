using System.IO.MemoryMappedFiles;

namespace EfficientConv.Dsl.Import;

/// <summary>A file of any size as memory, of which only what is read takes room.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte* _start;

    public MappedFile(string path)
    {
        FileStream stream = new(path, FileMode.Open, FileAccess.Read);
        try
        {
            Length = stream.Length;

            // Nothing cannot be mapped.
            if (Length == 0)
            {
                stream.Dispose();
                return;
            }

            _file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            _view = _file.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
            _start += _view.PointerOffset;
        }
        catch
        {
            _view?.Dispose();
            _file?.Dispose();
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Its bytes.</summary>
    public long Length { get; }

    /// <summary>Some of them, until the file is disposed.</summary>
    public ReadOnlySpan<byte> Span(long offset, long length) =>
        offset >= 0 && length is >= 0 and <= int.MaxValue && offset <= Length - length ? new(_start + offset, (int)length) : throw new ArgumentOutOfRangeException(nameof(offset));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_view is null)
            return;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file!.Dispose();
    }
}
