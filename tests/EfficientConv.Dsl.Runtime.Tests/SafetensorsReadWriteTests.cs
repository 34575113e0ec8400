using System.Buffers.Binary;
using System.Text;

namespace EfficientConv.Dsl.Runtime.Tests;

public sealed class SafetensorsReadWriteTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("safetensors").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Half_is_converted()
    {
        Half[] values = [Half.Zero, Half.NegativeZero, Half.One, (Half)(-1.5f), Half.Epsilon, Half.MaxValue, Half.PositiveInfinity, Half.NaN];
        float[] read = ReadSingle("F16", values.Length, 2, (i, bytes) => BinaryPrimitives.WriteHalfLittleEndian(bytes, values[i]));
        Assert.Equal(values.Select(v => (float)v), read);
        Assert.True(float.IsNegative(read[1]));
    }

    [Fact]
    public void Every_half_value_is_converted()
    {
        float[] read = ReadSingle("F16", 65536, 2, (i, bytes) => BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)i));
        for (int i = 0; i < read.Length; i++)
            Assert.Equal((float)BitConverter.UInt16BitsToHalf((ushort)i), read[i]);
    }

    [Fact]
    public void Half_is_written()
    {
        float[] values = [0f, -0f, 1f, 1f / 3, 65504f, -65519f, 1e-9f, float.PositiveInfinity, float.NaN];
        using MemoryStream stream = new();
        SafetensorsWriter.Write(stream, [("a", [9], values), ("b", [2, 1], [1f, 2f])], isHalf: true);
        using SafetensorsFile file = SafetensorsFile.Read(stream.ToArray());
        Assert.Equal(values.Select(value => (float)(Half)value), file.ReadSingle("a"));
        Assert.Equal([1f, 2f], file.ReadSingle("b"));
    }

    [Fact]
    public void What_half_precision_cannot_hold_is_refused()
    {
        using MemoryStream stream = new();
        ArgumentException e = Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(stream, [("a", [3], [1f, 65520f, 1f])], isHalf: true));
        Assert.Contains("Value 1 of tensor \"a\" is 65520; half precision ends at 65504.", e.Message, StringComparison.Ordinal);
        Assert.Equal(0, stream.Length);
    }

    [Fact]
    public void Every_bfloat_value_is_converted()
    {
        float[] read = ReadSingle("BF16", 65536, 2, (i, bytes) => BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)i));
        for (int i = 0; i < read.Length; i++)
            Assert.Equal((uint)i << 16, BitConverter.SingleToUInt32Bits(read[i]));
    }

    [Fact]
    public void Double_is_rounded_to_nearest()
    {
        double[] values = [1.0, Math.PI, -1e-50, 1e300, double.NaN, 1 + Math.Pow(2, -24), 1 + (3 * Math.Pow(2, -24))];
        float[] read = ReadSingle("F64", values.Length, 8, (i, bytes) => BinaryPrimitives.WriteDoubleLittleEndian(bytes, values[i]));
        Assert.Equal([1f, MathF.PI, -0f, float.PositiveInfinity, float.NaN, 1f, 1f + (2 * MathF.Pow(2, -23))], read);
    }

    [Theory]
    [InlineData("I32", 4)]
    [InlineData("BOOL", 1)]
    [InlineData("F8_E4M3", 1)]
    [InlineData("C64", 8)]
    public void Other_types_are_refused_when_read(string type, int size)
    {
        using SafetensorsFile file = SafetensorsFile.Read(
            SafetensorsBytes.Create($$$"""{"a":{"dtype":"{{{type}}}","shape":[1],"data_offsets":[0,{{{size}}}]}}""", new byte[size]));
        Assert.Contains(type, Assert.Throws<SafetensorsException>(() => file.ReadSingle("a")).Message, StringComparison.Ordinal);
        Assert.Contains("no such tensor", Assert.Throws<SafetensorsException>(() => file.ReadSingle("b")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Unaligned_data_are_read(int padding)
    {
        float[] values = [.. Enumerable.Range(0, 5000).Select(i => i * 0.25f)];
        byte[] data = new byte[values.Length * 4];
        Buffer.BlockCopy(values, 0, data, 0, data.Length);
        string header = $$$"""{"a":{"dtype":"F32","shape":[5000],"data_offsets":[0,20000]}}""" + new string(' ', padding);
        byte[] bytes = SafetensorsBytes.Create(Encoding.UTF8.GetBytes(header), data);
        string path = Path.Combine(_folder, "unaligned.safetensors");
        File.WriteAllBytes(path, bytes);

        using SafetensorsFile mapped = SafetensorsFile.Open(path);
        Assert.Equal(values, mapped.ReadSingle("a"));
        Assert.Equal(values, SafetensorsFile.Read(bytes).ReadSingle("a"));
        Assert.Equal(values, SafetensorsFile.Read(bytes.AsSpan()).ReadSingle("a"));
        Assert.Equal(values, SafetensorsFile.Read(bytes.AsMemory()).ReadSingle("a"));
        Assert.Equal(values, SafetensorsFile.Read(new MemoryStream(bytes)).ReadSingle("a"));
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        string path = Path.Combine(_folder, "written.safetensors");
        (string, int[], float[])[] tensors =
        [
            ("z.weight", [2, 3], [1, 2, 3, 4, 5, float.Epsilon]),
            ("a \"ü\"", [], [-0f]),
            ("m", [0, 4], []),
        ];
        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["format"] = "pt" });
        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["format"] = "np" });

        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal("np", file.Metadata["format"]);
        Assert.Equal(["a \"ü\"", "m", "z.weight"], file.Tensors.Select(t => t.Name));
        foreach ((string name, int[] shape, float[] values) in tensors)
        {
            Assert.True(file.TryGetTensor(name, out SafetensorsTensor? tensor));
            Assert.Equal(shape.Select(d => (long)d), tensor.Shape);
            Assert.Equal(values, file.ReadSingle(name));
        }
        Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(File.ReadAllBytes(path)) % 8);
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    [Fact]
    public void Failed_write_leaves_the_old_file_and_no_temporary_one()
    {
        string path = Path.Combine(_folder, "kept.safetensors");
        File.WriteAllText(path, "old");
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(path, [("a", [2], [1f])]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(path, [("a", [1], [1f]), ("a", [1], [1f])]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(path, [("__metadata__", [1], [1f])]));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(_folder));
    }

    public static TheoryData<string?, int[]?, float[]?, string> Unwritable => new()
    {
        { "a", [-1, -1], [1], "negative dimension" },
        { "a", [0, -1], [], "negative dimension" },
        { "a", [int.MinValue], [1], "negative dimension" },
        { "a", [int.MaxValue, int.MaxValue, int.MaxValue], [1], "2^63 elements" },
        { "a", [int.MaxValue, int.MaxValue, int.MaxValue, 0], [], "2^63 elements" },
        { "a", [65536, 65536, 65536, 65536], [], "2^63 elements" },
        { "a", [65536, 65536], [], "has 4294967296 elements" },
        { null, [1], [1], "has no name" },
        { null, null, null, "has no name" },
        { "a", null, [1], "shape of tensor \"a\" is null" },
        { "a", [1], null, "array of values of tensor \"a\" is null" },
        { new string('n', 4097), [1], [1], "4097 characters" },
    };

    [Theory]
    [MemberData(nameof(Unwritable))]
    public void What_could_not_be_read_is_not_written(string? name, int[]? shape, float[]? values, string message)
    {
        (string, int[], float[])[] tensors = [("good", [1], [1f]), (name!, shape!, values!)];
        string path = Path.Combine(_folder, "unwritten.safetensors");
        using var stream = new MemoryStream();
        foreach (Action write in new Action[] { () => SafetensorsWriter.Write(path, tensors), () => SafetensorsWriter.Write(stream, tensors) })
        {
            var e = Assert.Throws<ArgumentException>(write);
            Assert.Contains(message, e.Message, StringComparison.Ordinal);
            Assert.Equal("tensors", e.ParamName);
        }
        Assert.Equal(0, stream.Length);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Text_that_could_not_be_read_is_not_written()
    {
        using var stream = new MemoryStream();
        Refused("\"k\" is null", [], new Dictionary<string, string> { ["k"] = null! });
        Refused("surrogate pair at character 0", [], new Dictionary<string, string> { ["\ud800"] = "v" });
        Assert.Throws<ArgumentNullException>(() => SafetensorsWriter.Write(stream, null!));

        // A writer of JSON puts another character in their place, so that two names may become one.
        Refused("surrogate pair at character 0", [("\ud800", [1], [1f])], null);
        Refused("surrogate pair at character 1", [("a\udc00\ud800", [1], [1f])], null);
        Assert.Equal(0, stream.Length);

        void Refused(string message, (string, int[], float[])[] tensors, Dictionary<string, string>? metadata) =>
            Assert.Contains(message, Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(stream, tensors, metadata)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bad_file_is_named_and_closed()
    {
        string path = Path.Combine(_folder, "bad.safetensors");
        foreach (byte[] content in new byte[][] { [], [1, 2, 3], SafetensorsBytes.Create("{\"a\":1}") })
        {
            File.WriteAllBytes(path, content);
            Assert.StartsWith(path, Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path)).Message, StringComparison.Ordinal);
            using FileStream exclusive = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        }
        Assert.Throws<FileNotFoundException>(() => SafetensorsFile.Open(Path.Combine(_folder, "none.safetensors")));
    }

    [Fact]
    public void File_over_two_gigabytes_is_mapped()
    {
        // Sparse: only the header and the last tensor take room on the disk.
        const long big = 3L << 30;
        string path = Path.Combine(_folder, "big.safetensors");
        byte[] header = Encoding.UTF8.GetBytes(
            $$$"""{"big":{"dtype":"U8","shape":[{{{big}}}],"data_offsets":[0,{{{big}}}]},"last":{"dtype":"F32","shape":[2],"data_offsets":[{{{big}}},{{{big + 8}}}]}}""");
        using (FileStream stream = File.Create(path))
        {
            stream.Write(SafetensorsBytes.Create(header, []));
            stream.Position = 8 + header.Length + big;
            stream.Write([0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]);
        }
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal([1f, 2f], file.ReadSingle("last"));
    }

    [Fact]
    public void Disposed_file_is_not_read()
    {
        SafetensorsFile file = SafetensorsFile.Read(SafetensorsBytes.Write(("a", [1], [1f])));
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.ReadSingle("a"));
    }

    private delegate void WriteElement(int index, Span<byte> bytes);

    private static float[] ReadSingle(string type, int count, int size, WriteElement write)
    {
        byte[] data = new byte[count * size];
        for (int i = 0; i < count; i++)
            write(i, data.AsSpan(i * size, size));
        using SafetensorsFile file = SafetensorsFile.Read(
            SafetensorsBytes.Create($$$"""{"a":{"dtype":"{{{type}}}","shape":[{{{count}}}],"data_offsets":[0,{{{data.Length}}}]}}""", data));
        return file.ReadSingle("a");
    }
}
