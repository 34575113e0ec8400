using System.Text;
using System.Text.RegularExpressions;

namespace EfficientConv.Dsl.Package.Tests;

/// <summary>The app with some properties: a target of it, or <see cref="InstructionSet"/>.</summary>
internal sealed record BuildCase(string Target, params (string Name, string Value)[] Properties)
{
    /// <summary>A target that prints the property IlcInstructionSet.</summary>
    public const string InstructionSet = "PrintInstructionSet";

    /// <summary>What MSBuild's list of properties looks like, and what names the case.</summary>
    public string Text { get; } = string.Join(';', Properties.Select(p => $"{p.Name}={p.Value.Replace("%", "%25", StringComparison.Ordinal).Replace(",", "%2C", StringComparison.Ordinal).Replace(";", "%3B", StringComparison.Ordinal)}"));

    public override string ToString() => $"{Target} {Text}";
}

/// <summary>Many builds of the app in one process of MSBuild, one after the other: each with the properties that a command line would give it, as a process of its own takes seconds to start.</summary>
internal sealed partial class BuildCases(string app, IReadOnlyList<BuildCase> cases)
{
    private readonly Lazy<Task<Dictionary<string, CommandResult>>> _results = new(() => RunAllAsync(app, cases));

    /// <summary>What the build of a case printed, and whether it succeeded.</summary>
    public async Task<CommandResult> ResultAsync(BuildCase item) => (await _results.Value)[item.ToString()];

    private static async Task<Dictionary<string, CommandResult>> RunAllAsync(string app, IReadOnlyList<BuildCase> cases)
    {
        StringBuilder tasks = new();
        for (int i = 0; i < cases.Count; i++)
        {
            tasks.AppendLine($"""
                    <Message Importance="high" Text="begin {i}" />
                    <MSBuild Projects="{app}/App.csproj" Targets="{cases[i].Target}" Properties="{cases[i].Text}" ContinueOnError="ErrorAndContinue" />
                    <Message Importance="high" Text="end {i} $(MSBuildLastTaskResult)" />
                """);
        }

        await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(app)!, "cases.proj"), $"<Project>\n  <Target Name=\"Cases\">\n{tasks}  </Target>\n</Project>\n");
        await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(app)!, "print.targets"), $"""
            <Project>
              <Target Name="{BuildCase.InstructionSet}"><Message Importance="high" Text="[$(IlcInstructionSet)]" /></Target>
            </Project>
            """);
        CommandResult all = await DotnetCommand.RunAsync(
            Path.GetDirectoryName(app)!, "msbuild", "cases.proj", "-t:Cases", "-m:1", "-v:minimal", "-clp:NoSummary", "-p:Configuration=Release", $"-p:CustomAfterMicrosoftCommonTargets={Path.Combine(Path.GetDirectoryName(app)!, "print.targets")}");
        Dictionary<string, CommandResult> results = Case().Matches(all.Output).ToDictionary(
            m => cases[int.Parse(m.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture)].ToString(), m => new CommandResult(m.Groups[3].Value == "true" ? 0 : 1, m.Groups[2].Value));
        Assert.True(results.Count == cases.Count, all.Output);
        return results;
    }

    [GeneratedRegex(@"^ *begin (\d+)\r?\n(.*?)^ *end \1 (true|false)\r?$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Case();
}
