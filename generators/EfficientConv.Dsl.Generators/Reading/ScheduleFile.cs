using EfficientConv.Dsl.Compiler.Scheduling;
using Microsoft.CodeAnalysis;

namespace EfficientConv.Dsl.Generators.Reading;

/// <summary>A project's measured schedules.</summary>
internal sealed class ScheduleFile(ScheduleOverrides overrides, string? error)
{
    /// <summary>The schedules; none where the file has a mistake.</summary>
    public ScheduleOverrides Overrides => overrides;

    /// <summary>The mistake with its line and column, or null.</summary>
    public string? Error => error;

    /// <summary>Whether an additional file is one.</summary>
    public static bool Is(AdditionalText file) => string.Equals(Path.GetFileName(file.Path), ScheduleOverrides.FileName, StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads a file's text.</summary>
    public static ScheduleFile Read(string text)
    {
        try
        {
            return new ScheduleFile(ScheduleOverrides.Parse(text), null);
        }
        catch (FormatException exception)
        {
            return new ScheduleFile(ScheduleOverrides.Empty, exception.Message);
        }
    }
}
