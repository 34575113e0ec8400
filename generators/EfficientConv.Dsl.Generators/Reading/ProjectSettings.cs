using System.Globalization;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Scheduling;
using Microsoft.CodeAnalysis.Diagnostics;

namespace EfficientConv.Dsl.Generators.Reading;

/// <summary>What a project's MSBuild properties say about schedules and about noting times. The package's targets have checked them before.</summary>
internal static class ProjectSettings
{
    private const string Prefix = "build_property.EfficientConv";

    /// <summary>The settings; what is missing or no size has its default.</summary>
    public static ScheduleSettings Read(AnalyzerConfigOptions options) => new(Bytes(options, "FirstLevelCacheBytes"), Bytes(options, "SecondLevelCacheBytes"));

    /// <summary>Whether the networks shall note when each step begins.</summary>
    public static bool TimesSteps(AnalyzerConfigOptions options) =>
        options.TryGetValue(Prefix + "StepTimes", out string? text) && bool.TryParse(text, out bool isSet) && isSet;

    private static int Bytes(AnalyzerConfigOptions options, string name) =>
        options.TryGetValue(Prefix + name, out string? text) && int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int bytes)
            && ScheduleArguments.IsBelievable(bytes) ? bytes : 0;
}
