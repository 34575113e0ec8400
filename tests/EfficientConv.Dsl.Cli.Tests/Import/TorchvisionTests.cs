using System.Text.Json;

namespace EfficientConv.Dsl.Cli.Tests.Import;

/// <summary>Networks of torchvision as PyTorch exports them, which <c>tests/fixtures/export_torchvision.py</c> writes: each is imported by one command, and agrees with its file.</summary>
public sealed class TorchvisionTests
{
    private const string Variable = "EFFICIENTCONV_TORCHVISION", None = "none";

    private static string? Folder => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given ? given : null;

    public static TheoryData<string> Files => Folder is null ? [None] : [.. Directory.GetFiles(Folder, "*.onnx").Select(path => Path.GetFileName(path)).Order()];

    [TorchvisionTheory]
    [MemberData(nameof(Files))]
    public void Network_AgreesAtTheFirstTry(string file)
    {
        using Tool tool = new();
        JsonElement json = Tool.Run("import", Path.Combine(Folder!, file), "-o", tool.At("."), "--name", "Net", "--json").Succeeded().Json;
        JsonElement check = Assert.Single(json.GetProperty("checks").EnumerateArray());
        Assert.InRange(check.GetProperty("largest").GetDouble(), 1e-3, 1e4);
        Assert.InRange(check.GetProperty("relative").GetDouble(), 0, 1e-4);
    }

    /// <summary>A theory that is skipped, with a message, where nothing was exported.</summary>
    private sealed class TorchvisionTheoryAttribute : TheoryAttribute
    {
        public TorchvisionTheoryAttribute() => Skip = Folder is not null ? null : $"{Variable} names no folder of tests/fixtures/export_torchvision.py";
    }
}
