using System.Text.Json;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>The pages' tables hold what the tool says, where that is exact; times are measured and stay as they were.</summary>
public sealed class DocumentTests
{
    [Fact]
    public void MemoryPage_HasTheToolsFigures()
    {
        JsonElement comparison = Tool.Run("memory", "--in", "64", "--out", "128", "--size", "56", "--json").Succeeded().Json.GetProperty("comparisons")[0];
        string[] page = File.ReadAllLines(RepositoryFiles.At("docs/memory.md"));
        JsonElement[] methods = [.. comparison.GetProperty("methods").EnumerateArray()];

        AssertRows(page, "| MiB, one image | weights", methods, "weightBytes", "peakInputFreed", "peakInputHeld", "peakIm2col", "peakFusedRows");
        AssertRows(page, "| MiB, one image, as compiled |", methods, "asCompiledAvx512", "asCompiledAvx2", "asCompiledVector128");
        AssertRows(page, "| MiB, training, one image |", methods, "weightsGradientsAdam", "savedByConvolutions", "saved", "training");
        string quote = string.Join(' ', page.SkipWhile(line => !line.StartsWith("> ", StringComparison.Ordinal)).TakeWhile(line => line.StartsWith("> ", StringComparison.Ordinal)).Select(line => line[2..]));
        Assert.Equal(string.Join(' ', comparison.GetProperty("answer").GetString()!.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), quote);
    }

    /// <summary>The pages of machines are what their JSON files say, and so is the table of machines; EFFICIENTCONV_ACCEPT=1 writes them.</summary>
    [Fact]
    public void PerformancePages_AreMadeOfTheirFigures()
    {
        const string Begin = "from performance/*.json -->\n", End = "<!-- end -->";
        string summary = RepositoryFiles.At("docs/performance.md"), text = File.ReadAllText(summary);
        (string File, PerformancePage Page)[] machines = [.. Directory.GetFiles(RepositoryFiles.At("docs/performance"), "*.json").Order(StringComparer.Ordinal).Select(file => (file, PerformancePage.Read(file)))];
        Assert.NotEmpty(machines);
        int from = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        string expected = string.Concat(text.AsSpan(0, from), PerformancePage.Summary(machines, ["MobileNetV2", "EfficientNetB0", "ResNet18", "ResNet50"]), text.AsSpan(text.IndexOf(End, StringComparison.Ordinal)));
        bool accepts = Environment.GetEnvironmentVariable("EFFICIENTCONV_ACCEPT") == "1";
        foreach ((string page, string made) in machines.Select(machine => (Path.ChangeExtension(machine.File, ".md"), machine.Page.Markdown())).Append((summary, expected)))
        {
            if (accepts)
                File.WriteAllText(page, made);
            Assert.Equal(made, File.ReadAllText(page));
        }
    }

    /// <summary>A page of this machine is written beside its figures; networks that are measured later join them, and a page of another machine stays as it is.</summary>
    [Fact]
    public void Bench_WritesAPageOfThisMachine()
    {
        using Tool tool = new();
        string networks = tool.Write("Networks.cs", Tool.Blocks), page = tool.At("here.md"), json = tool.At("here.json");
        string[] bench = ["bench", networks, "--count", "3", "--warm-up", "0", "--page", page, .. Tool.Machine];
        Tool.Run([.. bench, "--network", "Small"]).Succeeded();
        Tool.Run([.. bench, "--network", "Dense"]).Succeeded();
        Tool.Run([.. bench, "--network", "Small"]).Succeeded();

        PerformancePage read = PerformancePage.Read(json);
        Assert.Equal(["Dense", "Small"], read.Networks.Select(network => network.Result.Name));
        Assert.StartsWith("efficientconv bench ", read.Networks[0].Command, StringComparison.Ordinal);
        string text = File.ReadAllText(page);
        Assert.Equal(read.Markdown(), text);
        Assert.Contains($"# {read.Processor}", text, StringComparison.Ordinal);
        Assert.Contains("| Dense |", text, StringComparison.Ordinal);

        File.WriteAllText(json, File.ReadAllText(json).Replace($"\"processor\": \"{read.Processor}", "\"processor\": \"Another", StringComparison.Ordinal));
        ToolResult other = Tool.Run([.. bench, "--network", "Small"]);
        Assert.Equal(2, other.ExitCode);
        Assert.Contains("has figures of Another", other.Error, StringComparison.Ordinal);
        Assert.Contains($"this machine, {read.Processor}", other.Error, StringComparison.Ordinal);
        File.WriteAllText(json, "{");
        Assert.Contains("is no file of figures that bench wrote", Tool.Run([.. bench, "--network", "Small"]).Error, StringComparison.Ordinal);
        File.WriteAllText(json, "{}");
        Assert.Contains("is no file of figures that bench wrote", Tool.Run([.. bench, "--network", "Small"]).Error, StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(page));
        Assert.Contains("expected a name that ends with .md", Tool.Run(["bench", networks, "--page", json, .. Tool.Machine]).Error, StringComparison.Ordinal);
    }

    /// <summary>Of each row everything but its rank, its time and the rate that follows from it.</summary>
    [Theory]
    [InlineData(64, 128, 56)]
    [InlineData(256, 256, 14)]
    public void ChoosingPage_HasTheToolsExactFigures(int inputs, int outputs, int size)
    {
        string heading = FormattableString.Invariant($"3x3, {inputs} to {outputs} channels, {size} x {size}, by latency:");
        string[] rows = [.. Table(File.ReadAllLines(RepositoryFiles.At("docs/choosing.md")).SkipWhile(line => line != heading).Skip(1)).Select(Exact)];
        string[] expected = [.. ConvolutionMethod.Choices(new LayerQuestion(inputs, outputs, size, 3, 1)).Select(Row)];

        Assert.Equal(string.Join('\n', expected.Order(StringComparer.Ordinal)), string.Join('\n', rows.Order(StringComparer.Ordinal)));

        static string Exact(string row)
        {
            string[] cells = [.. row.Split('|', StringSplitOptions.TrimEntries)];
            return string.Join(" | ", cells[2], cells[3], cells[4], cells[7], cells[8]);
        }
    }

    private static string Row(ConvolutionMethod method)
    {
        LayerGraph graph = new NetworkInput(method.Name, string.Empty, method.Declaration, null).Graph();
        NetworkAnalysis analysis = NetworkAnalysis.Of(graph);
        NetworkPlan plan = analysis.PlanFor(VectorTarget.Avx512);
        (int height, int width) = ConvolutionMethod.ReceptiveField(graph);
        long bytes = ((graph.Input.Count + graph.Output.Count) * sizeof(float)) + plan.WorkspaceBytes + plan.PackedBytes;
        return string.Join(" | ", method.Name, Figures.Count(analysis.Cost.Parameters), Figures.Macs(analysis.Cost.MultiplyAdds), Figures.Mebibytes(bytes), FormattableString.Invariant($"{height}x{width}"));
    }

    private static void AssertRows(string[] page, string heading, JsonElement[] methods, params string[] figures)
    {
        IEnumerable<string> expected = methods.Select(m => $"| {m.GetProperty("name").GetString()} | {string.Join(" | ", figures.Select(f => Figures.Mebibytes(m.GetProperty(f).GetInt64())))} |");
        Assert.Equal(string.Join('\n', expected), string.Join('\n', Table(page.SkipWhile(line => !line.StartsWith(heading, StringComparison.Ordinal)))));
    }

    /// <summary>The rows of the next table.</summary>
    private static IEnumerable<string> Table(IEnumerable<string> lines) =>
        lines.SkipWhile(line => !line.StartsWith("|---", StringComparison.Ordinal)).Skip(1).TakeWhile(line => line.StartsWith('|'));
}
