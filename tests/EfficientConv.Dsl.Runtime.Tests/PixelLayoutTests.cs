using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Runtime.Tests;

public class PixelLayoutTests
{
    private const float Untouched = 77;

    public static TheoryData<int, int> Shapes()
    {
        var shapes = new TheoryData<int, int>();
        foreach (int channels in new[] { 1, 2, 3, 4, 5, 8, 13, 16, 17, 24, 31, 32, 40 })
        {
            foreach (int pixels in new[] { 1, 3, 4, 7, 8, 15, 16, 19, 33, 49 })
                shapes.Add(channels, pixels);
        }
        return shapes;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Planar_to_pixels_and_back(int channels, int pixels)
    {
        PlanarToPixelsAndBack(channels, pixels, ((channels + 15) / 16 * 16) + 1);
        PlanarToPixelsAndBack(channels, pixels, channels);
    }

    private static void PlanarToPixelsAndBack(int channels, int pixels, int pixelStride)
    {
        int planeStride = pixels + 3;
        // The planar spans end with the last value, as a user's do: a read or write beyond would be out of bounds.
        float[] planar = [.. Enumerable.Range(0, ((channels - 1) * planeStride) + pixels).Select(i => i + 0.25f)];
        foreach (Vectors vectors in (Vectors[])[.. Vectors.Simd, Vectors.Scalar])
        {
            float[] byPixel = Filled((pixels * pixelStride) + 16);
            vectors.FromPlanar(planar, planeStride, byPixel, pixelStride, channels, pixels);
            float[] expected = Filled(byPixel.Length);
            for (int p = 0; p < pixels; p++)
            {
                for (int c = 0; c < channels; c++)
                    expected[(p * pixelStride) + c] = planar[(c * planeStride) + p];
            }
            Bits.Equal(expected, byPixel, $"{vectors.InstructionSet} from planar");

            float[] back = Filled(planar.Length + 16);
            vectors.ToPlanar(byPixel, pixelStride, back, planeStride, channels, pixels);
            float[] expectedBack = Filled(back.Length);
            for (int c = 0; c < channels; c++)
                planar.AsSpan(c * planeStride, pixels).CopyTo(expectedBack.AsSpan(c * planeStride));
            Bits.Equal(expectedBack, back, $"{vectors.InstructionSet} to planar");
        }
    }

    [Theory]
    [InlineData(5, 5, 5, 7)]
    [InlineData(5, 8, 16, 7)]
    [InlineData(16, 16, 32, 1)]
    [InlineData(3, 3, 16, 0)]
    public void Pixels_are_copied(int channels, int sourceStride, int destinationStride, int pixels)
    {
        float[] source = Bits.Random(Math.Max(1, pixels * sourceStride), 1);
        float[] destination = Filled((pixels * destinationStride) + 4);
        PixelLayout.CopyPixels(ref source[0], sourceStride, ref destination[0], destinationStride, channels, pixels);
        float[] expected = Filled(destination.Length);
        for (int p = 0; p < pixels; p++)
            source.AsSpan(p * sourceStride, channels).CopyTo(expected.AsSpan(p * destinationStride));
        Bits.Equal(expected, destination, "copy");
    }

    [Theory]
    [InlineData(4, 16, 32, 128, 5)]
    [InlineData(3, 1, 2, 16, 4)]
    [InlineData(2, 5, 7, 16, 3)]
    [InlineData(1, 3, 8, 8, 2)]
    public void Lanes_are_replicated(int groups, int inPerGroup, int outPerGroup, int outPadded, int pixels)
    {
        int stride = (groups * inPerGroup) + 2;
        float[] source = Bits.Random(pixels * stride, 2);
        float[] destination = Filled((pixels * inPerGroup * outPadded) + 1);
        PixelLayout.ReplicateLanes(ref source[0], stride, ref destination[0], groups, inPerGroup, outPerGroup, outPadded, pixels);
        float[] expected = Filled(destination.Length);
        for (int p = 0; p < pixels; p++)
        {
            for (int c = 0; c < inPerGroup; c++)
            {
                for (int o = 0; o < outPadded; o++)
                {
                    expected[(((p * inPerGroup) + c) * outPadded) + o] =
                        o < groups * outPerGroup ? source[(p * stride) + (o / outPerGroup * inPerGroup) + c] : 0;
                }
            }
        }
        Bits.Equal(expected, destination, "replicate");
    }

    [Theory]
    [InlineData(240, 3)]
    [InlineData(240, 2)]
    [InlineData(240, 4)]
    [InlineData(240, 8)]
    [InlineData(6, 2)]
    [InlineData(10, 5)]
    [InlineData(7, 7)]
    [InlineData(7, 1)]
    [InlineData(116, 2)]
    [InlineData(60, 20)]
    public void Channels_are_shuffled(int channels, int groups)
    {
        const int pixels = 3;
        int stride = (channels + 15) / 16 * 16;
        float[] source = Bits.Random(pixels * stride, 3);
        float[] destination = Filled((pixels * stride) + 1);
        PixelLayout.ShuffleChannels(ref MemoryMarshal.GetArrayDataReference(source), ref destination[0], stride, channels, groups, pixels);
        float[] expected = Filled(destination.Length);
        for (int p = 0; p < pixels; p++)
        {
            for (int i = 0; i < groups; i++)
            {
                for (int j = 0; j < channels / groups; j++)
                    expected[(p * stride) + (j * groups) + i] = source[(p * stride) + (i * (channels / groups)) + j];
            }
        }
        Bits.Equal(expected, destination, "shuffle");
    }

    private static float[] Filled(int length)
    {
        float[] values = new float[length];
        values.AsSpan().Fill(Untouched);
        return values;
    }
}
