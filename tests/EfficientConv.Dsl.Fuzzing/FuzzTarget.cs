using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Import;
using MobileNetSample;

namespace EfficientConv.Dsl.Fuzzing;

/// <summary>One reader of foreign bytes.</summary>
/// <param name="Name">What the command line calls it; its dictionary and corpus have this name.</param>
/// <param name="Read">Reads bytes, and a file that holds them. What it throws beside <paramref name="IsExpected"/> is a finding.</param>
/// <param name="IsExpected">The exceptions that the reader promises for bytes that it refuses.</param>
/// <param name="MostAllocated">Managed bytes that one read may allocate, garbage included: inputs have some kilobytes.</param>
/// <param name="TakesFile">Whether the file is read, and so has to be there.</param>
/// <param name="Repair">Makes a changed input consistent where an unchanged one is, so that changes reach beyond the first check; null where there is nothing.</param>
internal sealed record FuzzTarget(string Name, Action<byte[], string> Read, Func<Exception, bool> IsExpected, long MostAllocated, bool TakesFile, Action<byte[], int>? Repair = null)
{
    private const long Megabyte = 1 << 20;

    /// <summary>Elements of a tensor that are read.</summary>
    private const long MostElements = 1 << 20;

    /// <summary>Pixels of a picture that the server takes.</summary>
    private const int MostPixels = 1 << 20;

    private static readonly LoadOptions s_options = new() { InstructionSet = InstructionSet.Scalar };

    private static readonly TinyNet s_network = TinyNet.CreateRandom(seed: 1, s_options);

    private static readonly float[] s_output = new float[TinyNet.OutputShape.ElementCount];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("safetensors", (bytes, _) => ReadTensors(SafetensorsFile.Read(bytes)), e => e is SafetensorsException, 16 * Megabyte, false, RepairHeader),
        new("safetensors-file", (_, path) => ReadTensors(SafetensorsFile.Open(path)), e => e is SafetensorsException, 16 * Megabyte, true, RepairHeader),
        new("checkpoint", (bytes, _) => TinyNet.Load(new MemoryStream(bytes), s_options), e => e is SafetensorsException or WeightsException, 16 * Megabyte, false, RepairHeader),
        new("index", ReadIndex, e => e is SafetensorsException or WeightsException, 16 * Megabyte, false),
        new("packed", (_, path) => TinyNet.LoadPacked(path, s_options), e => e is PackedWeightsException, 16 * Megabyte, true),
        new("schedule", (bytes, _) => ScheduleOverrides.Parse(Encoding.UTF8.GetString(bytes)), e => e is JsonFormatException, 16 * Megabyte, false),
        new("picture", (_, path) => Picture.Read(path), e => e is InvalidDataException, 64 * Megabyte, true),
        new("upload", (bytes, _) => Serving.Picture.Decode(bytes, MostPixels).Dispose(), e => e is Serving.InferenceException, 64 * Megabyte, false),
        new("pixels", (bytes, _) => ReadPixels(bytes), e => e is ArgumentException, 64 * Megabyte, false),
        new("onnx", (_, path) => Import(path), e => e is ImportException, 512 * Megabyte, true),
        new("tflite", (_, path) => Import(path), e => e is ImportException, 512 * Megabyte, true),
    ];

    /// <summary>The weights in files of their own, whose index is what is changed.</summary>
    private static readonly Lazy<string> s_shards = new(() =>
    {
        string folder = Directory.CreateDirectory(Path.Combine(FuzzRun.Folder, $"efficientconv-fuzz-shards-{Environment.ProcessId}")).FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        (string Name, int[] Shape, float[] Values)[] tensors = Seeds.Tensors();
        SafetensorsWriter.Write(Path.Combine(folder, "a.safetensors"), tensors[..3]);
        SafetensorsWriter.Write(Path.Combine(folder, "b.safetensors"), tensors[3..]);
        return folder;
    });

    private static void ReadTensors(SafetensorsFile file)
    {
        using (file)
        {
            foreach (SafetensorsTensor tensor in file.Tensors.Where(tensor => tensor.ElementCount <= MostElements))
            {
                if (tensor.Type is SafetensorsType.F32 or SafetensorsType.F16 or SafetensorsType.BF16 or SafetensorsType.F64)
                    file.ReadSingle(tensor.Name);
            }
        }
    }

    private static void ReadIndex(byte[] bytes, string path)
    {
        string index = Path.Combine(s_shards.Value, "model.safetensors.index.json");
        File.WriteAllBytes(index, bytes);
        TinyNet.Load(index, s_options);
    }

    private static void Import(string path) => ModelImport.Import(new ImportRequest { Path = path, Name = "Net" });

    /// <summary>The length of the header follows what was put into it or taken out.</summary>
    private static void RepairHeader(byte[] bytes, int grown)
    {
        if (bytes.Length < sizeof(ulong))
            return;
        long length = BinaryPrimitives.ReadInt64LittleEndian(bytes) + grown;
        if (length >= 0 && length <= bytes.Length - sizeof(ulong))
            BinaryPrimitives.WriteInt64LittleEndian(bytes, length);
    }

    /// <summary>Sizes, a format and a stride from the first bytes, pixels from the others; what is written lies between guards.</summary>
    private static void ReadPixels(byte[] bytes)
    {
        const int Header = 18, Guard = 64, MostSide = 512;
        if (bytes.Length < Header)
            return;
        ReadOnlySpan<ushort> sizes = MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan(0, 10));
        PixelFormat format = (PixelFormat)(sbyte)bytes[10];
        int stride = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(12));
        ReadOnlySpan<byte> pixels = bytes.AsSpan(Header);
        if (bytes[11] == 0)
        {
            s_network.Forward(pixels, format, stride, s_output);
            return;
        }

        ImageResize resize = new(sizes[0], sizes[1], sizes[2], sizes[3] % MostSide, sizes[4] % MostSide);
        byte[] result = new byte[(2 * Guard) + (resize.Width * resize.Height * 3)];
        result.AsSpan().Fill(0xA5);
        resize.Run(pixels, format, stride, result.AsSpan(Guard, result.Length - (2 * Guard)));
        if (result.AsSpan(0, Guard).ContainsAnyExcept((byte)0xA5) || result.AsSpan(result.Length - Guard).ContainsAnyExcept((byte)0xA5))
            throw new InvalidOperationException("Bytes beside the result were written.");
    }
}
