namespace EfficientConv.Dsl.Soak;

/// <summary>Some seconds of each run.</summary>
public sealed class SoakTests
{
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(4);

    [Fact]
    public void OneInstance_IsSharedByEightThreads() => Assert.Contains("all bits equal", Runs.OneInstance(s_duration), StringComparison.Ordinal);

    [Fact]
    public void EightNetworks_RunBesideEachOther() => Assert.Contains("all bits equal", Runs.EightNetworks(s_duration), StringComparison.Ordinal);

    [Fact]
    public void Instances_LeaveNothingBehind() => Assert.Contains("made and dropped", Runs.Instances(1000), StringComparison.Ordinal);

    [Fact]
    public void KilledWriters_LeaveWholeFiles() => Assert.EndsWith("the files are whole", Kills.Run(8), StringComparison.Ordinal);

    /// <summary>The comparison finds what grows.</summary>
    [Fact]
    public void Footprint_SeesMemoryAndHandlesThatStay()
    {
        Footprint before = Footprint.Take();
        byte[] kept = new byte[8 << 20];
        FileStream[] files = [.. Enumerable.Range(0, 40).Select(_ => File.OpenRead(typeof(SoakTests).Assembly.Location))];
        Footprint after = Footprint.Take();
        Assert.InRange(after.Managed - before.Managed, 7 << 20, long.MaxValue);
        Assert.InRange(after.Handles - before.Handles, 40, int.MaxValue);
        Assert.NotNull(after.GrownSince(before));
        GC.KeepAlive(kept);
        Array.ForEach(files, file => file.Dispose());
    }
}
