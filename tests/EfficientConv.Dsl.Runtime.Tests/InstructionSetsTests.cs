namespace EfficientConv.Dsl.Runtime.Tests;

public class InstructionSetsTests
{
    [Theory]
    [InlineData("scalar", null, InstructionSet.Scalar)]
    [InlineData(" Vector128 ", null, InstructionSet.Vector128)]
    [InlineData(null, "scalar", InstructionSet.Scalar)]
    [InlineData("scalar", "vector128", InstructionSet.Scalar)]
    [InlineData("", "vector128", InstructionSet.Vector128)]
    public void Process_wide_choice_is_read(string? environment, string? setting, InstructionSet expected) =>
        Assert.Equal(expected, InstructionSets.FromConfiguration(environment, setting));

    [Fact]
    public void Best_is_used_when_nothing_is_forced()
    {
        Assert.Equal(InstructionSets.Best, InstructionSets.FromConfiguration(null, null));
        Assert.Equal(InstructionSets.Best, InstructionSets.FromConfiguration("auto", "scalar"));
        Assert.True(InstructionSets.IsSupported(InstructionSets.Best));
        Assert.True(InstructionSets.IsSupported(InstructionSet.Scalar));
        Assert.False(InstructionSets.IsSupported((InstructionSet)99));
    }

    [Fact]
    public void Unknown_words_are_refused()
    {
        Assert.Contains("EFFICIENTCONV_ISA", Assert.Throws<ArgumentException>(
            () => InstructionSets.FromConfiguration("avx9000", null)).Message, StringComparison.Ordinal);
        Assert.Contains("avx9000", Assert.Throws<ArgumentException>(
            () => InstructionSets.FromConfiguration(null, "avx9000")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => InstructionSets.Resolve((InstructionSet)99));
    }

    [Fact]
    public void What_the_machine_lacks_is_refused()
    {
        foreach (InstructionSet set in new[] { InstructionSet.Avx512, InstructionSet.Avx2 })
        {
            if (InstructionSets.IsSupported(set))
                Assert.Equal(set, InstructionSets.FromConfiguration(set.ToString(), null));
            else
                Assert.Throws<PlatformNotSupportedException>(() => InstructionSets.Resolve(set));
        }
    }
}
