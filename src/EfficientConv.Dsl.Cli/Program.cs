using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Cli.Verbs;

namespace EfficientConv.Dsl.Cli;

/// <summary>The efficientconv tool. Exit codes are those of <see cref="ExitCode"/>.</summary>
internal static class Program
{
    private const string Description =
        "Costs, memory, measurements and schedules of convolutional networks declared with EfficientConv.Dsl attributes. " +
        "Exit codes: 0 done; 1 a network has a mistake or a check failed; 2 the command line or a file is wrong.";

    private static int Main(string[] arguments) => arguments is [ChildProcess.Verb, ..] ? ChildProcess.Run(arguments) : Invoke(arguments, Console.Out, Console.Error);

    /// <summary>Runs a command line.</summary>
    public static int Invoke(string[] arguments, TextWriter output, TextWriter error)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        Terminal terminal = new(output, error);
        RootCommand root = new(Description);
        foreach (Command verb in CreateVerbs(terminal))
            root.Add(verb);
        root.Options.OfType<HelpOption>().Single().Action = new HelpAction { MaxWidth = Terminal.Columns };
        ParseResult parsed = root.Parse(arguments);
        InvocationConfiguration configuration = new() { Output = output, Error = error, EnableDefaultExceptionHandler = false };
        if (parsed.Errors.Count > 0)
        {
            foreach (System.CommandLine.Parsing.ParseError mistake in parsed.Errors)
                error.WriteLine($"error: {mistake.Message}");
            string verb = parsed.CommandResult.Command is RootCommand ? string.Empty : " " + parsed.CommandResult.Command.Name;
            error.WriteLine($"Run 'efficientconv{verb} --help' for what there is.");
            return ExitCode.Usage;
        }

        try
        {
            return parsed.Invoke(configuration);
        }
        catch (ToolException exception)
        {
            if (exception.Message.Length > 0)
                error.WriteLine(exception.ExitCode == ExitCode.Failed && exception.Message.Contains(": error ", StringComparison.Ordinal) ? exception.Message : $"error: {exception.Message}");
            return exception.ExitCode;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"error: {exception.Message}");
            return ExitCode.Usage;
        }
    }

    private static IEnumerable<Command> CreateVerbs(Terminal terminal) =>
    [
        ReportVerb.Create(terminal),
        MemoryVerb.Create(terminal),
        BenchVerb.Create(terminal),
        ChooseVerb.Create(terminal),
        GenerateVerb.Create(terminal),
        ValidateVerb.Create(terminal),
        TuneVerb.Create(terminal),
    ];
}
