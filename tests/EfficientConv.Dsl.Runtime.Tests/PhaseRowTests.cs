namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>Planes of the phases of a transposed convolution, put where their pixels belong, in planes and side by side.</summary>
public class PhaseRowTests
{
    [Theory]
    [InlineData(1, 2, 2, 9)]
    [InlineData(3, 2, 2, 16)]
    [InlineData(2, 1, 2, 5)]
    [InlineData(2, 2, 1, 7)]
    [InlineData(4, 3, 3, 4)]
    [InlineData(1, 2, 4, 1)]
    public void Every_value_is_at_its_pixel(int channels, int strideHeight, int strideWidth, int width)
    {
        const int height = 3, pixelStride = 6;
        int phases = strideHeight * strideWidth, outWidth = width * strideWidth, outHeight = height * strideHeight;
        float[] planes = [.. Enumerable.Range(1, phases * channels * height * width)];
        float[] planar = new float[channels * outHeight * outWidth], pixels = new float[outHeight * outWidth * pixelStride];
        for (int y = 0; y < outHeight; y++)
        {
            Resampling.PhaseRow(ref planes[0], height * width, width, ref planar[y * outWidth], outHeight * outWidth, 1, y, strideHeight, strideWidth, channels);
            Resampling.PhaseRow(ref planes[0], height * width, width, ref pixels[y * outWidth * pixelStride], 1, pixelStride, y, strideHeight, strideWidth, channels);
        }

        for (int c = 0; c < channels; c++)
        {
            for (int y = 0; y < outHeight; y++)
            {
                for (int x = 0; x < outWidth; x++)
                {
                    int plane = (((y % strideHeight * strideWidth) + (x % strideWidth)) * channels) + c;
                    float expected = planes[(((plane * height) + (y / strideHeight)) * width) + (x / strideWidth)];
                    Assert.Equal(expected, planar[(((c * outHeight) + y) * outWidth) + x]);
                    Assert.Equal(expected, pixels[(((y * outWidth) + x) * pixelStride) + c]);
                }
            }
        }

        Assert.Equal(planes.Length, pixels.Count(value => value != 0));
    }
}
