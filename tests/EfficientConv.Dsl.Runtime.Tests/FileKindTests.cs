using System.Runtime.InteropServices;
using System.Text;
using Engine = EfficientConv.Dsl.Runtime.ConvNetEngine<EfficientConv.Dsl.Runtime.Tests.TinyProgram>;

namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>What people give as weights that are none: the exception says what it is and what to do.</summary>
public sealed partial class FileKindTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kinds").FullName;

    public static TheoryData<byte[], string, string> Kinds => new()
    {
        { Text("<!DOCTYPE html>\n<html lang=\"en\"><head>"), "an HTML page", "download the file itself" },
        { Text("\n  <html><body>Sign in</body></html>"), "an HTML page", "download the file itself" },
        { Text("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"), "markup", "download the file itself" },
        { Text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab\nsize 12345\n"), "a Git LFS pointer", "git lfs pull" },
        { Text("/annex/objects/SHA256E-s1048576--c0ffee.safetensors\n"), "a git-annex pointer", "git annex get" },
        { [.. "PK\x03\x04"u8, 0, 0, 8, 8, 0, 0, .. "archive/data.pkl"u8], "a zip archive, as torch.save makes (.pt, .pth)", "safetensors.torch.save_file" },
        { [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8], "a Python pickle, as torch.save made", "safetensors.torch.save_file" },
        { [0x80, 0x04, 0x95, 0x10, 0, 0, 0, 0, 0, 0, 0], "a Python pickle", "safetensors.torch.save_file" },
        { [.. "GGUF"u8, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], "a GGUF file", "in safetensors form" },
        { [0x08, 0x07, 0x12, 0x07, .. "pytorch"u8, 0x1a, 0x05, .. "1.13.0"u8], "an ONNX model", "in safetensors form" },
        { [0x08, 0x08, 0x3a, 0xff, 0x11, 0x0a, 0x20, 0x0a, 0x05], "an ONNX model", "in safetensors form" },
        { [0x08, 0x01, 0x12, 0xac, 0x8a, 0x01, 0x0a, 0x20], "a TensorFlow model", "in safetensors form" },
        { [0x1c, 0, 0, 0, .. "TFL3"u8, 0x14, 0, 0x20, 0], "a TensorFlow Lite model", "checkpoint" },
        { [0x89, .. "HDF\r\n"u8, 0x1a, 0x0a, 0, 0, 0], "an HDF5 file", "safetensors.numpy.save_file" },
        { [0x93, .. "NUMPY"u8, 1, 0, 0x76, 0], "a NumPy array", "safetensors.numpy.save_file" },
        { [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], "a gzip archive", "unpack it first" },
        { [.. Text("model/weights.bin"), .. new byte[240], .. "ustar"u8, 0, 0x30, 0x30], "a tar archive", "unpack it first" },
        { [.. "ECDPACK1"u8, 2, 0, 0, 0, 4, 0, 0, 0], "a file of packed weights", "LoadPacked" },
        { [0x89, .. "PNG\r\n"u8, 0x1a, 0x0a, 0, 0, 0, 13], "a PNG image", "path" },
        { Text("{\"weight_map\": {\"0.weight\": \"a.safetensors\"}}"), "JSON text", ".json" },
        { Text("Entry not found"), "text that begins with \"Entry not found\"", "again" },
        { Text("404"), "text that begins with \"404\"", "again" },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Other_files_are_named_and_a_way_out_is_shown(byte[] content, string kind, string advice)
    {
        string path = Path.Combine(_folder, "net.safetensors");
        File.WriteAllBytes(path, content);
        Check(Assert.Throws<SafetensorsException>(() => Engine.Load(path)));
        Check(Assert.Throws<SafetensorsException>(() => Engine.Load(new MemoryStream(content))));
        Check(Assert.Throws<SafetensorsException>(() => Engine.Load(content)));
        File.Delete(path);

        void Check(SafetensorsException e)
        {
            Assert.Equal(("kind of file", "safetensors"), (e.What, e.Expected));
            Assert.StartsWith(kind, e.Found, StringComparison.Ordinal);
            Assert.Contains(advice, e.Found, StringComparison.Ordinal);
            Assert.EndsWith(e.Found, e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Nothing_else_is_taken_for_another_kind()
    {
        // Every header length that fits, whatever file it could also begin.
        Assert.Single(SafetensorsFile.Read(SafetensorsBytes.Write(("a", [1], [1f]))).Tensors);
        foreach (byte[] content in new byte[][] { [1, 2, 3], [0xff, 0, 0, 0, 0, 0, 0, 0x10, 0x7b], new byte[7] })
            Assert.DoesNotContain("kind of file", Assert.Throws<SafetensorsException>(() => Engine.Load(content)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Folder_is_refused_by_every_reader()
    {
        string index = Directory.CreateDirectory(Path.Combine(_folder, "model.safetensors.index.json")).FullName;
        foreach (string path in new[] { _folder, index })
        {
            var e = Assert.Throws<SafetensorsException>(() => Engine.Load(path));
            Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
            Assert.Contains("a folder; give the path of a file in it", e.Message, StringComparison.Ordinal);
            Assert.Contains("a folder", Assert.Throws<PackedWeightsException>(() => Engine.LoadPacked(path)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Empty_file_and_a_pipe_are_refused_and_do_not_hang()
    {
        List<string> names = ["empty.safetensors", "empty.index.json"];
        foreach (string name in names)
            File.WriteAllBytes(Path.Combine(_folder, name), []);
        if (!OperatingSystem.IsWindows())
        {
            foreach (string name in new[] { "fifo.safetensors", "fifo.index.json" })
            {
                Assert.Equal(0, MakePipe(Path.Combine(_folder, name), 0b110_000_000));
                names.Add(name);
            }
        }

        foreach (string path in names.Select(name => Path.Combine(_folder, name)))
        {
            // Opening a pipe that nobody writes to waits forever.
            Task task = Task.Run(() =>
            {
                Assert.Contains("a pipe (FIFO), socket or device", Assert.Throws<SafetensorsException>(() => Engine.Load(path)).Message, StringComparison.Ordinal);
                Assert.Contains("an empty file", Assert.Throws<PackedWeightsException>(() => Engine.LoadPacked(path)).Message, StringComparison.Ordinal);
            });
            await task.WaitAsync(TimeSpan.FromSeconds(60));
        }
    }

    [Theory]
    [InlineData("{\"weight_map\":{\"\\ud800\":\"a.safetensors\"}}", "valid Unicode")]
    [InlineData("{\"weight_map\":{\"0.weight\":\"\\ud800\"}}", "valid Unicode")]
    [InlineData("{\"weight_map\":{\"0.weight\":\"\\udc00\\ud800\"}}", "valid Unicode")]
    [InlineData("<!DOCTYPE html><html>", "an HTML page")]
    [InlineData("version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer")]
    public void Index_of_another_kind_or_without_Unicode_is_explained(string text, string expected) => CheckIndex(Text(text), expected);

    [Fact]
    public void Index_that_is_not_UTF8_is_explained()
    {
        CheckIndex([.. "{\"weight_map\":{\""u8, 0xff, 0xfe, .. "\":\"a.safetensors\"}}"u8], "valid UTF-8");
        CheckIndex([.. "{\"weight_map\":{\"0.weight\":\""u8, 0xc3, .. "\"}}"u8], "valid UTF-8");
        CheckIndex([.. "PK\x03\x04"u8, 0, 0, 0xff, 0xff], "a zip archive");
    }

    private void CheckIndex(byte[] content, string expected)
    {
        string path = Path.Combine(_folder, "model.safetensors.index.json");
        File.WriteAllBytes(path, content);
        var e = Assert.Throws<SafetensorsException>(() => Engine.Load(path));
        Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakePipe(string path, uint mode);
}
