using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using EfficientConv.Dsl.Cli.Tests.Import;

namespace EfficientConv.Dsl.Fuzzing;

/// <summary>Small right files, which are changed. What was found once, and files of JPEG, lie in <c>corpus</c> and are among them.</summary>
internal static class Seeds
{
    /// <summary>Files of ONNX that are small enough to be read fast.</summary>
    private const long MostBytes = 4096;

    /// <summary>The seeds of a target.</summary>
    public static byte[][] Of(FuzzTarget target)
    {
        string corpus = Path.Combine(AppContext.BaseDirectory, "corpus", target.Name);
        IEnumerable<byte[]> found = Directory.Exists(corpus) ? Directory.GetFiles(corpus).Order(StringComparer.Ordinal).Select(File.ReadAllBytes) : [];
        return [.. Made(target.Name), .. found];
    }

    /// <summary>Words of the format, as AFL's dictionaries have them: one quoted string a line, with \" and \xNN.</summary>
    public static byte[][] Dictionary(FuzzTarget target)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "dictionaries", target.Name + ".dict");
        return File.Exists(path) ? [.. File.ReadAllLines(path).Where(line => line.StartsWith('"')).Select(Unquoted)] : [];
    }

    /// <summary>Random tensors with the names and shapes of <see cref="TinyNet"/>.</summary>
    public static (string Name, int[] Shape, float[] Values)[] Tensors()
    {
        Random random = new(1);
        return [.. TinyNet.Parameters.ToArray().Select(spec => (
            spec.Key, spec.Shape.ToArray(), Enumerable.Range(0, (int)spec.ElementCount).Select(_ => 0.5f + random.NextSingle()).ToArray()))];
    }

    private static IEnumerable<byte[]> Made(string name) => name switch
    {
        "safetensors" or "safetensors-file" => [Checkpoint(), Typed()],
        "checkpoint" => [Checkpoint()],
        "index" => [Index()],
        "packed" => [Packed()],
        "schedule" => [Encoding.UTF8.GetBytes(Schedule)],
        "picture" => [Pnm('5', 1), Pnm('6', 3), Png(0, 1), Png(2, 3), Png(3, 1), Png(4, 2), Png(6, 4)],
        "upload" => [Png(0, 1), Png(2, 3), Png(3, 1), Png(4, 2), Png(6, 4)],
        "pixels" => [Pixels(PixelFormat.Rgb, 0, 24), Pixels(PixelFormat.Bgra, 1, 32), Pixels(PixelFormat.Gray, 1, 8)],
        "onnx" => Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "fixtures", "onnx"), "*.onnx").Where(file => new FileInfo(file).Length <= MostBytes)
            .Order(StringComparer.Ordinal).Select(File.ReadAllBytes),
        "tflite" => [TfLite(false), TfLite(true)],
        _ => throw new ArgumentException($"There is no target {name}.", nameof(name)),
    };

    private static byte[] Checkpoint()
    {
        using MemoryStream stream = new();
        SafetensorsWriter.Write(stream, Tensors());
        return stream.ToArray();
    }

    /// <summary>A tensor of each kind that is read, and metadata.</summary>
    private static byte[] Typed()
    {
        byte[] header = Encoding.UTF8.GetBytes(
            """{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[8,16]},"c":{"dtype":"F64","shape":[],"data_offsets":[16,24]},"d":{"dtype":"I64","shape":[0,3],"data_offsets":[24,24]}}""");
        byte[] file = new byte[sizeof(ulong) + header.Length + 24];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, sizeof(ulong));
        return file;
    }

    private static byte[] Index()
    {
        IEnumerable<string> entries = Tensors().Select((tensor, i) => $"\"{tensor.Name}\":\"{(i < 3 ? "a" : "b")}.safetensors\"");
        return Encoding.UTF8.GetBytes("{\"metadata\":{\"total_size\":612},\"weight_map\":{" + string.Join(',', entries) + "}}");
    }

    private static byte[] Packed()
    {
        string path = Path.GetTempFileName();
        try
        {
            TinyNet.CreateRandom(seed: 1, new LoadOptions { InstructionSet = InstructionSet.Scalar }).SavePacked(path);
            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private const string Schedule = """
        {
          "version": 1,
          "machine": "a processor",
          "schedules": [
            { "layer": "24x56x56 > 144 k3x3 s1x1 p1,1,1,1 ReLU6 ReLU6 > 24x56x56 +x nchw nchw", "isa": "Avx512", "form": "rows", "rows": 2, "slab": 16 },
            { "layer": "3x8x8 > 4 k3x3", "isa": "Avx2", "form": "slabs", "slab": 8 }
          ]
        }
        """;

    private static byte[] Pnm(char kind, int samples) =>
        [.. Encoding.ASCII.GetBytes($"P{kind}\n# made\n6 5\n255\n"), .. Enumerable.Range(0, 6 * 5 * samples).Select(i => (byte)i)];

    /// <summary>6 x 5 pixels, one filter a row.</summary>
    private static byte[] Png(byte kind, int samples)
    {
        using MemoryStream rows = new();
        using (ZLibStream deflate = new(rows, CompressionLevel.Fastest, leaveOpen: true))
        {
            for (int y = 0; y < 5; y++)
            {
                deflate.WriteByte((byte)y);
                for (int i = 0; i < 6 * samples; i++)
                    deflate.WriteByte((byte)(i % 7));
            }
        }

        using MemoryStream file = new();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        Chunk("IHDR", [0, 0, 0, 6, 0, 0, 0, 5, 8, kind, 0, 0, 0]);
        if (kind == 3)
            Chunk("PLTE", [.. Enumerable.Range(0, 3 * 256).Select(i => (byte)i)]);
        Chunk("IDAT", rows.ToArray());
        Chunk("IEND", []);
        return file.ToArray();

        void Chunk(string type, byte[] data)
        {
            byte[] length = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(length, data.Length);
            file.Write([.. length, .. Encoding.ASCII.GetBytes(type), .. data, 0, 0, 0, 0]);
        }
    }

    /// <summary>An image of 8 x 8 for the network, or to be resized to 4 x 4.</summary>
    private static byte[] Pixels(PixelFormat format, byte isResized, byte stride) => [8, 0, 8, 0, 4, 0, 4, 0, 4, 0, (byte)format, isResized, stride, 0, 0, 0, 0, 0, .. Enumerable.Range(0, 8 * stride).Select(i => (byte)i)];

    private static byte[] TfLite(bool isDepthwise)
    {
        TfLiteWriter writer = new();
        int image = writer.Input(1, 7, 6, 4);
        float[] values = [.. Enumerable.Range(0, 5 * 9 * 4).Select(i => (i % 11) * 0.1f)];
        int made = isDepthwise
            ? writer.Add("DEPTHWISE_CONV_2D", [image, writer.Constant([1, 3, 3, 4], values[..36]), writer.Constant([4], values[..4])], [1, 4, 3, 4], (0, (sbyte)0), (1, 2), (2, 2), (3, 1), (4, (sbyte)1))
            : writer.Add("CONV_2D", [image, writer.Constant([5, 3, 3, 4], values), writer.Constant([5], values[..5])], [1, 4, 3, 5], (0, (sbyte)0), (1, 2), (2, 2), (3, (sbyte)3));
        return writer.Write(made);
    }

    private static byte[] Unquoted(string line)
    {
        List<byte> bytes = [];
        for (int i = 1; i < line.Length && line[i] != '"'; i++)
        {
            if (line[i] != '\\')
            {
                bytes.Add((byte)line[i]);
            }
            else if (line[++i] == 'x')
            {
                bytes.Add(Convert.FromHexString(line.AsSpan(i + 1, 2))[0]);
                i += 2;
            }
            else
            {
                bytes.Add((byte)line[i]);
            }
        }

        return [.. bytes];
    }
}
