using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace EfficientConv.Dsl.Tests.Tables;

/// <summary>Dependencies of the compiler's folders point one way.</summary>
public sealed partial class ArchitectureTests
{
    /// <summary>Every folder may use those before it.</summary>
    private static readonly string[] s_order =
        ["Model", "Findings", "Declarations", "Shapes", "Targets", "Graph", "Cost", "Rules", "Folding", "Fusion", "Scheduling", "Prediction", "Emission"];

    /// <summary>The back half of the compiler works on graphs that are right: it uses neither rules nor what is only counted for reports. The front half knows no machine.</summary>
    private static readonly HashSet<(string, string)> s_apart =
        [
            .. from folder in new[] { "Folding", "Fusion", "Scheduling" } from other in new[] { "Cost", "Rules" } select (folder, other),
            .. from folder in new[] { "Graph", "Cost", "Rules" } select (folder, "Targets"),
            ("Emission", "Rules"), ("Emission", "Prediction"),
        ];

    [Fact]
    public void Folders_UseOnlyWhatLiesBelowThem()
    {
        string compiler = Compiler();
        string[] folders = [.. Directory.GetDirectories(compiler).Select(folder => Path.GetFileName(folder)!).Where(folder => folder is not ("bin" or "obj"))];
        Assert.Equal(folders.Order(), s_order.Order());
        string[] wrong = [.. folders.SelectMany(folder => Directory.GetFiles(Path.Combine(compiler, folder), "*.cs", SearchOption.AllDirectories).SelectMany(file =>
            Uses().Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value).Distinct()
                .Where(used => Array.IndexOf(s_order, used) > Array.IndexOf(s_order, folder) || s_apart.Contains((folder, used)))
                .Select(used => $"{folder}/{Path.GetFileName(file)} uses {used}")))];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
        // The expression finds what is there: emission uses the plan.
        Assert.Contains(Directory.GetFiles(Path.Combine(compiler, "Emission"), "*.cs"), file => Uses().Matches(File.ReadAllText(file)).Any(match => match.Groups[1].Value == "Scheduling"));
    }

    /// <summary>Layouts, caches, registers and settings decide what is done, which the plan says; printing asks for none of them.</summary>
    [Fact]
    public void Emission_PrintsWhatThePlanSays()
    {
        string[] files = Directory.GetFiles(Path.Combine(Compiler(), "Emission"), "*.cs");
        string[] wrong = [.. files.SelectMany(file => Choices().Matches(File.ReadAllText(file)).Select(match => $"{Path.GetFileName(file)} asks for {match.Value}"))];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));

        // The expression finds what schedules ask for.
        string scheduling = string.Concat(Directory.GetFiles(Path.Combine(Compiler(), "Scheduling"), "*.cs").Select(File.ReadAllText));
        Assert.Equal(6, Choices().Matches(scheduling).Select(match => match.Value).Distinct().Count());
    }

    private static string Compiler([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "generators", "EfficientConv.Dsl.Compiler");

    [GeneratedRegex(@"(?:using EfficientConv\.Dsl\.Compiler|[^.\w]Compiler)\.([A-Z]\w+)")]
    private static partial Regex Uses();

    [GeneratedRegex(@"\bIsPlanar\b|\bHoldsVectors\b|\bScheduleSettings\b|\bRegisterTiling\b|\bRegisters\b|\bSecondLevel")]
    private static partial Regex Choices();
}
