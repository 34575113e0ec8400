using System.Buffers.Binary;
using System.Text;

namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>Files put together by hand, right or wrong.</summary>
internal static class SafetensorsBytes
{
    internal static byte[] Create(string header, params byte[] data) => Create(Encoding.UTF8.GetBytes(header), data);

    internal static byte[] Create(byte[] header, byte[] data, ulong? statedLength = null)
    {
        byte[] file = new byte[8 + header.Length + data.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(file, statedLength ?? (ulong)header.Length);
        header.CopyTo(file, 8);
        data.CopyTo(file, 8 + header.Length);
        return file;
    }

    internal static byte[] Write(params (string Name, int[] Shape, float[] Values)[] tensors)
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, tensors);
        return stream.ToArray();
    }
}
