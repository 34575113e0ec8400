
namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>The weights' side of Winograd's algorithm.</summary>
public sealed class WinogradPackingTests
{
    /// <summary>The first product holds the first tap at the point 0, the last one the last tap at infinity; what does not fit is refused.</summary>
    [Fact]
    public void PackPanels_TransformsEveryFilter()
    {
        FoldedConvolution convolution = new([.. Enumerable.Range(0, 18).Select(i => (float)i)], new float[1], 1, 2, 3, 3);
        float[] packed = new float[(35 * 16) + 16];
        Winograd.PackPanels(WinogradForm.F4x4, convolution, packed, 0, 1, 8, 1, 16);
        Assert.Equal((float)(0 / 1.265625 / 1.265625), packed[0]);
        Assert.Equal(8f, packed[35 * 16]);
        Assert.Equal((float)(9 / 1.265625 / 1.265625), packed[8]);
        Assert.Equal(17f, packed[(35 * 16) + 8]);
        Assert.Equal(0f, packed[(35 * 16) + 1]);
        Assert.Throws<ArgumentException>(() => Winograd.PackPanels(WinogradForm.F4x4, convolution, packed.AsSpan(1), 0, 1, 8, 1, 16));
        Assert.Throws<ArgumentException>(() => Winograd.PackPanels(WinogradForm.F4x4, new FoldedConvolution(new float[5], new float[1], 1, 5, 1, 1), packed, 0, 1, 8, 1, 16));
    }

    /// <summary>F(2 x 2, 3 x 3)'s first and last products hold the corner taps, the middle ones sums of all; with stride 2 the last is the middle tap alone.</summary>
    [Fact]
    public void PackPanels_TransformsForSmallTiles()
    {
        FoldedConvolution convolution = new([.. Enumerable.Range(0, 9).Select(i => (float)(1 << i))], new float[1], 1, 1, 3, 3);
        float[] packed = new float[16];
        Winograd.PackPanels(WinogradForm.F2x2, convolution, packed, 0, 1, 1, 1, 1);
        Assert.Equal(1f, packed[0]);
        Assert.Equal(511 / 4f, packed[5]);
        Assert.Equal((1 - 2 + 4 - 8 + 16 - 32 + 64 - 128 + 256) / 4f, packed[10]);
        Assert.Equal(256f, packed[15]);
        Winograd.PackPanels(WinogradForm.F2x2Stride2, convolution, packed, 0, 1, 1, 1, 1);
        Assert.Equal([1f, 5, 4, 2, 65, 325, 260, 130, 64, 320, 256, 128, 8, 40, 32, 16], packed);
    }
}
