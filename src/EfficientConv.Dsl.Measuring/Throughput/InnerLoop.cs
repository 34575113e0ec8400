namespace EfficientConv.Dsl.Measuring.Throughput;

/// <summary>A loop of a method that has no loop inside.</summary>
/// <param name="Instructions">What it runs, branches inside it counted as not taken.</param>
internal sealed record InnerLoop(IReadOnlyList<Instruction> Instructions)
{
    /// <summary>Vectors of multiply-adds.</summary>
    public int MultiplyAdds => Instructions.Count(i => i.Kind == InstructionKind.MultiplyAdd);

    /// <summary>Floats that are multiplied and added.</summary>
    public int Lanes => Instructions.Sum(i => i.Lanes);

    public int Loads => Instructions.Count(i => i.IsLoad);

    public int Stores => Instructions.Count(i => i.IsStore);

    /// <summary>References to the stack.</summary>
    public int Spills => Instructions.Count(i => i.IsSpill);

    public int Address => Instructions.Count(i => i.Kind == InstructionKind.Address && !i.IsLoad && !i.IsStore);

    public int Control => Instructions.Count(i => i.Kind == InstructionKind.Control);

    public int Prefetches => Instructions.Count(i => i.Kind == InstructionKind.Prefetch);

    /// <summary>Operations on vectors that are no multiply-adds, loads or stores: moves, duplications, permutations, arithmetic.</summary>
    public int OtherVector => Instructions.Count(i => i.Kind == InstructionKind.Vector && !i.IsLoad && !i.IsStore);

    /// <summary>Vectors that an iteration takes from the one before and adds to: the sums. One that is merely loaded for the next iteration is none.</summary>
    public int Accumulators
    {
        get
        {
            HashSet<int> written = [], before = [];
            Dictionary<int, Instruction> last = [];
            foreach (Instruction instruction in Instructions)
            {
                foreach (int register in instruction.Reads)
                {
                    if (!written.Contains(register))
                        before.Add(register);
                }

                foreach (int register in instruction.Writes)
                {
                    written.Add(register);
                    last[register] = instruction;
                }
            }

            return before.Count(register => last.TryGetValue(register, out Instruction? writer) &&
                (writer.Kind == InstructionKind.MultiplyAdd || writer.IsMove || (!writer.IsLoad && writer.Reads.Contains(register))));
        }
    }

    /// <summary>A method as the body of a loop: that of a kernel which does all in one piece and is called again and again; without what calls and returns.</summary>
    public static InnerLoop Whole(MachineMethod method) => new([.. method.Instructions.Where(i => i.Kind != InstructionKind.Call)]);

    /// <summary>The innermost loops of a method that work on vectors and call nothing.</summary>
    public static IEnumerable<InnerLoop> Of(MachineMethod method)
    {
        IReadOnlyList<Instruction> all = method.Instructions;
        (int First, int Last)[] back = [.. all.Select((instruction, i) => (First: instruction.Target, Last: i)).Where(edge => edge.First >= 0 && edge.First <= edge.Last)];
        return back
            .Where(loop => !back.Any(other => other != loop && other.First >= loop.First && other.Last <= loop.Last))
            .Select(loop => new InnerLoop([.. all.Skip(loop.First).Take(loop.Last - loop.First + 1)]))
            .Where(loop => loop.Instructions.All(i => i.Kind != InstructionKind.Call))
            .Where(loop => loop.Instructions.Any(i => i.Kind is InstructionKind.MultiplyAdd or InstructionKind.Vector));
    }
}
