namespace EfficientConv.Dsl.Fuzzing;

/// <summary>The first inputs of every target, the same ones in every run.</summary>
public sealed class FuzzTests
{
    private const int Executions = 4000, Imports = 800;

    public static TheoryData<string> Targets => [.. FuzzTarget.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void DamagedBytes_AreReadOrRefusedWithTheirOwnException(string name)
    {
        FuzzTarget target = FuzzTarget.All.Single(target => target.Name == name);
        using FuzzRun run = new(target);
        run.Run(0, name is "onnx" or "tflite" ? Imports : Executions, TimeSpan.MaxValue);
        Assert.True(run.Findings.Count == 0, string.Join('\n', run.Findings));

        // Neither do all changes matter, nor none.
        Assert.InRange(run.Refused, run.Executions / 20, run.Executions - 1);
    }

    /// <summary>What is changed is right before: otherwise nothing after a reader's first check is reached.</summary>
    [Theory]
    [MemberData(nameof(Targets))]
    public void FirstSeed_IsRead(string name)
    {
        FuzzTarget target = FuzzTarget.All.Single(target => target.Name == name);
        using FuzzRun run = new(target);
        foreach (byte[] seed in Seeds.Of(target).Take(1))
            run.Execute("seed", seed);
        Assert.Empty(run.Findings);
        Assert.Equal(0, run.Refused);
    }

    /// <summary>Files that once ended in another exception among them.</summary>
    [Theory]
    [MemberData(nameof(Targets))]
    public void Corpus_IsReadOrRefusedWithItsOwnException(string name)
    {
        FuzzTarget target = FuzzTarget.All.Single(target => target.Name == name);
        using FuzzRun run = new(target);
        foreach ((byte[] seed, int i) in Seeds.Of(target).Select((seed, i) => (seed, i)))
            run.Execute($"seed {i}", seed);
        Assert.True(run.Findings.Count == 0, string.Join('\n', run.Findings));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Inputs_AreTheSameEveryTime(string name)
    {
        FuzzTarget target = FuzzTarget.All.Single(target => target.Name == name);
        Mutator first = new(target), second = new(target);
        Assert.All(Enumerable.Range(0, 200), number => Assert.Equal(first.Input(number), second.Input(number)));
    }
}
