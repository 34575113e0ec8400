using System.Text.Json;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Cli.Tuning;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Prediction;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary><c>tune</c> and what it writes. Nothing here asserts a time: candidates are compared by their bits.</summary>
public sealed class TuneTests
{
    private const string Networks = """
        using EfficientConv.Dsl;
        [InputShape(16, 16, 16)]
        [InvertedResidual(expansion: 4, activation: Activation.ReLU6)]
        [InvertedResidual(32, expansion: 3, kernelSize: 5, stride: 2)]
        [PointwiseConv2d(48)]
        public sealed partial class Net;
        """;

    private static readonly MachineModel s_machine = new(1e11, 2 << 20, 32 << 20, 8e10, 3e10, 1e10);

    [Fact]
    public void EveryCandidate_GivesTheSameBits()
    {
        using Tool tool = new();
        NetworkInput network = Read(tool);
        NetworkAnalysis analysis = network.Analyze();
        int tried = 0;
        foreach ((VectorTarget target, InstructionSet set) in new[] { (VectorTarget.Avx512, InstructionSet.Avx512), (VectorTarget.Avx2, InstructionSet.Avx2), (VectorTarget.Vector128, InstructionSet.Vector128) })
        {
            if (!InstructionSets.IsSupported(set))
                continue;
            ScheduleCandidates candidates = new(analysis, ScheduleSettings.Default, target, s_machine);
            float[] own = Output(network, null, set);
            foreach (string key in candidates.Keys)
            {
                Candidate[] forms = [.. candidates.Forms(key)];
                foreach (Candidate candidate in forms.Concat(candidates.Tiles(key, forms.FirstOrDefault() ?? candidates.Own(key))).Where((_, i) => i % 3 == 0))
                {
                    Assert.Equal(own, Output(network, new ScheduleOverrides(EquatableArray.Of(candidate.Override!)), set));
                    tried++;
                }
            }
        }

        Assert.InRange(tried, 10, 1000);

        static float[] Output(NetworkInput network, ScheduleOverrides? schedules, InstructionSet set)
        {
            RunnableNetwork runnable = NetworkBuild.Compile(network.Declaration!, new CompilerOptions(Overrides: schedules));
            LoadedNetwork loaded = runnable.CreateRandom(3, set);
            float[] input = new float[runnable.InputShape.ElementCount], output = new float[runnable.OutputShape.ElementCount];
            for (int i = 0; i < input.Length; i++)
                input[i] = MathF.Sin(i);
            loaded.ForwardOne(input, output);
            return output;
        }
    }

    [Fact]
    public void Candidates_AreDifferentFromEachOtherAndFit()
    {
        using Tool tool = new();
        NetworkAnalysis analysis = Read(tool).Analyze();
        ScheduleCandidates candidates = new(analysis, ScheduleSettings.Default, VectorTarget.Avx2, s_machine);
        Assert.Equal(3, candidates.Keys.Count());
        foreach (string key in candidates.Keys)
        {
            Candidate[] all = [candidates.Own(key), .. candidates.Forms(key)];
            Assert.Equal(all.Length, all.Select(c => c.Steps.Select(s => s.Nest).ToEquatableArray()).Distinct().Count());
            Assert.All(all, c => Assert.Empty(c.Plan.Misfits));
        }
    }

    [Fact]
    public void Tune_WritesAFileThatTheCompilerReads()
    {
        using Tool tool = new();
        string file = tool.Write("Net.cs", Networks), schedule = tool.At("efficientconv.schedule.json");
        JsonElement result = Tool.Run("tune", file, "-o", schedule, "--isa", "vector128", "--json").Succeeded().Json;
        Assert.Equal(3, result.GetProperty("layers").GetArrayLength());
        Assert.All(result.GetProperty("networks").EnumerateArray(), n => Assert.True(n.GetProperty("sameBits").GetBoolean()));
        ScheduleOverrides read = ScheduleOverrides.Parse(File.ReadAllText(schedule));
        Assert.Equal(result.GetProperty("layers").EnumerateArray().Count(l => l.TryGetProperty("schedule", out _)), read.Entries.Count);
        Tool.Run(["report", file, "--schedule", schedule, .. Tool.Machine]).Succeeded();
        ToolResult again = Tool.Run("tune", file, "-o", schedule, "--isa", "vector128", "--dry-run").Succeeded();
        Assert.InRange(again.Columns, 60, 80);
    }

    [Fact]
    public void AWrongFile_IsExplained()
    {
        using Tool tool = new();
        ToolResult result = Tool.Run(["report", tool.Write("Net.cs", Networks), "--schedule", tool.Write("s.json", "{ \"version\": 2 }"), .. Tool.Machine]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("version is 2; expected 1", result.Error, StringComparison.Ordinal);
    }

    private static NetworkInput Read(Tool tool) => NetworkInputs.Read([tool.Write("Net.cs", Networks)], null, new Terminal(TextWriter.Null, TextWriter.Null))[0];
}
