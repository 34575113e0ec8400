namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>What a new user meets: help, wrong words, wrong files.</summary>
public sealed class CommandLineTests
{
    public static TheoryData<string> Verbs => ["report", "memory", "bench", "choose", "generate", "validate", "tune"];

    [Theory]
    [MemberData(nameof(Verbs))]
    public void Help_NamesEveryOptionWithinEightyColumns(string verb)
    {
        ToolResult result = Tool.Run(verb, "--help").Succeeded();
        Assert.Contains("--json", result.Output, StringComparison.Ordinal);
        Assert.InRange(result.Columns, 40, 80);
        Assert.Contains(verb, Tool.Run("--help").Succeeded().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_TellsTheExitCodes()
    {
        ToolResult result = Tool.Run("--help");
        Assert.Contains("Exit codes: 0", result.Output, StringComparison.Ordinal);
        Assert.InRange(result.Columns, 40, 80);
    }

    [Theory]
    [InlineData("rapport")]
    [InlineData("report")]
    [InlineData("report a.cs --batch")]
    [InlineData("memory --in 64")]
    [InlineData("memory --in 64 --out 128 --size 0")]
    [InlineData("memory --in 64 --out 128 --size 56 --kernel 4")]
    [InlineData("memory --in 64 --out 128 --size 56 --batch 0")]
    [InlineData("memory")]
    [InlineData("choose --in 64 --out 128 --size 56 --by beauty")]
    [InlineData("report nowhere.cs")]
    [InlineData("bench nowhere")]
    [InlineData("validate a.cs")]
    public void WrongCommandLines_EndWithTwoAndOneClearLine(string line)
    {
        ToolResult result = Tool.Run(line.Split(' '));
        Assert.Equal(2, result.ExitCode);
        Assert.StartsWith("error: ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public void AMistakeInANetwork_IsTheAnalyzersDiagnosticWithFileAndLine()
    {
        using Tool tool = new();
        string file = tool.Write("Bad.cs", """
            using EfficientConv.Dsl;
            [InputShape(10, 8, 8)]
            [Conv2d(16, groups: 3)]
            public sealed partial class Bad;
            """);
        ToolResult result = Tool.Run("report", file);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("Bad.cs(3,13): error ECD0101:", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Theory]
    [InlineData("[InputShape(10, 8, 8)] [Conv3d(16)] public sealed partial class Bad;", "CS0246")]
    [InlineData("[InputShape(10, 8, 8)] [Conv2d(\"16\")] public sealed partial class Bad;", "CS1503")]
    [InlineData("[InputShap(10, 8, 8)] [Conv2d(16)] public sealed partial class Bad;", "CS0246")]
    [InlineData("[InputShape(10, 8, 8)] [Conv2d(16) public sealed partial class Bad;", "CS")]
    [InlineData("[InputShape(10, 8, 8)] [Conv2d(16)] public sealed class Bad;", "ECD0001")]
    public void MistakesThatTheCompilerSees_AreItsDiagnostics(string source, string id)
    {
        using Tool tool = new();
        ToolResult result = Tool.Run("report", tool.Write("Bad.cs", "using EfficientConv.Dsl;\n" + source));
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"Bad.cs(2,", result.Error, StringComparison.Ordinal);
        Assert.Contains(id, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void AnUnknownName_IsAnsweredWithThoseThatThereAre()
    {
        using Tool tool = new();
        ToolResult result = Tool.Run("report", tool.Write("Blocks.cs", Tool.Blocks), "--network", "Large");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("No network is called \"Large\"; there are: Small, Dense.", result.Error, StringComparison.Ordinal);
    }
}
