using Spectre.Console;

namespace EfficientConv.Dsl.Cli.Output;

/// <summary>Where results, progress and errors go: results to standard output, the rest to standard error.</summary>
internal sealed class Terminal
{
    /// <summary>Lines are never longer, whatever the window.</summary>
    public const int Columns = 80;

    private readonly TextWriter _error;
    private readonly bool _showsProgress;
    private readonly bool _isWatched;

    public Terminal(TextWriter output, TextWriter error)
    {
        _error = error;
        Writer = output;
        _isWatched = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected;
        _showsProgress = ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected;
    }

    /// <summary>Standard output.</summary>
    public TextWriter Writer { get; }

    /// <summary>A line of plain text.</summary>
    public void Line(string text = "") => Writer.WriteLine(text);

    /// <summary>A heading.</summary>
    public void Heading(string text) => Write(new Markup($"[bold]{Markup.Escape(text)}[/]"));

    /// <summary>Text of any length, broken at words.</summary>
    public void Paragraph(string text) => Write(new Paragraph(text));

    /// <summary>A table.</summary>
    public void Table(IReadOnlyList<Column> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        Table table = new() { Border = TableBorder.Simple, UseSafeBorder = false };
        foreach (Column column in columns)
        {
            TableColumn added = new(new Markup($"[bold]{Markup.Escape(column.Title)}[/]")) { NoWrap = !column.Wraps, Padding = new Padding(0, 0, 0, 0) };
            table.AddColumn(column.IsNumber ? added.RightAligned() : added.LeftAligned());
        }

        foreach (IReadOnlyList<string> row in rows)
            table.AddRow([.. row.Select(cell => new Text(cell))]);
        Write(table);
        Line();
    }

    /// <summary>Figures with their names.</summary>
    public void Facts(IEnumerable<(string Name, string Value)> facts)
    {
        Grid grid = new Grid().AddColumn(new GridColumn { NoWrap = true, Padding = new Padding(0, 0, 2, 0) }).AddColumn(new GridColumn { Padding = new Padding(0, 0, 0, 0) });
        foreach ((string name, string value) in facts)
            grid.AddRow(new Text(name), new Text(value));
        Write(grid);
    }

    /// <summary>Draws without the blanks that fill lines up, and without colours where nobody watches.</summary>
    private void Write(Spectre.Console.Rendering.IRenderable what)
    {
        using StringWriter drawn = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(drawn), Ansi = _isWatched ? AnsiSupport.Detect : AnsiSupport.No, ColorSystem = _isWatched ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        console.Profile.Width = Columns;
        console.Profile.Capabilities.Unicode = true;
        console.Write(what);
        foreach (string line in drawn.ToString().TrimEnd().Split('\n').SkipWhile(string.IsNullOrWhiteSpace))
            Writer.WriteLine(line.TrimEnd());
    }

    /// <summary>A line of errors.</summary>
    public void Error(string text) => _error.WriteLine(text);

    /// <summary>Tells on standard error what takes time; only where somebody watches.</summary>
    public IDisposable Working(string what)
    {
        if (_showsProgress)
            _error.Write($"\r\u001b[2K{(what.Length >= Columns ? what[..(Columns - 4)] + "..." : what + " ...")}");
        return new Ended(this);
    }

    private sealed class Ended(Terminal terminal) : IDisposable
    {
        public void Dispose()
        {
            if (terminal._showsProgress)
                terminal._error.Write("\r\u001b[2K");
        }
    }
}

/// <summary>A column of a table.</summary>
internal readonly record struct Column(string Title, bool IsNumber = true, bool Wraps = false)
{
    public static Column Text(string title, bool wraps = false) => new(title, IsNumber: false, wraps);
}
