using EfficientConv.Dsl.Generators.Tests.Harness;
using Xunit.Sdk;

namespace EfficientConv.Dsl.Generators.Tests;

public sealed class SnapshotTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("efficientconv").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Match(string text, string? name = null) => Snapshot.Match(text, name, Path.Combine(_folder, "Tests.cs"), "Method");

    private string FilePath(string name) => Path.Combine(_folder, name);

    [Fact]
    public void VerifiedText_Matches_WhateverTheLineEnds()
    {
        File.WriteAllText(FilePath("Tests.Method.verified.txt"), "a\r\nb\n");
        File.WriteAllText(FilePath("Tests.Method.received.txt"), "left from the last failure");

        Match("a\nb\n");

        Assert.False(File.Exists(FilePath("Tests.Method.received.txt")));
    }

    [Fact]
    public void OtherText_Fails_ShowsTheFirstDifferenceAndKeepsWhatCame()
    {
        File.WriteAllText(FilePath("Tests.Method#part.verified.txt"), "a\nb\n");

        FailException failure = Assert.Throws<FailException>(() => Match("a\nc\n", "part"));

        Assert.Contains("first difference in line 2\nexpected: b\nfound:    c", failure.Message, StringComparison.Ordinal);
        Assert.Equal("a\nc\n", File.ReadAllText(FilePath("Tests.Method#part.received.txt")));
    }

    [Fact]
    public void NothingVerified_Fails() => Assert.Throws<FailException>(() => Match("a"));
}
