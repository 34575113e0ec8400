using System.Globalization;
using System.Text.RegularExpressions;

namespace EfficientConv.Dsl.Measuring.Throughput;

/// <summary>Instructions of Arm64 as llvm-objdump writes them.</summary>
internal static partial class Arm64Syntax
{
    /// <summary>The instruction of a line; null where it does nothing.</summary>
    public static Instruction? Parse(string line)
    {
        string text = line.Split("//")[0].Trim();
        int blank = text.IndexOfAny([' ', '\t']);
        string name = blank < 0 ? text : text[..blank], rest = blank < 0 ? string.Empty : text[blank..].Trim();
        if (name is "nop" or "..." || name.Length == 0)
            return null;
        if (name is "bl" or "blr" or "br" or "ret" or "brk" or "udf")
            return new Instruction(text, InstructionKind.Call);
        if (name is "b" or "cbz" or "cbnz" or "tbz" or "tbnz" || name.StartsWith("b.", StringComparison.Ordinal))
        {
            string target = Target().Match(rest).Groups[1].Value;
            int comma = rest.LastIndexOf(',');
            return new Instruction($"{name} {(comma < 0 ? string.Empty : rest[..(comma + 1)] + " ")}.Lloop", InstructionKind.Control) { TargetName = target };
        }

        bool isLoad = name.StartsWith("ld", StringComparison.Ordinal), isStore = name.StartsWith("st", StringComparison.Ordinal);
        bool isPrefetch = name.StartsWith("prfm", StringComparison.Ordinal), isPair = name is "ldp" or "stp" or "ldnp" or "stnp";
        bool isFused = name is "fmla" or "fmls" or "fmadd" or "fmsub";
        string[] operands = [.. rest.Split(',').Select(o => o.Trim().TrimStart('{'))];
        int[] registers = [.. operands.Select(Number)];
        bool isVector = registers.Length > 0 && registers[0] >= 0;
        InstructionKind kind =
            isPrefetch ? InstructionKind.Prefetch
            : isFused ? InstructionKind.MultiplyAdd
            : isVector ? InstructionKind.Vector
            : name is "cmp" or "cmn" or "tst" or "subs" or "adds" || (name == "sub" && Counter().IsMatch(rest)) ? InstructionKind.Control
            : InstructionKind.Address;
        int written = isStore || isPrefetch || !isVector ? 0 : isPair ? 2 : 1;
        bool readsFirst = isStore || name is "fmla" or "fmls" or "bit" or "bif" or "bsl" or "ins" or "sdot" or "udot" || (name == "mov" && operands[0].Contains('['));
        return new Instruction(text, kind)
        {
            Lanes = !isFused ? 0 : operands[0].Split('.').Last() switch { "4s" => 4, "2s" or "2d" => 2, _ => 1 },
            IsLoad = isLoad,
            IsStore = isStore,
            IsSpill = (isLoad || isStore) && Stack().IsMatch(rest),
            IsMove = isVector && name is "mov" or "orr",
            Reads = [.. registers.Skip(readsFirst ? 0 : written).Where(r => r >= 0)],
            Writes = [.. registers.Take(written).Where(r => r >= 0)],
        };
    }

    private static int Number(string operand) =>
        VectorRegister().Match(operand) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : -1;

    [GeneratedRegex(@"(0x[0-9a-f]+)(?: <.*>)?$")]
    private static partial Regex Target();

    [GeneratedRegex(@"^[vqds](\d+)\b")]
    private static partial Regex VectorRegister();

    [GeneratedRegex(@"^(w\d+|x\d+), \1, #(?:0x)?1$")]
    private static partial Regex Counter();

    [GeneratedRegex(@"\[(?:sp|x29)\b")]
    private static partial Regex Stack();
}
