using System.CommandLine;
using System.Globalization;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Measuring.Throughput;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary><c>throughput</c>: the kernels' inner loops, cut out of the machine code, and what static models of cores say of them.</summary>
internal static class ThroughputVerb
{
    private const string Arm64 = "linux-arm64", X64 = "linux-x64";

    private const string Explanation =
        "Per loop: share of the network's multiply-adds; instructions, vectors of multiply-adds, instructions per multiply-add; loads, stores, references to the stack, " +
        "addresses, control, prefetches, other vector operations; then the share of a core's peak by a static model (everything in the first-level cache, branches foretold). " +
        "zen3/3: another thread takes the rest of the issue slots.";

    public static Command Create(Terminal terminal)
    {
        InputOptions inputs = new();
        Option<bool> json = Options.Json();
        Option<InstructionSet> isa = Options.InstructionSet();
        Option<string?> runtime = new("--runtime", "-r")
        {
            Description = "Publishes with NativeAOT for this runtime and looks at the binary, instead of at the just-in-time compiler's code.", HelpName = $"{Arm64}|{X64}",
        };
        runtime.AcceptOnlyFromAmong(Arm64, X64);
        Option<FileInfo?> binary = new("--binary") { Description = "Looks at this NativeAOT binary with symbols (StripSymbols=false), published for --runtime.", HelpName = "file" };
        Option<double> least = new("--least") { Description = "Loops with at least so many percent of the multiply-adds, or of the predicted time.", DefaultValueFactory = _ => 1, HelpName = "%" };
        Option<bool> listing = new("--listing") { Description = "Prints the loops' instructions too." };
        Option<FileInfo?> schedule = Options.Schedule();
        Command command = new("throughput", "Inner loops of the kernels: instructions, and the share of the peak by static models of cores (llvm-19).")
        {
            isa, runtime, binary, least, listing, schedule, json,
        };
        inputs.AddTo(command);
        command.SetAction(parsed =>
        {
            string? target = parsed.GetValue(runtime);
            InstructionSet set = target == Arm64 ? InstructionSet.Vector128 : target is null ? Options.Resolve(parsed.GetValue(isa)) : Named(parsed.GetValue(isa));
            if (target is null && parsed.GetValue(binary) is not null)
                throw new ToolException($"--binary needs --runtime, which says what the binary is published for: {Arm64} or {X64}.");
            if (target is not null && LlvmTools.Find(LlvmTools.Objdump) is null)
                throw new ToolException("--runtime needs llvm-objdump and llvm-mca, which are not on the PATH; apt-get install llvm-19 brings them.");
            CompilerOptions options = new(Overrides: Options.ReadSchedule(parsed.GetValue(schedule)));
            IReadOnlyList<NetworkInput> networks = inputs.Read(parsed, terminal);
            (NetworkInput Network, NetworkAnalysis Analysis, IReadOnlyList<GeneratedSource> Sources)[] compiled =
                [.. networks.Select(n => (n, n.Analyze(options.Overrides), (IReadOnlyList<GeneratedSource>)[.. NetworkCompiler.Compile(n.Declaration!, options).Sources]))];
            IReadOnlyList<MachineMethod> methods = target is null ? [] : Published(compiled, target, set, parsed.GetValue(binary), terminal);
            NetworkLoops[] found = [.. compiled.Select(c => Loops(c.Network, c.Analysis, c.Sources, set, target is null ? null : methods, terminal))];
            CoreModel[] models = [.. CoreModel.For(target == Arm64).Where(_ => LlvmTools.Find(LlvmTools.Mca) is not null)];
            foreach (NetworkLoops network in found.Where(network => network.Loops.Count > 0))
            {
                foreach (CoreModel model in models)
                    Llvm(() => network.Estimate(model, Options.Target(set).Lanes));
            }

            double share = parsed.GetValue(least) / 100;
            if (parsed.GetValue(json))
                terminal.Writer.WriteLine(Figures.Json(new { InstructionSet = set, Runtime = target ?? "just-in-time", Networks = found.Select(n => Json(n, share, models)) }));
            else
            {
                foreach (NetworkLoops network in found)
                    Print(network, share, models, parsed.GetValue(listing), terminal);
                terminal.Paragraph(Explanation);
            }

            if (models.Length == 0)
                terminal.Error("note: no shares of the peak: llvm-mca is not on the PATH; apt-get install llvm-19 brings it.");
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>The instruction set of a binary that need not run here.</summary>
    private static InstructionSet Named(InstructionSet asked) => asked switch
    {
        InstructionSet.Auto => InstructionSet.Avx2,
        InstructionSet.Avx512 or InstructionSet.Avx2 => asked,
        _ => throw new ToolException($"--isa is {Figures.Word(asked)}; a binary for {X64} is looked at for avx2 or avx512."),
    };

    private static IReadOnlyList<MachineMethod> Published(
        IEnumerable<(NetworkInput Network, NetworkAnalysis Analysis, IReadOnlyList<GeneratedSource> Sources)> networks, string runtime, InstructionSet set, FileInfo? binary, Terminal terminal)
    {
        if (binary is { Exists: false })
            throw new ToolException($"--binary: {binary} does not exist.");
        using NativeBuild? build = binary is not null ? null : Build();
        string file = binary?.FullName ?? build!.Binary;
        string listing = string.Empty;
        Llvm(() => listing = LlvmTools.Run(LlvmTools.Objdump, ["-d", "--no-show-raw-insn", .. runtime == X64 ? ["--x86-asm-syntax=intel"] : Array.Empty<string>(), file]));
        return Listings.OfObjdump(listing.Split('\n'), runtime == Arm64);

        NativeBuild Build()
        {
            using (terminal.Working($"Publishing for {runtime}"))
                return NativeBuild.Publish(networks.Select(n => (n.Network.Name, n.Sources.AsEnumerable())), runtime, set);
        }
    }

    private static void Llvm(Action run)
    {
        try
        {
            run();
        }
        catch (InvalidOperationException exception)
        {
            throw new ToolException(exception.Message);
        }
    }

    private static NetworkLoops Loops(
        NetworkInput network, NetworkAnalysis analysis, IReadOnlyList<GeneratedSource> sources, InstructionSet set, IReadOnlyList<MachineMethod>? published, Terminal terminal)
    {
        VectorTarget target = Options.Target(set);
        IReadOnlyList<MachineMethod> methods;
        string type = sources.First(s => s.HintName.EndsWith($".{target.Name}.g.cs", StringComparison.Ordinal)).HintName.Split('.')[0] + "_" + target.Name;
        if (published is not null)
            methods = [.. published.Where(method => method.Class.Contains(type, StringComparison.Ordinal))];
        else
        {
            MemoryBound.Check($"Running {network.ShortName}", MemoryBound.Bytes(analysis.PlanFor(target), analysis.Cost.Parameters));
            using (terminal.Working($"Running {network.ShortName}"))
            {
                // AVX2's text is for processors without AVX-512, whose encodings have more registers.
                (string, string)[] environment = set == InstructionSet.Avx2 ? [("DOTNET_EnableAVX512", "0")] : [];
                methods = Listings.OfJit(KernelListing.Of(network, sources, set, "*", calls: 1, environment).Split('\n'));
            }
        }

        EquatableArray<KernelWork> kernels = KernelWork.Of(analysis.PlanFor(target));
        return methods.Count > 0 || kernels.Count == 0
            ? NetworkLoops.Of(network.ShortName, kernels, methods)
            : throw new ToolException($"There is no method of {type} in the binary; expected a program that runs {network.Name}, published with StripSymbols=false.");
    }

    private static object Json(NetworkLoops network, double least, CoreModel[] models) => new
    {
        network.Name,
        network.MultiplyAdds,
        PeakShare = !network.Loops.Any(loop => loop.MultiplyAdds > 0) ? null : models.ToDictionary(m => m.Name, m => network.PeakShare(m.Name)),
        Loops = network.Loops.Where(loop => IsShown(network, loop, least)).Select(loop => new
        {
            loop.Kernel,
            Share = loop.MultiplyAdds / network.MultiplyAdds,
            loop.TimeShare,
            Instructions = loop.Loop.Instructions.Count,
            loop.Loop.MultiplyAdds,
            loop.InstructionsPerMultiplyAdd,
            loop.Loop.Loads,
            loop.Loop.Stores,
            loop.Loop.Spills,
            loop.Loop.Address,
            loop.Loop.Control,
            loop.Loop.Prefetches,
            loop.Loop.OtherVector,
            loop.Cycles,
            loop.PeakShare,
        }),
    };

    private static bool IsShown(NetworkLoops network, LoopWork loop, double least) => loop.MultiplyAdds / network.MultiplyAdds >= least || loop.TimeShare >= least;

    /// <summary>A line for each loop; names are long, so lines are as long as they must be.</summary>
    private static void Print(NetworkLoops network, double least, CoreModel[] models, bool showsText, Terminal terminal)
    {
        LoopWork[] shown = [.. network.Loops.Where(loop => IsShown(network, loop, least))];
        terminal.Heading(network.Name);
        if (!network.Loops.Any(loop => loop.MultiplyAdds > 0))
        {
            terminal.Line(network.MultiplyAdds == 0 ? "No kernel of it multiplies and adds." : "No kernel with a multiply-add was found in the machine code.");
            terminal.Line();
            return;
        }

        terminal.Line($"share   ins  fma ins/fma  ld st sp  ad ct pf ot{string.Concat(models.Select(m => $"{m.Name,7}"))}  kernel");
        foreach (LoopWork work in shown)
        {
            InnerLoop loop = work.Loop;
            string share = work.MultiplyAdds > 0 ? Percent(work.MultiplyAdds / network.MultiplyAdds) : $"({Percent(work.TimeShare)})";
            string ratio = work.MultiplyAdds > 0 ? work.InstructionsPerMultiplyAdd.ToString("N2", CultureInfo.InvariantCulture) : "-";
            terminal.Line(string.Create(
                CultureInfo.InvariantCulture,
                $"{share,6} {loop.Instructions.Count,4} {loop.MultiplyAdds,4} {ratio,7} {loop.Loads,3} {loop.Stores,2} {loop.Spills,2} {loop.Address,3} {loop.Control,2} {loop.Prefetches,2} {loop.OtherVector,2}") +
                string.Concat(models.Select(m => $"{(work.MultiplyAdds > 0 ? Percent(work.PeakShare[m.Name]) : string.Create(CultureInfo.InvariantCulture, $"{work.Cycles[m.Name]:N0} c")),7}")) + "  " + work.Kernel);
            if (showsText)
            {
                foreach (Instruction instruction in loop.Instructions)
                    terminal.Line("        " + instruction.Text.Replace('\t', ' '));
            }
        }

        LoopWork[] summing = [.. network.Loops.Where(work => work.MultiplyAdds > 0)];
        double carried = summing.Sum(work => work.MultiplyAdds), instructions = summing.Sum(work => work.MultiplyAdds * work.InstructionsPerMultiplyAdd) / carried;
        terminal.Line(
            $"All {summing.Length} loops: {Percent(carried / network.MultiplyAdds)} of the multiply-adds, {Figures.Number(instructions, 2)} instructions per multiply-add" +
            $"{string.Concat(models.Select(m => $", {m.Name} {Percent(network.PeakShare(m.Name))}"))}");
        terminal.Line();
    }

    private static string Percent(double share) => Figures.Number(100 * share, 1) + "%";
}
