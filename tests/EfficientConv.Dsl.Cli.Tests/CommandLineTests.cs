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

    /// <summary>Files that are there and cannot be used, verb by verb; {0} is the folder.</summary>
    [Theory]
    [InlineData("report {0}/notes.txt")]
    [InlineData("report {0}/nothing")]
    [InlineData("report {0}/text.dll")]
    [InlineData("report {0}/broken.csproj")]
    [InlineData("report {0}/Plain.cs")]
    [InlineData("report {0}/Blocks.cs -n Large")]
    [InlineData("report {0}/Blocks.cs --schedule {0}/broken.json")]
    [InlineData("report {0}/Blocks.cs --schedule {0}/nowhere.json")]
    [InlineData("report {0}/Blocks.cs --html {0}/nowhere/report.html")]
    [InlineData("memory {0}/Blocks.cs -n Large")]
    [InlineData("memory {0}/Blocks.cs --batch many")]
    [InlineData("memory --in 64 --out 128 --size 56 --stride -1")]
    [InlineData("bench {0}/Blocks.cs -n Large")]
    [InlineData("bench {0}/Blocks.cs --threads 0")]
    [InlineData("bench {0}/Blocks.cs --peer tvm")]
    [InlineData("bench {0}/Blocks.cs --isa avx1024")]
    [InlineData("bench {0}/Blocks.cs --layers --batch 2")]
    [InlineData("bench {0}/Blocks.cs --schedule {0}/broken.json")]
    [InlineData("choose --in 64 --out 128")]
    [InlineData("choose --in 64 --out 128 --size 1.5")]
    [InlineData("generate {0}/Blocks.cs -n Large")]
    [InlineData("generate {0}/Blocks.cs --output {0}/notes.txt")]
    [InlineData("validate {0}/Blocks.cs --weights {0}/notes.txt")]
    [InlineData("validate {0}/Blocks.cs -n Small --weights {0}/nowhere.safetensors")]
    [InlineData("validate {0}/Blocks.cs -n Small --weights {0}/notes.txt")]
    [InlineData("validate {0}/Blocks.cs -n Small --weights {0}/notes.txt --input {0}/notes.txt")]
    [InlineData("validate {0}/Blocks.cs -n Small --weights {0}/notes.txt --tolerance small")]
    [InlineData("tune {0}/Blocks.cs -n Large")]
    [InlineData("tune {0}/Blocks.cs --output {0}/broken.json")]
    public void WrongFilesAndNumbers_EndWithTwoAndOneClearError(string line)
    {
        using Tool tool = new();
        tool.Write("Blocks.cs", Tool.Blocks);
        tool.Write("Plain.cs", "public sealed class Plain;");
        tool.Write("notes.txt", "Notes.");
        tool.Write("text.dll", "No assembly.");
        tool.Write("broken.csproj", "<Project");
        tool.Write("broken.json", "{ \"version\": ");
        Directory.CreateDirectory(tool.At("nothing"));
        ToolResult result = Tool.Run(line.Replace("{0}", tool.At(".")[..^2], StringComparison.Ordinal).Split(' '));
        Assert.True(result.ExitCode == 2, $"exit code {result.ExitCode}: {result.Error}{result.Output}");
        Assert.Single(result.Error.Split('\n'), text => text.StartsWith("error: ", StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Theory]
    [InlineData("report")]
    [InlineData("memory")]
    [InlineData("bench")]
    [InlineData("generate")]
    [InlineData("validate --weights nowhere.safetensors")]
    [InlineData("tune --dry-run")]
    public void ANetworkWithAMistake_EndsEveryVerbWithOneAndTheDiagnostic(string verb)
    {
        using Tool tool = new();
        string file = tool.Write("Bad.cs", "using EfficientConv.Dsl;\n[InputShape(10, 8, 8), Conv2d(16, groups: 3)] public sealed partial class Bad;");
        ToolResult result = Tool.Run([.. verb.Split(' ')[..1], file, .. verb.Split(' ')[1..]]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("error ECD0101: Conv2d \"0\" has groups 3, which do not divide its 10 input channels", Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
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
    [InlineData("[InputShape(10, 8, 8)] [Conv2d(16)] public sealed partial class Load;", "ECD0006")]
    [InlineData("[InputShape(10, 8, 8)] [Conv2d(16)] public sealed partial class Bad { public int Depth => 1; private static int Cost => 2; }", "ECD0006")]
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
