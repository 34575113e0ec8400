using System.CommandLine;
using System.Text.RegularExpressions;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary><c>generate</c>: the generated C#, and what the just-in-time compiler makes of it.</summary>
internal static partial class GenerateVerb
{
    /// <summary>Calls after which every method has reached its last form.</summary>
    private const int Calls = 300;

    public static Command Create(Terminal terminal)
    {
        InputOptions inputs = new();
        Option<bool> json = Options.Json();
        Option<DirectoryInfo?> output = new("--output", "-o") { Description = "Writes the files into this folder; without it they are printed.", HelpName = "folder" };
        Option<bool> asm = new("--asm") { Description = "The machine code instead, as the just-in-time compiler lists it." };
        Option<string> method = new("--method") { Description = "With --asm: only methods that match (* is any text); Pointwise*, Run, ...", DefaultValueFactory = _ => "*", HelpName = "pattern" };
        Option<InstructionSet> isa = Options.InstructionSet();
        Option<FileInfo?> schedule = Options.Schedule();
        Command command = new("generate", "The generated C# to look at, with the assembly of a kernel on request.") { output, asm, method, isa, schedule, json };
        inputs.AddTo(command);
        command.SetAction(parsed =>
        {
            InstructionSet set = Options.Resolve(parsed.GetValue(isa));
            if (parsed.GetValue(output) is { } target)
                OutputFile.CheckFolder("--output", target);
            CompilerOptions options = new(Overrides: Options.ReadSchedule(parsed.GetValue(schedule)));
            IReadOnlyList<NetworkInput> networks = inputs.Read(parsed, terminal);
            List<GeneratedSource> files = [];
            foreach (NetworkInput item in networks)
            {
                LayerGraph graph = item.Graph();
                Sources sources = new(NetworkCompiler.Compile(item.Declaration!, options).Sources);
                if (parsed.GetValue(asm))
                {
                    NetworkAnalysis analysis = NetworkAnalysis.Of(graph);
                    MemoryBound.Check($"Running {item.ShortName}", MemoryBound.Bytes(analysis.PlanFor(Options.Target(set)), analysis.Cost.Parameters));
                    files.Add(new GeneratedSource(ListingName(item, set), Assembly(item, sources, set, parsed.GetValue(method)!, terminal)));
                }
                else
                    files.AddRange(parsed.GetValue(output) is null && !parsed.GetValue(json) ? sources.Files.Where(f => f.HintName.EndsWith($".{Options.Target(set).Name}.g.cs", StringComparison.Ordinal)) : sources.Files);
            }

            if (parsed.GetValue(output) is { } folder)
                Write(folder, files);
            if (parsed.GetValue(json))
                terminal.Writer.WriteLine(Figures.Json(new { Files = files.Select(f => new { Name = f.HintName, Folder = parsed.GetValue(output)?.FullName, Text = parsed.GetValue(output) is null ? f.Text : null, f.Text.Length }) }));
            else if (parsed.GetValue(output) is not null)
                files.ForEach(f => terminal.Line(Path.Combine(parsed.GetValue(output)!.ToString(), f.HintName)));
            else
                files.ForEach(f => terminal.Writer.WriteLine(f.Text));
            return ExitCode.Success;
        });
        return command;
    }

    private static void Write(DirectoryInfo folder, List<GeneratedSource> files)
    {
        folder.Create();
        foreach (GeneratedSource file in files)
            OutputFile.Write(Path.Combine(folder.FullName, file.HintName), file.Text);
    }

    /// <summary>The name of a listing's file; not every system takes the brackets of type parameters in it.</summary>
    private static string ListingName(NetworkInput network, InstructionSet set) =>
        string.Concat($"{network.Name}.{set}.asm".ToLowerInvariant().Select(c => char.IsLetterOrDigit(c) || c is '.' or '_' ? c : '_'));

    /// <summary>Runs the network in a child whose just-in-time compiler writes down what it makes.</summary>
    private static string Assembly(NetworkInput network, Sources sources, InstructionSet set, string pattern, Terminal terminal)
    {
        string text;
        using (terminal.Working($"Running {network.ShortName}"))
            text = KernelListing.Of(network, sources.Files, set, pattern, Calls);
        if (text.Length > 0)
            return text;
        string[] methods = [.. sources.Files.Where(f => f.HintName.Contains($".{Options.Target(set).Name}.", StringComparison.Ordinal))
            .SelectMany(f => Method().Matches(f.Text).Select(m => m.Groups[1].Value)).Distinct()];
        throw new ToolException($"No method of {network.ShortName} matches \"{pattern}\"; there are: {string.Join(", ", methods)}.");
    }

    [GeneratedRegex(@"(?:public|private) static void (\w+)\(ref")]
    private static partial Regex Method();

    /// <summary>The files of one network.</summary>
    private sealed record Sources(Compiler.Model.EquatableArray<GeneratedSource> Files);
}
