using System.Collections.Immutable;
using EfficientConv.Dsl.Analyzers;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace EfficientConv.Dsl.Generators.Tests;

/// <summary>Measured schedules as AdditionalFiles: what the generator takes, what the analyzer (ECD0601) says, what breaks the reader.</summary>
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
    public async Task ECD0601_AScheduleThatDoesNotFitOrCannotBeRead()
    {
        Diagnostic misfit = Assert.Single(await Diagnose(Entry("\"rows\": 5")));
        Assert.Equal(("ECD0601", DiagnosticSeverity.Info), (misfit.Id, misfit.Severity));
        Assert.Equal(
            $"efficientconv.schedule.json has rows 5 for \"{Layer}\" on Avx512 of \"Block\", which does not fit (the compiler's own choice is used instead)",
            misfit.GetMessage(null));
        Assert.Contains("line 1, column 3: expected \"", Assert.Single(await Diagnose("{ not json")).GetMessage(null), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "line 1, column 1: expected {")]
    [InlineData("{}", "version is 0")]
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
        Assert.Contains(message, Assert.Throws<FormatException>(() => ScheduleOverrides.Parse(text)).Message, StringComparison.Ordinal);

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

    private static async Task<ImmutableArray<Diagnostic>> Diagnose(string? schedule)
    {
        CompilationWithAnalyzers analyzers = Compilation().WithAnalyzers([new NetworkAnalyzer()], new AnalyzerOptions(Files(schedule)));
        return [.. (await analyzers.GetAnalyzerDiagnosticsAsync()).Where(d => d.Id == "ECD0601")];
    }

    private static CSharpCompilation Compilation() => TestCompilation.Create(Source);

    private static ImmutableArray<AdditionalText> Files(string? schedule) => schedule is null ? [] : [new InMemory(schedule)];

    private sealed class InMemory(string text) : AdditionalText
    {
        public override string Path => "some/folder/efficientconv.schedule.json";

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
    }
}
