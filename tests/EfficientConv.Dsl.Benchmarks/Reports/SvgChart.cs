using System.Globalization;
using System.Security;
using System.Text;

namespace EfficientConv.Dsl.Benchmarks.Reports;

/// <summary>Draws a run as horizontal bars: the ratio to the peer, or percent of the peak where there is no peer.</summary>
internal static class SvgChart
{
    private const int Width = 960, LabelWidth = 240, ValueWidth = 200, RowHeight = 22, BarHeight = 14, Margin = 16, HeadingHeight = 46;

    /// <summary>The drawing as text.</summary>
    public static string Draw(RunResult run)
    {
        IGrouping<string, RowResult>[] groups = [.. run.Rows.Where(row => row.OursMs is not null).GroupBy(row => row.Table)];
        int height = (2 * Margin) + groups.Sum(group => HeadingHeight + (group.Count() * RowHeight) + Margin) + RowHeight;
        StringBuilder svg = new();
        Line(svg, $"""<svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{height}" viewBox="0 0 {Width} {height}" font-family="system-ui, sans-serif" font-size="12">""");
        Line(svg, $"""<rect width="{Width}" height="{height}" fill="#ffffff"/>""");
        int top = Margin;
        foreach (IGrouping<string, RowResult> group in groups)
            top = DrawGroup(svg, group.Key, [.. group], run, top);
        Line(svg, $"""<text x="{Margin}" y="{top + 12}" fill="#5f6b7a">{Escape($"{run.Processor}; {run.Runtime}; {run.Threads} thread{(run.Threads == 1 ? string.Empty : "s")}")}</text>""");
        Line(svg, $"</svg>");
        return svg.ToString();
    }

    private static int DrawGroup(StringBuilder svg, string table, RowResult[] rows, RunResult run, int top)
    {
        bool isRatio = rows.Any(row => row.Ratio is not null);
        // One scale for all ratios, so that bars of different tables can be compared.
        double largest = isRatio ? run.Rows.Max(row => Math.Max(row.Ratio ?? 1, row.Target ?? 1)) : 100;
        double scale = (Width - LabelWidth - ValueWidth - (3 * Margin)) / largest;
        double left = LabelWidth + Margin;
        int bottom = top + HeadingHeight + (rows.Length * RowHeight);
        Line(svg, $"""<text x="{Margin}" y="{top + 14}" font-size="14" font-weight="600" fill="#1b2430">{Escape(Heading(table, isRatio, run))}</text>""");

        double reference = isRatio ? 1 : 100;
        Line(svg, $"""<line x1="{left + (reference * scale):F1}" y1="{top + HeadingHeight - 6}" x2="{left + (reference * scale):F1}" y2="{bottom}" stroke="#8a94a3" stroke-dasharray="3 3"/>""");
        Line(svg, $"""<text x="{left + (reference * scale):F1}" y="{top + HeadingHeight - 10}" text-anchor="middle" fill="#5f6b7a">{(isRatio ? Escape(run.Peer ?? "peer") + " = 1" : "peak = 100 %")}</text>""");
        int y = top + HeadingHeight;
        foreach (RowResult row in rows)
        {
            DrawRow(svg, row, isRatio, left, scale, y);
            y += RowHeight;
        }

        return bottom + Margin;
    }

    private static void DrawRow(StringBuilder svg, RowResult row, bool isRatio, double left, double scale, int y)
    {
        double value = Value(row, isRatio) ?? 0;
        int barTop = y + ((RowHeight - BarHeight) / 2), baseline = y + 15;
        Line(svg, $"""<text x="{left - 8:F1}" y="{baseline}" text-anchor="end" fill="#1b2430">{Escape(row.Name)}</text>""");
        Line(svg, $"""<rect x="{left:F1}" y="{barTop}" width="{Math.Max(value, 0) * scale:F1}" height="{BarHeight}" rx="2" fill="#2f6fb7"/>""");
        if (Target(row, isRatio) is { } target)
            Line(svg, $"""<rect x="{left + (target * scale) - 1:F1}" y="{barTop - 3}" width="2.5" height="{BarHeight + 6}" fill="#d9480f"/>""");
        int end = Width - ValueWidth - Margin;
        string figures = isRatio
            ? FormattableString.Invariant($"{value:F2}   {row.OursMs:F3} ms against {row.PeerMs:F3} ms")
            : FormattableString.Invariant($"{value:F1} %   {row.OursMs:F3} ms");
        Line(svg, $"""<text x="{end}" y="{baseline}" fill="#1b2430" xml:space="preserve">{figures}</text>""");
    }

    private static double? Value(RowResult row, bool isRatio) => isRatio ? row.Ratio : row.PercentOfPeak;

    private static double? Target(RowResult row, bool isRatio) => isRatio ? row.Target : row.TargetPercent;

    private static string Heading(string table, bool isRatio, RunResult run) => (table switch
    {
        "alone" => "Alone, NCHW in and out: ",
        "chain" => "One more block inside a network: ",
        "own" => "NHWC in and out: ",
        _ => table + ": ",
    }) + (isRatio ? $"{run.Peer ?? "peer"} time / our time (tick: target)" : "percent of the core's peak (tick: target)");

    private static void Line(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string Escape(string text) => SecurityElement.Escape(text);
}
