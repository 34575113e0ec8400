using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

namespace EfficientConv.Dsl;

/// <summary>Writes single-precision tensors in the safetensors format, sorted by name, data aligned to 8 bytes.</summary>
public static class SafetensorsWriter
{
    /// <summary>Writes a file. It is written beside its place and then moved there, so that no reader sees half of it.</summary>
    /// <param name="path">The file; an existing one is replaced.</param>
    /// <param name="tensors">Names, shapes and values in row-major order.</param>
    /// <param name="metadata">Strings for <c>__metadata__</c>.</param>
    /// <exception cref="ArgumentException">A name occurs twice or is reserved, or a shape does not fit its values.</exception>
    public static void Write(
        string path,
        IEnumerable<(string Name, int[] Shape, float[] Values)> tensors,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (FileStream stream = File.Create(temporary))
                Write(stream, tensors, metadata);
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
    /// <exception cref="ArgumentException">A name occurs twice or is reserved, or a shape does not fit its values.</exception>
    public static void Write(
        Stream stream,
        IEnumerable<(string Name, int[] Shape, float[] Values)> tensors,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(tensors);
        (string Name, int[] Shape, float[] Values)[] sorted = [.. tensors.OrderBy(t => t.Name, StringComparer.Ordinal)];
        Check(sorted);

        byte[] header = Header(sorted, metadata);
        Span<byte> length = stackalloc byte[SafetensorsHeader.LengthPrefix];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        stream.Write(header);
        byte[] buffer = new byte[1 << 16];
        foreach ((_, _, float[] values) in sorted)
        {
            for (int done = 0; done < values.Length;)
            {
                int count = Math.Min(buffer.Length / sizeof(float), values.Length - done);
                for (int i = 0; i < count; i++)
                    BinaryPrimitives.WriteSingleLittleEndian(buffer.AsSpan(i * sizeof(float)), values[done + i]);
                stream.Write(buffer, 0, count * sizeof(float));
                done += count;
            }
        }
    }

    private static void Check((string Name, int[] Shape, float[] Values)[] tensors)
    {
        for (int i = 0; i < tensors.Length; i++)
        {
            (string name, int[] shape, float[] values) = tensors[i];
            if (name == "__metadata__" || (i > 0 && tensors[i - 1].Name == name))
                throw new ArgumentException($"The tensor name \"{name}\" is reserved or occurs twice.", nameof(tensors));
            long count = 1;
            foreach (int dimension in shape)
                count = checked(count * dimension);
            if (count != values.Length)
                throw new ArgumentException($"The shape of tensor \"{name}\" has {count} elements, but there are {values.Length} values.", nameof(tensors));
        }
    }

    private static byte[] Header((string Name, int[] Shape, float[] Values)[] sorted, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(p => p.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            long offset = 0;
            foreach ((string name, int[] shape, float[] values) in sorted)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", "F32");
                json.WriteStartArray("shape");
                foreach (int dimension in shape)
                    json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += (long)values.Length * sizeof(float));
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        byte[] padded = new byte[(buffer.WrittenCount + 7) / 8 * 8];
        padded.AsSpan().Fill((byte)' ');
        buffer.WrittenSpan.CopyTo(padded);
        return padded;
    }
}
