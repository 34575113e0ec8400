using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

namespace EfficientConv.Dsl;

/// <summary>Writes tensors in single or half precision in the safetensors format, sorted by name, data aligned to 8 bytes.</summary>
public static class SafetensorsWriter
{
    /// <summary>Writes a file. It is written beside its place and then moved there, so that no reader sees half of it.</summary>
    /// <param name="path">The file; an existing one is replaced.</param>
    /// <param name="tensors">Names, shapes and values in row-major order.</param>
    /// <param name="metadata">Strings for <c>__metadata__</c>.</param>
    /// <param name="isHalf">Whether values are rounded to half precision (<c>F16</c>), which takes half the room.</param>
    /// <exception cref="ArgumentException">
    /// A name, shape or array is null, a name cannot stand in the format, occurs twice or is reserved, a shape does not fit its values, or a finite value is too large for half
    /// precision. Nothing was written.
    /// </exception>
    public static void Write(
        string path,
        IEnumerable<(string Name, int[] Shape, float[] Values)> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        bool isHalf = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        (string Name, int[] Shape, float[] Values)[] sorted = Sorted(tensors, isHalf);
        byte[] header = Header(sorted, metadata, isHalf);
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (FileStream stream = File.Create(temporary))
                Write(stream, header, sorted, isHalf);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Writes to a stream, which stays open.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="tensors">Names, shapes and values in row-major order.</param>
    /// <param name="metadata">Strings for <c>__metadata__</c>.</param>
    /// <param name="isHalf">Whether values are rounded to half precision (<c>F16</c>), which takes half the room.</param>
    /// <exception cref="ArgumentException">
    /// A name, shape or array is null, a name cannot stand in the format, occurs twice or is reserved, a shape does not fit its values, or a finite value is too large for half
    /// precision. Nothing was written.
    /// </exception>
    public static void Write(
        Stream stream,
        IEnumerable<(string Name, int[] Shape, float[] Values)> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        bool isHalf = false)
    {
        ArgumentNullException.ThrowIfNull(stream);
        (string Name, int[] Shape, float[] Values)[] sorted = Sorted(tensors, isHalf);
        Write(stream, Header(sorted, metadata, isHalf), sorted, isHalf);
    }

    private static int Size(bool isHalf) => isHalf ? sizeof(ushort) : sizeof(float);

    private static void Write(Stream stream, byte[] header, (string Name, int[] Shape, float[] Values)[] sorted, bool isHalf)
    {
        Span<byte> length = stackalloc byte[SafetensorsHeader.LengthPrefix];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        stream.Write(header);
        byte[] buffer = new byte[1 << 16];
        int size = Size(isHalf);
        foreach ((_, _, float[] values) in sorted)
        {
            for (int done = 0; done < values.Length;)
            {
                int count = Math.Min(buffer.Length / size, values.Length - done);
                for (int i = 0; i < count; i++)
                {
                    if (isHalf)
                        BinaryPrimitives.WriteHalfLittleEndian(buffer.AsSpan(i * size), (Half)values[done + i]);
                    else
                        BinaryPrimitives.WriteSingleLittleEndian(buffer.AsSpan(i * size), values[done + i]);
                }

                stream.Write(buffer, 0, count * size);
                done += count;
            }
        }
    }

    private static (string Name, int[] Shape, float[] Values)[] Sorted(IEnumerable<(string Name, int[] Shape, float[] Values)> tensors, bool isHalf)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        (string Name, int[] Shape, float[] Values)[] sorted = [.. tensors.OrderBy(t => t.Name, StringComparer.Ordinal)];
        if (sorted.Length > SafetensorsHeader.MaxTensors)
            throw new ArgumentException($"There are {sorted.Length} tensors; the format holds {SafetensorsHeader.MaxTensors}.", nameof(tensors));
        for (int i = 0; i < sorted.Length; i++)
        {
            (string name, int[] shape, float[] values) = sorted[i];
            if (name is null)
                throw new ArgumentException($"A tensor{(shape is null ? "" : $" of shape {Text(shape)}")} has no name.", nameof(tensors));
            CheckText(name, $"The tensor name \"{name}\"", nameof(tensors));
            if (name == "__metadata__" || (i > 0 && sorted[i - 1].Name == name))
                throw new ArgumentException($"The tensor name \"{name}\" is reserved or occurs twice.", nameof(tensors));
            if (shape is null || values is null)
                throw new ArgumentException($"The {(shape is null ? "shape" : "array of values")} of tensor \"{name}\" is null.", nameof(tensors));
            Int128 count = 1;
            foreach (int dimension in shape)
            {
                if (dimension < 0)
                    throw new ArgumentException($"The shape {Text(shape)} of tensor \"{name}\" has a negative dimension.", nameof(tensors));
                count *= dimension;

                // A reader refuses it, also where a later dimension is 0.
                if (count > long.MaxValue)
                    throw new ArgumentException($"The shape {Text(shape)} of tensor \"{name}\" has 2^63 elements or more.", nameof(tensors));
            }

            if (count != values.Length)
                throw new ArgumentException($"The shape {Text(shape)} of tensor \"{name}\" has {count} elements, but there are {values.Length} values.", nameof(tensors));
            int large = isHalf ? Array.FindIndex(values, value => float.IsFinite(value) && Half.IsInfinity((Half)value)) : -1;
            if (large >= 0)
                throw new ArgumentException(FormattableString.Invariant($"Value {large} of tensor \"{name}\" is {values[large]}; half precision ends at {(float)Half.MaxValue}."), nameof(tensors));
        }

        return sorted;

        static string Text(int[] shape) => SafetensorsHeader.Shape(shape.Select(d => (long)d));
    }

    // A writer of JSON would put another character in the place of half a pair, and two names could become one.
    private static void CheckText(string text, string subject, string parameter)
    {
        if (text.Length > SafetensorsHeader.MaxNameLength)
            throw new ArgumentException($"{subject[..100]}... has {text.Length} characters; the format's readers take {SafetensorsHeader.MaxNameLength}.", parameter);
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                i++;
            else if (char.IsSurrogate(text[i]))
                throw new ArgumentException($"{subject} has half a surrogate pair at character {i}, which is no Unicode.", parameter);
        }
    }

    private static byte[] Header((string Name, int[] Shape, float[] Values)[] sorted, IReadOnlyDictionary<string, string>? metadata, bool isHalf)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(p => p.Key, StringComparer.Ordinal))
                {
                    CheckText(key, $"The metadata key \"{key}\"", nameof(metadata));
                    json.WriteString(key, value ?? throw new ArgumentException($"The metadata value of \"{key}\" is null.", nameof(metadata)));
                }

                json.WriteEndObject();
            }
            long offset = 0;
            foreach ((string name, int[] shape, float[] values) in sorted)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", isHalf ? "F16" : "F32");
                json.WriteStartArray("shape");
                foreach (int dimension in shape)
                    json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += (long)values.Length * Size(isHalf));
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        if (buffer.WrittenCount > SafetensorsHeader.MaxHeaderLength)
            throw new ArgumentException($"Names, shapes and metadata take {buffer.WrittenCount} bytes; the format has room for {SafetensorsHeader.MaxHeaderLength}.");
        byte[] padded = new byte[(buffer.WrittenCount + 7) / 8 * 8];
        padded.AsSpan().Fill((byte)' ');
        buffer.WrittenSpan.CopyTo(padded);
        return padded;
    }
}
