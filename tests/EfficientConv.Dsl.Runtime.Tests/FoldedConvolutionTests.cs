namespace EfficientConv.Dsl.Runtime.Tests;

public class FoldedConvolutionTests
{
    private const int Out = 21;
    private const int In = 5;
    private const int Height = 3;
    private const int Width = 2;
    private const int Sum = Height * Width * In;

    private static readonly WeightReader Reader = new(new()
    {
        ["w"] = [.. Enumerable.Range(0, Out * Sum).Select(i => (i % 97) - 48.5f)],
        ["b"] = [.. Enumerable.Range(0, Out).Select(i => i - 10f)],
        ["minusZero"] = [.. Enumerable.Repeat(-0f, Out)],
        ["gamma"] = [.. Enumerable.Range(0, Out).Select(i => 1 + (0.1f * i))],
        ["beta"] = [.. Enumerable.Range(0, Out).Select(i => 0.3f * i)],
        ["mean"] = [.. Enumerable.Range(0, Out).Select(i => 0.7f - i)],
        ["var"] = [.. Enumerable.Range(0, Out).Select(i => 0.01f + i)],
    });

    private static FoldedConvolution Convolution => Reader.Convolution("w", "b", Out, In, Height, Width);

    [Fact]
    public void Panels_hold_the_sum_in_order_of_row_column_channel()
    {
        const int width = 8;
        foreach ((int outStart, int outEnd, int panels, int kStart, int kCount) in new[] { (0, Out, 3, 0, Sum), (8, Out, 2, 3, 11), (16, 20, 1, 29, 1) })
        {
            float[] packed = new float[panels * kCount * width];
            packed.AsSpan().Fill(77);
            Convolution.PackPanels(packed, outStart, outEnd, width, panels, kStart, kCount);
            for (int i = 0; i < packed.Length; i++)
            {
                int o = outStart + (i / (kCount * width) * width) + (i % width);
                int k = kStart + (i / width % kCount);
                Assert.Equal(o < outEnd ? Weight(o, k) : 0, packed[i]);
            }
        }
    }

    [Fact]
    public void Pixel_pairs_hold_every_weight_twice()
    {
        const int groups = 3;
        float[] packed = new float[7 * groups * 16];
        Convolution.PackPixelPairs(packed, 4, 7);
        for (int i = 0; i < packed.Length; i++)
        {
            int o = i % (groups * 16) / 2;
            Assert.Equal(o < Out ? Weight(o, 4 + (i / (groups * 16))) : 0, packed[i]);
        }
        float[] bias = new float[groups * 16];
        bias.AsSpan().Fill(77);
        Convolution.PackBiasPairs(bias);
        for (int i = 0; i < bias.Length; i++)
            Assert.Equal(i / 2 < Out ? (i / 2) - 10f : 0, bias[i]);
    }

    [Fact]
    public void Bias_is_padded_with_zeros_and_never_minus_zero()
    {
        float[] packed = new float[32];
        packed.AsSpan().Fill(77);
        Convolution.PackBias(packed);
        Bits.Equal([.. Enumerable.Range(0, 32).Select(i => i < Out ? i - 10f : 0f)], packed, "bias");
        Reader.Convolution("w", "minusZero", Out, In, Height, Width).PackBias(packed);
        Bits.Equal(new float[32], packed, "minus zero");
        Reader.Convolution("w", null, Out, In, Height, Width).PackBias(packed);
        Bits.Equal(new float[32], packed, "no bias");
    }

    [Fact]
    public void Batch_norm_is_folded_in_double_precision()
    {
        FoldedConvolution folded = Convolution.FoldBatchNorm(Reader, "gamma", "beta", "mean", "var", 1e-3);
        float[] scale = new float[32];
        float[] shift = new float[32];
        scale.AsSpan().Fill(77);
        shift.AsSpan().Fill(77);
        FoldedConvolution.BatchNormScaleShift(Reader, "gamma", "beta", "mean", "var", 1e-3, scale, shift);
        for (int o = 0; o < Out; o++)
        {
            double g = Reader.Tensor("gamma")[o] / Math.Sqrt(Reader.Tensor("var")[o] + 1e-3);
            Assert.Equal((float)g, scale[o]);
            Assert.Equal((float)((-(double)Reader.Tensor("mean")[o] * g) + Reader.Tensor("beta")[o]), shift[o]);
            Assert.Equal((float)(((Reader.Tensor("b")[o] - (double)Reader.Tensor("mean")[o]) * g) + Reader.Tensor("beta")[o]), folded.Bias[o]);
            for (int k = 0; k < Sum; k++)
                Assert.Equal((float)(Reader.Tensor("w")[(o * Sum) + k] * g), folded.Weights[(o * Sum) + k]);
        }
        Assert.All(scale[Out..], value => Assert.Equal(0, value));
        Assert.All(shift[Out..], value => Assert.Equal(0, value));
    }

    [Fact]
    public void Taps_become_channels_of_a_product_over_pixels()
    {
        FoldedConvolution product = Convolution.TapsToChannels();
        Assert.Equal((Height * Width * Out, In), (product.OutChannels, product.SumLength));
        for (int tap = 0; tap < Height * Width; tap++)
        {
            for (int o = 0; o < Out; o++)
            {
                Assert.Equal(Convolution.Bias[o], product.Bias[(tap * Out) + o]);
                for (int c = 0; c < In; c++)
                    Assert.Equal(Convolution.Weights[(o * Sum) + (c * Height * Width) + tap], product.Weights[(((tap * Out) + o) * In) + c]);
            }
        }
    }

    [Fact]
    public void Wrong_lengths_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Reader.Convolution("w", "b", Out, In, Height, Height));
        Assert.Throws<ArgumentException>(() => Reader.Convolution("w", "w", Out, In, Height, Width));
        Assert.Throws<ArgumentException>(() => Convolution.PackPanels(new float[7], 0, 8, 8, 1, 0, 1));
        Assert.Throws<ArgumentException>(() => Convolution.PackBias(new float[Out - 1]));
        Assert.Throws<ArgumentException>(() => Convolution.PackBiasPairs(new float[(2 * Out) - 1]));
        Assert.Throws<ArgumentException>(() => Convolution.PackPixelPairs(new float[47], 0, 1));
    }

    private static float Weight(int o, int k)
    {
        int tap = k / In;
        return Reader.Tensor("w")[(((((o * In) + (k % In)) * Height) + (tap / Width)) * Width) + (tap % Width)];
    }
}
