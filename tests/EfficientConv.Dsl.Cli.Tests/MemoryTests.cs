using System.Text.Json;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary><c>memory</c>: the golden figures, and the sentence that sums them up.</summary>
public sealed class MemoryTests
{
    [Fact]
    public void TheQuestion_HasTheGoldenFigures()
    {
        JsonElement methods = Tool.Run("memory", "--in", "64", "--out", "128", "--size", "56", "--json").Succeeded().Json.GetProperty("comparisons")[0].GetProperty("methods");
        Assert.Equal(6, methods.GetArrayLength());
        Check(methods[0], 231_211_008, freed: 2_408_448, held: 2_408_448, im2col: 2_408_448 + 7_225_344, rows: 2_408_448, byConvolutions: 802_816, saved: 4_014_080);
        Check(methods[1], 27_496_448, freed: 2_408_448, held: 3_211_264, im2col: 2_408_448, rows: 2_422_784, byConvolutions: 1_605_632, saved: 5_619_712);

        static void Check(JsonElement m, long macs, long freed, long held, long im2col, long rows, long byConvolutions, long saved) => Assert.Equal(
            (macs, freed, held, im2col, rows, byConvolutions, saved),
            (Of(m, "multiplyAdds"), Of(m, "peakInputFreed"), Of(m, "peakInputHeld"), Of(m, "peakIm2col"), Of(m, "peakFusedRows"), Of(m, "savedByConvolutions"), Of(m, "saved")));

        static long Of(JsonElement m, string name) => m.GetProperty(name).GetInt64();
    }

    [Fact]
    public void TheBatch_MultipliesActivationsAndNotWeights()
    {
        JsonElement one = Separable(1), many = Separable(32);
        Assert.Equal(32 * one.GetProperty("saved").GetInt64(), many.GetProperty("saved").GetInt64());
        Assert.Equal(171.5, many.GetProperty("saved").GetInt64() / 1048576.0, 0.001);
        Assert.Equal(32 * one.GetProperty("peakInputHeld").GetInt64(), many.GetProperty("peakInputHeld").GetInt64());
        Assert.Equal(one.GetProperty("weightsGradientsAdam").GetInt64(), many.GetProperty("weightsGradientsAdam").GetInt64());
        Assert.Equal(one.GetProperty("weightBytes").GetInt64() * 4, one.GetProperty("weightsGradientsAdam").GetInt64());

        static JsonElement Separable(int batch) => Tool.Run("memory", "--in", "64", "--out", "128", "--size", "56", "--batch", $"{batch}", "--json")
            .Succeeded().Json.GetProperty("comparisons")[0].GetProperty("methods")[1];
    }

    [Fact]
    public void TheAnswer_IsOneSentenceWithAllOfIt()
    {
        ToolResult result = Tool.Run("memory", "--in", "64", "--out", "128", "--size", "56").Succeeded();
        Assert.InRange(result.Columns, 60, 80);
        string text = string.Join(' ', result.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("needs the same inference memory for one image as a standard convolution when its input is freed (2.30 MiB", text, StringComparison.Ordinal);
        Assert.Contains("33 % more when the input is kept (3.06 MiB against 2.30 MiB", text, StringComparison.Ordinal);
        Assert.Contains("40 % more activations in training (5.36 MiB against 3.83 MiB", text, StringComparison.Ordinal);
        Assert.Contains("88 % less for weights", text, StringComparison.Ordinal);
    }

    [Fact]
    public void ANetwork_IsComparedWithTheOtherKindOfConvolution()
    {
        using Tool tool = new();
        ToolResult result = Tool.Run("memory", tool.Write("Networks.cs", Tool.MobileNetV2), "--json").Succeeded();
        JsonElement comparison = result.Json.GetProperty("comparisons")[0];
        Assert.Equal(["as written", "standard convolutions", "separable convolutions"], comparison.GetProperty("methods").EnumerateArray().Select(m => m.GetProperty("name").GetString()!));
        Assert.Equal(6_021_120, comparison.GetProperty("methods")[0].GetProperty("peakInputFreed").GetInt64());
        Assert.Equal(6_623_232, comparison.GetProperty("methods")[0].GetProperty("peakInputHeld").GetInt64());
        Assert.StartsWith("MobileNetV2 with its depthwise separable convolutions needs", comparison.GetProperty("answer").GetString(), StringComparison.Ordinal);
        Assert.InRange(Tool.Run("memory", tool.At("Networks.cs")).Succeeded().Columns, 60, 80);
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(3, 7)]
    [InlineData(512, 512)]
    public void OddLayers_HaveAnAnswerToo(int inputs, int outputs) =>
        Assert.InRange(Tool.Run("memory", "--in", $"{inputs}", "--out", $"{outputs}", "--size", "7", "--kernel", "5", "--stride", "2").Succeeded().Columns, 60, 80);

    [Fact]
    public void NetworksAndALayerTogether_AreRefused()
    {
        using Tool tool = new();
        Assert.Equal(2, Tool.Run("memory", tool.Write("Blocks.cs", Tool.Blocks), "--in", "64", "--out", "128", "--size", "56").ExitCode);
    }
}
