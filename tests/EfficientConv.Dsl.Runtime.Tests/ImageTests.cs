namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>Resizing and normalisation against torchvision, with its bits.</summary>
public class ImageTests
{
    public static TheoryData<string> Resizes => [.. ImageFixture.All.Keys.Where(name => name.StartsWith("resize", StringComparison.Ordinal))];

    public static TheoryData<string> Normalizations => [.. ImageFixture.All.Keys.Where(name => name.StartsWith("normalize", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Resizes))]
    public void Resize_gives_the_bytes_of_torchvision_on_PIL_images(string name)
    {
        ImageFixture fixture = ImageFixture.All[name];
        byte[] picture = fixture.Picture();
        var resize = new ImageResize(fixture.Width, fixture.Height, fixture.ShorterSide, fixture.CropWidth, fixture.CropHeight);
        byte[] expected = [.. fixture.Expected.Select(v => (byte)v)];
        byte[] result = new byte[expected.Length];
        resize.Run(picture, fixture.Channels == 3 ? PixelFormat.Rgb : PixelFormat.Gray, fixture.Width * fixture.Channels, result);
        Assert.Equal(expected, result);
        if (fixture.Channels == 1)
            return;

        foreach ((PixelFormat format, int[] order) in new[] { (PixelFormat.Bgr, new[] { 2, 1, 0 }), (PixelFormat.Rgba, [0, 1, 2, 3]), (PixelFormat.Bgra, [2, 1, 0, 3]) })
        {
            // Another order in memory and another stride, without the bytes after the last row.
            int pixel = order.Length, stride = (fixture.Width * pixel) + 5;
            byte[] other = new byte[((fixture.Height - 1) * stride) + (fixture.Width * pixel)];
            other.AsSpan().Fill(77);
            for (int y = 0; y < fixture.Height; y++)
            {
                for (int x = 0; x < fixture.Width; x++)
                {
                    for (int c = 0; c < 3; c++)
                        other[(y * stride) + (x * pixel) + order[c]] = picture[(((y * fixture.Width) + x) * 3) + c];
                }
            }

            Array.Clear(result);
            resize.Run(other, format, stride, result);
            Assert.Equal(expected, result);
        }
    }

    /// <summary>How far torchvision's own two paths are from each other; docs/images.md says so.</summary>
    [Fact]
    public void Tensor_path_of_torchvision_differs_by_one_at_most() =>
        Assert.Equal(1, ImageFixture.All.Values.Max(f => f.LargestDistanceOfTensorPath));

    [Theory]
    [MemberData(nameof(Normalizations))]
    public void Every_byte_becomes_the_float_of_ToTensor_and_Normalize(string name)
    {
        ImageFixture fixture = ImageFixture.All[name];
        var normalization = new ImageNormalization([.. fixture.Mean!.Select(v => (float)v)], [.. fixture.Std!.Select(v => (float)v)]);
        Assert.Equal(fixture.Expected.Select(BitConverter.SingleToUInt32Bits), normalization.Values.ToArray().Select(BitConverter.SingleToUInt32Bits));
    }

    [Fact]
    public void Resize_refuses_what_does_not_fit_and_writes_nothing()
    {
        var resize = new ImageResize(6, 4, 2, 2, 2);
        byte[] result = new byte[12];
        Assert.Equal(
            "The pixels of the image to resize must be 72 bytes (4 rows of 6 pixels Rgb, 18 bytes from row to row), found 71. (Parameter 'pixels')",
            Assert.Throws<ArgumentException>(() => resize.Run(new byte[71], PixelFormat.Rgb, 18, result)).Message);
        Assert.Equal(
            "The stride of the image to resize must be at least 24 bytes (6 pixels Rgba), found 23. (Parameter 'stride')",
            Assert.Throws<ArgumentException>(() => resize.Run(new byte[96], PixelFormat.Rgba, 23, result)).Message);
        Assert.Contains("must have 12 bytes", Assert.Throws<ArgumentException>(() => resize.Run(new byte[72], PixelFormat.Rgb, 18, new byte[13])).Message, StringComparison.Ordinal);
        byte[] both = new byte[80];
        Assert.Contains("overlap", Assert.Throws<ArgumentException>(() => resize.Run(both.AsSpan(0, 72), PixelFormat.Rgb, 18, both.AsSpan(60, 12))).Message, StringComparison.Ordinal);
        Assert.Equal("format", Assert.Throws<ArgumentOutOfRangeException>(() => resize.Run(new byte[72], (PixelFormat)9, 18, result)).ParamName);
        Assert.All(result, value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData(0, 4, 2, 2, 2)]
    [InlineData(6, 0, 2, 2, 2)]
    [InlineData(6, 4, 0, 2, 2)]
    [InlineData(6, 4, 2, 0, 2)]
    [InlineData(6, 4, 2, 2, 3)]
    [InlineData(6, 4, 2, 4, 2)]
    [InlineData(int.MaxValue, 4, 2, 2, 2)]
    [InlineData(6, int.MaxValue, 2, 2, 2)]
    [InlineData(int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue)]
    [InlineData(6, 4, int.MaxValue, 2, 2)]
    [InlineData(1 << 20, 1, 2, 2, 2)]
    [InlineData(1, 1 << 20, 2, 2, 2)]
    [InlineData(6, 4, 2, int.MaxValue, 2)]
    [InlineData(6, 4, 2, 2, int.MaxValue)]
    [InlineData(100_000, 100_000, 100_000, 100_000, 100_000)]
    [InlineData(1 << 20, 1 << 20, 1 << 19, 1 << 19, 1 << 10)]
    public void Sizes_that_cannot_be_are_refused(int width, int height, int side, int cropWidth, int cropHeight) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ImageResize(width, height, side, cropWidth, cropHeight));

    [Fact]
    public void Longest_sides_work()
    {
        var resize = new ImageResize(1 << 20, 1, 1, 3, 1);
        byte[] picture = ImageFixture.Picture(1 << 20, 1), result = new byte[3];
        resize.Run(picture, PixelFormat.Gray, 1 << 20, result);
        Assert.Equal(picture[((1 << 19) - 2)..((1 << 19) + 1)], result);

        // 2^20 rows to one of the same colour.
        resize = new ImageResize(1 << 20, 1 << 20, 1, 1, 1);
        Assert.Equal((1 << 20, 1 << 20), (resize.SourceWidth, resize.SourceHeight));
    }

    [Fact]
    public void Resize_allocates_nothing_once_warm()
    {
        var resize = new ImageResize(40, 30, 20, 16, 16);
        byte[] picture = ImageFixture.Picture(40 * 30 * 3, 1), result = new byte[16 * 16 * 3];
        Assert.Equal(0, Allocations.OfThisThread(() => resize.Run(picture, PixelFormat.Rgb, 120, result)));
    }

    [Fact]
    public void TopK_is_descending_lower_index_first_and_NaN_on_top()
    {
        float[] scores = [1, 5, float.NaN, 5, -2, float.NegativeInfinity, 7];
        int[] all = new int[7];
        Classification.TopK(scores, all);
        Assert.Equal([2, 6, 1, 3, 0, 4, 5], all);
        int[] three = new int[3];
        Classification.TopK(scores, three);
        Assert.Equal([2, 6, 1], three);
        Classification.TopK(scores, []);
        Assert.Throws<ArgumentException>(() => Classification.TopK(scores, new int[8]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(37)]
    [InlineData(1000)]
    public void TopK_is_a_stable_sort(int count)
    {
        float[] scores = [.. ImageFixture.Picture(count, 3).Select(b => (float)(b % 50))];
        int[] expected = [.. Enumerable.Range(0, count).OrderByDescending(i => scores[i])];
        int[] found = new int[Math.Min(count, 20)];
        Classification.TopK(scores, found);
        Assert.Equal(expected[..found.Length], found);
        Assert.Equal(0, Allocations.OfThisThread(() => Classification.TopK(scores, found)));
    }

    [Fact]
    public void Softmax_is_the_formula_and_works_in_place()
    {
        float[] logits = [.. ImageFixture.Picture(1001, 5).Select(b => (b / 8f) - 10)];
        double sum = logits.Sum(v => Math.Exp(v - logits.Max()));
        float[] probabilities = new float[logits.Length];
        Classification.Softmax(logits, probabilities);
        for (int i = 0; i < logits.Length; i++)
            Assert.Equal(Math.Exp(logits[i] - logits.Max()) / sum, probabilities[i], 1e-6 * probabilities.Max());
        Classification.Softmax(logits, logits);
        Assert.Equal(probabilities, logits);
        Assert.Throws<ArgumentException>(() => Classification.Softmax(logits, new float[3]));
        Assert.Throws<ArgumentException>(() => Classification.Softmax([], []));
    }
}
