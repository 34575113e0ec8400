using System.CommandLine;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Measuring;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary>What to choose by.</summary>
internal enum Constraint
{
    /// <summary>Fewest parameters.</summary>
    Parameters,

    /// <summary>Fewest multiply-adds, which the word "FLOPs" often means.</summary>
    Flops,

    /// <summary>Shortest time on this machine.</summary>
    Latency,

    /// <summary>Fewest bytes of a call: input, output, workspace and packed weights.</summary>
    Memory,

    /// <summary>Largest receptive field, then shortest time.</summary>
    ReceptiveField,
}

/// <summary><c>choose</c>: every method for one layer, measured here and ranked.</summary>
internal static class ChooseVerb
{
    private const int Rounds = 40;

    public static Command Create(Terminal terminal)
    {
        QuestionOptions question = new();
        Option<string> by = new("--by") { Description = "What counts: parameters, flops (MACs), latency, memory, receptive-field.", DefaultValueFactory = _ => "latency", HelpName = "constraint" };
        by.AcceptOnlyFromAmong("parameters", "flops", "latency", "memory", "receptive-field");
        Option<InstructionSet> isa = Options.InstructionSet();
        Option<bool> json = Options.Json();
        Command command = new("choose", "Declares every method for a layer, compiles it, measures it on this machine and ranks them.");
        question.AddTo(command, required: true);
        command.Add(by);
        command.Add(isa);
        command.Add(json);
        command.SetAction(parsed =>
        {
            InstructionSet set = Options.Resolve(parsed.GetValue(isa));
            LayerQuestion asked = question.Read(parsed)!;
            Constraint constraint = Enum.Parse<Constraint>(parsed.GetValue(by)!.Replace("-", string.Empty, StringComparison.Ordinal), ignoreCase: true);
            Choice[] choices = [.. Rank(Measure(asked, set, terminal), constraint)];
            string[] notes = [.. Notes(choices)];
            if (parsed.GetValue(json))
                terminal.Writer.WriteLine(Figures.Json(new { Machine.Processor, InstructionSet = set, Constraint = constraint, Choices = choices, Notes = notes }));
            else
                Print(asked, constraint, set, choices, notes, terminal);
            return ExitCode.Success;
        });
        return command;
    }

    private static List<Choice> Measure(LayerQuestion question, InstructionSet set, Terminal terminal)
    {
        List<(ConvolutionMethod Method, LayerGraph Graph, NetworkAnalysis Analysis, RunnableNetwork Network, LoadedNetwork Loaded, PageBuffer Input, PageBuffer Output, LatencySamples Samples)> all = [];
        (ConvolutionMethod Method, LayerGraph Graph, NetworkAnalysis Analysis)[] methods = [.. from method in ConvolutionMethod.Choices(question)
            let graph = new NetworkInput(method.Name, "--in, --out, --size", method.Declaration, null).Graph()
            select (method, graph, NetworkAnalysis.Of(graph))];
        MemoryBound.Check($"Every method for {question}", methods.Sum(m => MemoryBound.Bytes(m.Analysis.PlanFor(Options.Target(set)), m.Analysis.Cost.Parameters)));
        foreach ((ConvolutionMethod method, LayerGraph graph, NetworkAnalysis analysis) in methods)
        {
            using (terminal.Working($"Compiling {method.Name}"))
            {
                RunnableNetwork network = NetworkBuild.Compile(method.Declaration, CompilerOptions.Default);
                LoadedNetwork loaded = network.CreateRandom(1, set);
                PageBuffer input = new(network.InputShape.ElementCount, 0), output = new(network.OutputShape.ElementCount, 2048 + 64);
                SeededValues.FillInput(input.Span);
                all.Add((method, graph, analysis, network, loaded, input, output, new LatencySamples()));
            }
        }

        foreach (var item in all)
        {
            using (terminal.Working($"Warming up {item.Method.Name}"))
                LatencySamples.WarmUp(() => item.Loaded.ForwardOne(item.Input.Span, item.Output.Span), 40);
        }

        // In turns, because the clock and the neighbours of a machine change within a run.
        using (terminal.Working("Measuring"))
        {
            for (int round = 0; round < Rounds; round++)
            {
                foreach (var item in all)
                {
                    item.Loaded.ForwardOne(item.Input.Span, item.Output.Span);
                    item.Samples.TakeProcessorTime(() => item.Loaded.ForwardOne(item.Input.Span, item.Output.Span));
                }
            }
        }

        List<Choice> choices = [];
        foreach (var item in all)
        {
            (int height, int width) = ConvolutionMethod.ReceptiveField(item.Graph);
            choices.Add(new Choice(
                item.Method.Id, item.Method.Name, item.Method.Text, item.Analysis.Cost.Parameters, item.Analysis.Cost.MultiplyAdds, item.Samples.Median,
                (item.Analysis.Graph.Input.Count + item.Analysis.Graph.Output.Count) * sizeof(float) + item.Loaded.WorkspaceBytes + item.Loaded.PackedWeightBytes,
                LayerMemory.Layerwise(item.Graph).PeakBytes, height, width));
            item.Input.Dispose();
            item.Output.Dispose();
        }

        return choices;
    }

    internal static IEnumerable<Choice> Rank(IEnumerable<Choice> choices, Constraint constraint) => constraint switch
    {
        Constraint.Parameters => choices.OrderBy(c => c.Parameters).ThenBy(c => c.Seconds),
        Constraint.Flops => choices.OrderBy(c => c.MultiplyAdds).ThenBy(c => c.Seconds),
        Constraint.Memory => choices.OrderBy(c => c.CallBytes).ThenBy(c => c.Seconds),
        Constraint.ReceptiveField => choices.OrderByDescending(c => (long)c.ReceptiveHeight * c.ReceptiveWidth).ThenBy(c => c.Seconds),
        _ => choices.OrderBy(c => c.Seconds),
    };

    /// <summary>Where fewer multiply-adds are not faster: for each method the one that most clearly shows it, 5 % at least.</summary>
    internal static IEnumerable<string> Notes(IReadOnlyList<Choice> choices)
    {
        foreach (Choice few in choices)
        {
            Choice? many = choices.Where(c => c.MultiplyAdds > few.MultiplyAdds && c.Seconds * 1.05 < few.Seconds).MinBy(c => c.Seconds);
            if (many is not null)
            {
                yield return $"Fewer MACs are not faster here: {few.Name} has {Fewer(many.MultiplyAdds / (double)few.MultiplyAdds)} MACs than {many.Name} " +
                    $"and takes {Figures.Number(few.Seconds / many.Seconds, 2)} times as long ({Figures.Microseconds(few.Seconds)} against {Figures.Microseconds(many.Seconds)} us).";
            }
        }
    }

    private static string Fewer(double times) => times < 1.2 ? $"{Figures.Number(100 * (1 - (1 / times)), 0)} % fewer" : $"{Figures.Number(times, 1)} times fewer";

    private static void Print(LayerQuestion question, Constraint constraint, InstructionSet set, Choice[] choices, string[] notes, Terminal terminal)
    {
        string name = constraint == Constraint.ReceptiveField ? "receptive field" : constraint == Constraint.Flops ? "MACs" : constraint.ToString().ToLowerInvariant();
        terminal.Heading($"{question}, by {name}");
        terminal.Line($"{Machine.Processor}, {set.ToString().ToLowerInvariant()}");
        terminal.Line($"one thread, median processor time of {Rounds} calls in turns");
        terminal.Line();
        terminal.Table(
            [new("#"), Column.Text("method"), new("parameters"), new("MACs"), new("us"), new("GMAC/s"), new("MiB"), new("sees")],
            choices.Select((c, i) => (IReadOnlyList<string>)[
                FormattableString.Invariant($"{i + 1}"), Figures.Short(c.Name, 24), Figures.Count(c.Parameters), Figures.Macs(c.MultiplyAdds), Figures.Microseconds(c.Seconds),
                Figures.Number(c.MultiplyAdds / c.Seconds / 1e9, 1), Figures.Mebibytes(c.CallBytes), FormattableString.Invariant($"{c.ReceptiveHeight}x{c.ReceptiveWidth}")]));
        terminal.Paragraph($"First: {choices[0].Name}, [{choices[0].Declaration}].");
        terminal.Line("MiB: input, output, workspace and packed weights of one call.");
        terminal.Line("sees: pixels of the input under one output pixel.");
        foreach (string note in notes)
        {
            terminal.Line();
            terminal.Paragraph(note);
        }
    }
}

/// <summary>A method measured.</summary>
internal sealed record Choice(
    string Id, string Name, string Declaration, long Parameters, long MultiplyAdds, double Seconds, long CallBytes, long PeakBytesLayerwise, int ReceptiveHeight, int ReceptiveWidth);
