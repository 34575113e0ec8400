using System.Globalization;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Runtime;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.Reference;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>Which pixel nearest upsampling takes, over many scales and sizes; the fixtures have PyTorch's own answers for some.</summary>
public sealed class UpsampleStepTests
{
    private const int Largest = 60;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void NearestIndices_ArePyTorchs(int channels)
    {
        int pairs = 0, doubled = 0;
        for (int size = 1; size <= Largest; size++)
        {
            // Just above 1 and 2, up to where the output gains a pixel, and all kinds of others.
            IEnumerable<double> scales =
            [
                .. from part in new[] { 0.01, 0.3, 0.5, 0.9, 0.99 } from whole in new[] { 1, 2, 3 } select whole + (part / size),
                .. from i in Enumerable.Range(0, 161) let scale = 0.2 + (0.03 * i) where size * scale >= 1 select Math.Round(scale, 2),
            ];
            foreach (double scale in scales)
            {
                UpsampleOperator op = Upsample(channels, size, string.Create(CultureInfo.InvariantCulture, $"{scale:R}"));
                Assert.Equal((int)Math.Floor(size * scale), op.Size.Width);
                Check(op, scale, size, channels);
                pairs++;
                doubled += op.Size.Width == 2 * size && scale != 2 ? 1 : 0;
            }

            for (int output = 1; output <= 3 * Largest; output += 1 + (output / 20))
                Check(Upsample(channels, size, $"Height = {output}, Width = {output}"), 0, size, channels);
        }

        Assert.True(pairs > 9000 && doubled > 300);
    }

    [Fact]
    public void OneChannelToTwiceTheSize_IsEveryPixelTwice() => Assert.Equal([0, 0, 1, 1, 2, 2], Indices(Upsample(1, 3, "2.3"), 3, 1));

    private static void Check(UpsampleOperator op, double scale, int size, int channels) =>
        Assert.Equal(Enumerable.Range(0, op.Size.Width).Select(i => NaiveNetwork.Nearest(i, size, op.Size.Width, scale, channels)), Indices(op, size, channels));

    private static UpsampleOperator Upsample(int channels, int size, string arguments) =>
        (UpsampleOperator)DeclarationText.Graph($"[InputShape({channels}, {size}, {size})] [Upsample({arguments})]").Layers[^1].Operator;

    /// <summary>What the runtime's loop takes with the steps that the compiler gives it.</summary>
    private static int[] Indices(UpsampleOperator op, int size, int channels)
    {
        Shape shape = new(channels, size, size);
        float[] source = [.. Enumerable.Range(0, size).Select(i => (float)i)], row = new float[op.Size.Width];
        Resampling.NearestRow(ref source[0], 1, 1, size, ref row[0], 1, row.Length, 0, op.RowStep(shape), op.ColumnStep(shape), 1);
        return [.. row.Select(v => (int)v)];
    }
}
