using System.Buffers.Binary;
using System.Text;
using Google.FlatBuffers;

namespace EfficientConv.Dsl.Import.TfLite;

/// <summary>
/// A FlatBuffers file of tables whose fields are numbered by a schema. Every offset and length is checked against the file, and vectors that are read over and over, as a hostile
/// file's offsets may have it, end the reading.
/// </summary>
internal sealed class FlatFile(byte[] bytes)
{
    private readonly ByteBuffer _buffer = new(bytes);

    /// <summary>Elements of vectors that may still be read. A writer shares few of them, so that all together are no more than the file has bytes.</summary>
    private long _left = bytes.Length + 4096L;

    /// <summary>The file's bytes.</summary>
    public ReadOnlySpan<byte> Bytes => bytes;

    /// <summary>The table that the others hang on.</summary>
    public FlatTable Root => new(this, Follow(0));

    /// <summary>A table at a place.</summary>
    internal Table At(int place) => new(place, _buffer);

    /// <summary>The place that an offset points to.</summary>
    internal int Follow(int place)
    {
        long target = place + (long)BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(place, 4));
        return target <= bytes.Length - 4 ? (int)target : throw new ArgumentOutOfRangeException(nameof(place));
    }

    /// <summary>Where the elements of the vector begin that an offset points to, and how many there are.</summary>
    internal (int Start, int Count) Vector(int place, int size)
    {
        int at = Follow(place), start = at + 4;
        long count = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at, 4));
        return count * size <= bytes.Length - start ? (start, (int)count) : throw new ArgumentOutOfRangeException(nameof(place));
    }

    /// <summary>The elements of a vector.</summary>
    internal T[] Elements<T>(int place, int size, Func<int, T> read)
    {
        (int start, int count) = Vector(place, size);
        if ((_left -= count) < 0)
            throw new ArgumentOutOfRangeException(nameof(place));
        T[] elements = new T[count];
        for (int i = 0; i < count; i++)
            elements[i] = read(start + (i * size));
        return elements;
    }

    /// <summary>A text; a byte that is no character is shown as one that stands for it.</summary>
    internal string Text(int place)
    {
        (int start, int count) = Vector(place, 1);
        return (_left -= count) < 0 ? throw new ArgumentOutOfRangeException(nameof(place)) : Encoding.UTF8.GetString(bytes, start, count);
    }
}

/// <summary>A table of a FlatBuffers file; its fields by their numbers in the schema.</summary>
internal readonly struct FlatTable(FlatFile file, int place)
{
    private readonly Table _table = file.At(place);

    public int Integer(int field, int fallback = 0) => Place(field) is > 0 and var at ? _table.bb.GetInt(at) : fallback;

    public sbyte Byte(int field) => Place(field) is > 0 and var at ? _table.bb.GetSbyte(at) : (sbyte)0;

    public long Long(int field) => Place(field) is > 0 and var at ? _table.bb.GetLong(at) : 0;

    public float Single(int field) => Place(field) is > 0 and var at ? _table.bb.GetFloat(at) : 0;

    public string? Text(int field) => Place(field) is > 0 and var at ? file.Text(at) : null;

    public FlatTable? Table(int field) => Place(field) is > 0 and var at ? new FlatTable(file, file.Follow(at)) : null;

    public int[] Integers(int field)
    {
        ByteBuffer buffer = _table.bb;
        return Elements(field, 4, buffer.GetInt);
    }

    public float[] Singles(int field)
    {
        ByteBuffer buffer = _table.bb;
        return Elements(field, 4, buffer.GetFloat);
    }

    public long[] Longs(int field)
    {
        ByteBuffer buffer = _table.bb;
        return Elements(field, 8, buffer.GetLong);
    }

    public int[] Shorts(int field)
    {
        ByteBuffer buffer = _table.bb;
        return Elements(field, 2, at => (int)buffer.GetUshort(at));
    }

    public int[] ByteValues(int field)
    {
        ByteBuffer buffer = _table.bb;
        return Elements(field, 1, at => (int)buffer.Get(at));
    }

    public FlatTable[] Tables(int field)
    {
        FlatFile owner = file;
        return Elements(field, 4, at => new FlatTable(owner, owner.Follow(at)));
    }

    /// <summary>A vector of bytes in place.</summary>
    public ReadOnlySpan<byte> Bytes(int field)
    {
        if (Place(field) is not (> 0 and var at))
            return [];
        (int start, int count) = file.Vector(at, 1);
        return file.Bytes.Slice(start, count);
    }

    private T[] Elements<T>(int field, int size, Func<int, T> read) => Place(field) is > 0 and var at ? file.Elements(at, size, read) : [];

    /// <summary>Where a field stands; 0 where the table does not have it.</summary>
    private int Place(int field) => _table.__offset(4 + (2 * field)) is not 0 and var offset ? _table.bb_pos + offset : 0;
}
