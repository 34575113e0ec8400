using System.Diagnostics;
using System.Text;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Measuring;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>Whatever the tool is given and whatever happens to it, it ends with 0, 1 or 2 and says why.</summary>
public sealed class HostileInputTests
{
    private static readonly string[] s_verbs =
    [
        "report {0} --peak 100 --bandwidth 80 30 15", "memory {0}", "generate {0}", "generate {0} --asm --isa vector128",
        "bench {0} --count 1 --warm-up 0 --peak 100 --bandwidth 80 30 15", "validate {0} -w {1}", "tune {0} --dry-run --isa vector128",
    ];

    private const string Header = "using EfficientConv.Dsl;\n", Net = "[InputShape(8, 8, 8), Conv2d(8)] public sealed partial class Net;";

    private static readonly Dictionary<string, string> s_sources = new()
    {
        ["nothing"] = string.Empty,
        ["no C#"] = string.Concat(Enumerable.Range(0, 3000).Select(i => (char)(i * 7 % 0xD800))),
        ["a stray surrogate"] = "using EfficientConv.Dsl;\n[InputShape(8, 8, 8), Conv2d(8, Name = \"\\ud800\")] public sealed partial class Net;",
        ["a name of many letters"] = $"using EfficientConv.Dsl;\n[InputShape(8, 8, 8), Conv2d(8)] public sealed partial class {new string('N', 1500)};",
        ["a name longer than a line"] = $"{Header}namespace {new string('n', 60)};\n[InputShape(8, 8, 8), Conv2d(8)] public sealed partial class {new string('N', 60)};",
        ["a sum of many numbers"] = $"{Header}[InputShape(8, 8, 8), Conv2d({string.Join('+', Enumerable.Repeat("1", 3000))}, groups: 7)] public sealed partial class Net;",
        ["types in types in types"] = $"{Header}{string.Concat(Enumerable.Range(0, 400).Select(i => $"public partial class A{i} {{ "))}{Net.Replace("d(8", "d(8, groups: 3", StringComparison.Ordinal)}{new string('}', 400)}",
        ["a template in itself"] = "using EfficientConv.Dsl;\n[InputShape(8, 8, 8), Use<Net>] public sealed partial class Net;",
        ["a map larger than memory"] = "using EfficientConv.Dsl;\n[InputShape(2048, 65536, 65536), PointwiseConv2d(8)] public sealed partial class Net;",
        ["weights larger than memory"] = "using EfficientConv.Dsl;\n[InputShape(200000, 1, 1), PointwiseConv2d(200000)] public sealed partial class Net;",
        ["a class without a name"] = "using EfficientConv.Dsl;\n[InputShape(8, 8, 8), Conv2d(8)] public sealed partial class;",
        ["the same class twice"] = $"{Header}{Net}\n{Net}",
        ["a generic class"] = "using EfficientConv.Dsl;\n[InputShape(8, 8, 8), Conv2d(8)] public sealed partial class Net<T>;",
        ["numbers that overflow"] = $"{Header}[InputShape(int.MaxValue, int.MaxValue, int.MaxValue), Conv2d(int.MaxValue, kernelSize: int.MaxValue)] public sealed partial class Net;",
    };

    public static TheoryData<string, string> Cases
    {
        get
        {
            TheoryData<string, string> cases = [];
            foreach (string verb in s_verbs)
            {
                foreach (string name in s_sources.Keys)
                    cases.Add(verb, name);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void EveryVerb_EndsWithOneOfItsExitCodes(string verb, string name)
    {
        using Tool tool = new();
        string file = tool.At("Networks.cs");
        File.WriteAllText(file, s_sources[name], new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        ToolResult result = Tool.Run(Arguments(verb, file, tool.At("nowhere.safetensors")));
        Assert.InRange(result.ExitCode, 0, 2);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("fault of its own", result.Error, StringComparison.Ordinal);
        if (result.ExitCode != 0)
        {
            Assert.Contains("error", result.Error, StringComparison.Ordinal);
            Assert.InRange(result.Error.Split('\n').Length, 1, 110);

            // bench begins with how it measures.
            Assert.DoesNotMatch(verb.StartsWith("bench", StringComparison.Ordinal) ? "min = " : ".", result.Output);
        }
    }

    /// <summary>A network inside a generic type is the same for every argument.</summary>
    [Theory]
    [InlineData("public partial class Outer<T>")]
    [InlineData("public partial class Outer<T, U> where T : unmanaged where U : class, new()")]
    [InlineData("public partial struct Outer<T> where T : struct")]
    [InlineData("public partial record Outer<@event> where @event : System.IDisposable")]
    public void ANetworkInAGenericType_RunsInEveryVerb(string outer)
    {
        using Tool tool = new();
        string file = tool.Write("Nested.cs", $"{Header}namespace Demo;\n{outer} {{ {Net} }}"), weights = tool.At("w.safetensors");
        SafetensorsWriter.Write(weights, [("0.weight", [8, 8, 3, 3], new float[576]), ("0.bias", [8], new float[8])]);
        foreach (string verb in s_verbs)
            Tool.Run(Arguments(verb, file, weights)).Succeeded();
        Tool.Run("generate", file, "--asm", "-o", tool.At("out")).Succeeded();
        Assert.All(Path.GetFileName(Assert.Single(Directory.GetFiles(tool.At("out")))), c => Assert.DoesNotContain(c, "<>:\"|?*, "));
    }

    /// <summary>The same as a built assembly, where constraints hold.</summary>
    [Fact]
    public void ABuiltNetworkInAGenericType_Runs()
    {
        using Tool tool = new();
        string file = tool.Write("Nested.cs", """
            using EfficientConv.Dsl;
            namespace Demo;
            public partial class Any<T> { public partial struct Inner<U> { [InputShape(8, 8, 8), Conv2d(8)] public sealed partial class Net; } }
            public partial class Values<T> where T : struct { [InputShape(8, 8, 8), Conv2d(8)] public sealed partial class Small; }
            public partial class Odd<T> where T : System.IO.Stream { [InputShape(8, 8, 8), Conv2d(8)] public sealed partial class None; }
            """);
        IEnumerable<string> sources = Input.NetworkInputs.Read([file], null, new Output.Terminal(TextWriter.Null, TextWriter.Null))
            .SelectMany(network => Compiler.NetworkCompiler.Compile(network.Declaration!, Compiler.CompilerOptions.Default).Sources.Select(s => s.Text));
        File.WriteAllBytes(tool.At("Built.dll"), NetworkBuild.Emit(sources.Append(File.ReadAllText(file))));
        string[] bench = ["bench", tool.At("Built.dll"), "--count", "1", "--warm-up", "0", "--json", .. Tool.Machine];
        Assert.Equal("Net", Tool.Run([.. bench, "-n", "Demo.Any<T>.Inner<U>.Net"]).Succeeded().Json.GetProperty("networks")[0].GetProperty("name").GetString());
        Tool.Run([.. bench, "-n", "Small"]).Succeeded();
        ToolResult odd = Tool.Run([.. bench, "-n", "None"]);
        Assert.Equal(2, odd.ExitCode);
        Assert.Equal("error: None lies in Odd, whose constraints allow neither object nor int: give its sources or project instead of the built assembly.", odd.Error.Trim());
    }

    [Fact]
    public void WhatNobodyThoughtOf_IsOneMessageToo()
    {
        Exception[] exceptions =
        [
            new InsufficientMemoryException(), new InvalidCastException("a\nb"), new System.Reflection.TargetInvocationException(new InvalidOperationException()),
            new IOException("No space left on device"),
        ];
        foreach (Exception exception in exceptions)
        {
            using StringWriter error = new();
            Assert.Equal(ExitCode.Usage, Failure.Guard(() => throw exception, error));
            Assert.StartsWith("error: ", Assert.Single(error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        }

        Assert.Equal(ExitCode.Failed, Failure.Guard(() => throw new ToolException("x", ExitCode.Failed), TextWriter.Null));
        Assert.Equal(ExitCode.Usage, Failure.Guard(() => throw new InvalidOperationException(), new BrokenWriter()));
    }

    /// <summary>Standard streams that are closed, full or gone.</summary>
    [Theory]
    [InlineData("report {0} >/dev/full", 2)]
    [InlineData("report {0} >&-", 2)]
    [InlineData("report nowhere.cs 2>/dev/full", 2)]
    [InlineData("report nowhere.cs 2>&-", 2)]
    [InlineData("report nowhere.cs >&- 2>&- <&-", 2)]
    [InlineData("report {0} --json | true", 0)]
    [InlineData("run-in-child", 2)]
    [InlineData("run-in-child nowhere.dll Avx2 3", 2)]
    [InlineData("report {0} --isa scalar --html /dev/stdout", 0)]
    public async Task BrokenStreams_EndWithAnExitCodeOfTheTools(string line, int expected)
    {
        if (!OperatingSystem.IsLinux())
            return;
        using Tool tool = new();
        string file = tool.Write("Blocks.cs", Tool.Blocks), command = line.Replace("{0}", $"\"{file}\" {string.Join(' ', Tool.Machine[..^2])}", StringComparison.Ordinal);

        // The shell ends as the tool does, also at the head of a pipe.
        string[] parts = command.Split(" | ");
        string script = parts.Length == 1 ? $"{Command} {command}" : $"{{ {Command} {parts[0]}; echo $? >\"{tool.At("code")}\"; }} | {parts[1]}; exit $(cat \"{tool.At("code")}\")";
        using Process process = Process.Start(new ProcessStartInfo("sh", ["-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == expected, $"exit code {process.ExitCode}: {await error}{await output}");
        Assert.DoesNotContain("   at ", await error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("INT", 2)]
    [InlineData("TERM", 15)]
    public async Task WhoStopsTheTool_GetsItsExitCodeAndAMessage(string signal, int number)
    {
        if (!OperatingSystem.IsLinux() || IsIgnored(number))
            return;
        using Tool tool = new();
        string file = tool.Write("Blocks.cs", Tool.Blocks);
        string script = $"exec {Command} bench \"{file}\" -n Small --count 10000000 {string.Join(' ', Tool.Machine)}";
        using Process process = Process.Start(new ProcessStartInfo("sh", ["-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        Assert.StartsWith("loop_count = 10000000", await process.StandardOutput.ReadLineAsync(), StringComparison.Ordinal);
        using (Process kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]))
            await kill.WaitForExitAsync();
        await process.WaitForExitAsync();
        Assert.Equal((2, "error: stopped."), (process.ExitCode, (await error).Trim()));
    }

    /// <summary>Another repository around the tool is not its own.</summary>
    [Fact]
    public void AnotherRepository_IsNotTakenForOurs()
    {
        using Tool tool = new();
        tool.Write("Directory.Packages.props", "<Project />");
        tool.Write("Other.sln", string.Empty);
        Directory.CreateDirectory(tool.At("tools/inside"));
        Assert.Null(Checkout.Above(tool.At("tools/inside")));
        Assert.Equal(RepositoryFiles.At(string.Empty).TrimEnd('/'), Checkout.Above(AppContext.BaseDirectory));
    }

    private static string[] Arguments(string verb, string file, string weights) =>
        [.. verb.Split(' ').Select(word => word.Replace("{0}", file, StringComparison.Ordinal).Replace("{1}", weights, StringComparison.Ordinal))];

    private static string Command => $"dotnet exec \"{Path.Combine(AppContext.BaseDirectory, "efficientconv.dll")}\"";

    /// <summary>Whether this process, and so what it starts, ignores a signal: programs in the background of a script do.</summary>
    private static bool IsIgnored(int signal)
    {
        string mask = File.ReadLines("/proc/self/status").First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))[7..].Trim();
        return (ulong.Parse(mask, System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture) >> (signal - 1) & 1) != 0;
    }

    /// <summary>A stream that takes nothing.</summary>
    private sealed class BrokenWriter : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void WriteLine(string? value) => throw new IOException("No space left on device");
    }
}
