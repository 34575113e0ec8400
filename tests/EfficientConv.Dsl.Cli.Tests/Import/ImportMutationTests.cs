using System.Diagnostics;
using System.Globalization;
using EfficientConv.Dsl.Import;

namespace EfficientConv.Dsl.Cli.Tests.Import;

/// <summary>
/// Damaged and hostile files: one error or a network, no crash, no hang, no memory without bound. EFFICIENTCONV_MUTATIONS sets the number of
/// files and EFFICIENTCONV_MUTATIONS_FROM the first one's seed.
/// </summary>
[Trait("Duration", "long")]
public sealed class ImportMutationTests
{
    private const int Default = 3000, MostShown = 20;

    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(20);

    /// <summary>Bytes that an import of the small files here may allocate, garbage included; what a 4 kB file asks for without bound is far more.</summary>
    private const long MostAllocated = 512L << 20;

    [Fact]
    public void MutatedFiles_AreRefusedOrRead()
    {
        int count = Environment.GetEnvironmentVariable("EFFICIENTCONV_MUTATIONS") is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : Default;
        byte[][] files = [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "fixtures", "onnx"), "*.onnx").Order().Select(File.ReadAllBytes), .. TfLiteTests.Files()];
        string path = Path.GetTempFileName();
        List<string> wrong = [];
        int refused = 0, first = Environment.GetEnvironmentVariable("EFFICIENTCONV_MUTATIONS_FROM") is { Length: > 0 } start ? int.Parse(start, CultureInfo.InvariantCulture) : 0;
        try
        {
            for (int seed = first; seed < first + count && wrong.Count < MostShown; seed++)
            {
                File.WriteAllBytes(path, Mutated(files, seed));
                long allocated = GC.GetAllocatedBytesForCurrentThread();
                Stopwatch watch = Stopwatch.StartNew();
                try
                {
                    ModelImport.Import(new ImportRequest { Path = path, Name = "Net" });
                }
                catch (ImportException exception)
                {
                    Assert.NotEmpty(exception.Message);
                    refused++;
                }
                catch (Exception exception)
                {
                    wrong.Add($"mutation {seed}: {exception}");
                }

                allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
                if (watch.Elapsed > s_longest || allocated > MostAllocated)
                    wrong.Add($"mutation {seed} took {watch.Elapsed} and {allocated:N0} bytes");
            }
        }
        finally
        {
            File.Delete(path);
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        // Many changes hit a weight or a name and matter to nobody.
        Assert.InRange(refused, count / 5, count - 1);
    }

    private static byte[] Mutated(byte[][] files, int seed)
    {
        Random random = new(seed);
        byte[] bytes = [.. files[random.Next(files.Length)]];
        for (int changes = random.Next(1, 5); changes > 0; changes--)
        {
            // What says sizes and offsets stands in the first bytes of one format and in the last ones of the other.
            int at = random.Next(3) switch { 0 => random.Next(Math.Min(bytes.Length, 600)), 1 => bytes.Length - 1 - random.Next(Math.Min(bytes.Length, 600)), _ =>
                random.Next(bytes.Length) };
            switch (random.Next(8))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1 or 2: bytes[at] = (byte)random.Next(256); break;
                case 3: bytes[at] = random.Next(2) == 0 ? (byte)0xFF : (byte)0x7F; break;
                case 4:
                    // A whole word, as sizes and offsets are.
                    int word = random.Next(4) switch { 0 => int.MaxValue, 1 => -1, 2 => random.Next(), _ => random.Next(bytes.Length) };
                    BitConverter.TryWriteBytes(bytes.AsSpan(Math.Min(at & ~3, Math.Max(0, bytes.Length - 4))), word);
                    break;
                case 5:
                    int length = random.Next(1, Math.Min(64, bytes.Length)), from = random.Next(bytes.Length - length + 1), to = random.Next(bytes.Length - length + 1);
                    bytes.AsSpan(from, length).ToArray().CopyTo(bytes, to);
                    break;
                case 6: bytes = [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + random.Next(1, 16))..]]; break;
                default:
                    if (random.Next(4) == 0)
                        bytes = bytes[..Math.Max(1, at)];
                    break;
            }

            if (bytes.Length == 0)
                return [0];
        }

        return bytes;
    }
}
