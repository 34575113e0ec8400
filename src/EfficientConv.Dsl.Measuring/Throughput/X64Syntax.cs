using System.Text.RegularExpressions;

namespace EfficientConv.Dsl.Measuring.Throughput;

/// <summary>Instructions of x64 in Intel's syntax, as the just-in-time compiler and llvm-objdump write them.</summary>
internal static partial class X64Syntax
{
    /// <summary>The instruction of a line; null where it does nothing.</summary>
    public static Instruction? Parse(string line)
    {
        string text = Pointer().Replace(line.Split('#')[0].Trim(), "qword ptr ").Replace("SHORT ", string.Empty, StringComparison.Ordinal);
        text = Relocation().Replace(text, "[rip + 64]");
        int blank = text.IndexOfAny([' ', '\t']);
        string name = blank < 0 ? text : text[..blank], rest = blank < 0 ? string.Empty : text[blank..].Trim();
        if (name is "align" or "nop" or "int3" or "endbr64" || name.Length == 0)
            return null;
        if (name is "call" or "ret" or "rep" or "syscall" || name.StartsWith("tail", StringComparison.Ordinal))
            return new Instruction(text, InstructionKind.Call);
        if (name[0] == 'j')
            return new Instruction($"{name} .Lloop", InstructionKind.Control) { TargetName = rest.Split(' ')[0] };

        string[] operands = Operands(rest);

        // The just-in-time compiler's listing leaves out which half is taken; it takes the low one by a move.
        if (operands.Length == 2 && name.StartsWith("vextract", StringComparison.Ordinal))
            text += ", 1";
        bool isMemory(string operand) => operand.Contains('[', StringComparison.Ordinal);
        int memory = Array.FindIndex(operands, isMemory);
        bool isFused = FusedMultiplyAdd().IsMatch(name), isVector = operands.Any(o => VectorRegister().IsMatch(o) && !isMemory(o));
        bool isStore = memory == 0 && name is not ("cmp" or "test") && !name.StartsWith("prefetch", StringComparison.Ordinal) && name is not ("vcomiss" or "vucomiss");
        InstructionKind kind =
            name.StartsWith("prefetch", StringComparison.Ordinal) ? InstructionKind.Prefetch
            : isFused ? InstructionKind.MultiplyAdd
            : isVector ? InstructionKind.Vector
            : name is "cmp" or "test" or "inc" or "dec" ? InstructionKind.Control
            : InstructionKind.Address;
        int[] registers = [.. operands.Select(o => isMemory(o) ? -1 : Number(o))];
        bool readsFirst = isFused || isStore;
        return new Instruction(text, kind)
        {
            Lanes = !isFused ? 0 : name.EndsWith("ss", StringComparison.Ordinal) ? 1 : Width(operands[0]) / (name.EndsWith('d') ? 2 : 1),
            IsLoad = memory >= 0 && !isStore && name != "lea" && kind != InstructionKind.Prefetch,
            IsStore = isStore,
            IsSpill = memory >= 0 && name != "lea" && Stack().IsMatch(operands[memory]),
            IsMove = memory < 0 && name is "vmovaps" or "vmovups" or "vmovapd" or "vmovupd" or "movaps",
            Reads = [.. registers.Skip(readsFirst ? 0 : 1).Where(r => r >= 0)],
            Writes = isStore || registers.Length == 0 || registers[0] < 0 ? [] : [registers[0]],
        };
    }

    private static int Width(string operand) => operand[0] switch { 'z' => 16, 'y' => 8, _ => 4 };

    private static int Number(string operand) =>
        VectorRegister().Match(operand) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture) : -1;

    private static string[] Operands(string rest) => rest.Length == 0 ? [] : [.. rest.Split(',').Select(o => o.Trim())];

    [GeneratedRegex(@"\b[bg]word ptr ")]
    private static partial Regex Pointer();

    [GeneratedRegex(@"\[\(?reloc[^\]]*\]")]
    private static partial Regex Relocation();

    [GeneratedRegex("^vfn?m(?:add|sub)(?:132|213|231)[ps][sd]$")]
    private static partial Regex FusedMultiplyAdd();

    [GeneratedRegex(@"^[xyz]mm(\d+)")]
    private static partial Regex VectorRegister();

    /// <summary>In methods with a frame, and generated kernels that spill have one, rbp is its pointer.</summary>
    [GeneratedRegex(@"\[(?:rsp|rbp)\b")]
    private static partial Regex Stack();
}
