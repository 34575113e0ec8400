using System.Collections.Immutable;
using EfficientConv.Dsl.Analyzers;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>Measured schedules as AdditionalFiles: what the generator takes, what the analyzer (ECD0601, ECD0602) says, what breaks the reader.</summary>
public class ScheduleFileTests
{
    private const string Source = """
        using EfficientConv.Dsl;
        [InputShape(24, 56, 56)]
        [InvertedResidual(expansion: 6, activation: Activation.ReLU6)]
        public sealed partial class Block;
        """;

    private const string Layer = "24x56x56 > 144 k3x3 s1x1 p1,1,1,1 ReLU6 ReLU6 > 24x56x56 +x nchw nchw";

    [Fact]
    public void Generator_TakesAScheduleThatFits()
    {
        string own = Kernels(null), tuned = Kernels(Entry("\"form\": \"rows\", \"rows\": 2, \"slab\": 16"));
        Assert.DoesNotContain("2 output rows a step, slabs of 16 hidden channels", own, StringComparison.Ordinal);
        Assert.Contains("2 output rows a step, slabs of 16 hidden channels", tuned, StringComparison.Ordinal);
    }

    [Fact]
    public void Generator_IgnoresWhatDoesNotFit()
    {
        string own = Kernels(null);
        Assert.Equal(own, Kernels(Entry("\"form\": \"rows\", \"rows\": 5, \"slab\": 100")));
        Assert.Equal(own, Kernels("{ not json"));
        Assert.Equal(own, Kernels(Entry("\"rows\": 2").Replace("24x56x56 >", "25x56x56 >", StringComparison.Ordinal)));
        Assert.Equal(own, Kernels(Entry("\"rows\": 2").Replace("Avx512", "Avx2", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task ECD0601_NearMiss_AScheduleThatFitsOrNone()
    {
        Assert.Empty(await Diagnose(null));
        Assert.Empty(await Diagnose(Entry("\"form\": \"rows\", \"rows\": 2, \"slab\": 16")));
        Assert.Empty(await Diagnose(Entry("\"rows\": 5").Replace("24x56x56 >", "25x56x56 >", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task ECD0601_AScheduleThatDoesNotFit()
    {
        Diagnostic misfit = Assert.Single(await Diagnose(Entry("\"rows\": 5")));
        Assert.Equal(("ECD0601", DiagnosticSeverity.Info), (misfit.Id, misfit.Severity));
        Assert.Equal(
            $"efficientconv.schedule.json has rows 5 for \"{Layer}\" on Avx512 of \"Block\", which does not fit (the compiler's own choice is used instead)",
            misfit.GetMessage(null));
    }

    /// <summary>A broken file is one warning at its place, however many networks there are, and they are compiled as without it.</summary>
    [Theory]
    [InlineData("{ not json", 0, 2, "expected \"")]
    [InlineData("", 0, 0, "expected {")]
    [InlineData("{\n  \"version\": 2, \"more\": []\n}", 1, 14, "version is 2; expected 1")]
    [InlineData("{\r\n  \"machine\": \"a\"\r\n}\r\n", 3, 0, "\"version\" is missing; expected 1")]
    [InlineData("{ \"compilerOptions\": { \"strict\": true } }", 0, 20, "\"compilerOptions\" is not known; expected version, machine or schedules")]
    [InlineData("[1, 2]", 0, 0, "expected {")]
    [InlineData("{ \"version\": 1, \"schedules\": {} }", 0, 29, "expected [")]
    [InlineData("\u2028\r\r{ \"a\\u2028b\": 1 }", 0, 0, "expected {")]
    [InlineData("{ \"a\\u2028b\": 1 }", 0, 13, "\"a\\u2028b\" is not known; expected version, machine or schedules")]
    [InlineData("<html></html>", 0, 0, "expected {")]
    public async Task ECD0602_AFileThatCannotBeRead(string text, int line, int column, string what)
    {
        Diagnostic broken = Assert.Single(await Diagnose(text, Source + Source.Replace("using EfficientConv.Dsl;", string.Empty, StringComparison.Ordinal).Replace("Block;", "Second;", StringComparison.Ordinal)));

        Assert.Equal(("ECD0602", DiagnosticSeverity.Warning), (broken.Id, broken.Severity));
        Assert.Equal(("some/folder/efficientconv.schedule.json", new LinePosition(line, column)), (broken.Location.GetLineSpan().Path, broken.Location.GetLineSpan().StartLinePosition));
        Assert.StartsWith("efficientconv.schedule.json is not used: line ", broken.GetMessage(null), StringComparison.Ordinal);
        Assert.Contains($": {what} (a file is needed that efficientconv tune wrote; the compiler's own choice is used instead)", broken.GetMessage(null), StringComparison.Ordinal);
        Assert.Equal(Kernels(null), Kernels(text));
    }

    [Fact]
    public async Task ECD0602_NearMiss_AFileWithoutSchedulesOrOfAnotherName()
    {
        Assert.Empty(await Diagnose("{\"version\":1,\"schedules\":[]}"));
        Assert.Empty(await Diagnose("{ \"machine\": \"a\", \"version\": 1 }"));
        Assert.Empty(await Diagnose("{ not json", path: "some/folder/other.schedule.json"));
    }

    [Theory]
    [InlineData("", "line 1, column 1: expected {")]
    [InlineData("{}", "\"version\" is missing")]
    [InlineData("{ \"version\": 1, \"version\": 1 }", "\"version\" is there twice")]
    [InlineData("{ \"version\": 01 }", "expected an integer")]
    [InlineData("{ \"version\": -1 }", "expected an integer")]
    [InlineData("{ \"version\": 99999999999 }", "expected an integer")]
    [InlineData("{ \"version\": 1 } x", "something follows the end")]
    [InlineData("{ \"version\": 1, }", "expected \"")]
    [InlineData("{ \"version\": 1", "ends too early")]
    [InlineData("{ \"machine\": \"a", "a text does not end")]
    [InlineData("{ \"machine\": \"\\q\" }", "an unknown escape")]
    [InlineData("{ \"surprise\": 1 }", "\"surprise\" is not known")]
    [InlineData("{ \"version\": 1, \"schedules\": [ { \"layer\": \"x\" } ] }", "a schedule needs \"layer\" and \"isa\"")]
    [InlineData("{ \"version\": 1, \"schedules\": [ { \"layer\": \"x\", \"isa\": \"Avx2\", \"form\": \"fast\" } ] }", "form is \"fast\"")]
    public void Reader_SaysWhatIsWrongAndWhere(string text, string message) =>
        Assert.Contains(message, Assert.ThrowsAny<FormatException>(() => ScheduleOverrides.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Reader_ReadsWhatTuneWrites()
    {
        ScheduleOverrides read = ScheduleOverrides.Parse(
            "{ \"version\": 1, \"machine\": \"a \\\"b\\\" \\u00e9\", \"schedules\": [ { \"layer\": \"x\", \"isa\": \"Avx2\", \"form\": \"slabs\", \"slab\": 32, \"tile\": 3, \"gain\": \"4 %\" } ] }");
        Assert.Equal(new ScheduleOverride("x", "Avx2", "slabs", 0, 32, 3), Assert.Single(read.Entries));
        Assert.Empty(ScheduleOverrides.Parse("{\"version\":1,\"schedules\":[]}").Entries);
    }

    private static string Entry(string values) => $"{{ \"version\": 1, \"schedules\": [ {{ \"layer\": \"{Layer}\", \"isa\": \"Avx512\", {values} }} ] }}";

    private static string Kernels(string? schedule)
    {
        GeneratorDriver driver = CSharpGeneratorDriver.Create([new NetworkGenerator().AsSourceGenerator()], Files(schedule), (CSharpParseOptions)Compilation().SyntaxTrees.First().Options);
        return driver.RunGenerators(Compilation()).GetRunResult().Results[0].GeneratedSources.Single(s => s.HintName.EndsWith(".Avx512.g.cs", StringComparison.Ordinal)).SourceText.ToString();
    }

    private static async Task<ImmutableArray<Diagnostic>> Diagnose(string? schedule, string source = Source, string path = InMemory.DefaultPath)
    {
        CompilationWithAnalyzers analyzers = TestCompilation.Create(source).WithAnalyzers([new NetworkAnalyzer()], new AnalyzerOptions(Files(schedule, path)));
        return [.. (await analyzers.GetAnalyzerDiagnosticsAsync()).Where(d => d.Id.StartsWith("ECD06", StringComparison.Ordinal))];
    }

    private static CSharpCompilation Compilation() => TestCompilation.Create(Source);

    private static ImmutableArray<AdditionalText> Files(string? schedule, string path = InMemory.DefaultPath) => schedule is null ? [] : [new InMemory(schedule, path)];

    private sealed class InMemory(string text, string path) : AdditionalText
    {
        public const string DefaultPath = "some/folder/efficientconv.schedule.json";

        public override string Path => path;

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
    }
}
