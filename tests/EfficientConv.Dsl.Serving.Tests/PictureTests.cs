using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using System.Text.Json;
using StbImageWriteSharp;

namespace EfficientConv.Dsl.Serving.Tests;

public sealed class PictureTests
{
    private static readonly string s_photo = Path.Combine(AppContext.BaseDirectory, "astronaut.jpg");

    [Fact]
    public async Task Classify_GivesTheClassesOfForward()
    {
        await using TestServer server = await TestServer.StartAsync(
            models: models => models.Add("tiny", () => TestServer.Tiny, options => options.Images.Labels = ["zero", "one", "two"]));
        byte[] rgb = Noise(40, 30, 3);
        byte[] file = Png(rgb, 40, 30, ColorComponents.RedGreenBlue);
        byte[] square = new byte[16 * 16 * 3];
        new ImageResize(40, 30, 16 * 256 / 224, 16, 16).Run(rgb, PixelFormat.Rgb, 40 * 3, square);
        float[] input = new float[3 * 16 * 16], mean = [0.485f, 0.456f, 0.406f], std = [0.229f, 0.224f, 0.225f];
        for (int i = 0; i < input.Length; i++)
            input[i] = ((square[(i % 256 * 3) + (i / 256)] / 255f) - mean[i / 256]) / std[i / 256];
        float[] scores = TestServer.Forward(TestServer.Tiny, input);
        Classification.Softmax(scores, scores);
        int[] best = new int[3];
        Classification.TopK(scores, best);

        using ByteArrayContent content = new(file);
        using HttpResponseMessage response = await server.Http.PostAsync("v2/models/tiny/classify?top=3", content);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using JsonDocument answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal((40, 30), (answer.RootElement.GetProperty("width").GetInt32(), answer.RootElement.GetProperty("height").GetInt32()));
        JsonElement[] classes = [.. answer.RootElement.GetProperty("classes").EnumerateArray()];
        Assert.Equal(best, classes.Select(found => found.GetProperty("index").GetInt32()));
        TestServer.AssertSameBits(best.Select(index => scores[index]).ToArray(), classes.Select(found => found.GetProperty("probability").GetSingle()).ToArray());
        foreach (JsonElement found in classes)
        {
            int index = found.GetProperty("index").GetInt32();
            Assert.Equal(index < 3 ? new[] { "zero", "one", "two" }[index] : null, found.TryGetProperty("label", out JsonElement label) ? label.GetString() : null);
        }
    }

    [Fact]
    public async Task Classify_WrongRequests_SayWhatIsExpected()
    {
        await using TestServer server = await TestServer.StartAsync(options => options.MaxImagePixels = 1000);
        await AssertErrorAsync("tiny/classify", "GIF89a"u8.ToArray(), HttpStatusCode.BadRequest, "the picture is neither JPEG nor PNG (6 bytes, the first are 474946383961)");
        await AssertErrorAsync("tiny/classify", default, HttpStatusCode.BadRequest, "the picture is neither JPEG nor PNG (0 bytes, the first are )");
        await AssertErrorAsync("tiny/classify?top=0", default, HttpStatusCode.BadRequest, "top: expected 1 to 10, found \"0\"");
        byte[] png = Png(Noise(40, 30, 3), 40, 30, ColorComponents.RedGreenBlue);
        await AssertErrorAsync("tiny/classify", png, HttpStatusCode.RequestEntityTooLarge, "the picture has 40 x 30 pixels; at most 1000 are taken");
        byte[] photo = await File.ReadAllBytesAsync(s_photo);
        await AssertErrorAsync("tiny/classify", photo, HttpStatusCode.RequestEntityTooLarge, "the picture has 512 x 384 pixels; at most 1000 are taken");
        await AssertErrorAsync("two/classify", default, HttpStatusCode.BadRequest, "two does not classify pictures");
        await AssertErrorAsync("none/classify", default, HttpStatusCode.NotFound, "model \"none\" is not served here");

        async Task AssertErrorAsync(string path, ReadOnlyMemory<byte> file, HttpStatusCode status, string expected)
        {
            using ByteArrayContent content = new(file.ToArray());
            using HttpResponseMessage response = await server.Http.PostAsync("v2/models/" + path, content);
            string text = await response.Content.ReadAsStringAsync();
            Assert.Equal(status, response.StatusCode);
            Assert.StartsWith(expected, JsonDocument.Parse(text).RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
        }
    }

    /// <summary>Files that Pillow wrote, of each colour type and depth, with the pixels that Pillow reads from them.</summary>
    [Fact]
    public void Png_OfAllKinds_IsAsPillowReadsIt()
    {
        string[] files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "pictures"), "*.png");
        Assert.NotEmpty(files);
        foreach (string file in files)
        {
            using Picture picture = Picture.Decode(File.ReadAllBytes(file), 1000);
            byte[] expected = File.ReadAllBytes(Path.ChangeExtension(file, ".raw"));
            Assert.True(picture.Pixels.SequenceEqual(expected), Path.GetFileName(file));
        }
    }

    /// <summary>Chroma is not smoothed between its samples as libjpeg does it, so that single pixels at edges of colour differ; where it is not subsampled nothing may.</summary>
    [Fact]
    public void Jpeg_IsNearlyAsPillowReadsIt()
    {
        string[] files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "pictures"), "*.jpg");
        Assert.NotEmpty(files);
        foreach (string file in files)
        {
            using Picture picture = Picture.Decode(File.ReadAllBytes(file), 10_000);
            byte[] expected = File.ReadAllBytes(Path.ChangeExtension(file, ".raw"));
            Assert.Equal(expected.Length, picture.Pixels.Length);
            int[] differences = [.. picture.Pixels.ToArray().Zip(expected, (a, b) => Math.Abs(a - b))];
            bool isSubsampled = file.Contains("42", StringComparison.Ordinal);
            Assert.True(
                differences.Max() <= (isSubsampled ? 40 : 3) && differences.Average() < (isSubsampled ? 3 : 0.5),
                $"{Path.GetFileName(file)}: {differences.Max()}, {differences.Average()}");
        }
    }

    /// <summary>A file of kilobytes whose data inflate to a gigabyte, and one whose header promises what the data do not hold.</summary>
    [Fact]
    public void DecompressionBombs_AreCheap()
    {
        byte[] bomb = Bomb(width: 10, height: 10, inflated: 1 << 30);
        long before = GC.GetAllocatedBytesForCurrentThread();
        using (Picture picture = Picture.Decode(bomb, 1000))
            Assert.Equal((10, 10), (picture.Width, picture.Height));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
        InferenceException tooLarge = Assert.Throws<InferenceException>(() => Picture.Decode(Bomb(50_000, 50_000, 1000), 25_000_000));
        Assert.Equal((InferenceError.TooLarge, "the picture has 50000 x 50000 pixels; at most 25000000 are taken"), (tooLarge.Error, tooLarge.Message));
        InferenceException tooShort = Assert.Throws<InferenceException>(() => Picture.Decode(Bomb(1000, 1000, 1000), 25_000_000));
        Assert.Equal("the picture cannot be decoded: its data end before its 1000 x 1000 pixels", tooShort.Message);
    }

    [Fact]
    public void JpegOfTooManyPassesOrFrames_IsRefused()
    {
        byte[] photo = File.ReadAllBytes(s_photo);
        int scan = photo.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);
        byte[] header = photo[scan..(scan + 2 + 12)];
        byte[] passes = [.. photo[..^2], .. Enumerable.Repeat(header, 100).SelectMany(bytes => bytes), 0xFF, 0xD9];
        string message = Assert.Throws<InferenceException>(() => Picture.Decode(passes, 1_000_000)).Message;
        Assert.Contains("passes over its pixels, expected at most 64", message, StringComparison.Ordinal);
        byte[] frames = [.. photo[..^2], 0xFF, 0xC0, 0, 17, 8, 0xFF, 0xFF, 0xFF, 0xFF, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1, 0xFF, 0xD9];
        Assert.Contains("it has 2 frames, expected one", Assert.Throws<InferenceException>(() => Picture.Decode(frames, 1_000_000)).Message, StringComparison.Ordinal);
    }

    /// <summary>The decoder would write beyond the block, and after some such pictures the process would end.</summary>
    [Fact]
    public void JpegOfCoefficientsThatNoBlockHas_IsRefused()
    {
        byte[] photo = File.ReadAllBytes(s_photo);
        int scan = photo.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);
        photo[scan + 2 + 12 - 2] = 255;
        Assert.Equal(
            "the picture cannot be decoded: a pass has coefficients 0 to 255, bits 0 to 0; expected some of 0 to 63, and at most 13 bits",
            Assert.Throws<InferenceException>(() => Picture.Decode(photo, 1_000_000)).Message);
    }

    /// <summary>Damaged files give a picture or an error of this one type, and never another exception.</summary>
    [Fact]
    public void DamagedFiles_GiveAPictureOrAnError()
    {
        Random random = new(5);
        byte[][] files =
        [
            .. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "pictures"))
                .Where(file => !file.EndsWith(".raw", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(File.ReadAllBytes),
        ];
        int pictures = 0, errors = 0;
        for (int i = 0; i < FuzzingRounds; i++)
        {
            byte[] file = (byte[])files[i % files.Length].Clone();
            for (int change = random.Next(1, 8); change > 0; change--)
                file[random.Next(2, file.Length)] = (byte)(random.Next(4) == 0 ? 0xFF : random.Next(256));
            if (random.Next(4) == 0)
                file = file[..random.Next(3, file.Length)];
            try
            {
                using Picture picture = Picture.Decode(file, 100_000);
                pictures++;
            }
            catch (InferenceException)
            {
                errors++;
            }
        }

        Assert.True(pictures > 0 && errors > 0, $"{pictures} pictures, {errors} errors");
    }

    /// <summary>More in a run by hand.</summary>
    private static int FuzzingRounds => int.TryParse(Environment.GetEnvironmentVariable("EFFICIENTCONV_PICTURE_ROUNDS"), out int rounds) ? rounds : 2000;

    private static byte[] Noise(int width, int height, int channels)
    {
        byte[] pixels = new byte[width * height * channels];
        new Random(7).NextBytes(pixels);
        return pixels;
    }

    private static byte[] Png(byte[] pixels, int width, int height, ColorComponents components)
    {
        using MemoryStream stream = new();
        new ImageWriter().WritePng(pixels, width, height, components, stream);
        return stream.ToArray();
    }

    private static byte[] Bomb(int width, int height, int inflated)
    {
        using MemoryStream data = new();
        using (ZLibStream zlib = new(data, CompressionLevel.Fastest, leaveOpen: true))
        {
            byte[] zeros = new byte[1 << 16];
            for (int left = inflated; left > 0; left -= zeros.Length)
                zlib.Write(zeros, 0, Math.Min(left, zeros.Length));
        }

        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = 8;
        return [0x89, .. "PNG\r\n"u8, 26, 10, .. Chunk("IHDR"u8, header), .. Chunk("IDAT"u8, data.ToArray()), .. Chunk("IEND"u8, [])];

        static byte[] Chunk(ReadOnlySpan<byte> type, byte[] data)
        {
            byte[] length = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(length, data.Length);
            return [.. length, .. type, .. data, 0, 0, 0, 0];
        }
    }
}
