using System.Text.Json;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>
/// Predictions against times that were measured once (measured.json, by <c>bench --json</c>), so that a change of the model or of the schedules shows.
/// </summary>
public sealed class PredictionTests
{
    private static readonly JsonElement s_measured = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "measured.json"))).RootElement;

    private static readonly MachineModel s_machine = s_measured.GetProperty("machine").Deserialize<MachineModel>(new JsonSerializerOptions(JsonSerializerDefaults.Web))!;

    private static readonly Lazy<IReadOnlyList<NetworkInput>> s_networks = new(() => NetworkInputs.Read([RepositoryFiles.At("tests/EfficientConv.Dsl.Benchmarks/Networks")], null, new Terminal(TextWriter.Null, TextWriter.Null)));

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

    [Fact]
    public void EveryBlockOfTheBenchmark_WasMeasured() => Assert.Empty(s_networks.Value.Select(n => n.ShortName).Except(s_measured.GetProperty("seconds").EnumerateObject().Select(p => p.Name)));
}
