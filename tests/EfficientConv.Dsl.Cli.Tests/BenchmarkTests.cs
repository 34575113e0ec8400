using System.Diagnostics;
using EfficientConv.Dsl.Benchmarks.Reports;
using EfficientConv.Dsl.Benchmarks.Suites;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Cli.Verbs;
using EfficientConv.Dsl.Measuring;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>How measurements are judged, and what is said of other programs that slowed them.</summary>
public sealed class BenchmarkTests
{
    /// <summary>Medians and minima have to reach a ratio.</summary>
    [Theory]
    [InlineData(1.06, 1.07, false, true)]
    [InlineData(1.06, 1.04, false, false)]
    [InlineData(1.04, 1.07, false, false)]
    [InlineData(1.06, 1.07, true, null)]
    public void Ratio_IsJudgedByBoth(double medians, double minima, bool hasAvx512, bool? met)
    {
        RowResult row = new() { Threads = 1, Ratio = medians, MinRatio = minima };
        new RowTarget(Ratio: 2, Avx2Ratio: 1.05).Judge(InstructionSet.Avx2, hasAvx512, row);
        Assert.Equal(met, row.Met);
    }

    /// <summary>Each has its own percentage with AVX2, and the same one with AVX-512.</summary>
    [Theory]
    [InlineData(InstructionSet.Avx2, 91, 83, true)]
    [InlineData(InstructionSet.Avx2, 89, 83, false)]
    [InlineData(InstructionSet.Avx2, 91, 81, false)]
    [InlineData(InstructionSet.Avx512, 93, 92, true)]
    [InlineData(InstructionSet.Avx512, 93, 91, false)]
    [InlineData(InstructionSet.Vector128, 93, 92, null)]
    public void Percent_IsJudgedByBoth(InstructionSet set, double least, double median, bool? met)
    {
        RowResult row = new() { Threads = 1, PercentOfPeak = median, MinPercentOfPeak = least };
        new RowTarget(Percent: 92, Avx2Percent: 90, Avx2MedianPercent: 82).Judge(set, hasAvx512: false, row);
        Assert.Equal(met, row.Met);
    }

    /// <summary>Two threads are compared with one, not with a target.</summary>
    [Fact]
    public void TwoThreads_HaveNoTarget()
    {
        RowResult row = new() { Threads = 2, Ratio = 3, MinRatio = 3 };
        new RowTarget(Ratio: 2).Judge(InstructionSet.Avx512, hasAvx512: true, row);
        Assert.Null(row.Met);
    }

    /// <summary>A row is marked by its rounds or by the core's peak.</summary>
    [Theory]
    [InlineData(30, 1.0, false)]
    [InlineData(31, 1.0, true)]
    [InlineData(0, 0.89, true)]
    public void Row_IsMarked(int disturbed, double steadiness, bool marked) =>
        Assert.Equal(marked, new RowResult { Rounds = 60, Disturbed = disturbed, PeakSteadiness = steadiness }.IsDisturbed);

    /// <summary>What slows a measurement marks it, each by itself; a sibling that was made busy does not.</summary>
    [Theory]
    [InlineData(10, 1.0, null, null, false, false)]
    [InlineData(11, 1.0, null, null, false, true)]
    [InlineData(0, 0.89, null, null, false, true)]
    [InlineData(0, 1.0, 0.11, 0.0, false, true)]
    [InlineData(0, 1.0, 1.0, 0.0, true, false)]
    [InlineData(0, 1.0, 0.0, 0.03, false, true)]
    [InlineData(0, 0.95, 0.05, 0.01, false, false)]
    public void Bench_IsMarked(int disturbed, double steadiness, double? sibling, double? stolen, bool busy, bool marked) => Assert.Equal(marked, new BenchResult
    {
        Name = "Small", InstructionSet = "avx2", Threads = 1, Batch = 1, MultiplyAdds = 1, LoadSeconds = 0, FirstCallSeconds = 0, MacsPerSecond = 1, PeakMacsPerSecond = 1,
        AllocatedBytesPerCall = 0, WorkspaceBytes = 0, PackedWeightBytes = 0, Ours = new LatencyResult(100, 1, 1, 1, 1, 1, 1, 1, 1),
        Disturbed = disturbed, PeakSteadiness = steadiness, SiblingLoad = sibling, Stolen = stolen, BusySibling = busy,
    }.IsDisturbed);

    [Fact]
    public void SiblingList_IsReadAsTheSystemWritesIt()
    {
        Assert.Equal([0, 1, 2, 8], BusySibling.Cores("0-2,8\n"));
        Assert.Equal([3], BusySibling.Cores("3\n"));
        Assert.Empty(BusySibling.Cores("\n"));
    }

    /// <summary>The line of all cores is no core; idle and waiting are not busy, stolen is.</summary>
    [Fact]
    public void Counters_AreReadByCore()
    {
        Dictionary<int, CoreLoad.Ticks> ticks = CoreLoad.Parse(["cpu  9 9 9 9 9 9 9 9 9 9", "cpu0 10 1 5 100 20 2 3 4 0 0", "cpu12 1 0 0 7 0 0 0 0 0 0", "intr 5 1 2 3 4 5 6 7 8"]);
        Assert.Equal(2, ticks.Count);
        Assert.Equal(new CoreLoad.Ticks(25, 4, 145), ticks[0]);
        Assert.Equal(new CoreLoad.Ticks(1, 0, 8), ticks[12]);
    }

    /// <summary>The second process takes processor time on the core that it is given, and none is left when it is disposed of.</summary>
    [Fact]
    public void BusySibling_WorksUntilItIsDisposedOf()
    {
        int core = CoreAffinity.Allowed[^1];
        ProcessStartInfo start = ChildProcess.StartInfo();
        BusySibling busy = BusySibling.StartOn(core, start);
        using Process process = Process.GetProcessById(busy.ProcessId);
        try
        {
            TimeSpan before = process.TotalProcessorTime;
            Assert.True(SpinWait.SpinUntil(() => process.TotalProcessorTime - before > TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(30)), "the process does not work");
        }
        finally
        {
            busy.Dispose();
        }

        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(10)), "the process outlives its owner");
    }

    /// <summary>With a sibling it is busy and said to be; without one the command fails and says what there is instead.</summary>
    [Fact]
    public void Bench_KeepsTheSiblingBusy_OrSaysThatThereIsNone()
    {
        using Tool tool = new();
        int core = CoreAffinity.Allowed[0];
        ToolResult result = Tool.Run([
            "bench", tool.Write("Blocks.cs", Tool.Blocks), "-n", "Small", "--count", "5", "--warm-up", "0", "--sibling", "busy", "--core", $"{core}", .. Tool.Machine]);
        if (BusySibling.SiblingsOf(core) is { } siblings && siblings.Any(CoreAffinity.Allowed.Contains))
        {
            Assert.Contains("kept busy by a second process", result.Succeeded().Output, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal(2, result.ExitCode);
            Assert.StartsWith("error: --sibling busy: There is no sibling to keep busy: ", result.Error, StringComparison.Ordinal);
            Assert.Contains("efficientconv throughput", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Bench_KeepsASiblingBusyForOneThreadOnly() => Assert.Contains(
        "leave --threads out", Tool.Run("bench", "nowhere.cs", "--sibling", "busy", "--threads", "2").Error, StringComparison.Ordinal);
}
