using System.Globalization;
using EfficientConv.Dsl.Compiler.Scheduling;
using Microsoft.CodeAnalysis.Diagnostics;

namespace EfficientConv.Dsl.Generators.Reading;

/// <summary>What a project's MSBuild properties say about schedules. The package's targets have checked them before.</summary>
internal static class ProjectSettings
{
    private const string Prefix = "build_property.EfficientConv";

    /// <summary>The settings; what is missing or no size has its default.</summary>
    public static ScheduleSettings Read(AnalyzerConfigOptions options) => new(
        Bytes(options, "FirstLevelCacheBytes", ScheduleSettings.DefaultFirstLevelBytes), Bytes(options, "SecondLevelCacheBytes", ScheduleSettings.DefaultSecondLevelBytes));

    private static int Bytes(AnalyzerConfigOptions options, string name, int fallback) =>
        options.TryGetValue(Prefix + name, out string? text) && int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int bytes)
            && ScheduleSettings.IsBelievable(bytes) ? bytes : fallback;
}
