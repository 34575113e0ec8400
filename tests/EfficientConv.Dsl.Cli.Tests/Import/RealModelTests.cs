using EfficientConv.Dsl.Import;

namespace EfficientConv.Dsl.Cli.Tests.Import;

/// <summary>Trained models of others, which <c>tests/fetch-models.sh</c> fetches: each is imported by one command, and agrees with its file.</summary>
public sealed class RealModelTests
{
    private static readonly string s_folder = Environment.GetEnvironmentVariable("EFFICIENTCONV_MODELS") is { Length: > 0 } given ? given
        : Path.Combine(Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "efficientconv", "models");

    [ModelTheory]
    [InlineData("face_detection_front_128x128_barracuda.onnx", 4, "[InputShape(3, 128, 128, Layout = TensorLayout.NHWC)]")]
    [InlineData("face_detection_back_256x256_barracuda.onnx", 4, "[InputShape(3, 256, 256, Layout = TensorLayout.NHWC)]")]
    [InlineData("face_detection_short_range.tflite", 2, "[InputShape(3, 128, 128, Layout = TensorLayout.NHWC)]|Weights in half precision")]
    [InlineData("face_detection_full_range.tflite", 2, "[InputShape(3, 192, 192, Layout = TensorLayout.NHWC)]")]
    [InlineData("face_detection_full_range_sparse.tflite", 2, "[InputShape(3, 192, 192, Layout = TensorLayout.NHWC)]|Sparse weights became dense")]
    [InlineData("ch_PP-OCRv4_det_infer.onnx", 1, "[InputShape(3, 192, 256, FoldedBatchNorm = true)]", "--input-shape", "3x192x256")]
    [InlineData("ch_ppocr_mobile_v2.0_cls_infer.onnx", 1, "[InputShape(3, 48, 192)]", "--input-shape", "3x48x192")]
    public void Model_AgreesAtTheFirstTry(string file, int outputs, string said, params string[] arguments)
    {
        using Tool tool = new();
        System.Text.Json.JsonElement json = Tool.Run(["import", Path.Combine(s_folder, file), "-o", tool.At("."), "--name", "Net", "--json", .. arguments]).Succeeded().Json;
        Assert.Equal(outputs, json.GetProperty("checks").GetArrayLength());
        Assert.All(json.GetProperty("checks").EnumerateArray(), check => Assert.InRange(check.GetProperty("relative").GetDouble(), 0, 5e-5));
        string text = File.ReadAllText(tool.At("Net.cs"));
        Assert.All(said.Split('|'), part => Assert.Contains(part, text, StringComparison.Ordinal));
    }

    /// <summary>A theory on the fetched models.</summary>
    private sealed class ModelTheoryAttribute : TheoryAttribute
    {
        public ModelTheoryAttribute() => Skip = File.Exists(Path.Combine(s_folder, "face_detection_short_range.tflite")) ? null
            : $"{s_folder} does not hold the models: tests/fetch-models.sh fetches them.";
    }
}
