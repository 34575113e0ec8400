using System.Text.RegularExpressions;
using EfficientConv.Dsl.Cli.Output;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>Every command of the README, of the pages and of the files of figures: those of the tool are read by the tool itself, the others name what the repository has.</summary>
public sealed partial class PageCommandTests
{
    private static readonly string[] s_verbs = ["add", "build", "new", "workload", "pack", "package", "publish", "run", "test", "tool"];

    /// <summary>Commands of the tool that need no model and no measurement: they run on the page's own block.</summary>
    private static readonly string[] s_cheap = ["report", "memory", "generate"];

    public static TheoryData<string, string, bool> Commands
    {
        get
        {
            TheoryData<string, string, bool> data = [];
            foreach (string page in Pages())
            {
                string text = File.ReadAllText(RepositoryFiles.At(page));
                foreach (string command in CommandsOf(Line(), text))
                    data.Add(page, command, true);
                foreach (string command in CommandsOf(Inline(), text))
                    data.Add(page, command, false);
            }

            foreach (string file in MeasuredFigures.Files())
                data.Add(Path.GetRelativePath(RepositoryFiles.At("."), file).Replace('\\', '/'), MeasuredFigures.Read(Path.GetFileNameWithoutExtension(file)).GetProperty("command").GetString()!, true);
            return data;
        }
    }

    /// <summary>Otherwise nothing below is looked at.</summary>
    [Fact]
    public void Pages_HaveCommandsOfEveryKind()
    {
        string[] all = [.. Pages().SelectMany(page => CommandsOf(Line(), File.ReadAllText(RepositoryFiles.At(page))))];
        Assert.All((string[])["efficientconv bench", "efficientconv import", "efficientconv report", "dotnet run", "dotnet add", ".ci/run", "tests/"], start => Assert.Contains(all, command => command.StartsWith(start, StringComparison.Ordinal)));
    }

    /// <summary>A command within a sentence may leave out what it is about.</summary>
    [Theory]
    [MemberData(nameof(Commands))]
    public void Command_IsRight(string page, string command, bool isWhole)
    {
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is ["taskset", "-c", _, .. var bound])
            words = bound;
        switch (words[0])
        {
            case "efficientconv":
                CheckTool(words[1..], isWhole);
                break;
            case "dotnet":
                Assert.Contains(words[1], s_verbs);
                foreach (string path in words.TakeWhile(word => word != "--").Where(word => Folder().IsMatch(word)))
                    Assert.True(Directory.Exists(RepositoryFiles.At(path)), $"{page}: {command}: there is no {path}");
                if (Array.IndexOf(words, "--") is > 0 and var end && Array.IndexOf(words, "--project") is > 0 and var project)
                    Options(words[project + 1], words[(end + 1)..]);
                break;
            case string program when program.Split("/bin/") is [string folder, _]:
                Assert.True(Directory.Exists(RepositoryFiles.At(folder)), $"{page}: there is no {folder} to build {program}");
                break;
            default:
                Assert.True(File.Exists(RepositoryFiles.At(words[0])), $"{page}: there is no {words[0]}");
                break;
        }
    }

    private static void CheckTool(string[] arguments, bool isWhole)
    {
        using StringWriter output = new(), error = new();
        Assert.DoesNotContain(
            Program.Parse(arguments, new Terminal(output, error)).Errors.Select(mistake => mistake.Message), mistake => isWhole || !mistake.StartsWith("Required argument", StringComparison.Ordinal));
        if (!isWhole || !s_cheap.Contains(arguments[0]))
            return;
        using Tool tool = new();
        tool.Write("Networks.cs", """
            using EfficientConv.Dsl;
            [InputShape(24, 14, 14)]
            [InvertedResidual(expansion: 4)]
            public sealed partial class MobileBlock;
            [InputShape(3, 32, 32)]
            [Conv2d(8)]
            public sealed partial class MobileNetV2;
            """);
        string[] here = [.. arguments.Select(argument => argument is "Networks.cs" or "report.html" ? tool.At(argument) : argument)];
        if (here.Contains(tool.At("Networks.cs")))
            here = arguments[0] == "report" ? [.. here, .. Tool.Machine] : here;
        Tool.Run(here).Succeeded();
    }

    /// <summary>Options of the repository's own programs are in their sources.</summary>
    private static void Options(string project, string[] arguments)
    {
        if (project == "src/EfficientConv.Dsl.Cli")
        {
            if (arguments.Length > 0)
                CheckTool(arguments, isWhole: false);
            return;
        }

        string sources = string.Concat(Directory.EnumerateFiles(RepositoryFiles.At(project), "*.cs", SearchOption.AllDirectories).Where(file => !Made().IsMatch(file)).Select(File.ReadAllText));
        Assert.All(arguments.Where(argument => argument.StartsWith("--", StringComparison.Ordinal)), option => Assert.Contains($"\"{option}\"", sources, StringComparison.Ordinal));
    }

    internal static IEnumerable<string> Pages() =>
        Directory.EnumerateFiles(RepositoryFiles.At("docs"), "*.md", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(RepositoryFiles.At("."), path).Replace('\\', '/'))
            .Concat(["README.md", "src/EfficientConv.Dsl.Cli/README.md", "src/EfficientConv.Dsl.Zoo/README.md"]).Order(StringComparer.Ordinal);

    /// <summary>Commands as <paramref name="pattern"/> finds them; comments are no part of them.</summary>
    private static IEnumerable<string> CommandsOf(Regex pattern, string page) => pattern.Matches(page).Select(match => Comment().Replace(match.Groups[1].Value, string.Empty).Trim()).Distinct();

    [GeneratedRegex(@"^(?:    |\$ )?((?:efficientconv [a-z]|dotnet [a-z]|tests/|docs/performance/|\.ci/)[^\n]*)", RegexOptions.Multiline)]
    private static partial Regex Line();

    [GeneratedRegex("`((?:efficientconv|dotnet) [a-z][^`\n]* [^`\n]*)`")]
    private static partial Regex Inline();

    [GeneratedRegex(@"\s#.*$")]
    private static partial Regex Comment();

    [GeneratedRegex("^(src|samples|tests)/")]
    private static partial Regex Folder();

    [GeneratedRegex(@"[\\/](obj|bin)[\\/]")]
    private static partial Regex Made();
}
