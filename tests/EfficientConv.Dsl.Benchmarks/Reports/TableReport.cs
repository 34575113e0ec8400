using System.Globalization;
using Spectre.Console;

namespace EfficientConv.Dsl.Benchmarks.Reports;

/// <summary>The table for people.</summary>
internal static class TableReport
{
    private const int Width = 180, FewestRounds = 50;

    private sealed record Column(string Heading, Func<RowResult, string> Cell, bool IsText = false);

    /// <summary>Prints a table for each kind of row.</summary>
    public static void Print(RunResult run)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect });
        console.Profile.Width = Math.Max(console.Profile.Width, Width);
        foreach (IGrouping<string, RowResult> group in run.Rows.GroupBy(row => row.Table))
        {
            Column[] columns = [.. Columns(run, group)];
            Table table = new Table().Border(TableBorder.Minimal).Title(Markup.Escape(Title(group.Key, run)), Style.Plain);
            foreach (Column column in columns)
                table.AddColumn(new TableColumn(column.Heading).Alignment(column.IsText ? Justify.Left : Justify.Right).NoWrap());
            foreach (RowResult row in group.Where(row => row.Error is null))
                table.AddRow([.. columns.Select(column => new Markup(column.Cell(row)))]);
            console.Write(table);
        }

        foreach (RowResult row in run.Rows.Where(row => row.Error is not null))
            console.MarkupLineInterpolated($"[red]failed[/] {row.Table}/{row.Name}: {row.Error}");
        int[] judged = [.. run.Rows.Where(row => row.Met is not null).Select(row => row.Met == true ? 1 : 0)];
        if (judged.Length > 0)
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{judged.Sum()} of {judged.Length} targets met");
        int disturbed = run.Rows.Count(row => row.Error is null && row.IsDisturbed);
        if (disturbed > 0)
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"* disturbed, {disturbed} row(s): most rounds with the core taken away, or its peak below nine tenths of its best. The minima say more there.");
        if (run.BusySibling)
            console.WriteLine("A second process loaded and stored on the core's other hardware thread all the time.");
        if (run.Rows.Any(row => row.Error is null && row.Rounds < FewestRounds))
            console.WriteLine($"Fewer than {FewestRounds} rounds: not for publishing.");
        if (run.Note is { } note)
            console.MarkupLineInterpolated($"{note}");
    }

    private static IEnumerable<Column> Columns(RunResult run, IEnumerable<RowResult> rows)
    {
        bool hasPeer = rows.Any(row => row.PeerMs is not null), hasAot = run.Rows.Any(row => row.AotMs is not null);
        yield return new Column("name", row => Markup.Escape(row.Name) + (row.IsDisturbed ? " *" : string.Empty), IsText: true);
        yield return new Column("M MACs", row => Number(row.Macs / 1e6, 1));
        yield return new Column("ours ms", row => Number(row.OursMs, 4));
        yield return new Column("min", row => Number(row.OursMinMs, 4));
        if (hasPeer)
        {
            yield return new Column("peer ms", row => Number(row.PeerMs, 4));
            yield return new Column("min", row => Number(row.PeerMinMs, 4));
            yield return new Column("ratio", row => Number(row.Ratio, 2));
            yield return new Column("of min", row => Number(row.MinRatio, 2));
        }

        yield return new Column("target", Target);
        yield return new Column(string.Empty, row => row.Met switch { true => "[green]met[/]", false => "[red]not met[/]", null => string.Empty }, IsText: true);
        yield return new Column("GFLOP/s", row => Number(row.Gflops, 1));
        yield return new Column("% peak", row => Number(row.PercentOfPeak, 1));
        yield return new Column("of min", row => Number(row.MinPercentOfPeak, 1));
        yield return new Column("isa", row => row.Isa ?? string.Empty, IsText: true);
        yield return new Column("workspace", row => Number(row.WorkspaceBytes, 0));
        yield return new Column("alloc", row => Number(row.AllocatedBytes, 0));
        if (hasAot)
        {
            yield return new Column("AOT ms", row => Number(row.AotMs, 4));
            yield return new Column("AOT/JIT", row => Number(row.AotOverJit, 3));
        }
    }

    private static string Title(string table, RunResult run) => table switch
    {
        "alone" => $"Alone: NCHW in and out ({run.Peer ?? "no peer"}, {run.Threads} thread(s), {run.Runtime})",
        "chain" => "Inside a network: one more block, (time of five - time of one) / 4",
        "own" => "Our side with NHWC spans: percent of the core's peak",
        _ => table,
    };

    private static string Target(RowResult row) =>
        row.Target is { } ratio ? Number(ratio, 2) + (row.TargetWinograd is { } winograd ? $" ({Number(winograd, 1)} Winograd)" : string.Empty)
        : row.TargetPercent is { } percent ? Number(percent, 0) + (row.TargetMedianPercent is { } median ? $" / {Number(median, 0)} %" : " %")
        : string.Empty;

    private static string Number(double? value, int decimals) => value?.ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) ?? string.Empty;
}
