using System.Runtime.Intrinsics.X86;

namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>A test that compares with and without fused multiply-add, which a process can only be told to leave out on x64; skipped, with a message, where there is none to leave out.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FmaFactAttribute : FactAttribute
{
    public FmaFactAttribute() => Skip = Fma.IsSupported ? null : "Needs x64 with FMA instructions, which this process lacks.";
}

/// <summary>A test that asks the operating system for inaccessible pages.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute() => Skip = OperatingSystem.IsLinux() ? null : "Asks Linux for inaccessible memory.";
}
