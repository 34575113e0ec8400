using EfficientConv.Dsl.Compiler;

namespace EfficientConv.Dsl.Measuring.Throughput;

/// <summary>An inner loop and what a network does in it.</summary>
/// <param name="Kernel">The method and, where it has one, the structure with its sizes.</param>
/// <param name="Loop">The loop.</param>
/// <param name="MultiplyAdds">Multiply-adds of a run of the network, those of padded lanes among them.</param>
/// <param name="TimeShare">Its share of the predicted cycles of all kernels.</param>
internal sealed record LoopWork(string Kernel, InnerLoop Loop, double MultiplyAdds, double TimeShare)
{
    /// <summary>Cycles of an iteration by the name of the model.</summary>
    public Dictionary<string, double> Cycles { get; } = [];

    /// <summary>Share of the peak by the name of the model.</summary>
    public Dictionary<string, double> PeakShare { get; } = [];

    /// <summary>Instructions for each vector of multiply-adds.</summary>
    public double InstructionsPerMultiplyAdd => Loop.MultiplyAdds == 0 ? 0 : Loop.Instructions.Count / (double)Loop.MultiplyAdds;
}

/// <summary>A network's inner loops.</summary>
/// <param name="Name">The network.</param>
/// <param name="MultiplyAdds">Multiply-adds of all its kernels.</param>
/// <param name="Loops">Loops, those with most work first.</param>
internal sealed record NetworkLoops(string Name, double MultiplyAdds, IReadOnlyList<LoopWork> Loops)
{
    /// <summary>
    /// Finds what a run does in which loop. The plan says how often each kernel runs its register tiles; the loop of a tile is the one in its method with as many accumulators,
    /// of several the one with most multiply-adds: what takes several steps of the sum at once leaves little for the loop behind it.
    /// </summary>
    public static NetworkLoops Of(string name, IEnumerable<KernelWork> kernels, IEnumerable<MachineMethod> methods)
    {
        KernelWork[] all = [.. kernels];
        double total = all.Sum(kernel => kernel.MultiplyAdds), cycles = all.Sum(kernel => kernel.Cycles);
        ILookup<string, MachineMethod> byName = methods.ToLookup(method => method.Shape ?? method.Name);
        List<LoopWork> found = [];
        foreach (KernelWork kernel in all)
        {
            foreach (MachineMethod method in byName[kernel.Name])
            {
                string title = method.Shape is null ? method.Name : $"{method.Name} {method.Shape}";
                InnerLoop[] loops = [.. InnerLoop.Of(method).Where(loop => loop.MultiplyAdds > 0 || kernel.Tiles.Count == 0)];
                InnerLoop whole = InnerLoop.Whole(method);
                if (loops.Length == 0 && whole.MultiplyAdds > 0)
                {
                    loops = [whole];
                    title += " (no loop)";
                }

                foreach ((InnerLoop loop, double work) in Assign(kernel, loops))
                {
                    double share = kernel.MultiplyAdds > 0 ? work / kernel.MultiplyAdds : work;
                    found.Add(new LoopWork(title, loop, kernel.MultiplyAdds > 0 ? work : 0, share * kernel.Cycles / cycles));
                }
            }
        }

        return new NetworkLoops(name, total, [.. found.OrderByDescending(loop => loop.MultiplyAdds).ThenByDescending(loop => loop.TimeShare)]);
    }

    /// <summary>A kernel's loops with their multiply-adds; of one without, the longest with a work of 1.</summary>
    private static IEnumerable<(InnerLoop Loop, double Work)> Assign(KernelWork kernel, InnerLoop[] loops)
    {
        if (loops.Length == 0)
            return [];
        if (kernel.Tiles.Count == 0)
            return [(loops.MaxBy(loop => loop.Instructions.Count)!, 1)];
        Dictionary<InnerLoop, double> work = new(ReferenceEqualityComparer.Instance);
        foreach (IGrouping<int, TileWork> tiles in kernel.Tiles.GroupBy(tile => tile.Accumulators))
        {
            InnerLoop[] candidates = Longest(loops.Where(loop => loop.Accumulators == tiles.Key));
            if (candidates.Length == 0)
                candidates = Longest(loops.Where(loop => loop.MultiplyAdds % tiles.Key == 0 && !kernel.Tiles.Any(tile => tile.Accumulators == loop.Accumulators)));
            if (candidates.Length == 0)
                candidates = Longest(loops.Where(loop => loops.Length == 1 || !work.ContainsKey(loop)));
            TileWork[] each = [.. tiles];
            for (int i = 0; i < candidates.Length; i++)
            {
                double part = each.Length == candidates.Length ? each[i].MultiplyAdds : each.Sum(tile => tile.MultiplyAdds) / candidates.Length;
                work[candidates[i]] = work.GetValueOrDefault(candidates[i]) + part;
            }
        }

        return work.Select(pair => (pair.Key, pair.Value));
    }

    private static InnerLoop[] Longest(IEnumerable<InnerLoop> loops)
    {
        InnerLoop[] all = [.. loops];
        return [.. all.Where(loop => loop.MultiplyAdds == all.Max(other => other.MultiplyAdds))];
    }

    /// <summary>Asks <paramref name="model"/> how long the loops take.</summary>
    public void Estimate(CoreModel model, int lanes)
    {
        (double[] cycles, double peak) = model.Run([.. Loops.Select(work => work.Loop)], lanes);
        for (int i = 0; i < cycles.Length; i++)
        {
            Loops[i].Cycles[model.Name] = cycles[i];
            Loops[i].PeakShare[model.Name] = Loops[i].Loop.Lanes / cycles[i] / peak;
        }
    }

    /// <summary>Share of the peak of all loops with multiply-adds together, by a model.</summary>
    public double PeakShare(string model)
    {
        LoopWork[] summing = [.. Loops.Where(work => work.MultiplyAdds > 0)];
        return summing.Sum(work => work.MultiplyAdds) / summing.Sum(work => work.MultiplyAdds / work.PeakShare[model]);
    }
}
