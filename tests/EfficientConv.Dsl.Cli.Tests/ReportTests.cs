using System.Text.Json;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Compiler;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary><c>report</c>: figures, forms of input, the page.</summary>
public sealed class ReportTests
{
    [Fact]
    public void MobileNetV2_HasItsPublishedFigures()
    {
        using Tool tool = new();
        JsonElement network = Tool.Run(["report", tool.Write("Networks.cs", Tool.MobileNetV2), "--json", .. Tool.Machine]).Succeeded().Json.GetProperty("networks")[0];
        Assert.Equal("Demo.MobileNetV2", network.GetProperty("name").GetString());
        Assert.Equal(3_504_872, network.GetProperty("parameters").GetInt64());
        Assert.Equal(300_774_272, network.GetProperty("multiplyAdds").GetInt64());
        Assert.Equal(6_679_112, network.GetProperty("activationSum").GetInt64());
        Assert.Equal(6_021_120, network.GetProperty("peakBytesLayerwise").GetInt64());
        Assert.Equal(152.87, network.GetProperty("torchsummaryPassBytes").GetInt64() / 1048576.0, 0.005);
        Assert.Equal(1.395, network.GetProperty("peakBytesFusedRows").GetInt64() / 1048576.0, 0.0005);
        Assert.Equal(300_774_272, network.GetProperty("layers").EnumerateArray().Sum(l => l.GetProperty("multiplyAdds").GetInt64()));

        // Every multiply-add is done by exactly one step.
        Assert.Equal(300_774_272, network.GetProperty("steps").EnumerateArray().Sum(s => s.GetProperty("multiplyAdds").GetInt64()));
    }

    [Fact]
    public void Tables_FitEightyColumns()
    {
        using Tool tool = new();
        string file = tool.Write("Networks.cs", Tool.MobileNetV2);
        Assert.InRange(Tool.Run(["report", file, .. Tool.Machine]).Succeeded().Columns, 60, 80);
        Assert.InRange(Tool.Run(["report", file, "--all-layers", .. Tool.Machine]).Succeeded().Columns, 60, 80);
        Assert.DoesNotContain("\u001b", Tool.Run(["report", file, .. Tool.Machine]).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void FoldersProjectsAndPatterns_AreRead()
    {
        using Tool tool = new();
        tool.Write("app/Blocks.cs", Tool.Blocks);
        tool.Write("app/bin/Copy.cs", Tool.Blocks);
        string project = tool.Write("app/App.csproj", """
            <Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>
            """);
        Assert.Equal(["Demo.Small", "Demo.Dense"], Names(tool.At("app")));
        Assert.Equal(["Demo.Small", "Demo.Dense"], Names(project));
        Assert.Equal(["Demo.Dense"], Names(tool.At("app"), "--network", "Den*"));
        Assert.Equal(["Demo.Small"], Names(tool.At("app"), "--network", "Demo.Small"));

        static string[] Names(params string[] arguments) =>
            [.. Tool.Run(["report", .. arguments, "--json", .. Tool.Machine]).Succeeded().Json.GetProperty("networks").EnumerateArray().Select(n => n.GetProperty("name").GetString()!)];
    }

    [Fact]
    public void ABuiltAssembly_TellsWhatItsConstantsHold()
    {
        using Tool tool = new();
        string source = tool.Write("Blocks.cs", Tool.Blocks);
        var declared = Input.NetworkInputs.Read([source], "Small", new Output.Terminal(TextWriter.Null, TextWriter.Null))[0];
        File.WriteAllBytes(tool.At("Built.dll"), NetworkBuild.Emit(NetworkCompiler.Compile(declared.Declaration!, CompilerOptions.Default).Sources.Select(s => s.Text)));

        JsonElement built = Tool.Run(["report", tool.At("Built.dll"), "--json", .. Tool.Machine]).Succeeded().Json.GetProperty("networks")[0];
        JsonElement read = Tool.Run(["report", source, "-n", "Small", "--json", .. Tool.Machine]).Succeeded().Json.GetProperty("networks")[0];
        foreach (string figure in new[] { "parameters", "multiplyAdds", "weightBytes", "activationSum", "outputSum", "peakBytesLayerwise", "savedBytes" })
            Assert.Equal(read.GetProperty(figure).GetInt64(), built.GetProperty(figure).GetInt64());
        Assert.Equal(read.GetProperty("layers").ToString(), built.GetProperty("layers").ToString());
        Assert.False(built.TryGetProperty("steps", out _));
        ToolResult memory = Tool.Run("memory", tool.At("Built.dll"));
        Assert.Equal(2, memory.ExitCode);
        Assert.Contains("EFFICIENTCONV_KEEP_ATTRIBUTES", memory.Error, StringComparison.Ordinal);
    }

    /// <summary>Templates, lists of names, enumerations and budgets come through metadata as they come through the sources.</summary>
    [Fact]
    public void ABuiltAssemblyThatKeepsItsAttributes_IsReadAsItsSources()
    {
        const string Source = """
            using EfficientConv.Dsl;
            namespace Demo;

            [InputShape(8, 12, 12, Layout = TensorLayout.NHWC), Budget(maxParameters: 100_000)]
            [Conv2d(16, padding: 1, Name = "a"), HardSwish, Conv2d(16, padding: 1, Name = "b"), Concat("a", "b"), Add("b2")]
            [Use<Branch>(2), MaxPool2d, InvertedResidual(expansion: 2, activation: Activation.SiLU, squeezeReduction: 4)]
            public sealed partial class Joined;

            [PointwiseConv2d(48, bias: false), BatchNorm(1e-3), Use<Deep>]
            public sealed class Branch;

            [ReLU(Name = "x"), DepthwiseConv2d(padding: 1), Add("x")]
            public sealed class Deep;
            """;
        using Tool tool = new();
        string source = tool.Write("Joined.cs", Source.Replace(", Add(\"b2\")", string.Empty, StringComparison.Ordinal));
        var declared = Input.NetworkInputs.Read([source], null, new Output.Terminal(TextWriter.Null, TextWriter.Null))[0];
        File.WriteAllBytes(tool.At("Built.dll"), NetworkBuild.Emit(
            NetworkCompiler.Compile(declared.Declaration!, CompilerOptions.Default).Sources.Select(s => s.Text).Append("#define EFFICIENTCONV_KEEP_ATTRIBUTES\n" + File.ReadAllText(source))));

        foreach (string verb in new[] { "report", "memory" })
        {
            string[] machine = verb == "report" ? Tool.Machine : [];
            string built = Tool.Run([verb, tool.At("Built.dll"), "--json", .. machine]).Succeeded().Output, read = Tool.Run([verb, source, "--json", .. machine]).Succeeded().Output;
            Assert.Equal(WithoutLocation(read), WithoutLocation(built));
        }

        Assert.Equal(Tool.Run("generate", source).Succeeded().Output, Tool.Run("generate", tool.At("Built.dll")).Succeeded().Output);

        static string WithoutLocation(string json) => string.Join('\n', json.Split('\n').Where(line => !line.Contains("\"location\"", StringComparison.Ordinal)));
    }

    /// <summary>A folder that is reached by several ways is read once, and one that contains itself is read at all.</summary>
    [Fact]
    public void LinksThatLoop_AreNotFollowedTwice()
    {
        using Tool tool = new();
        tool.Write("app/a/Blocks.cs", Tool.Blocks);
        string other = tool.Write("elsewhere/Other.cs", "using EfficientConv.Dsl;\n[InputShape(8, 8, 8), Conv2d(8)] public sealed partial class Other;");
        Directory.CreateSymbolicLink(tool.At("app/a/parent"), tool.At("app"));
        Directory.CreateSymbolicLink(tool.At("app/a/self"), "../a");
        Directory.CreateSymbolicLink(tool.At("app/0"), tool.At("app/a"));
        Directory.CreateSymbolicLink(tool.At("app/outside"), tool.At("elsewhere"));
        Directory.CreateSymbolicLink(tool.At("app/circle"), tool.At("app/circle"));
        File.CreateSymbolicLink(tool.At("app/Copy.cs"), tool.At("app/a/Blocks.cs"));
        File.CreateSymbolicLink(tool.At("app/.#Blocks.cs"), "user@host.1234");
        JsonElement[] networks = [.. Tool.Run(["report", tool.At("app"), tool.At("app/outside/Other.cs"), other, "--json", .. Tool.Machine]).Succeeded().Json.GetProperty("networks").EnumerateArray()];
        Assert.Equal(["Demo.Dense", "Demo.Small", "Other"], networks.Select(n => n.GetProperty("name").GetString()!).Order(StringComparer.Ordinal));
    }

    /// <summary>Nothing but the page is written, and what is there already stays whole until then.</summary>
    [Fact]
    public void ThePage_SaysWhereItIs()
    {
        using Tool tool = new();
        string file = tool.Write("Blocks.cs", Tool.Blocks), page = tool.At("out/report.html");
        Directory.CreateDirectory(tool.At("out"));
        ToolResult result = Tool.Run(["report", file, "-n", "Small", "--html", page, .. Tool.Machine]).Succeeded();
        Assert.Matches($@"^Wrote {System.Text.RegularExpressions.Regex.Escape(page)}: Demo\.Small, \d+\.\d KiB\.\s*$", result.Output);
        string first = File.ReadAllText(page);

        ToolResult again = Tool.Run(["report", file, "--html", page, "--json", .. Tool.Machine]).Succeeded();
        Assert.Equal(page, again.Json.GetProperty("html").GetString());
        Assert.Equal(2, again.Json.GetProperty("networks").GetArrayLength());
        Assert.NotEqual(first, File.ReadAllText(page));
        Assert.Equal([page], Directory.GetFiles(tool.At("out")));
        Assert.False(Tool.Run(["report", file, "--json", .. Tool.Machine]).Succeeded().Json.TryGetProperty("html", out _));
    }

    [Fact]
    public void ThePage_IsSelfContainedAndHasItsCharts()
    {
        using Tool tool = new();
        Tool.Run(["report", tool.Write("Networks.cs", Tool.MobileNetV2), "--html", tool.At("report.html"), .. Tool.Machine]).Succeeded();
        string page = File.ReadAllText(tool.At("report.html"));
        Assert.Equal(6, page.Split("<svg ").Length - 1);
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.DoesNotContain("src=", page, StringComparison.Ordinal);
        Assert.DoesNotContain("href=", page, StringComparison.Ordinal);
        Assert.Contains("prefers-color-scheme:dark", page, StringComparison.Ordinal);
        Assert.Contains("4.depthwise: 5.74 MiB", page, StringComparison.Ordinal);
    }
}
