using System.Text.Json;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Verbs;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>
/// Predictions against times that were measured once (measured.json, by <c>bench --json</c>), so that a change of the model or of the schedules shows.
/// </summary>
public sealed class PredictionTests
{
    private static readonly JsonElement s_measured = Read("measured.json");

    /// <summary>A Zen 3, with AVX2.</summary>
    private static readonly PerformancePage s_page = PerformancePage.Read(RepositoryFiles.At("docs/performance/amd-epyc-zen3.json"));

    private static readonly MachineModel s_machine = s_measured.GetProperty("machine").Deserialize<MachineModel>(new JsonSerializerOptions(JsonSerializerDefaults.Web))!;

    private static readonly Lazy<IReadOnlyList<NetworkInput>> s_networks = new(() => NetworkInputs.Read([RepositoryFiles.At("tests/EfficientConv.Dsl.Benchmarks/Networks")], null, new Terminal(TextWriter.Null, TextWriter.Null)));

    private static readonly Lazy<IReadOnlyList<NetworkInput>> s_zoo = new(() => NetworkInputs.Read([RepositoryFiles.At("src/EfficientConv.Dsl.Zoo")], null, new Terminal(TextWriter.Null, TextWriter.Null)));

    public static TheoryData<string> Networks => [.. s_page.Networks.Select(network => network.Result.Name).Distinct()];

    public static TheoryData<string> Names => [.. s_measured.GetProperty("seconds").EnumerateObject().Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Prediction_IsWithinAQuarterOfTheMeasuredTime(string name)
    {
        NetworkAnalysis analysis = s_networks.Value.Single(n => n.ShortName == name).Analyze();
        double predicted = TimeModel.Seconds(analysis.Graph, analysis.PlanFor(VectorTarget.Avx512), s_machine);
        double measured = s_measured.GetProperty("seconds").GetProperty(name).GetDouble();
        Assert.InRange(predicted / measured, 0.75, 1.25);
    }

    /// <summary>Whole networks with AVX2 on a Zen 3: least times; docs/formulas.md has a table of them.</summary>
    [Theory]
    [MemberData(nameof(Networks))]
    public void PredictionWithAvx2_IsWithinAQuarterOfTheLeastTime(string name)
    {
        NetworkAnalysis analysis = s_zoo.Value.Single(n => n.ShortName == name).Analyze();
        double predicted = TimeModel.Seconds(analysis.Graph, analysis.PlanFor(VectorTarget.Avx2), s_page.Machine);
        BenchResult measured = s_page.Networks.Select(network => network.Result).Single(result => result is { Threads: 1, Batch: 1, BusySibling: false, InstructionSet: "avx2" } && result.Name == name);
        Assert.InRange(predicted / measured.Ours.Minimum, 0.75, 1.25);
    }

    private static JsonElement Read(string file) => JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, file))).RootElement;

    [Fact]
    public void EveryBlockOfTheBenchmark_WasMeasured() => Assert.Empty(s_networks.Value.Select(n => n.ShortName).Except(s_measured.GetProperty("seconds").EnumerateObject().Select(p => p.Name)));
}
