using System.Text.Json;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>
/// Predictions against times that were measured once (measured.json, by <c>bench --json</c>), so that a change of the model or of the schedules shows.
/// </summary>
public sealed class PredictionTests
{
    private static readonly JsonElement s_measured = Read("measured.json"), s_measuredAvx2 = Read("measured.avx2.json");

    private static readonly MachineModel s_machine = MachineOf(s_measured), s_machineAvx2 = MachineOf(s_measuredAvx2);

    private static readonly Lazy<IReadOnlyList<NetworkInput>> s_networks = new(() => NetworkInputs.Read([RepositoryFiles.At("tests/EfficientConv.Dsl.Benchmarks/Networks")], null, new Terminal(TextWriter.Null, TextWriter.Null)));

    private static readonly Lazy<IReadOnlyList<NetworkInput>> s_zoo = new(() => NetworkInputs.Read([RepositoryFiles.At("src/EfficientConv.Dsl.Zoo")], null, new Terminal(TextWriter.Null, TextWriter.Null)));

    public static TheoryData<string> Networks => [.. s_measuredAvx2.GetProperty("seconds").EnumerateObject().Select(p => p.Name)];

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
        double predicted = TimeModel.Seconds(analysis.Graph, analysis.PlanFor(VectorTarget.Avx2), s_machineAvx2);
        double measured = s_measuredAvx2.GetProperty("seconds").GetProperty(name).GetDouble();
        Assert.InRange(predicted / measured, 0.75, 1.25);
    }

    private static JsonElement Read(string file) => JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, file))).RootElement;

    private static MachineModel MachineOf(JsonElement measured) => measured.GetProperty("machine").Deserialize<MachineModel>(new JsonSerializerOptions(JsonSerializerDefaults.Web))!;

    [Fact]
    public void EveryBlockOfTheBenchmark_WasMeasured() => Assert.Empty(s_networks.Value.Select(n => n.ShortName).Except(s_measured.GetProperty("seconds").EnumerateObject().Select(p => p.Name)));
}
