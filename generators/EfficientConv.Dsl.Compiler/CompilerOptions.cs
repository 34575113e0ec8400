namespace EfficientConv.Dsl.Compiler;

/// <summary>What tools ask of the compiler beside what the declaration says.</summary>
/// <param name="Settings">What schedules are made for; null for the defaults.</param>
/// <param name="Overrides">Measured schedules; null for none.</param>
/// <param name="TimesSteps">Whether the generated run notes the time before and after every step, in a static field <c>StepTicks</c>.</param>
public sealed record CompilerOptions(Scheduling.ScheduleSettings? Settings = null, Scheduling.ScheduleOverrides? Overrides = null, bool TimesSteps = false)
{
    /// <summary>As a build compiles.</summary>
    public static CompilerOptions Default { get; } = new();
}
