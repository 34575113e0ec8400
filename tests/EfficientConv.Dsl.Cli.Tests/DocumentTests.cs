using System.Text.Json;
using System.Text.RegularExpressions;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Verbs;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>The pages' tables hold what the tool says; what was measured comes from files that the tool wrote.</summary>
public sealed partial class DocumentTests
{
    /// <summary>Figures of pages that are no measurements.</summary>
    private static readonly Dictionary<string, string[]> s_notMeasured = new()
    {
        ["README.md"] = ["10 % either way"],
        ["docs/diagnostics/ECD0501.md"] = ["a frame in 10 ms, a download of 5 MB, a device with 2 MB of memory"],
        ["docs/formulas.md"] = ["152.87 MB torchsummary", "within 25 % of the measured time"],
        ["docs/import.md"] = ["native library (160 MB"],
        ["docs/memory.md"] =
        [
            "set both peaks), 33 % more when", "output), 40 % more activations", "and 88 % less for weights", "shrinks from 100 % to 40 %", "torchsummary's 152.87 MB",
            "a workspace of 18.5 MB",
        ],
        ["docs/performance.md"] =
        [
            "native library (160 MB)", "It can exceed 100 %", "took more than 2 % of the time",
            "the target is 25 ms, with at most 40 MB", "the target is 150 ms", "within 10 % of its baseline",
        ],
        ["docs/serving.md"] =
        [
            "| `BodyTimeout` | 10 s |", "64 images of 10 ms on two workers are 320 ms", "within 100 ms or none", "0.6 MB)", "`ShutdownTimeout`, 30 s",
        ],
        ["docs/throughput.md"] = ["a difference of 1 or 2 % says nothing"],
        ["src/EfficientConv.Dsl.Cli/README.md"] = ["native libraries have 160 MB"],
    };

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

    public static TheoryData<string> Pages => [.. PageCommandTests.Pages()];

    /// <summary>The pages of machines are what their JSON files say.</summary>
    [Fact]
    public void PerformancePages_AreMadeOfTheirFigures()
    {
        Assert.NotEmpty(Machines());
        foreach ((string file, PerformancePage machine) in Machines())
            AssertMade(Path.ChangeExtension(file, ".md"), machine.Markdown());
    }

    /// <summary>So is what stands between a comment "machines" or "figures" and a comment "end", on any page.</summary>
    [Theory]
    [MemberData(nameof(Pages))]
    public void Page_HasTheFiguresOfItsFiles(string page)
    {
        string path = RepositoryFiles.At(page), text = File.ReadAllText(path);
        MeasuredFigures figures = new(MeasuredFigures.Read);
        AssertMade(path, Region().Replace(text, match => match.Groups["begin"].Value + match.Groups["kind"].Value switch
        {
            "machines" => PerformancePage.Summary(Machines(), ["MobileNetV2", "EfficientNetB0", "ResNet18", "ResNet50"]),
            _ => figures.Render(match.Groups["template"].Value),
        } + "<!-- end -->"));
        Assert.Equal(Region().Count(text), text.Split("<!-- end -->").Length - 1);
    }

    /// <summary>What was measured says by which command, when and where, and a page has it.</summary>
    [Fact]
    public void EveryFileOfFigures_IsOnAPage()
    {
        string[] files = [.. MeasuredFigures.Files().Select(file => Path.GetFileNameWithoutExtension(file)!)];
        string[] named =
        [
            .. PageCommandTests.Pages().SelectMany(page => Region().Matches(File.ReadAllText(RepositoryFiles.At(page)))).SelectMany(match => MeasuredFigures.Named(match.Groups["template"].Value)),
        ];
        Assert.NotEmpty(files);
        Assert.Empty(files.Except(named));
        Assert.All(files, file => Assert.All((string[])["date", "command", "processor", "facts", "runtime"], fact => Assert.NotEmpty(MeasuredFigures.Read(file).GetProperty(fact).GetString()!)));
    }

    /// <summary>
    /// A time, a rate, a share or a size that stands elsewhere is no measurement: a target, a limit, a threshold, or what a test computes. Each is listed here.
    /// </summary>
    [Theory]
    [MemberData(nameof(Pages))]
    public void Page_StatesNoOtherFigures(string page)
    {
        string text = File.ReadAllText(RepositoryFiles.At(page));
        bool isMade = File.Exists(Path.ChangeExtension(RepositoryFiles.At(page), ".json"));
        if (isMade)
            return;
        string[] known = s_notMeasured.GetValueOrDefault(page, []);
        string rest = known.Aggregate(Region().Replace(text, string.Empty), (left, phrase) => left.Replace(phrase, string.Empty, StringComparison.Ordinal));
        Assert.Empty(Figure().Matches(rest).Select(match => rest[Math.Max(0, match.Index - 60)..Math.Min(rest.Length, match.Index + match.Length + 20)]));
        Assert.All(known, phrase => Assert.Contains(phrase, text, StringComparison.Ordinal));
    }

    /// <summary>The layers of docs/choosing.md: what was measured there is what the compiler makes today, but for the times.</summary>
    [Theory]
    [InlineData(64, 128, 56)]
    [InlineData(256, 256, 14)]
    public void MeasuredChoices_HaveTheToolsExactFigures(int inputs, int outputs, int size)
    {
        JsonElement measured = MeasuredFigures.Read(FormattableString.Invariant($"choose-{inputs}-{outputs}-{size}")).GetProperty("output");
        InstructionSet set = Enum.Parse<InstructionSet>(measured.GetProperty("instructionSet").GetString()!, ignoreCase: true);
        string[] choices = [.. measured.GetProperty("choices").EnumerateArray().Select(choice => Figures.FromJson<Choice>(choice.GetRawText())).Select(Exact)];
        string[] expected = [.. ConvolutionMethod.Choices(new LayerQuestion(inputs, outputs, size, 3, 1)).Select(method => Exact(Choice(method, Options.Target(set))))];

        Assert.Equal(string.Join('\n', expected.Order(StringComparer.Ordinal)), string.Join('\n', choices.Order(StringComparer.Ordinal)));

        static string Exact(Choice choice) => Figures.Json(choice with { Seconds = 0 });
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
        Assert.Matches(@"\| Dense( \*)? \|", text); // Marked on a busy machine.

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

    private static Choice Choice(ConvolutionMethod method, VectorTarget target)
    {
        LayerGraph graph = new NetworkInput(method.Name, string.Empty, method.Declaration, null).Graph();
        NetworkAnalysis analysis = NetworkAnalysis.Of(graph);
        NetworkPlan plan = analysis.PlanFor(target);
        (int height, int width) = ConvolutionMethod.ReceptiveField(graph);
        long bytes = ((graph.Input.Count + graph.Output.Count) * sizeof(float)) + plan.WorkspaceBytes + plan.PackedBytes;
        return new Choice(method.Id, method.Name, method.Text, analysis.Cost.Parameters, analysis.Cost.MultiplyAdds, 0, bytes, LayerMemory.Layerwise(graph).PeakBytes, height, width);
    }

    private static (string File, PerformancePage Page)[] Machines() =>
        [.. Directory.GetFiles(RepositoryFiles.At("docs/performance"), "*.json").Order(StringComparer.Ordinal).Select(file => (file, PerformancePage.Read(file)))];

    /// <summary>EFFICIENTCONV_ACCEPT=1 writes it.</summary>
    private static void AssertMade(string page, string expected)
    {
        if (Environment.GetEnvironmentVariable("EFFICIENTCONV_ACCEPT") == "1" && File.ReadAllText(page) != expected)
            File.WriteAllText(page, expected);
        Assert.Equal(expected, File.ReadAllText(page));
    }

    private static void AssertRows(string[] page, string heading, JsonElement[] methods, params string[] figures)
    {
        IEnumerable<string> expected = methods.Select(m => $"| {m.GetProperty("name").GetString()} | {string.Join(" | ", figures.Select(f => Figures.Mebibytes(m.GetProperty(f).GetInt64())))} |");
        Assert.Equal(string.Join('\n', expected), string.Join('\n', Table(page.SkipWhile(line => !line.StartsWith(heading, StringComparison.Ordinal)))));
    }

    /// <summary>The rows of the next table.</summary>
    private static IEnumerable<string> Table(IEnumerable<string> lines) =>
        lines.SkipWhile(line => !line.StartsWith("|---", StringComparison.Ordinal)).Skip(1).TakeWhile(line => line.StartsWith('|'));

    [GeneratedRegex(@"(?<begin><!-- (?<kind>machines|figures)(?<template>.*?)-->\n).*?<!-- end -->", RegexOptions.Singleline)]
    private static partial Regex Region();

    [GeneratedRegex(@"\d ?(?:(?:ns|us|µs|ms|s|seconds?|minutes?|hours?|[GM]FLOP/s|GMAC/s|[KMGT]i?B/s|MB|GB|%|per cent)(?![\w/])|(?:images |requests |answers )?a second)")]
    private static partial Regex Figure();
}
