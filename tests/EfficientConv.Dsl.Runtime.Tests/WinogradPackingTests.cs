
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
        Winograd.PackPanels(convolution, packed, 0, 1, 8, 1, 16);
        Assert.Equal((float)(0 / 1.265625 / 1.265625), packed[0]);
        Assert.Equal(8f, packed[35 * 16]);
        Assert.Equal((float)(9 / 1.265625 / 1.265625), packed[8]);
        Assert.Equal(17f, packed[(35 * 16) + 8]);
        Assert.Equal(0f, packed[(35 * 16) + 1]);
        Assert.Throws<ArgumentException>(() => Winograd.PackPanels(convolution, packed.AsSpan(1), 0, 1, 8, 1, 16));
        Assert.Throws<ArgumentException>(() => Winograd.PackPanels(new FoldedConvolution(new float[5], new float[1], 1, 5, 1, 1), packed, 0, 1, 8, 1, 16));
    }
}
