using System.CommandLine;
using EfficientConv.Dsl.Cli.Input;
using EfficientConv.Dsl.Cli.Output;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary>What a verb reads: files, folders, projects and assemblies; which network of them, and a project for which framework.</summary>
/// <param name="required">Whether something must be given.</param>
internal sealed class InputOptions(bool required = true)
{
    private readonly Argument<string[]> _paths = Options.Inputs(required);
    private readonly Option<string?> _network = Options.Network();
    private readonly Option<string?> _framework = new("--framework", "-f")
    {
        Description = "Reads a project for this one of its frameworks, net10.0 for example.", HelpName = "framework",
    };

    public void AddTo(Command command)
    {
        command.Add(_paths);
        command.Add(_network);
        command.Add(_framework);
    }

    /// <summary>What is to be read; empty where it may be left out.</summary>
    public string[] Paths(ParseResult parsed) => parsed.GetValue(_paths) ?? [];

    /// <summary>The networks.</summary>
    /// <exception cref="ToolException">There are none, or one has a mistake.</exception>
    public IReadOnlyList<NetworkInput> Read(ParseResult parsed, Terminal terminal) =>
        NetworkInputs.Read(Paths(parsed), parsed.GetValue(_network), terminal, parsed.GetValue(_framework));
}
