using System.Text.Json;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>Verbs that compile and run networks: <c>generate</c>, <c>validate</c>, <c>bench</c>, <c>choose</c>. Nothing here asserts a time.</summary>
public sealed class RunningTests
{
    private static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "fixtures", name);

    [Fact]
    public void Generate_WritesWhatABuildWouldCompile()
    {
        using Tool tool = new();
        string file = tool.Write("Blocks.cs", Tool.Blocks);
        Tool.Run("generate", file, "-n", "Small", "-o", tool.At("out")).Succeeded();
        Assert.Equal(4, Directory.GetFiles(tool.At("out")).Length);
        Assert.Contains("partial class Small", string.Concat(Directory.GetFiles(tool.At("out")).Select(File.ReadAllText)), StringComparison.Ordinal);
        Assert.Contains("public static void Run(", Tool.Run("generate", file, "-n", "Small", "--isa", "vector128").Succeeded().Output, StringComparison.Ordinal);
        Assert.Equal(4, Tool.Run("generate", file, "-n", "Small", "--json").Succeeded().Json.GetProperty("files").GetArrayLength());
    }

    [Fact]
    public void Generate_ListsMachineCode()
    {
        using Tool tool = new();
        string file = tool.Write("Blocks.cs", Tool.Blocks);
        ToolResult result = Tool.Run("generate", file, "-n", "Small", "--asm", "--method", "Run").Succeeded();
        Assert.Contains("Assembly listing for method EfficientConv.Dsl.Generated.Demo_Small", result.Output, StringComparison.Ordinal);
        ToolResult none = Tool.Run("generate", file, "-n", "Small", "--asm", "--method", "Nothing*");
        Assert.Equal(2, none.ExitCode);
        Assert.Contains("there are: Run, ", none.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_AcceptsPyTorchsOwnStateDictAndNumbers()
    {
        using Tool tool = new();
        JsonElement fixture = JsonDocument.Parse(File.ReadAllText(Fixture("fixtures.json"))).RootElement.EnumerateArray().First(f => f.GetProperty("file").GetString() == "inverted_residual.safetensors");
        string name = fixture.GetProperty("name").GetString()!, weights = Fixture("inverted_residual.safetensors");
        string file = tool.Write("Net.cs", $"using EfficientConv.Dsl;\n{fixture.GetProperty("declaration").GetString()}\npublic sealed partial class Net;");
        string[] command = ["validate", file, "--weights", weights, "--prefix", name + ".state.", "--input", $"{weights}:{name}.input", "--expected", $"{weights}:{name}.output"];
        JsonElement result = Tool.Run([.. command, "--tolerance", "1e-5", "--json"]).Succeeded().Json;
        Assert.True(result.GetProperty("fits").GetBoolean());
        Assert.InRange(result.GetProperty("numbers").GetProperty("largestErrorShare").GetDouble(), 0, 1e-5);
        Assert.InRange(Tool.Run(command).Succeeded().Columns, 30, 80);

        // The wrong answer is noticed.
        ToolResult wrong = Tool.Run([.. command[..^1], $"{weights}:{name}.output", "--tolerance", "0"]);
        Assert.True(wrong.ExitCode == 1 || result.GetProperty("numbers").GetProperty("sameBits").GetInt64() == result.GetProperty("numbers").GetProperty("values").GetInt64());
    }

    [Fact]
    public void Validate_ListsWhatDoesNotFit()
    {
        using Tool tool = new();
        string file = tool.Write("Blocks.cs", Tool.Blocks), weights = tool.At("w.safetensors");
        float[] values = new float[32 * 16 * 9], norm = new float[32];
        norm.AsSpan().Fill(1);
        norm[3] = float.NaN;
        SafetensorsWriter.Write(weights, [("0.weight", [32, 16, 3, 3], values), ("1.weight", [32], norm), ("1.bias", [16], new float[16]), ("9.weight", [1], new float[1])]);
        ToolResult result = Tool.Run("validate", file, "-n", "Dense", "-w", weights, "--json");
        Assert.Equal(1, result.ExitCode);
        Assert.Equal(
            ["1.bias Misshaped", "1.running_mean Missing", "1.running_var Missing", "1.weight NonFinite", "9.weight Unexpected"],
            result.Json.GetProperty("problems").EnumerateArray().Select(p => $"{p.GetProperty("tensor").GetString()} {Capital(p.GetProperty("kind").GetString()!)}").Order(StringComparer.Ordinal));
        ToolResult text = Tool.Run("validate", file, "-n", "Dense", "-w", weights);
        Assert.Equal(1, text.ExitCode);
        Assert.InRange(text.Columns, 20, 80);
        Assert.Contains("missing: 2", text.Output, StringComparison.Ordinal);

        static string Capital(string word) => char.ToUpperInvariant(word[0]) + word[1..];
    }

    [Fact]
    public void Validate_TakesWrappersOffAndNamesOtherPrefixes()
    {
        using Tool tool = new();
        string file = tool.Write("Blocks.cs", Tool.Blocks), weights = tool.At("w.safetensors");
        SafetensorsWriter.Write(weights, Dense("_orig_mod.net."));
        Assert.True(Tool.Run("validate", file, "-n", "Dense", "-w", weights, "--json").Succeeded().Json.GetProperty("fits").GetBoolean());

        SafetensorsWriter.Write(weights, Dense("student."));
        ToolResult result = Tool.Run("validate", file, "-n", "Dense", "-w", weights, "--json");
        Assert.Equal(1, result.ExitCode);
        Assert.Equal(["student"], result.Json.GetProperty("prefixes").EnumerateArray().Select(p => p.GetString()));
        Assert.Contains("Prefix = \"student\"", result.Json.GetProperty("hint").GetString(), StringComparison.Ordinal);
        ToolResult text = Tool.Run("validate", file, "-n", "Dense", "-w", weights);
        Assert.Equal(1, text.ExitCode);
        Assert.Contains("  Prefix = \"student\"\n", text.Output.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.InRange(text.Columns, 20, 80);
        Tool.Run("validate", file, "-n", "Dense", "-w", weights, "--prefix", "student").Succeeded();

        // Another model's names give the hint at the style.
        SafetensorsWriter.Write(weights, [("features.2.conv.0.0.weight", [1], [1])]);
        string style = Tool.Run("validate", file, "-n", "Dense", "-w", weights, "--json").Json.GetProperty("hint").GetString()!;
        Assert.Contains("KeyStyle.TorchvisionMobileNetV2", style, StringComparison.Ordinal);
        Assert.Contains("KeyStyle.TorchvisionMobileNetV2", Tool.Run("validate", file, "-n", "Dense", "-w", weights).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_IgnoresExtraTensorsWhereAskedTo()
    {
        using Tool tool = new();
        string file = tool.Write("Blocks.cs", Tool.Blocks), weights = tool.At("w.safetensors");
        SafetensorsWriter.Write(weights, [.. Dense(""), .. Enumerable.Range(0, 25).Select(i => ($"head.{i}.weight", new[] { 1 }, new float[1]))]);
        Assert.Equal(1, Tool.Run("validate", file, "-n", "Dense", "-w", weights).ExitCode);
        JsonElement result = Tool.Run("validate", file, "-n", "Dense", "-w", weights, "--no-strict", "--json").Succeeded().Json;
        Assert.Equal(25, result.GetProperty("ignored").GetArrayLength());
        Assert.Contains("... and 5 more", Tool.Run("validate", file, "-n", "Dense", "-w", weights, "--no-strict").Succeeded().Output, StringComparison.Ordinal);
    }

    private static IEnumerable<(string Name, int[] Shape, float[] Values)> Dense(string prefix) =>
    [
        (prefix + "0.weight", [32, 16, 3, 3], new float[32 * 16 * 9]),
        .. new[] { "weight", "bias", "running_mean", "running_var" }.Select(name => (prefix + "1." + name, new[] { 32 }, new float[32])),
    ];

    [Fact]
    public void Validate_ExplainsFilesThatAreNoCheckpoints()
    {
        using Tool tool = new();
        string file = tool.Write("Blocks.cs", Tool.Blocks);
        ToolResult result = Tool.Run("validate", file, "-n", "Dense", "-w", tool.Write("w.safetensors", "not a checkpoint at all"));
        Assert.Equal(2, result.ExitCode);
        Assert.StartsWith("error: ", result.Error, StringComparison.Ordinal);
        Assert.Equal(2, Tool.Run("validate", file, "-w", tool.At("w.safetensors")).ExitCode);
        Assert.Equal(2, Tool.Run("validate", file, "-n", "Dense", "-w", tool.At("nowhere.safetensors")).ExitCode);
        ToolResult folder = Tool.Run("validate", file, "-n", "Dense", "-w", Path.GetDirectoryName(file)!);
        Assert.Equal(2, folder.ExitCode);
        Assert.Contains("a folder", folder.Error, StringComparison.Ordinal);
        ToolResult page = Tool.Run("validate", file, "-n", "Dense", "-w", tool.Write("page.safetensors", "<!DOCTYPE html>"));
        Assert.Equal(2, page.ExitCode);
        Assert.Contains("an HTML page", page.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Bench_MeasuresWhatItSaysItMeasures()
    {
        using Tool tool = new();
        string file = tool.Write("Blocks.cs", Tool.Blocks);
        JsonElement result = Tool.Run(["bench", file, "-n", "Small", "--count", "5", "--warm-up", "1", "--layers", "--json", .. Tool.Machine]).Succeeded().Json.GetProperty("networks")[0];
        JsonElement ours = result.GetProperty("ours");
        Assert.Equal(5, ours.GetProperty("calls").GetInt32());
        Assert.True(ours.GetProperty("minimum").GetDouble() > 0 && ours.GetProperty("minimum").GetDouble() <= ours.GetProperty("p50").GetDouble() && ours.GetProperty("p999").GetDouble() <= ours.GetProperty("maximum").GetDouble());
        Assert.Equal(0, result.GetProperty("allocatedBytesPerCall").GetDouble());
        Assert.Equal("vector128", result.GetProperty("instructionSet").GetString());
        Assert.True(result.GetProperty("steps").GetArrayLength() > 0);
        Assert.True(result.GetProperty("peakResidentBytes").GetInt64() > result.GetProperty("runtimeResidentBytes").GetInt64());

        ToolResult text = Tool.Run(["bench", file, "--count", "3", "--warm-up", "0", "--batch", "3", "--threads", "2", .. Tool.Machine]).Succeeded();
        Assert.InRange(text.Columns, 40, 80);
        Assert.Matches(@"               Small  min = +\d+\.\d{3}  max = +\d+\.\d{3}  avg = +\d+\.\d{3}", text.Output);
        Assert.Contains("P999", text.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Choose_RanksEveryMethod()
    {
        ToolResult result = Tool.Run("choose", "--in", "8", "--out", "16", "--size", "8", "--by", "parameters", "--json").Succeeded();
        JsonElement[] choices = [.. result.Json.GetProperty("choices").EnumerateArray()];
        Assert.Equal(9, choices.Length);
        Assert.Equal(choices.Select(c => c.GetProperty("parameters").GetInt64()).Order(), choices.Select(c => c.GetProperty("parameters").GetInt64()));
        Assert.All(choices, c => Assert.True(c.GetProperty("seconds").GetDouble() > 0));
        JsonElement dilated = choices.First(c => c.GetProperty("id").GetString() == "dilated");
        Assert.Equal((5, 5), (dilated.GetProperty("receptiveHeight").GetInt32(), dilated.GetProperty("receptiveWidth").GetInt32()));
        Assert.InRange(Tool.Run("choose", "--in", "8", "--out", "16", "--size", "8", "--by", "receptive-field").Succeeded().Columns, 60, 80);
    }
}
