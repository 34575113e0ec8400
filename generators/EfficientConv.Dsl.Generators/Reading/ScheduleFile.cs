using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using Microsoft.CodeAnalysis;

namespace EfficientConv.Dsl.Generators.Reading;

/// <summary>A project's measured schedules.</summary>
internal sealed class ScheduleFile(ScheduleOverrides overrides, JsonFormatException? error)
{
    /// <summary>The schedules; none where the file has a mistake.</summary>
    public ScheduleOverrides Overrides => overrides;

    /// <summary>The mistake, or null.</summary>
    public JsonFormatException? Error => error;

    /// <summary>Whether an additional file is one.</summary>
    public static bool Is(AdditionalText file) => string.Equals(Path.GetFileName(file.Path), ScheduleOverrides.FileName, StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads a file's text.</summary>
    public static ScheduleFile Read(string text)
    {
        try
        {
            return new ScheduleFile(ScheduleOverrides.Parse(text), null);
        }
        catch (JsonFormatException exception)
        {
            return new ScheduleFile(ScheduleOverrides.Empty, exception);
        }
    }
}
