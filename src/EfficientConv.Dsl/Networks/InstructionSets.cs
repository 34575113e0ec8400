using System.Runtime.Intrinsics.X86;

namespace EfficientConv.Dsl;

/// <summary>Which instruction sets there are and which one the process uses.</summary>
public static class InstructionSets
{
    /// <summary>The environment variable that forces one for the process: avx512, avx2, vector128, scalar or auto.</summary>
    public const string EnvironmentVariable = "EFFICIENTCONV_ISA";

    /// <summary>The runtime configuration setting that forces one for the process; the environment variable wins.</summary>
    public const string ConfigurationSetting = "EfficientConv.Dsl.InstructionSet";

    /// <summary>The best instruction set of this machine, of those that the program was compiled for.</summary>
    public static InstructionSet Best =>
        IsSupported(InstructionSet.Avx512) ? InstructionSet.Avx512 :
        IsSupported(InstructionSet.Avx2) ? InstructionSet.Avx2 :
        InstructionSet.Vector128;

    /// <summary>The instruction set that networks use unless <see cref="LoadOptions.InstructionSet"/> names one.</summary>
    /// <exception cref="ArgumentException">The environment variable or setting holds an unknown word.</exception>
    /// <exception cref="PlatformNotSupportedException">It names an instruction set that the machine lacks.</exception>
    public static InstructionSet Current => FromConfiguration(
        Environment.GetEnvironmentVariable(EnvironmentVariable), AppContext.GetData(ConfigurationSetting) as string);

    /// <summary>
    /// Whether kernels of this instruction set can run. In a NativeAOT program this is fixed at compile time by the
    /// instruction set that the program is published for.
    /// </summary>
    public static bool IsSupported(InstructionSet instructionSet) => instructionSet switch
    {
        InstructionSet.Avx512 => Avx512F.IsSupported,
        InstructionSet.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        InstructionSet.Auto or InstructionSet.Vector128 or InstructionSet.Scalar => true,
        _ => false,
    };

    internal static InstructionSet FromConfiguration(string? environmentValue, string? settingValue)
    {
        if (!string.IsNullOrWhiteSpace(environmentValue))
            return Parse(environmentValue, $"environment variable {EnvironmentVariable}");
        if (!string.IsNullOrWhiteSpace(settingValue))
            return Parse(settingValue, $"runtime setting {ConfigurationSetting}");
        return Best;
    }

    /// <summary>The instruction set that an instance runs: the one asked for, or the process's.</summary>
    internal static InstructionSet Resolve(InstructionSet requested) =>
        requested == InstructionSet.Auto ? Current : Checked(requested, $"{nameof(LoadOptions)}.{nameof(LoadOptions.InstructionSet)}");

    private static InstructionSet Parse(string word, string origin) => word.Trim().ToLowerInvariant() switch
    {
        "auto" => Best,
        "avx512" => Checked(InstructionSet.Avx512, origin),
        "avx2" => Checked(InstructionSet.Avx2, origin),
        "vector128" => InstructionSet.Vector128,
        "scalar" => InstructionSet.Scalar,
        _ => throw new ArgumentException($"The {origin} is \"{word}\"; expected avx512, avx2, vector128, scalar or auto."),
    };

    private static InstructionSet Checked(InstructionSet instructionSet, string origin)
    {
        if (!Enum.IsDefined(instructionSet))
            throw new ArgumentException($"The {origin} is {(int)instructionSet}, which is not an instruction set.");
        if (!IsSupported(instructionSet))
        {
            throw new PlatformNotSupportedException(
                $"The {origin} asks for {instructionSet}, which this machine or this program's publish settings lack; the best here is {Best}.");
        }
        return instructionSet;
    }
}
