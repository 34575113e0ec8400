using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Environments;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using EfficientConv.Dsl.Benchmarks.Networks;

namespace EfficientConv.Dsl.Benchmarks.Bdn;

/// <summary>
/// Single kernels under BenchmarkDotNet, for their machine code. Our side only; comparisons are the tool's own business.
/// </summary>
public class KernelBenchmarks
{
    private const int Seed = 1;

    /// <summary>What to disassemble: generated methods that take memory. From Forward the disassembler does not find its way to them by itself.</summary>
    private const string Kernels = "EfficientConv.Dsl.Generated.*(Single ByRef*";

    private readonly Pointwise64To128At56ChannelsLast _pointwise = Pointwise64To128At56ChannelsLast.CreateRandom(Seed);
    private readonly Depthwise144At56 _depthwise = Depthwise144At56.CreateRandom(Seed);
    private readonly InvertedResidual24At56 _wide = InvertedResidual24At56.CreateRandom(Seed);
    private readonly InvertedResidual96At14 _narrow = InvertedResidual96At14.CreateRandom(Seed);
    private readonly EfficientConv40At28SiLU _squeeze = EfficientConv40At28SiLU.CreateRandom(Seed);
    private readonly Standard64To128At56 _standard = Standard64To128At56.CreateRandom(Seed);
    private readonly Stem224 _stem = Stem224.CreateRandom(Seed);
    private readonly float[] _input = new float[1 << 20];
    private readonly float[] _output = new float[1 << 20];

    [Benchmark]
    public void Pointwise() => _pointwise.Forward(Input(Pointwise64To128At56ChannelsLast.InputShape), Output(Pointwise64To128At56ChannelsLast.OutputShape));

    [Benchmark]
    public void Depthwise() => _depthwise.Forward(Input(Depthwise144At56.InputShape), Output(Depthwise144At56.OutputShape));

    [Benchmark]
    public void InvertedResidualWide() => _wide.Forward(Input(InvertedResidual24At56.InputShape), Output(InvertedResidual24At56.OutputShape));

    [Benchmark]
    public void InvertedResidualNarrow() => _narrow.Forward(Input(InvertedResidual96At14.InputShape), Output(InvertedResidual96At14.OutputShape));

    [Benchmark]
    public void SqueezeExcitationSiLU() => _squeeze.Forward(Input(EfficientConv40At28SiLU.InputShape), Output(EfficientConv40At28SiLU.OutputShape));

    [Benchmark]
    public void Standard() => _standard.Forward(Input(Standard64To128At56.InputShape), Output(Standard64To128At56.OutputShape));

    [Benchmark]
    public void Stem() => _stem.Forward(Input(Stem224.InputShape), Output(Stem224.OutputShape));

    private ReadOnlySpan<float> Input(TensorShape shape) => _input.AsSpan(0, (int)shape.ElementCount);

    private Span<float> Output(TensorShape shape) => _output.AsSpan(0, (int)shape.ElementCount);

    internal static int RunAll(string filter)
    {
        ManualConfig config = ManualConfig.Create(DefaultConfig.Instance)
            .AddJob(Job.ShortRun.WithRuntime(CoreRuntime.Core10_0))
            .AddDiagnoser(new DisassemblyDiagnoser(new DisassemblyDiagnoserConfig(maxDepth: 1, filters: [Kernels])))
            .WithArtifactsPath(Path.Combine(Measuring.Repository.Artifacts, "benchmarks", "bdn"));
        string[] words = filter.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (words.Length > 0)
            config.AddFilter(new GlobFilter([.. words.Select(word => $"*{word}*")]));
        return BenchmarkRunner.Run<KernelBenchmarks>(config).HasCriticalValidationErrors ? 1 : 0;
    }
}
