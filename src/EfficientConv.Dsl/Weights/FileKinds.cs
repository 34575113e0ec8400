using System.Text;

namespace EfficientConv.Dsl;

/// <summary>Recognises files that are given in a checkpoint's place, and says what to do about each.</summary>
internal static class FileKinds
{
    private const int ShownText = 40;
    private const string Convert = "load it in Python and write safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")";
    private const string Unpack = "unpack it first";

    // What files begin with. An entry whose offset is not 0 stands that far in.
    private static readonly (int Offset, byte[] Start, string Kind, string Advice)[] Starts =
    [
        (0, [.. "version https://git-lfs.github.com/spec/"u8], "a Git LFS pointer", "the file itself comes with \"git lfs pull\""),
        (0, [.. "/annex/objects/"u8], "a git-annex pointer", "the file itself comes with \"git annex get\""),
        (0, [.. "PK\x03\x04"u8], "a zip archive, as torch.save makes (.pt, .pth)", Convert),
        (0, [0x80, 0x02], "a Python pickle, as torch.save made (.pt, .pth)", Convert),
        (0, [0x80, 0x03], "a Python pickle", Convert),
        (0, [0x80, 0x04], "a Python pickle", Convert),
        (0, [0x80, 0x05], "a Python pickle", Convert),
        (0, [.. "GGUF"u8], "a GGUF file", "the network needs the checkpoint in safetensors form that it was made from"),
        (0, [.. "ECDPACK1"u8], "a file of packed weights", "LoadPacked reads it"),
        (0, [0x89, .. "HDF\r\n"u8], "an HDF5 file, as Keras makes (.h5)", "write its tensors with safetensors.numpy.save_file in Python"),
        (0, [0x93, .. "NUMPY"u8], "a NumPy array (.npy)", "write its tensors with safetensors.numpy.save_file in Python"),
        (4, [.. "TFL3"u8], "a TensorFlow Lite model", "the network needs the checkpoint that it was made from"),
        (0, [0x1f, 0x8b], "a gzip archive", Unpack),
        (0, [.. "BZh"u8], "a bzip2 archive", Unpack),
        (0, [0xfd, .. "7zXZ"u8], "an xz archive", Unpack),
        (0, [0x28, 0xb5, 0x2f, 0xfd], "a zstd archive", Unpack),
        (0, [.. "7z\xbc\xaf"u8], "a 7z archive", Unpack),
        (257, [.. "ustar"u8], "a tar archive", Unpack),
        (0, [0x89, .. "PNG\r\n"u8], "a PNG image", "give the checkpoint's path"),
        (0, [0xff, 0xd8, 0xff], "a JPEG image", "give the checkpoint's path"),
        (0, [.. "%PDF"u8], "a PDF document", "give the checkpoint's path"),
    ];

    /// <summary>
    /// What stands at <paramref name="path"/> where that cannot be opened and mapped; null for files. Opens nothing, so that a pipe nobody writes to does not block.
    /// </summary>
    internal static string? OfPath(string path)
    {
        if (Directory.Exists(path))
            return "a folder; give the path of a file in it";
        // Pipes, sockets and devices say that they have no bytes.
        return new FileInfo(path) is { Exists: true, Length: 0 }
            ? "an empty file, or a pipe (FIFO), socket or device, which cannot be mapped; fetch or write the file again, or load a checkpoint from the pipe as a Stream"
            : null;
    }

    /// <summary>What begins with <paramref name="start"/> and is no safetensors file; null where nothing is known.</summary>
    internal static string? OfBytes(ReadOnlySpan<byte> start)
    {
        foreach ((int offset, byte[] bytes, string kind, string advice) in Starts)
        {
            if (start.Length > offset && start[offset..].StartsWith(bytes))
                return $"{kind}; {advice}";
        }

        // Protocol buffers: the version, then the producer's name or the graph; a saved model of TensorFlow has version 1 and a graph.
        if (start is [0x08, 0x01, 0x12, ..])
            return "a TensorFlow model; the network needs the checkpoint in safetensors form that it was made from";
        if (start is [0x08, >= 0x03 and <= 0x20, 0x12 or 0x1a or 0x22 or 0x3a, ..])
            return "an ONNX model; the network needs the checkpoint in safetensors form that it was made from";

        ReadOnlySpan<byte> text = start.StartsWith("\ufeff"u8) ? start[3..] : start;
        text = text.TrimStart(" \t\r\n"u8);
        if (text.StartsWith("{"u8) || text.StartsWith("["u8))
            return "JSON text; the index of a checkpoint in several files must have a name that ends in .json";
        if (text.StartsWith("<"u8))
            return $"{(IsHtml(text) ? "an HTML page" : "markup")}, as a site sends in place of a file; download the file itself (a page's link to it, \"raw\" or \"resolve\")";
        return Text(text) is { } shown ? $"text that begins with \"{shown}\"; download or write the file again" : null;
    }

    private static bool IsHtml(ReadOnlySpan<byte> text) =>
        Encoding.Latin1.GetString(text[..Math.Min(text.Length, 512)]) is var start &&
        (start.StartsWith("<!DOCTYPE html", StringComparison.OrdinalIgnoreCase) || start.Contains("<html", StringComparison.OrdinalIgnoreCase));

    /// <summary>The first line, where all of it is printable.</summary>
    private static string? Text(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOfAny((byte)'\r', (byte)'\n');
        bytes = bytes[..Math.Min(end < 0 ? bytes.Length : end, ShownText)];
        return bytes.Length > 1 && !bytes.ContainsAnyExceptInRange((byte)' ', (byte)'~') ? Encoding.ASCII.GetString(bytes) : null;
    }
}
