using System.Text.RegularExpressions;

namespace EfficientConv.Dsl.Measuring.Throughput;

/// <summary>Reads methods from listings of machine code.</summary>
internal static partial class Listings
{
    /// <summary>The optimized methods of a listing of the just-in-time compiler (<c>DOTNET_JitDisasm</c>) for x64.</summary>
    public static IReadOnlyList<MachineMethod> OfJit(IEnumerable<string> lines)
    {
        Dictionary<(string, string, string?), MachineMethod> methods = [];
        Builder? builder = null;
        foreach (string line in lines)
        {
            if (JitHeader().Match(line) is { Success: true } header)
            {
                Keep();
                string shape = JitShape().Match(header.Groups["arguments"].Value).Groups[1].Value;
                builder = header.Groups["tier"].Value is not ("FullOpts" or "Tier1") ? null
                    : new Builder(header.Groups["class"].Value, header.Groups["method"].Value, shape.Length == 0 ? null : shape);
            }
            else if (builder is not null && JitLabel().Match(line) is { Success: true } label)
                builder.Label(label.Groups[1].Value);
            else if (builder is not null && line.StartsWith("       ", StringComparison.Ordinal) && line.Length > 7 && char.IsAsciiLetter(line[7]))
                builder.Add(X64Syntax.Parse(line.Split(';')[0]));
        }

        Keep();
        return [.. methods.Values];

        void Keep()
        {
            // A method that was compiled again is in its last form.
            if (builder?.Method() is { } method)
                methods[(method.Class, method.Name, method.Shape)] = method;
        }
    }

    /// <summary>The generated kernels of a listing by llvm-objdump.</summary>
    public static IReadOnlyList<MachineMethod> OfObjdump(IEnumerable<string> lines, bool isArm64)
    {
        List<MachineMethod> methods = [];
        Builder? builder = null;
        foreach (string line in lines)
        {
            if (line.EndsWith(">:", StringComparison.Ordinal) && Symbol().Match(line) is { Success: true } header)
            {
                Keep();
                string shape = SymbolShape().Match(header.Groups["arguments"].Value).Groups[1].Value;
                builder = new Builder(header.Groups["class"].Value, header.Groups["method"].Value, shape.Length == 0 ? null : shape);
            }
            else if (line.Length > 0 && !char.IsWhiteSpace(line[0]))
            {
                Keep();
                builder = null;
            }
            else if (builder is not null && Addressed().Match(line) is { Success: true } found)
            {
                builder.Label("0x" + found.Groups[1].Value);
                builder.Add(isArm64 ? Arm64Syntax.Parse(found.Groups[2].Value) : X64Syntax.Parse(found.Groups[2].Value));
            }
        }

        Keep();
        return methods;

        void Keep()
        {
            if (builder?.Method() is { } method)
                methods.Add(method);
        }
    }

    [GeneratedRegex(@"^; Assembly listing for method (?<class>.+?):(?<method>\w+)(?:\[(?<arguments>.+)\])?\(.*\) \((?<tier>\w+)")]
    private static partial Regex JitHeader();

    [GeneratedRegex(@"\+(\w+)")]
    private static partial Regex JitShape();

    [GeneratedRegex(@"^(\w+_IG\d+):")]
    private static partial Regex JitLabel();

    /// <summary>NativeAOT's names: the class, two underscores, the method, type arguments. The instantiation for scalar code is left out.</summary>
    [GeneratedRegex(@"<(?<class>\w+?_(?:Avx512|Avx2|Vector128_1<\w*Simd128>))__(?<method>\w+?)(?:<(?<arguments>.*)>)?>:$")]
    private static partial Regex Symbol();

    [GeneratedRegex(@"_(?:Avx512|Avx2|Vector128_1)_(\w+)")]
    private static partial Regex SymbolShape();

    [GeneratedRegex(@"^\s*([0-9a-f]+):\s+(\S.*)$")]
    private static partial Regex Addressed();

    private sealed class Builder(string type, string name, string? shape)
    {
        private readonly List<Instruction> _instructions = [];
        private readonly Dictionary<string, int> _labels = [];

        public void Label(string name) => _labels.TryAdd(name, _instructions.Count);

        public void Add(Instruction? instruction)
        {
            if (instruction is not null)
                _instructions.Add(instruction);
        }

        public MachineMethod Method()
        {
            foreach (Instruction instruction in _instructions)
            {
                if (instruction.TargetName is { } target && _labels.TryGetValue(target, out int index) && index < _instructions.Count)
                    instruction.Target = index;
            }

            return new MachineMethod(type, name, shape, _instructions);
        }
    }
}
