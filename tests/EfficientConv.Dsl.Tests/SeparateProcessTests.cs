using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.RandomNetworks;

namespace EfficientConv.Dsl.Tests;

/// <summary>The random networks where only a process of its own will do.</summary>
[Trait("Duration", "long")]
public sealed class SeparateProcessTests
{
    /// <summary>Without fused multiply-add 128-bit kernels multiply, then add; scalar kernels still round once.</summary>
    [FmaFact]
    public void WithoutFma_OutputsAgreeWithinToleranceAndScalarKeepsItsBits()
    {
        // Newer runtimes count FMA to AVX2 and have no switch of its own.
        ChildProgram.Result child = ChildProgram.Start("run", ("DOTNET_EnableFMA", "0"), ("DOTNET_EnableAVX2", "0"));
        Assert.True(child.ExitCode == 0, $"{child.Progress}: {child.Error}");
        Assert.False(child.HasFma);
        Assert.Equal(InstructionSet.Vector128, child.Best);
        foreach (RandomCase item in RandomCase.All)
        {
            Numbers.AssertClose([.. item.Output.Select(v => (double)v)], child.Outputs[$"{item.Name} {child.Best}"], 2e-5, () => item.Describe("without FMA"));
            Numbers.AssertSameBits(item.Output, child.Outputs[$"{item.Name} {InstructionSet.Scalar}"], () => item.Describe("scalar without FMA"));
        }
    }

    /// <summary>Not one element outside of input, output, packed weights or workspace is touched, on any instruction set.</summary>
    [LinuxFact]
    public void InaccessibleMemoryAroundAllBuffers_IsNotTouched()
    {
        ChildProgram.Result child = ChildProgram.Start("guard");
        Assert.True(child.ExitCode == 0, $"{child.Progress}: {RandomCase.All.FirstOrDefault(c => child.Progress.StartsWith(c.Name, StringComparison.Ordinal))?.Declaration}\n{child.Error[..Math.Min(child.Error.Length, 2000)]}");
    }
}
