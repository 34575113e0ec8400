using EfficientConv.Dsl.Cli.Running;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>What a new user meets: help, wrong words, wrong files.</summary>
public sealed class CommandLineTests
{
    public static TheoryData<string> Verbs => ["report", "memory", "bench", "choose", "generate", "throughput", "validate", "tune"];

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
    [InlineData("report {0}/Blocks.cs --html {0}/Plain.cs")]
    [InlineData("report {0}/Blocks.cs --html {0}/nothing")]
    [InlineData("report {0}/Blocks.cs --peak NaN")]
    [InlineData("report {0}/Blocks.cs --peak -1")]
    [InlineData("report {0}/Blocks.cs --peak 1e300")]
    [InlineData("report {0}/Blocks.cs --bandwidth 80 Infinity 15")]
    [InlineData("report {0}/Blocks.cs --bandwidth 80 30")]
    [InlineData("report {0}/Blocks.cs --schedule {0}/nothing")]
    [InlineData("report {0}/Blocks.cs --framework net10.0")]
    [InlineData("memory {0}/Blocks.cs --batch -1")]
    [InlineData("memory --in 512 --out 512 --size 512 --batch 2147483647")]
    [InlineData("memory {0}/Blocks.cs -n Large")]
    [InlineData("memory {0}/Blocks.cs --batch many")]
    [InlineData("memory --in 64 --out 128 --size 56 --stride -1")]
    [InlineData("bench {0}/Blocks.cs -n Large")]
    [InlineData("bench {0}/Blocks.cs --threads 0")]
    [InlineData("bench {0}/Blocks.cs --threads 99999999999")]
    [InlineData("bench {0}/Blocks.cs --count 2000000000")]
    [InlineData("bench {0}/Blocks.cs --warm-up -1")]
    [InlineData("bench {0}/Blocks.cs --core -1")]
    [InlineData("bench {0}/Blocks.cs --core 100000")]
    [InlineData("bench {0}/Blocks.cs --batch 2000000000")]
    [InlineData("bench {0}/Blocks.cs --peer tvm")]
    [InlineData("bench {0}/Blocks.cs --isa avx1024")]
    [InlineData("bench {0}/Blocks.cs --layers --batch 2")]
    [InlineData("bench {0}/Blocks.cs --schedule {0}/broken.json")]
    [InlineData("choose --in 64 --out 128")]
    [InlineData("choose --in 64 --out 128 --size 1.5")]
    [InlineData("generate {0}/Blocks.cs -n Large")]
    [InlineData("generate {0}/Blocks.cs --output {0}/notes.txt")]
    [InlineData("generate {0}/Blocks.cs --output {0}/notes.txt/inside")]
    [InlineData("validate {0}/Blocks.cs --weights {0}/notes.txt")]
    [InlineData("validate {0}/Blocks.cs -n Small --weights {0}/nowhere.safetensors")]
    [InlineData("validate {0}/Blocks.cs -n Small --weights {0}/notes.txt")]
    [InlineData("validate {0}/Blocks.cs -n Small --weights {0}/notes.txt --input {0}/notes.txt")]
    [InlineData("validate {0}/Blocks.cs -n Small --weights {0}/notes.txt --tolerance small")]
    [InlineData("validate {0}/nowhere.cs --weights {0}/notes.txt --tolerance NaN")]
    [InlineData("validate {0}/nowhere.cs --weights {0}/notes.txt --tolerance -1e-5")]
    [InlineData("validate {0}/nowhere.cs --weights {0}/notes.txt --tolerance Infinity")]
    [InlineData("tune {0}/Blocks.cs -n Large")]
    [InlineData("tune {0}/Blocks.cs --output {0}/broken.json")]
    [InlineData("tune {0}/Blocks.cs --output {0}/other.json")]
    [InlineData("tune {0}/Blocks.cs --output {0}/notes.txt")]
    [InlineData("tune {0}/Blocks.cs --output {0}/nothing")]
    [InlineData("tune {0}/Blocks.cs --output {0}/nowhere/schedule.json")]
    [InlineData("tune {0}/Blocks.cs --output {0}/other.json --dry-run")]
    public void WrongFilesAndNumbers_EndWithTwoAndOneClearError(string line)
    {
        using Tool tool = new();
        tool.Write("Blocks.cs", Tool.Blocks);
        tool.Write("Plain.cs", "public sealed class Plain;");
        tool.Write("notes.txt", "Notes.");
        tool.Write("text.dll", "No assembly.");
        tool.Write("broken.csproj", "<Project");
        tool.Write("broken.json", "{ \"version\": ");
        tool.Write("other.json", "{ \"name\": \"something else\", \"version\": 1 }");
        Directory.CreateDirectory(tool.At("nothing"));
        string before = tool.Contents();
        ToolResult result = Tool.Run(line.Replace("{0}", tool.At(".")[..^2], StringComparison.Ordinal).Split(' '));
        Assert.True(result.ExitCode == 2, $"exit code {result.ExitCode}: {result.Error}{result.Output}");
        Assert.Single(result.Error.Split('\n'), text => text.StartsWith("error: ", StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("fault of its own", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
        Assert.Equal(before, tool.Contents());

        // Numbers are looked at before files are.
        Assert.Equal(line.Contains("nowhere.cs", StringComparison.Ordinal), result.Error.Contains("--tolerance must be a number of at least 0", StringComparison.Ordinal));
    }

    /// <summary>What cannot be written is said before anything is read: of two mistakes, that one.</summary>
    [Theory]
    [InlineData("report nowhere.cs --html {0}/nowhere/report.html", "--html: {0}/nowhere/report.html cannot be written: there is no folder {0}/nowhere.")]
    [InlineData("report nowhere.cs --html {0}/Plain.cs", "--html: {0}/Plain.cs is there already and is no HTML page; name another file, or remove it.")]
    [InlineData("tune nowhere.cs -o {0}/nowhere/s.json", "--output: {0}/nowhere/s.json cannot be written: there is no folder {0}/nowhere.")]
    [InlineData("tune nowhere.cs -o {0}/Plain.cs", "--output: {0}/Plain.cs is no file of schedules: line 1, column 1: expected {.")]
    [InlineData("tune nowhere.cs -o {0}", "--output: {0} is a folder; expected a file to write.")]
    [InlineData("generate nowhere.cs -o {0}/Plain.cs/files", "--output: {0}/Plain.cs/files cannot be written: {0}/Plain.cs is a file; expected a folder.")]
    [InlineData(
        "bench {0}/Blocks.cs --batch 2000000000", "--batch is 2000000000: 2,000,000,000 images of Small have more than 2,147,483,647 values; a call takes at most 1,864,135.")]
    [InlineData("bench nowhere.cs --core 100000", "--core is 100000; the cores of this process are ")]
    public void WhatCannotBeDone_IsSaidBeforeAnyWork(string line, string message)
    {
        using Tool tool = new();
        tool.Write("Blocks.cs", Tool.Blocks);
        tool.Write("Plain.cs", "public sealed class Plain;");
        string folder = tool.At(".")[..^2];
        ToolResult result = Tool.Run(line.Replace("{0}", folder, StringComparison.Ordinal).Split(' '));
        Assert.Equal(2, result.ExitCode);
        string error = Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("error: " + message.Replace("{0}", folder, StringComparison.Ordinal), error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    /// <summary>A system that promises more memory than it has would end the process with a signal.</summary>
    [Fact]
    public void MoreMemoryThanThereIs_IsRefused()
    {
        Assert.InRange(MemoryBound.Available, 1 << 20, long.MaxValue);
        MemoryBound.Check("A little", 1 << 10);
        ToolException exception = Assert.Throws<ToolException>(() => MemoryBound.Check("Something", 1e18));
        Assert.StartsWith("Something needs 931,322,574.6 GiB of memory; ", exception.Message, StringComparison.Ordinal);
        ToolResult result = Tool.Run("choose", "--in", "2048", "--out", "65536", "--size", "200");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
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

    /// <summary>In the order of files and lines, whichever pass found them.</summary>
    [Fact]
    public void Mistakes_ComeInTheOrderOfFilesAndLines()
    {
        using Tool tool = new();
        tool.Write("a/Second.cs", """
            using EfficientConv.Dsl;
            [InputShape(10, 8, 8), Conv2d(16, groups: 3)] public sealed partial class A;
            [InputShape(10, 8, 8), Conv2d("16")] public sealed partial class B;
            [InputShape(10, 8, 8), Conv2d(16, groups: 4)] public sealed partial class C;
            public class { }
            """);
        tool.Write("a/First.cs", """
            using EfficientConv.Dsl;
            [InputShape(10, 8, 8), Conv3d(16)] public sealed partial class D;
            [InputShape(10, 8, 8), MaxPool2d(kernelSize: 9), Conv2d(16)] public sealed partial class E;
            """);
        ToolResult result = Tool.Run("report", tool.At("a"));
        Assert.Equal(1, result.ExitCode);
        string[] places = [.. result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => System.Text.RegularExpressions.Regex.Match(line, @"(\w+)\.cs\((\d+),").Groups)
            .Select(groups => $"{groups[1].Value} {groups[2].Value}").Distinct()];
        Assert.Equal(["First 2", "First 3", "Second 2", "Second 3", "Second 4", "Second 5"], places);
    }

    [Theory]
    [InlineData("event")]
    [InlineData("@event")]
    [InlineData("Demo.event")]
    [InlineData("Demo.@event")]
    [InlineData("@ev*")]
    [InlineData("ev*")]
    public void AClassThatIsAKeyword_HasBothNames(string name)
    {
        using Tool tool = new();
        string file = tool.Write("Event.cs", """
            using EfficientConv.Dsl;
            namespace Demo;
            [InputShape(8, 8, 8), Conv2d(8)] public sealed partial class @event;
            [InputShape(8, 8, 8), Conv2d(8)] public sealed partial class Other;
            """);
        ToolResult result = Tool.Run(["report", file, "-n", name, "--json", .. Tool.Machine]).Succeeded();
        Assert.Equal("Demo.@event", Assert.Single(result.Json.GetProperty("networks").EnumerateArray()).GetProperty("name").GetString());
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
