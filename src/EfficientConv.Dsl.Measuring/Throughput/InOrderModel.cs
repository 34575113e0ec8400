using System.Text.RegularExpressions;

namespace EfficientConv.Dsl.Measuring.Throughput;

/// <summary>
/// Cortex-A55, from its software optimization guide: two instructions a cycle in the order of the text, one 128-bit vector operation a cycle (two pipes of 64 bits), 64 bits
/// loaded a cycle. LLVM's table of it starts two 128-bit multiply-adds a cycle, which that core does not.
/// </summary>
internal sealed partial record InOrderModel(string Name) : CoreModel(Name, IsArm64: true)
{
    private const int Warm = 20, Iterations = 60;

    /// <summary>What an instruction waits for, besides its registers.</summary>
    private enum Unit
    {
        Load,
        Store,
        Vector,
        Branch,
        Integer,
    }

    public override (double[] Cycles, double Peak) Run(IReadOnlyList<InnerLoop> loops, int lanes) => ([.. loops.Select(Cycles)], 4);

    private static double Cycles(InnerLoop loop)
    {
        Dictionary<string, int> ready = [];
        int[] free = new int[5];
        (Unit Unit, int Busy, int Latency, string[] Reads, string[] Writes)[] body = [.. loop.Instructions.Select(Cost)];
        int cycle = 0, slots = 0, start = 0;
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            if (iteration == Warm)
                start = cycle;
            foreach ((Unit unit, int busy, int latency, string[] reads, string[] writes) in body)
            {
                int begin = Math.Max(cycle, unit == Unit.Integer ? 0 : free[(int)unit]);
                foreach (string register in reads)
                    begin = Math.Max(begin, ready.GetValueOrDefault(register));
                if (begin > cycle)
                    (cycle, slots) = (begin, 0);
                if (slots == 2)
                    (cycle, slots) = (cycle + 1, 0);
                slots++;
                free[(int)unit] = Math.Max(free[(int)unit], cycle + busy);
                foreach (string register in writes)
                    ready[register] = cycle + latency;
            }
        }

        return (cycle - start) / (double)(Iterations - Warm);
    }

    private static (Unit Unit, int Busy, int Latency, string[] Reads, string[] Writes) Cost(Instruction instruction)
    {
        string name = instruction.Text.Split(' ', '\t')[0], rest = instruction.Text[name.Length..];
        string[] registers = [.. Register().Matches(rest).Select(m => (m.Groups[1].Value[0] is 'v' or 'q' or 'd' or 's' ? 'V' : 'X') + m.Groups[2].Value)];
        bool isWide = rest.TrimStart() is ['q', ..], isPair = name is "ldp" or "stp";
        int written = instruction.IsStore || instruction.Kind is InstructionKind.Prefetch || name is "cmp" or "tst" || instruction.TargetName is not null ? 0 : isPair ? 2 : 1;
        bool readsFirst = written == 0 || instruction.Reads.Intersect(instruction.Writes).Any();
        string[] reads = [.. registers.Skip(readsFirst ? 0 : written)], writes = [.. registers.Take(Math.Min(written, registers.Length))];
        return instruction switch
        {
            { IsLoad: true } => (Unit.Load, (isPair ? 2 : 1) * (isWide ? 2 : 1), (isPair ? 1 : 0) + (isWide ? 4 : 3), reads, writes),
            { IsStore: true } => (Unit.Store, isPair ? 2 : 1, 1, reads, writes),
            { Kind: InstructionKind.Prefetch } => (Unit.Load, 1, 1, reads, writes),
            { Kind: InstructionKind.MultiplyAdd } => (Unit.Vector, 1, 4, reads, writes),
            { Kind: InstructionKind.Vector } => (Unit.Vector, 1, name.StartsWith('f') && !name.StartsWith("fcm", StringComparison.Ordinal) ? 4 : 2, reads, writes),
            { TargetName: not null } => (Unit.Branch, 1, 1, reads, writes),
            _ => (Unit.Integer, 0, 1, reads, writes),
        };
    }

    [GeneratedRegex(@"\b([vqsdxw])(\d+)\b")]
    private static partial Regex Register();
}
