using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Cli.Verbs;
using EfficientConv.Dsl.Measuring;

namespace EfficientConv.Dsl.Cli;

/// <summary>The efficientconv tool. Exit codes are those of <see cref="ExitCode"/>.</summary>
internal static class Program
{
    private const string Description =
        "Costs, memory, measurements and schedules of convolutional networks declared with EfficientConv.Dsl attributes. " +
        "Exit codes: 0 done; 1 a network has a mistake or a check failed; 2 the command line or a file is wrong, or the tool was stopped or failed.";

    private static int Main(string[] arguments)
    {
        if (arguments is [ChildProcess.Verb, ..])
            return Failure.Guard(() => ChildProcess.Run(arguments), Console.Error);
        if (arguments is [BusySibling.Verb, ..])
            return Failure.Guard(() => BusySibling.Run(arguments), Console.Error);
        IReadOnlyList<IDisposable> stops = Failure.EndWhenStopped();
        int exitCode = Invoke(arguments, Console.Out, Console.Error);
        GC.KeepAlive(stops);
        return exitCode;
    }

    /// <summary>Runs a command line; whatever happens, it ends with one of <see cref="ExitCode"/>.</summary>
    public static int Invoke(string[] arguments, TextWriter output, TextWriter error) => Failure.Guard(() => Run(arguments, output, error), error);

    /// <summary>Reads a command line; nothing is done yet.</summary>
    public static ParseResult Parse(string[] arguments, Terminal terminal)
    {
        RootCommand root = new(Description);
        foreach (Command verb in CreateVerbs(terminal))
            root.Add(verb);
        root.Options.OfType<HelpOption>().Single().Action = new HelpAction { MaxWidth = Terminal.Columns };

        // @name is a class here and no file of arguments.
        return root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
    }

    private static int Run(string[] arguments, TextWriter output, TextWriter error)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        ParseResult parsed = Parse(arguments, new Terminal(output, error));
        InvocationConfiguration configuration = new() { Output = output, Error = error, EnableDefaultExceptionHandler = false };
        if (parsed.Errors.Count == 0)
            return parsed.Invoke(configuration);
        foreach (System.CommandLine.Parsing.ParseError mistake in parsed.Errors)
            error.WriteLine($"error: {mistake.Message}");
        string verbName = parsed.CommandResult.Command is RootCommand ? string.Empty : " " + parsed.CommandResult.Command.Name;
        error.WriteLine($"Run 'efficientconv{verbName} --help' for what there is.");
        return ExitCode.Usage;
    }

    private static IEnumerable<Command> CreateVerbs(Terminal terminal) =>
    [
        ReportVerb.Create(terminal),
        MemoryVerb.Create(terminal),
        BenchVerb.Create(terminal),
        ChooseVerb.Create(terminal),
        GenerateVerb.Create(terminal),
        ThroughputVerb.Create(terminal),
        ValidateVerb.Create(terminal),
        TuneVerb.Create(terminal),
        ImportVerb.Create(terminal),
    ];
}
